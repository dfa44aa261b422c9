"""Scopes: every total exact, nothing revived, the best of each tensor kept, and how many each."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tflottery.errors import UserError
from tflottery.pruning import masks, scopes
from tflottery.pruning.masks import By, To
from tflottery.pruning.scopes import BeyondReachError, Ends

SHARING = [scope for scope in scopes.SCOPES if scope not in ("layerwise", "global")]
NAMES = ("conv/kernel", "embedding/embeddings", "head/kernel", "lstm/recurrent_kernel")
ENDS = Ends(first=("conv/kernel",), head=("head/kernel",))

tensors = st.dictionaries(
    st.sampled_from(NAMES),
    arrays.arrays(
        np.float32,
        arrays.array_shapes(min_dims=1, max_dims=3, max_side=6),
        elements=st.floats(0, 4, width=16),
    ),
    min_size=1,
)
amounts = st.one_of(st.builds(By, st.floats(0, 0.7)), st.builds(To, st.floats(0, 0.999)))
fractions = st.fixed_dictionaries({name: st.sampled_from([0.0, 0.1, 0.3, 0.6]) for name in NAMES})


def dense(scores: dict[str, np.ndarray]) -> masks.Masks:
    return masks.dense({name: values.shape for name, values in scores.items()})


def counts(kept: masks.Masks) -> dict[str, int]:
    return {name: int(mask.sum()) for name, mask in kept.items()}


def check_kept(
    before: masks.Masks, after: masks.Masks, scores: dict[str, np.ndarray], exclude: set[str]
) -> None:
    """Nothing is revived, excluded tensors are as they were, and of each other tensor the highest
    scores are kept, of equal ones the first."""
    for name, mask in before.items():
        assert not (after[name] & ~mask).any()
        if name in exclude:
            assert np.array_equal(after[name], mask)
        alive = np.flatnonzero(mask)
        best = alive[np.argsort(-scores[name].ravel()[alive], kind="stable")]
        expected = np.zeros(mask.size, bool)
        expected[best[: after[name].sum()]] = True
        assert np.array_equal(after[name].ravel(), expected)


@given(
    tensors, st.lists(amounts, min_size=1, max_size=4), st.sampled_from(scopes.SCOPES),
    st.sets(st.sampled_from(NAMES), max_size=2),
)  # fmt: skip
def test_in_every_scope_totals_are_exact_and_rounds_monotone(scores, rounds, scope, exclude):
    current = dense(scores)
    for amount in rounds:
        before = masks.count(current, without=exclude)
        try:
            pruned = masks.prune(current, scores, amount, scope=scope, exclude=exclude, ends=ENDS)
        except UserError as error:  # To what fewer weights are left for already
            assert "would revive" in str(error) and isinstance(amount, To)
            continue
        except BeyondReachError:
            assert scope == "uniform+"
            continue
        after = masks.count(pruned, without=exclude)
        if scope == "layerwise":
            expected = sum(
                amount.kept(int(mask.sum()), mask.size)
                for name, mask in current.items()
                if name not in exclude
            )
        else:
            expected = amount.kept(before.remaining, before.total)
        assert after.remaining == expected
        check_kept(current, pruned, scores, exclude)
        current = pruned


@given(tensors, st.lists(amounts, min_size=1, max_size=4), fractions)
def test_by_rates_rounds_are_exact_in_each_tensor_and_goals_in_all(scores, rounds, rates):
    rates = {name: rates[name] for name in scores}
    current = dense(scores)
    for amount in rounds:
        before = masks.count(current)
        try:
            pruned = masks.prune(current, scores, amount, rates=rates)
        except (UserError, BeyondReachError):
            assert isinstance(amount, To)
            continue
        if isinstance(amount, By):
            assert counts(pruned) == {
                name: count - round(count * rates[name]) for name, count in counts(current).items()
            }
        else:
            assert masks.count(pruned).remaining == amount.kept(before.remaining, before.total)
        for name, rate in rates.items():
            assert rate or np.array_equal(pruned[name], current[name])
        check_kept(current, pruned, scores, set())
        current = pruned


def test_goals_by_rates_lie_on_the_way_that_rounds_go():
    random = np.random.default_rng(0)
    scores = {name: random.random((40, 50)) for name in NAMES}
    rates = dict(zip(NAMES, (0.2, 0.3, 0.0, 0.1), strict=True))
    current = dense(scores)
    for _ in range(3):
        current = masks.prune(current, scores, By(0.5), rates=rates)
    at_once = masks.prune(dense(scores), scores, To(masks.count(current).sparsity), rates=rates)
    assert all(abs(counts(at_once)[name] - count) <= 1 for name, count in counts(current).items())
    assert counts(at_once)["head/kernel"] == 2000


def share(scope: str, scores: dict[str, np.ndarray], total: int) -> dict[str, int]:
    return scopes.share_out(scope, dense(scores), scores, total, ENDS)


@given(tensors, st.floats(0, 1))
def test_lamp_is_the_formula_of_its_paper(scores, part):
    """Its definition word by word: w^2 over the sum of u^2 for all u that come no earlier in the
    tensor's ascending order."""
    total = round(part * sum(values.size for values in scores.values()))
    assume(total)
    found = []
    for name, values in sorted(scores.items()):
        squares = [float(value) ** 2 for value in values.ravel()]
        order = sorted(range(len(squares)), key=lambda place: (squares[place], -place))
        for at, place in enumerate(order):
            below = math.fsum(squares[one] for one in order[at:])
            found.append((name, squares[place] / below if below else 0.0))
    kept = share("lamp", scores, total)
    assert sum(kept.values()) == total
    # Sums in another order differ in the last digits, which may swap neighbours.
    least = sorted((value for _, value in found), reverse=True)[total - 1]
    for name in scores:
        own = [value for other, value in found if other == name]
        assert sum(value > least * (1 + 1e-9) for value in own) <= kept[name]
        assert kept[name] <= sum(value >= least * (1 - 1e-9) for value in own)


def test_lamp_keeps_the_largest_weight_of_every_tensor_first():
    scores = {"a": np.array([1e-6, 1e-7]), "b": np.array([5.0, 4.0, 3.0]), "c": np.array([0.1])}
    assert share("lamp", scores, 3) == {"a": 1, "b": 1, "c": 1}
    # 16/41 of b comes before 0.01/1.01 of a.
    assert share("lamp", scores, 4) == {"a": 1, "b": 2, "c": 1}


def test_lamp_takes_scores_of_any_size_and_none_below_0():
    scores = {"a": np.array([1e300, 1e299]), "b": np.array([1e-300, 1e-301])}
    assert share("lamp", scores, 2) == {"a": 1, "b": 1}
    with pytest.raises(UserError, match=r"lamp squares scores.*b are below 0"):
        share("lamp", {"b": np.array([-1.0, 2.0])}, 1)


def test_normalised_scores_are_divided_by_their_tensors_norm():
    scores = {"a": np.array([3.0, 4.0]), "b": np.array([30.0, 40.0, 0.0]), "c": np.zeros(2)}
    # 0.8, 0.6 | 0.8, 0.6, 0 | 0, 0
    assert share("global:normalised", scores, 1) == {"a": 1, "b": 0, "c": 0}
    assert share("global:normalised", scores, 2) == {"a": 1, "b": 1, "c": 0}
    assert share("global:normalised", scores, 5) == {"a": 2, "b": 3, "c": 0}
    # Signed scores keep their order.
    signed = {"a": np.array([-1.0, 1.0]), "b": np.array([-10.0, 9.0])}
    assert share("global:normalised", signed, 2) == {"a": 1, "b": 1}


def test_what_is_pruned_already_is_in_no_norm():
    scores = {"a": np.array([100.0, 4.0, 3.0]), "b": np.array([0.7, 0.7])}
    current = {"a": np.array([False, True, True]), "b": np.ones(2, bool)}
    # 0.8 and 0.6 beside 0.71 twice; with the pruned 100 it would be 0.04 and 0.03.
    assert scopes.share_out("global:normalised", current, scores, 1) == {"a": 1, "b": 0}
    assert scopes.share_out("lamp", current, scores, 2) == {"a": 1, "b": 1}


def test_erk_keeps_in_proportion_to_the_sum_of_axes():
    shapes = {"conv": (3, 40, 64), "embedding": (2000, 40), "head": (64, 1), "lstm": (32, 128)}
    scores = {name: np.ones(shape) for name, shape in shapes.items()}
    total = 1000
    # 65 of the head would be more than it has at more than 64/65 a sum; here nothing is full.
    whole = 107 + 2040 + 65 + 160
    kept = share("erk", scores, total)
    assert sum(kept.values()) == total
    for name, shape in shapes.items():
        assert abs(kept[name] - total * sum(shape) / whole) < 1


def test_erk_fills_small_tensors_and_shares_out_the_rest():
    shapes = {"conv": (3, 40, 64), "embedding": (2000, 40), "head": (64, 1)}
    scores = {name: np.ones(shape) for name, shape in shapes.items()}
    kept = share("erk", scores, 10_000)
    assert kept["head"] == 64
    rest = 10_000 - 64
    assert abs(kept["conv"] - rest * 107 / 2147) < 1 and sum(kept.values()) == 10_000
    assert share("erk", scores, 7680 + 80_000 + 64) == {
        "conv": 7680,
        "embedding": 80_000,
        "head": 64,
    }


def test_uniform_plus_leaves_the_first_convolution_and_a_fifth_of_the_head():
    shapes = {"conv/kernel": (3, 4, 5), "embedding/embeddings": (50, 4), "head/kernel": (10, 2)}
    scores = {name: np.ones(shape) for name, shape in shapes.items()}
    # 220 weights beside the convolution: 110 of them are the half.
    assert share("uniform+", scores, 170) == {
        "conv/kernel": 60, "embedding/embeddings": 100, "head/kernel": 10,
    }  # fmt: skip
    # At a tenth the head would keep 2 of 20, and keeps 4.
    assert share("uniform+", scores, 82) == {
        "conv/kernel": 60, "embedding/embeddings": 18, "head/kernel": 4,
    }  # fmt: skip
    assert share("uniform+", scores, 64)["embedding/embeddings"] == 0
    with pytest.raises(BeyondReachError, match=r"64 of 280 weights, so that 77.1 % can.*not 77.5"):
        share("uniform+", scores, 63)


def test_the_ends_of_a_network_are_told_by_shapes_and_roles():
    shapes = {
        "embedding/embeddings": (50, 4), "conv_3/kernel": (3, 4, 5), "conv_2/kernel": (2, 4, 5),
        "conv_3/bias": (5,), "deeper/kernel": (3, 5, 6), "lstm/kernel": (4, 20),
        "head/kernel": (6, 1),
    }  # fmt: skip
    ends = scopes.ends_of(shapes, ["embedding/embeddings"], ["head/kernel"])
    assert ends == Ends(("conv_2/kernel", "conv_3/kernel"), ("head/kernel",))


@pytest.mark.parametrize("scope", SHARING)
def test_scores_that_are_no_numbers_are_refused(scope):
    scores = {"a": np.array([np.nan, 1.0]), "b": np.ones(2)}
    with pytest.raises(ValueError, match="not a number"):
        masks.prune(dense(scores), scores, To(0.5), scope=scope)


@pytest.mark.parametrize("scope", SHARING)
def test_a_network_without_tensors_to_prune_stays_as_it_is(scope):
    scores = {"a": np.ones(3)}
    pruned = masks.prune(dense(scores), scores, To(0.5), scope=scope, exclude=["a"])
    assert pruned["a"].all()


@pytest.mark.parametrize("scope", scopes.SCOPES)
def test_whole_numbers_are_scores_too(scope):
    """The negative of the lowest int8, and of any number without a sign, is none of their kind."""
    scores = {"a": np.array([2, 0, 100], np.uint8), "b": np.array([True, False])}
    floats = {name: values.astype(float) for name, values in scores.items()}
    kept, expected = (
        masks.prune(dense(scores), one, To(0.4), scope=scope) for one in (scores, floats)
    )
    assert all(np.array_equal(kept[name], expected[name]) for name in scores)
    lowest = {"a": np.array([-128, 1, 2], np.int8)}
    if scope != "lamp":
        kept = masks.prune(dense(lowest), lowest, To(1 / 3), scope=scope)
        assert kept["a"].tolist() == [False, True, True]


@pytest.mark.parametrize("scope", scopes.SCOPES)
def test_there_is_a_score_for_each_weight(scope):
    with pytest.raises(ValueError, match=r"the shape \(5,\), and the mask \(3,\)"):
        masks.prune({"a": np.ones(3, bool)}, {"a": np.ones(5)}, To(0.5), scope=scope)


@pytest.mark.parametrize("scope", ["global:normalised", "lamp"])
def test_scores_without_a_size_are_refused_where_sizes_are_compared(scope):
    scores = {"a": np.array([np.inf, 1.0]), "b": np.ones(2)}
    with pytest.raises(UserError, match=r"sizes of scores, and some of the tensor a are infinite"):
        masks.prune(dense(scores), scores, To(0.5), scope=scope)
    # What is pruned already has none to compare.
    current = {"a": np.array([False, True]), "b": np.ones(2, bool)}
    assert counts(masks.prune(current, scores, By(0.4), scope=scope)) == {"a": 1, "b": 1}


@pytest.mark.parametrize("scope", ["global:normalised", "lamp"])
@pytest.mark.parametrize("size", [1e308, 5e-324, 1e-170])
def test_sizes_whose_squares_no_float_holds_compare_as_others(scope, size):
    of = {"a": np.array([1.0, 1.0]), "b": np.array([1.0, 2.0, 3.0])}
    expected = share(scope, of, 3)
    assert share(scope, {**of, "a": of["a"] * size}, 3) == expected


@pytest.mark.parametrize("scope", scopes.SCOPES)
@pytest.mark.parametrize("shapes", [[(), (), ()], [(), (1,), (4,)], [(1,), (1,), (1,)]])
def test_tensors_of_one_number_take_their_part(scope, shapes):
    named = dict(zip("abc", shapes, strict=True))
    scores = {name: np.full(shape, 1.0 + n) for n, (name, shape) in enumerate(named.items())}
    pruned = masks.prune(dense(scores), scores, To(1 / 3), scope=scope)
    assert all(pruned[name].shape == values.shape for name, values in scores.items())
    total = sum(values.size for values in scores.values())
    if scope != "layerwise":
        assert masks.count(pruned).remaining == total - round(total / 3)
    if scope == "erk" and total > 3:
        # One of one number is full before one of four.
        assert counts(pruned) == {"a": 1, "b": 1, "c": 2}
