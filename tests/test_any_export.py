"""The SavedModel of a network that a user brings gives the scores of the Keras model."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tests.exported import CLASSES, VOCABULARY
from tests.networks import Brought
from tflottery.data.encoded import Encoded
from tflottery.exports.network import Network
from tflottery.exports.saved_model import IDS, class_logits, save, score
from tflottery.exports.verification import scorer, verify
from tflottery.models import weights
from tflottery.models.architecture import Initializers
from tflottery.models.brought.padding import padding_difference


@pytest.mark.parametrize(
    "name", [pytest.param("both_ways", marks=pytest.mark.long), "convolutions", "encoder", "frozen"]
)
def test_a_saved_model_has_the_networks_tensors_and_scores(name, tmp_path):
    plain = Brought(name).build(len(VOCABULARY), 2, Initializers(3))
    random = np.random.default_rng(1)
    drawn = {
        tensor: (value + random.uniform(0, 0.4, value.shape)).astype(np.float32)
        if tensor.endswith("variance")
        else (value + random.normal(0, 0.4, value.shape)).astype(np.float32)
        for tensor, value in weights.get(plain).items()
    }
    weights.put(plain, drawn)
    network = Network(Brought(name), len(VOCABULARY), CLASSES, 9, drawn)
    save(network, VOCABULARY, tmp_path)
    loaded = tf.saved_model.load(str(tmp_path))
    kept = sorted(tuple(variable.shape) for variable in loaded.weights.values())
    assert kept == sorted(value.shape for value in drawn.values())
    ids = random.integers(1, len(VOCABULARY), (4, 9)).astype(np.int32)
    served = loaded.signatures[IDS](ids=tf.constant(ids))["score"]
    expected = score(class_logits(plain(ids, training=False), 2))
    assert served.numpy() == pytest.approx(expected.numpy(), abs=1e-6)
    assert np.ptp(expected.numpy()) > 1e-4


def test_padding_that_changes_scores_is_read_alike_by_an_export_and_its_check(tmp_path):
    # Its convolutions read what stands beside a word.
    architecture = Brought("convolutions")
    plain = architecture.build(len(VOCABULARY), 2, Initializers(3))
    network = Network(architecture, len(VOCABULARY), CLASSES, 30, weights.get(plain))
    save(network, VOCABULARY, tmp_path)
    random = np.random.default_rng(1)
    lengths = random.integers(1, 14, 40)
    texts = Encoded(
        random.integers(2, len(VOCABULARY), lengths.sum()).astype(np.int32),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.zeros(40, np.int32),
    )
    assert padding_difference(plain, len(VOCABULARY)) > 1e-3
    assert verify(tmp_path, network, VOCABULARY, scorer(plain), texts) < 1e-5
