"""Compaction: what is removed, and that the scores stay."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import SMALL, is_prunable
from tests.exported import VOCABULARY, drawn
from tflottery.data.words.vocabulary import PADDING
from tflottery.exports.compaction import compact
from tflottery.exports.network import Network
from tflottery.exports.saved_model import class_logits
from tflottery.models.shipped.gru import Gru
from tflottery.models.shipped.lstm import Lstm
from tflottery.pruning import masks

SIZES = {
    **SMALL,
    "stacked lstm": Lstm(embedding=6, units=4, layers=2, pooling="max"),
    "stacked gru": Gru(embedding=6, units=4, layers=2),
}
RANDOM = np.random.default_rng(1)
IDS = np.where(
    np.arange(9) < RANDOM.integers(1, 10, (24, 1)), RANDOM.integers(1, len(VOCABULARY), (24, 9)), 0
).astype(np.int32)


def network(model: str, weights: dict[str, np.ndarray]) -> Network:
    classes = tuple("ab")
    return Network(SIZES[model], len(VOCABULARY), classes, 9, weights)


def given_scores(of: Network) -> np.ndarray:
    logits = of.build()(of.rows[IDS], training=False)
    return tf.nn.softmax(class_logits(logits, len(of.classes))).numpy()


def units_of(model: str) -> dict[str, int]:
    return {units.layer: units.count for units in SIZES[model].unit_layers()}


@pytest.mark.parametrize("model", sorted(SIZES))
def test_every_unit_layer_lies_where_the_architecture_says(model):
    weights = drawn(SIZES[model])
    axes = {
        (name, axis): np.zeros(size, int)
        for name, weight in weights.items()
        for axis, size in enumerate(weight.shape)
    }
    for units in SIZES[model].unit_layers():
        everyone = np.arange(units.count)
        for part in units.parts:
            axes[part.tensor, part.axis][part.positions(everyone, units.count)] += 1
            if part.bias:
                assert part.bias in weights
    if model == "transformer":  # all its other sizes are that of the embedding
        inside = {
            ("units_1/kernel", 1), ("units_1/bias", 0), ("feed_forward_1/kernel", 0),
            ("query_1/kernel", 1), ("key_1/kernel", 1), ("value_1/kernel", 1),
            ("query_1/bias", 0), ("value_1/bias", 0), ("attention_1/kernel", 0),
        }  # fmt: skip
    else:
        # All other axes are words, widths of convolutions, or classes.
        outside = {("embedding/embeddings", 0), ("head/kernel", 1), ("head/bias", 0)}
        outside |= {(name, 0) for name in weights if name.startswith("conv") and "kernel" in name}
        inside = set(axes) - outside
    for key, met in axes.items():
        assert (met == (1 if key in inside else 0)).all(), key


@pytest.mark.parametrize(
    "model",
    ["cnn", "transformer"]
    + [pytest.param(one, marks=pytest.mark.long) for one in ("stacked lstm", "stacked gru")],
)
@settings(max_examples=5)
@given(seed=st.integers(0, 999), sparsity=st.sampled_from([0.0, 0.5, 0.8, 0.9, 0.97]))
def test_scores_stay_whatever_is_pruned(model, seed, sparsity):
    random = np.random.default_rng(seed)
    weights = drawn(SIZES[model])
    mask = {
        name: random.random(weight.shape) >= sparsity
        for name, weight in weights.items()
        if is_prunable(name)
    }
    whole = network(model, masks.apply(mask, weights))
    small = compact(whole)
    assert small.numbers <= whole.numbers + whole.weights["embedding/embeddings"].shape[1]
    assert given_scores(small) == pytest.approx(given_scores(whole), abs=1e-5)


def zeroed(model: str, **parts: object) -> dict[str, np.ndarray]:
    """Drawn weights with zeros at the given index of each given tensor (``__`` for ``/``)."""
    weights = drawn(SIZES[model])
    for name, index in parts.items():
        weights[name.replace("__", "/")][index] = 0
    return weights


CASES = [
    # The head does not read a filter; it is removed with its incoming weights.
    ("cnn", {"head__kernel": 2}, {"conv_2": 5}),
    # A filter without incoming weights: its rectified bias is added to the head's.
    ("cnn", {"conv_3__kernel": np.s_[..., 4]}, {"conv_3": 5}),
    # A column that no filter reads, and one that is zero for every word.
    ("cnn", {"conv_2__kernel": np.s_[:, 1], "conv_3__kernel": np.s_[:, 1]}, {"embedding": 7}),
    ("cnn", {"embedding__embeddings": np.s_[:, 3]}, {"embedding": 7}),
    # All filters of a width are useless; one stays, as zeros, since a layer cannot be empty.
    ("cnn", {"head__kernel": np.s_[6:]}, {"conv_3": 1}),
    # Units 0 and 1 of the forward LSTM read each other, and nothing else reads them.
    (
        "lstm",
        {
            "head__kernel": np.s_[:2],
            "lstm_forward_1__recurrent_kernel": np.s_[:2, np.arange(20) % 5 > 1],
        },
        {"lstm_forward_1": 3},
    ),
    # A unit whose candidate is always zero stays at zero.
    (
        "lstm",
        {
            "lstm_backward_1__kernel": np.s_[:, 12],
            "lstm_backward_1__recurrent_kernel": np.s_[:, 12],
            "lstm_backward_1__bias": 12,
        },
        {"lstm_backward_1": 4},
    ),
    # With a bias, its candidate is not zero.
    (
        "lstm",
        {
            "lstm_backward_1__kernel": np.s_[:, 12],
            "lstm_backward_1__recurrent_kernel": np.s_[:, 12],
        },
        {},
    ),
    # Units 0 and 1 of the forward GRU read each other, and nothing else reads them.
    (
        "gru",
        {
            "head__kernel": np.s_[:2],
            "gru_forward_1__recurrent_kernel": np.s_[:2, np.arange(15) % 5 > 1],
        },
        {"gru_forward_1": 3},
    ),
    # Its candidate is always zero, so it stays where it began, whatever its gates do.
    (
        "gru",
        {
            "gru_backward_1__kernel": np.s_[:, 12],
            "gru_backward_1__recurrent_kernel": np.s_[:, 12],
            "gru_backward_1__bias": 12,
        },
        {"gru_backward_1": 4},
    ),
    # One of its gates is constant, its candidate is not.
    (
        "gru",
        {
            "gru_backward_1__kernel": np.s_[:, 2],
            "gru_backward_1__recurrent_kernel": np.s_[:, 2],
            "gru_backward_1__bias": 2,
        },
        {},
    ),
    # A feed-forward unit without incoming weights, and one that nothing reads.
    ("transformer", {"units_1__kernel": np.s_[:, 3]}, {"units_1": 5}),
    ("transformer", {"feed_forward_1__kernel": 1}, {"units_1": 5}),
    # A head that nothing reads, and one whose values are the same for all words.
    ("transformer", {"attention_1__kernel": np.s_[4:]}, {"heads_1": 1}),
    ("transformer", {"value_1__kernel": np.s_[:, :4]}, {"heads_1": 1}),
    # A head that looks at all words alike still gives their mean, and one of whose values some are
    # the same for all words gives the others.
    ("transformer", {"query_1__kernel": np.s_[:, :4], "query_1__bias": np.s_[:4]}, {}),
    ("transformer", {"value_1__kernel": np.s_[:, :3]}, {}),
    # Both heads are useless; one stays, as zeros.
    ("transformer", {"attention_1__kernel": np.s_[:]}, {"heads_1": 1}),
    # A column of the embedding is still added to by attention.
    ("transformer", {"embedding__embeddings": np.s_[:, 3]}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("model", "zeroes", "left"), CASES)
def test_what_is_removed(model, zeroes, left):
    whole = network(model, zeroed(model, **zeroes))
    small = compact(whole)
    sizes = {
        units.layer: small.weights[units.made[0].tensor].shape[-1]
        // (units.made[0].blocks * units.width)
        for units in SIZES[model].unit_layers()
    }
    assert sizes == {**units_of(model), **left}
    assert given_scores(small) == pytest.approx(given_scores(whole), abs=1e-6)


def test_removals_that_make_others_possible():
    # The head reads no filter of width 3, and those of width 2 look at the even columns.
    weights = zeroed("cnn", head__kernel=np.s_[6:], conv_2__kernel=np.s_[:, 1::2])
    # These words have zeros in the even columns.
    weights["embedding/embeddings"][5:9, ::2] = 0
    small = compact(network("cnn", weights))
    assert small.weights["embedding/embeddings"].shape == (1 + 1 + (len(VOCABULARY) - 1 - 4), 4)
    assert given_scores(small) == pytest.approx(given_scores(network("cnn", weights)), abs=1e-6)


def test_zero_rows_share_one_that_is_not_the_paddings():
    weights = drawn(SIZES["cnn"])
    dead = np.array([1, 4, 9])
    weights["embedding/embeddings"][dead] = 0
    small = compact(network("cnn", weights))
    assert small.rows[PADDING] == PADDING
    assert set(small.rows[dead]) == {1} and (small.rows == 1).sum() == len(dead)
    others = np.delete(np.arange(len(VOCABULARY)), [PADDING, *dead])
    assert len(set(small.rows[others]) - {0, 1}) == len(others)
    embeddings = small.weights["embedding/embeddings"]
    assert np.array_equal(embeddings[small.rows[others]], weights["embedding/embeddings"][others])
    assert not embeddings[:2].any()


def test_one_zero_row_is_not_worth_sharing():
    weights = drawn(SIZES["cnn"])
    weights["embedding/embeddings"][4] = 0
    assert compact(network("cnn", weights)).own_rows is None


def test_a_network_without_useless_parts_stays_as_it_is():
    whole = network("cnn", drawn(SIZES["cnn"]))
    small = compact(whole)
    assert small.own_rows is None
    assert all(np.array_equal(small.weights[name], w) for name, w in whole.weights.items())
