"""Architectures: padding never counts, names are stable, seeds decide the weights."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import SMALL, same_arrays
from tflottery.errors import UserError
from tflottery.models import weights
from tflottery.models.architecture import Initializers
from tflottery.models.cnn import Cnn
from tflottery.models.layers import SeededDropout
from tflottery.models.lstm import Lstm

WORDS = 30
SIZES = [
    *SMALL.values(),
    Cnn(embedding=4, widths=(4,), filters=3),
    Lstm(embedding=4, units=3, layers=1, bidirectional=False),
    Lstm(embedding=4, units=3, layers=2, pooling="max"),
    Lstm(embedding=4, units=3, layers=1, bidirectional=False, pooling="max", forget_bias=False),
]
MODELS = [size.build(WORDS, 2, Initializers(3)) for size in SIZES]
for _model in MODELS:
    # Large weights, so that an influence of padding would show.
    weights.put(
        _model,
        {name: np.asarray(value * 4 + 0.1) for name, value in weights.get(_model).items()},
    )


@pytest.mark.parametrize("model", MODELS, ids=range(len(MODELS)))
@settings(max_examples=15)
@given(
    text=st.lists(st.integers(1, WORDS - 1), min_size=1, max_size=12),
    padding=st.integers(0, 20),
    others=st.integers(0, 3),
)
def test_padding_and_company_never_change_a_score(model, text, padding, others):
    alone = model(np.array([text], np.int32)).numpy()[0]
    batch = np.zeros((1 + others, len(text) + padding), np.int32)
    batch[0, : len(text)] = text
    batch[1:, :] = 7
    assert model(batch).numpy()[0] == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("size", SIZES, ids=range(len(SIZES)))
def test_the_seed_decides_the_weights_and_nothing_else_does(size):
    one, again, other = (
        weights.get(size.build(WORDS, 2, Initializers(seed))) for seed in (1, 1, 2)
    )
    assert same_arrays(one, again)
    assert all(
        not np.array_equal(one[name], other[name]) for name in one if not name.endswith("bias")
    )
    assert all(np.unique(value).size > 1 for name, value in one.items() if "bias" not in name)


def test_tensor_names():
    assert set(weights.variables(MODELS[0])) == {
        "embedding/embeddings",
        *(f"conv_{width}/{part}" for width in (2, 3) for part in ("kernel", "bias")),
        "head/kernel",
        "head/bias",
    }
    assert "lstm_backward_1/recurrent_kernel" in weights.variables(MODELS[1])


def test_weights_of_another_network_are_refused():
    with pytest.raises(ValueError, match="not those of model"):
        weights.put(MODELS[0], weights.get(MODELS[1]))


@pytest.mark.parametrize("classes", [2, 3])
def test_one_logit_for_two_classes_one_each_for_more(classes):
    model = SIZES[0].build(WORDS, classes, Initializers(1))
    assert model(np.ones((5, 4), np.int32)).shape == (5, 1 if classes == 2 else classes)


def test_bidirectional_reads_both_ways():
    model = MODELS[1]
    text = np.arange(1, 9, dtype=np.int32)[np.newaxis]
    assert model(text).numpy() != pytest.approx(model(text[:, ::-1]).numpy(), abs=1e-4)


def test_gates_are_in_keras_order():
    model = Lstm(embedding=4, units=3, bidirectional=False).build(WORDS, 2, Initializers(1))
    bias = weights.get(model)["lstm_forward_1/bias"]
    gates = dict(zip(SIZES[1].gates("lstm_forward_1/kernel"), np.split(bias, 4), strict=True))
    # The forget gate alone begins at one.
    assert gates["forget"].tolist() == [1, 1, 1] and not gates["input"].any()
    assert SIZES[0].gates("conv_3/kernel") == ()


def test_dropout_follows_its_seed_and_is_off_outside_training():
    layer, x = SeededDropout(0.5), tf.ones([8, 8])
    draws = []
    for seed in (1, 1, 2):
        layer.reseed(seed)
        draws.append([layer(x, training=True).numpy() for _ in range(2)])
    assert np.array_equal(draws[0], draws[1]) and not np.array_equal(draws[0], draws[2])
    assert not np.array_equal(draws[0][0], draws[0][1])
    assert np.array_equal(layer(x, training=False), x)
    assert set(np.unique(draws[0])) == {0, 2}


def test_whole_words_are_dropped_together():
    layer, words = SeededDropout(0.5, whole=True), tf.ones([4, 8, 3])
    layer.reseed(1)
    dropped = layer(words, training=True).numpy()
    assert set(np.unique(dropped)) == {0, 2}
    assert (dropped == dropped[..., :1]).all()
    assert 4 < dropped[..., 0].astype(bool).sum() < 28


@pytest.mark.parametrize(
    "make",
    [
        lambda: Cnn(widths=()),
        lambda: Cnn(widths=(3, 3)),
        lambda: Lstm(layers=0),
        lambda: Lstm(pooling="mean"),
    ],
)
def test_impossible_sizes_are_refused(make):
    with pytest.raises(UserError, match=r"model\."):
        make()
