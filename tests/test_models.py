"""Architectures: padding never counts, names are stable, seeds decide the weights."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import SMALL, is_prunable, same_arrays
from tflottery.errors import UserError
from tflottery.models import weights
from tflottery.models.architecture import Initializers
from tflottery.models.shipped.attention import Attention
from tflottery.models.shipped.cnn import Cnn
from tflottery.models.shipped.gru import Gru
from tflottery.models.shipped.layers import MeanOverTime, SeededDropout
from tflottery.models.shipped.lstm import Lstm
from tflottery.models.shipped.transformer import Transformer

WORDS = 30
SIZES = [
    *SMALL.values(),
    Cnn(embedding=4, widths=(4,), filters=3),
    Lstm(embedding=4, units=3, layers=1, bidirectional=False),
    Lstm(embedding=4, units=3, layers=2, pooling="max"),
    Lstm(embedding=4, units=3, layers=1, bidirectional=False, pooling="max", forget_bias=False),
    Gru(embedding=4, units=3, layers=2, pooling="max"),
    Gru(embedding=4, units=3, layers=1, bidirectional=False),
    Gru(embedding=4, units=3, layers=1, pooling="mean"),
    Transformer(embedding=4, heads=1, feed_forward=3, layers=2, positions=7),
]


@functools.cache
def model_of(size: int) -> keras.Model:
    """The network of ``SIZES[size]``. Its weights are large, so that an influence of padding
    would show."""
    model = SIZES[size].build(WORDS, 2, Initializers(3))
    large = {name: np.asarray(value * 4 + 0.1) for name, value in weights.get(model).items()}
    weights.put(model, large)
    return model


@pytest.mark.parametrize("size", range(len(SIZES)))
@settings(max_examples=15)
@given(
    text=st.lists(st.integers(1, WORDS - 1), min_size=1, max_size=12),
    padding=st.integers(0, 20),
    others=st.integers(0, 3),
)
def test_padding_and_company_never_change_a_score(size, text, padding, others):
    model = model_of(size)
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
    drawn = [name for name in one if is_prunable(name)]
    assert all(not np.array_equal(one[name], other[name]) for name in drawn)
    assert all(np.unique(one[name]).size > 1 for name in drawn)
    # Tensors of one shape have streams of their own.
    assert len({one[name].tobytes() for name in drawn}) == len(drawn)


def test_tensor_names():
    assert set(weights.variables(model_of(0))) == {
        "embedding/embeddings",
        *(f"conv_{width}/{part}" for width in (2, 3) for part in ("kernel", "bias")),
        "head/kernel",
        "head/bias",
    }
    assert "lstm_backward_1/recurrent_kernel" in weights.variables(model_of(1))
    assert {"gru_forward_1/kernel", "gru_backward_1/bias"} <= set(weights.variables(model_of(2)))
    assert set(weights.variables(model_of(3))) == {
        "embedding/embeddings",
        "positions/embeddings",
        "key_1/kernel",
        *(
            f"{layer}/{part}"
            for layer in ("query_1", "value_1", "attention_1", "units_1", "feed_forward_1", "head")
            for part in ("kernel", "bias")
        ),
        *(
            f"{norm}/{part}"
            for norm in ("attention_norm_1", "units_norm_1", "norm")
            for part in ("gamma", "beta")
        ),
    }


def test_weights_of_another_network_are_refused():
    with pytest.raises(ValueError, match="not those of model"):
        weights.put(model_of(0), weights.get(model_of(1)))


@pytest.mark.parametrize("classes", [2, 3])
def test_one_logit_for_two_classes_one_each_for_more(classes):
    model = SIZES[0].build(WORDS, classes, Initializers(1))
    assert model(np.ones((5, 4), np.int32)).shape == (5, 1 if classes == 2 else classes)


@pytest.mark.parametrize("size", [1, 2, 3], ids=["lstm", "gru", "transformer"])
def test_the_order_of_words_counts(size):
    model = model_of(size)
    text = np.arange(1, 9, dtype=np.int32)[np.newaxis]
    assert model(text).numpy() != pytest.approx(model(text[:, ::-1]).numpy(), abs=1e-4)


def test_gates_are_in_keras_order():
    model = Lstm(embedding=4, units=3, bidirectional=False).build(WORDS, 2, Initializers(1))
    bias = weights.get(model)["lstm_forward_1/bias"]
    gates = dict(zip(SIZES[1].gates("lstm_forward_1/kernel"), np.split(bias, 4), strict=True))
    # The forget gate alone begins at one.
    assert gates["forget"].tolist() == [1, 1, 1] and not gates["input"].any()
    assert SIZES[0].gates("conv_3/kernel") == ()


def test_gates_of_a_gru_are_in_keras_order():
    gru = SMALL["gru"]
    kernel = "gru_forward_1/recurrent_kernel"
    assert gru.gates(kernel) == ("update", "reset", "candidate")
    model = gru.build(WORDS, 2, Initializers(1))
    # At update gates of one a state stays at its beginning.
    bias = np.zeros(15, np.float32)
    bias[:5] = 50
    weights.put(
        model, {**weights.get(model), "gru_forward_1/bias": bias, "gru_backward_1/bias": bias}
    )
    scores = model(np.array([[3, 4], [5, 6]], np.int32)).numpy()
    assert scores == pytest.approx(np.zeros((2, 1)), abs=1e-6)


def test_words_beyond_the_positions_share_the_last_one():
    """Their order does not count any more; that of the words before does."""
    model = Transformer(embedding=4, heads=2, feed_forward=6, positions=3).build(
        WORDS, 2, Initializers(2)
    )
    weights.put(model, {name: value * 4 + 0.1 for name, value in weights.get(model).items()})
    one, beyond, before = model(
        np.array([[5, 6, 7, 8, 9], [5, 6, 9, 7, 8], [6, 5, 7, 8, 9]], np.int32)
    ).numpy()
    assert beyond == pytest.approx(one, abs=1e-5)
    assert before != pytest.approx(one, abs=1e-4)


def test_no_word_attends_to_padding_and_heads_read_apart():
    """Against the definition, head by head and word by word."""
    random = np.random.default_rng(4)
    query, key, value = random.normal(size=(3, 2, 5, 6)).astype(np.float32)
    mask = np.arange(5) < np.array([[5], [3]])
    found = Attention(3)([query, key, value, tf.constant(mask)]).numpy()
    for text, words in enumerate((5, 3)):
        for head in range(3):
            part = np.s_[text, :words, 2 * head : 2 * head + 2]
            scores = np.exp(query[part] @ key[part].T / np.sqrt(2))
            expected = scores / scores.sum(axis=1, keepdims=True) @ value[part]
            assert found[part] == pytest.approx(expected, abs=1e-5)


def test_the_mean_is_over_words_alone():
    x = tf.constant([[[1.0, 2], [3, 6], [50, 70]], [[9, 9], [9, 9], [9, 9]]])
    mask = tf.constant([[True, True, False], [False] * 3])
    assert MeanOverTime()([x, mask]).numpy().tolist() == [[2, 4], [0, 0]]


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
        lambda: Gru(units=0),
        lambda: Gru(pooling="sum"),
        lambda: Transformer(embedding=10, heads=4),
        lambda: Transformer(positions=0),
        lambda: Transformer(block_dropout=1.0),
    ],
)
def test_impossible_sizes_are_refused(make):
    with pytest.raises(UserError, match=r"model\."):
        make()
