"""Criteria that prune in rounds by themselves: how many weights each round leaves."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from tflottery.pruning import masks
from tflottery.pruning.masks import By, To
from tflottery.pruning.rounds import in_rounds, partly
from tflottery.pruning.scopes import SCOPES, BeyondReachError


@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=3),
    amount=st.one_of(
        st.floats(0, 0.99).map(By), st.floats(0.5, 0.99).map(To),
    ),
    rounds=st.integers(1, 7),
    scope=st.sampled_from(SCOPES),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_rounds_keep_as_many_as_one_and_revive_nothing(sizes, amount, rounds, scope, seed):
    random = np.random.default_rng(seed)
    start = {f"t{n}": random.random(size) < 0.9 for n, size in enumerate(sizes)}
    if isinstance(amount, To):
        start = {name: np.ones_like(mask) for name, mask in start.items()}
    seen = []

    def score(left: masks.Masks) -> dict[str, np.ndarray]:
        seen.append(left)
        return {name: random.random(mask.shape) for name, mask in left.items()}

    def prune(scores, amount):
        return masks.prune(start, scores, amount, scope=scope)

    found = in_rounds(start, amount, rounds, score, prune)
    once = prune({name: random.random(mask.shape) for name, mask in start.items()}, amount)
    assert len(seen) == rounds and masks.count(found) == masks.count(once)
    if scope == "layerwise":
        assert [m.sum() for m in found.values()] == [m.sum() for m in once.values()]
    for before, after in zip(seen, [*seen[1:], found], strict=True):
        assert not any((after[name] & ~before[name]).any() for name in start)


@given(
    rates=st.lists(st.floats(0, 0.9), min_size=2, max_size=3),
    amount=st.sampled_from([By(0.2), By(0.01), By(0.9)]),
    rounds=st.integers(2, 6),
)
def test_rounds_follow_rates_of_tensors(rates, amount, rounds):
    random = np.random.default_rng(1)
    start = {f"t{n}": np.ones(20 * (n + 1), bool) for n in range(len(rates))}
    own = dict(zip(start, rates, strict=True))
    seen = []

    def score(left: masks.Masks) -> dict[str, np.ndarray]:
        seen.append(left)
        return {name: random.normal(size=mask.shape) for name, mask in left.items()}

    def prune(scores, amount):
        at, now = partly(amount, own)
        return masks.prune(start, scores, at, rates=now)

    found = in_rounds(start, amount, rounds, score, prune)
    once = masks.prune(start, {n: random.random(m.shape) for n, m in start.items()}, amount,
                       rates=own)  # fmt: skip
    assert [mask.sum() for mask in found.values()] == [mask.sum() for mask in once.values()]
    for before, after in zip(seen, [*seen[1:], found], strict=True):
        assert not any((after[name] & ~before[name]).any() for name in start)


@given(
    sizes=st.lists(st.integers(1, 60), min_size=3, max_size=4),
    rates=st.lists(st.sampled_from([0.0, 0.01, 0.2, 0.6]), min_size=4, max_size=4),
    scope=st.sampled_from(["erk", "uniform+", None]),
    kept=st.floats(0.02, 0.9),
    rounds=st.integers(2, 60),
)
@example([90, 64, 7], [0.3, 0.2, 0.01, 0.0], None, 0.168, 100)
def test_rounds_revive_nothing_where_a_total_is_shared_out(sizes, rates, scope, kept, rounds):
    random = np.random.default_rng(5)
    start = {f"t{n}": np.ones((3, size), bool) for n, size in enumerate(sizes)}
    own = dict(zip(start, rates, strict=False)) if scope is None else None
    seen = []

    def score(left: masks.Masks) -> dict[str, np.ndarray]:
        seen.append(left)
        return {name: random.random(mask.shape) for name, mask in left.items()}

    def prune(scores, amount):
        return masks.prune(start, scores, amount, scope=scope or "layerwise", rates=own)

    try:
        once = prune({name: random.random(mask.shape) for name, mask in start.items()},
                     To(1 - kept))  # fmt: skip
    except BeyondReachError:
        return
    found = in_rounds(start, To(1 - kept), rounds, score, prune, by_total=True)
    assert [mask.sum() for mask in found.values()] == [mask.sum() for mask in once.values()]
    for before, after in zip(seen, [*seen[1:], found], strict=True):
        assert not any((after[name] & ~before[name]).any() for name in start)


def test_density_falls_by_the_same_factor():
    kept = []

    def score(left):
        kept.append(int(left["a"].sum()))
        return {"a": np.arange(1000.0)}

    start = {"a": np.ones(1000, bool)}
    found = in_rounds(start, To(0.999), 3, score, lambda s, a: masks.prune(start, s, a))
    assert [*kept, int(found["a"].sum())] == [1000, 100, 10, 1]
