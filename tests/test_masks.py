"""Masks: exact counts, ties, monotone over rounds, nothing revived."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tflottery.errors import DamagedFileError, UserError
from tflottery.pruning import criteria, likeness, masks
from tflottery.pruning.masks import By, To


def magnitudes(**tensors: list[float]) -> dict[str, np.ndarray]:
    return {name: np.abs(np.array(values, np.float32)) for name, values in tensors.items()}


def everything(scores: dict[str, np.ndarray]) -> masks.Masks:
    return masks.dense({name: values.shape for name, values in scores.items()})


@pytest.mark.parametrize(
    ("values", "amount", "kept"),
    [
        ([3, -1, 2, 0.5], To(0.5), [1, 0, 1, 0]),
        ([3, -1, 2, 0.5], By(0.25), [1, 1, 1, 0]),
        ([3, -1, 2, 0.5], To(0.0), [1, 1, 1, 1]),
        ([1, 1, 1, 1], To(0.5), [1, 1, 0, 0]),  # ties go to the first
        ([0, 0, 0, 0], To(0.25), [1, 1, 1, 0]),  # a tensor of zeros is no exception
        ([-0.0, 0.0, 5], To(2 / 3), [0, 0, 1]),
        ([1, 2, 3], To(0.99), [0, 0, 0]),  # round(2.97): exact, even where nothing is left
    ],
)
def test_layerwise_counts_and_ties(values, amount, kept):
    scores = magnitudes(a=values)
    assert masks.prune(everything(scores), scores, amount)["a"].tolist() == list(map(bool, kept))


def test_global_lets_tensors_compete():
    scores = magnitudes(a=[9, 8, 7], b=[1, 2, 3])
    pruned = masks.prune(everything(scores), scores, To(0.5), scope="global")
    assert pruned["a"].all() and not pruned["b"].any()
    layerwise = masks.prune(everything(scores), scores, To(1 / 3))
    assert layerwise["a"].tolist() == [True, True, False]
    assert layerwise["b"].tolist() == [False, True, True]


def test_excluded_tensors_are_neither_pruned_nor_counted():
    scores = magnitudes(embedding=[0.1, 0.2], head=[1, 2, 3, 4])
    pruned = masks.prune(everything(scores), scores, To(0.5), scope="global", exclude=["embedding"])
    assert pruned["embedding"].all()
    assert pruned["head"].tolist() == [False, False, True, True]


def test_what_is_pruned_stays_pruned_even_with_the_highest_score():
    current = {"a": np.array([False, True, True, True])}
    pruned = masks.prune(current, magnitudes(a=[100, 1, 2, 3]), By(1 / 3))
    assert pruned["a"].tolist() == [False, False, True, True]


def test_a_goal_below_the_present_sparsity_is_refused():
    current = {"a": np.array([False, False, True])}
    with pytest.raises(UserError, match="would revive"):
        masks.prune(current, magnitudes(a=[1, 2, 3]), To(0.1))


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="not a number"):
        masks.prune(everything(magnitudes(a=[1, 2])), {"a": np.array([np.nan, 1.0])}, To(0.5))


tensors = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    arrays.arrays(
        np.float32,
        arrays.array_shapes(max_dims=3, max_side=6),
        elements=st.floats(-4, 4, width=16),
    ),
    min_size=1,
)


@given(
    tensors,
    st.lists(st.floats(0.01, 0.6), min_size=1, max_size=4),
    st.sampled_from(["layerwise", "global"]),
)
def test_rounds_are_monotone_exact_and_keep_the_largest(weights, rates, scope):
    current = masks.dense({name: values.shape for name, values in weights.items()})
    scores = {name: np.abs(values) for name, values in weights.items()}
    for rate in rates:
        pruned = masks.prune(current, scores, By(rate), scope=scope)
        groups = [[name] for name in weights] if scope == "layerwise" else [list(weights)]
        for group in groups:
            before = sum(int(current[name].sum()) for name in group)
            kept = [scores[name][pruned[name]] for name in group]
            lost = [scores[name][current[name] & ~pruned[name]] for name in group]
            assert sum(map(len, kept)) == before - round(before * rate)
            least = min((values.min() for values in kept if values.size), default=np.inf)
            most = max((values.max() for values in lost if values.size), default=-np.inf)
            assert most <= least
        for name in weights:
            assert not (pruned[name] & ~current[name]).any()
        current = pruned


@given(tensors, st.floats(0, 0.95), st.integers(0, 9))
def test_shuffling_keeps_every_count(weights, sparsity, seed):
    scores = {name: np.abs(values) for name, values in weights.items()}
    pruned = masks.prune(everything(scores), scores, To(sparsity))
    shuffled = masks.shuffle(pruned, seed)
    assert {n: m.sum() for n, m in shuffled.items()} == {n: m.sum() for n, m in pruned.items()}
    again = masks.shuffle(pruned, seed)
    assert all(np.array_equal(shuffled[name], again[name]) for name in pruned)


tables = arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=3, max_side=8))


def rows(mask: np.ndarray) -> list[int]:
    """How many weights each row keeps."""
    return mask.reshape(len(mask), -1).sum(axis=1).tolist()


@given(tables, st.integers(0, 9))
def test_shuffling_within_rows_keeps_the_count_of_every_row(mask, seed):
    shuffled = masks.shuffle_in_rows(mask, np.random.default_rng(seed))
    assert shuffled.shape == mask.shape and rows(shuffled) == rows(mask)


@given(tables, st.integers(0, 9))
def test_dealing_out_rows_permutes_their_counts(mask, seed):
    dealt = masks.deal_rows(mask, np.random.default_rng(seed))
    assert dealt.shape == mask.shape and sorted(rows(dealt)) == sorted(rows(mask))


def test_rows_are_shuffled_apart_and_dealt_at_random():
    mask = np.zeros((200, 40), bool)
    mask[:100, :10] = True
    shuffled = masks.shuffle_in_rows(mask, np.random.default_rng(1))
    assert len(np.unique(shuffled[:100], axis=0)) > 90 and not shuffled[100:].any()
    # As often at each place of a row.
    assert shuffled[:100].mean(axis=0) == pytest.approx(0.25, abs=0.17)
    dealt = masks.deal_rows(mask, np.random.default_rng(1))
    kept = np.array(rows(dealt)) > 0
    assert 30 < kept[:100].sum() < 70 and len(np.unique(dealt[kept], axis=0)) > 90


def test_shuffling_moves_and_depends_on_the_seed():
    mask = {"a": np.arange(1_000) < 100}
    one, other = masks.shuffle(mask, 1)["a"], masks.shuffle(mask, 2)["a"]
    assert not np.array_equal(one, mask["a"]) and not np.array_equal(one, other)


@given(tensors)
def test_packing_is_lossless(weights):
    original = {name: values > 0 for name, values in weights.items()}
    shapes = {name: mask.shape for name, mask in original.items()}
    unpacked = masks.unpack(masks.pack(original), shapes)
    assert all(np.array_equal(unpacked[name], original[name]) for name in original)


def test_masks_of_another_shape_or_name_are_damage():
    packed = masks.pack({"a": np.ones(9, bool)})
    with pytest.raises(DamagedFileError):
        masks.unpack(packed, {"a": (17,)})
    with pytest.raises(DamagedFileError):
        masks.unpack(packed, {"b": (9,)})


def test_counts_and_overlap():
    one = {"embedding": np.array([1, 1, 0, 0], bool), "head": np.array([1, 0], bool)}
    other = {"embedding": np.array([1, 0, 1, 0], bool), "head": np.array([1, 0], bool)}
    assert masks.count(one).sparsity == 0.5
    assert masks.count(one, without=["embedding"]).remaining == 1
    assert likeness.overlap(one, other) == pytest.approx(2 / 4)
    assert likeness.overlap(one, one) == 1


def test_applying_gives_exact_zeros_and_leaves_the_rest():
    weights = {"a": np.array([-1.5, 2.0], np.float32), "bias": np.array([3.0], np.float32)}
    applied = masks.apply({"a": np.array([False, True])}, weights)
    assert applied["a"].tolist() == [0.0, 2.0] and not np.signbit(applied["a"][0])
    assert applied["bias"] is weights["bias"]


def test_random_scores_depend_on_the_seed_and_on_nothing_else():
    weights = {"a": np.zeros((4, 4), np.float32), "b": np.zeros((4, 4), np.float32)}
    one = criteria.scores("random", weights, ["a", "b"], 1)
    alone = criteria.scores("random", weights, ["b"], 1)
    assert np.array_equal(one["b"], alone["b"])
    assert not np.array_equal(one["a"], one["b"])
    assert not np.array_equal(one["a"], criteria.scores("random", weights, ["a"], 2)["a"])
