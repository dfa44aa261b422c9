"""Initial weights as the founding note's code drew them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tf_keras as keras

from tests.conftest import SMALL, same_arrays
from tflottery.errors import UserError
from tflottery.models import weights
from tflottery.models.architecture import Initializers
from tflottery.models.shipped.cnn import Cnn
from tflottery.models.shipped.lstm import Lstm

WORDS, TABLE = 400, "embedding/embeddings"
WIDE = {
    "cnn": Cnn(embedding=50, widths=(3,), filters=80),
    "lstm": Lstm(embedding=50, units=40, layers=2, forget_bias=False),
}


def drawn(network, seed: int = 1, words: int = WORDS) -> dict[str, np.ndarray]:
    return weights.get(network.build(words, 2, Initializers(seed)))


@pytest.mark.parametrize("model", sorted(SMALL))
def test_normal_embeddings_have_their_deviation_and_zeros_for_what_is_no_word(model):
    network = dataclasses.replace(
        SMALL[model], embedding=64, embedding_init="normal", embedding_scale=1.0
    )
    table = drawn(network)[TABLE]
    assert not table[:2].any() and np.all(table[2:])
    assert abs(table[2:].mean()) < 0.03 and abs(table[2:].std() - 1) < 0.03
    assert np.abs(table).max() > 3  # not cut off
    half = drawn(dataclasses.replace(network, embedding_scale=0.5))[TABLE]
    np.testing.assert_allclose(half, table / 2, rtol=1e-6)
    assert same_arrays(drawn(network), drawn(network))
    assert not np.array_equal(drawn(network, seed=2)[TABLE], table)


@pytest.mark.parametrize(
    ("model", "kind", "tensor", "deviation"),
    [
        ("cnn", "xavier_normal", "conv_3/kernel", np.sqrt(2 / (3 * 50 + 3 * 80))),
        # What torch.nn.init.xavier_normal_ gives a Conv2d of 80 filters of 3 x 50.
        ("cnn", "xavier_normal_2d", "conv_3/kernel", np.sqrt(2 / (3 * 50 + 80 * 3 * 50))),
        ("lstm", "xavier_normal", "lstm_forward_1/kernel", np.sqrt(2 / (50 + 4 * 40))),
        ("lstm", "xavier_normal", "lstm_backward_2/kernel", np.sqrt(2 / (80 + 4 * 40))),
        ("lstm", "xavier_normal", "head/kernel", np.sqrt(2 / (80 + 1))),
        ("cnn", "xavier_normal_2d", "head/kernel", np.sqrt(2 / (80 + 1))),
    ],
)
def test_xavier_normal_has_the_deviation_that_pytorch_gives(model, kind, tensor, deviation):
    network = dataclasses.replace(WIDE[model], kernel_init=kind)
    seen = np.concatenate([drawn(network, seed)[tensor].ravel() for seed in range(20)])
    assert abs(seen.std() / deviation - 1) < 0.06
    # Keras' own glorot_normal is cut off at two deviations of what it draws from.
    assert np.mean(np.abs(seen) > 2.3 * deviation) > 0.005


def test_recurrent_kernels_stay_orthogonal_and_biases_zero():
    arrays = drawn(dataclasses.replace(WIDE["lstm"], kernel_init="xavier_normal"))
    plain = drawn(WIDE["lstm"])
    for name, array in arrays.items():
        if name.endswith("recurrent_kernel"):
            assert np.array_equal(array, plain[name])
            np.testing.assert_allclose(array @ array.T, np.eye(40), atol=1e-5)
        if name.endswith("bias"):
            assert not array.any()


def test_a_network_is_copied_from_its_configuration():
    network = dataclasses.replace(
        SMALL["cnn"], embedding_init="normal", kernel_init="xavier_normal"
    )
    model = network.build(WORDS, 2, Initializers(3))
    copy = keras.Model.from_config(model.get_config())
    assert same_arrays(weights.get(copy), weights.get(model))


@pytest.mark.parametrize(
    "changes", [{"embedding_init": "gaussian"}, {"kernel_init": "xavier"}, {"embedding_init": 1}]
)
@pytest.mark.parametrize("model", sorted(SMALL))
def test_what_there_is_not_is_refused(model, changes):
    with pytest.raises(UserError, match=f"model.{next(iter(changes))} is"):
        dataclasses.replace(SMALL[model], **changes)


def test_only_filters_can_be_of_a_picture():
    with pytest.raises(UserError, match=r"model\.kernel_init is not 'xavier_normal_2d'"):
        Lstm(kernel_init="xavier_normal_2d")
