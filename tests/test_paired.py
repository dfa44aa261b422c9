"""Paired intervals: by hand, by simulation, and what more data would decide."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tflottery import paired
from tflottery.paired import compare, crossed, seeds_needed, texts_needed

Z = 1.959963985


def scores(labels, right) -> np.ndarray:
    """[texts, 2]: the label's class where ``right``, else the other."""
    predicted = np.where(right, labels, 1 - labels)
    return np.eye(2)[predicted] * 0.8 + 0.1


def test_one_seed_is_agresti_and_mins_interval():
    labels = np.zeros(100, int)
    one = np.r_[np.ones(70, bool), np.zeros(30, bool)]
    other = np.r_[np.ones(60, bool), np.zeros(36, bool), np.ones(4, bool)]
    # 10 texts that the first alone has right, 4 that the second alone has.
    found = compare(labels, [scores(labels, one)], [scores(labels, other)])
    ten, four, n = 10.5, 4.5, 102
    error = math.sqrt(ten + four - (ten - four) ** 2 / n) / n
    center = (ten - four) / n
    assert found.difference == pytest.approx(6.0) and (found.texts, found.seeds) == (100, 1)
    assert found.low == pytest.approx(100 * (center - Z * error), abs=1e-6)
    assert found.high == pytest.approx(100 * (center + Z * error), abs=1e-6)


def test_too_few_texts_and_what_is_no_number_give_no_interval():
    groups = np.array([[100.0], [0.0]]), np.array([[0.0], [0.0], [0.0]])
    found = paired.between(*groups)
    assert (found.difference, found.low, found.high) == (50.0, -math.inf, math.inf)
    assert (found.texts, found.seeds) == (1, 2)
    none = paired.between(np.zeros((2, 0)), np.zeros((3, 0)))
    assert (none.difference, none.low, none.high, none.texts) == (0.0, -math.inf, math.inf, 0)
    odd = paired.between(np.array([[1.0, np.nan], [0.0, 1.0]]), np.zeros((2, 2)))
    assert (odd.low, odd.high) == (-math.inf, math.inf)
    assert math.isfinite(paired.between(np.zeros((2, 2)), np.zeros((2, 2))).high)


def test_where_no_text_differs_the_interval_has_a_width():
    labels = np.zeros(57, int)
    same = scores(labels, np.ones(57, bool))
    found = compare(labels, [same], [same])
    assert found.difference == 0
    assert found.high == pytest.approx(100 * Z / 59) == pytest.approx(-found.low)
    many = compare(labels, [same] * 5, [same] * 5)
    assert many.high >= found.high


def test_seeds_and_texts_by_hand():
    """Two seeds and four texts, by the table of a two-way analysis of variance."""
    table = np.array([[100.0, 0, 0, 100], [0, 0, -100, 100]])
    found = crossed(table, 4)
    assert found.difference == 25.0
    assert found.by_seeds == pytest.approx((50**2 / 2) / 2)
    # Means over seeds: 50, 0, -50, 100; of their squared distances to 25 there are 12500.
    assert found.by_texts == pytest.approx((12500 + 100**2 + 2 * 4 * 25**2 / 6) / 36)
    rest = np.array([[25.0, -25, 25, -25], [-25, 25, -25, 25]])
    assert found.by_both == pytest.approx((rest**2).sum() / 3 / 8)
    variance = found.by_seeds + found.by_texts - found.by_both
    freedom = variance**2 / (found.by_seeds**2 + found.by_texts**2 / 3 + found.by_both**2 / 3)
    half = stats.t.ppf(0.975, freedom) * math.sqrt(variance)
    assert found.high - found.low == pytest.approx(2 * half)


def test_seeds_that_differ_widen_the_interval_and_cannot_narrow_it_below_the_texts():
    random = np.random.default_rng(0)
    calm = 100.0 * random.integers(-1, 2, (5, 400))
    shifted = calm + 20 * np.arange(-2, 3)[:, None]
    narrow, wide = crossed(calm, 400), crossed(shifted, 400)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    floor = 2 * Z * math.sqrt(max(narrow.by_texts, narrow.by_seeds))
    assert narrow.high - narrow.low >= floor


@pytest.mark.parametrize(
    ("seeds", "texts", "by_seed", "by_text", "apart", "truth"),
    [
        (1, 57, 0.0, 0.0, 0.10, 0.0),
        (1, 57, 0.0, 0.0, 0.02, 0.0),
        (1, 400, 0.0, 0.05, 0.20, 0.0),
        (1, 400, 0.0, 0.0, 0.10, 0.02),
        (5, 57, 0.02, 0.10, 0.30, 0.0),
        (5, 400, 0.0, 0.0, 0.10, 0.0),
        (5, 400, 0.02, 0.0, 0.20, 0.0),
        (5, 400, 0.0, 0.20, 0.50, 0.02),
        (5, 400, 0.02, 0.20, 0.50, 0.0),
        (3, 400, 0.03, 0.10, 0.30, 0.0),
    ],
)
def test_intervals_hold_the_truth_as_often_as_they_say(
    seeds, texts, by_seed, by_text, apart, truth
):
    """The part ``apart`` of the texts is judged differently; seeds and texts each lean to a side by
    chance, and what is left over is the chance of both."""
    random = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        lean = truth + random.normal(0, 1, (seeds, 1)) * by_seed
        lean = np.clip(lean + random.normal(0, 1, (1, texts)) * by_text, -apart, apart)
        drawn = random.random((seeds, texts))
        table = np.where(drawn < (apart + lean) / 2, 1, np.where(drawn < apart, -1, 0))
        found = crossed(100.0 * table, texts)
        held += found.low <= 100 * truth <= found.high
    assert held / 400 >= 0.925
    # Where few texts differ nothing but a wide interval is honest.
    assert held / 400 <= 0.995 or apart * texts < 5


def brier(labels, scored):
    return float(((scored[:, 1] - labels) ** 2).mean())


def balanced(labels, scored):
    right = scored.argmax(axis=1) == labels
    return float(np.mean([right[labels == one].mean() for one in np.unique(labels)]))


def accuracy(labels, scored):
    return float((scored.argmax(axis=1) == labels).mean())


def drawn(texts, seeds=1, seed=0, share=0.5):
    random = np.random.default_rng(seed)
    labels = (random.random(texts) < share).astype(int)
    pairs = [
        [scores(labels, random.random(texts) < part) for _ in range(seeds)] for part in (0.9, 0.8)
    ]
    return labels, *pairs


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_mean_over_texts_has_the_interval_of_accuracy_whatever_it_is_called(seeds):
    labels, ones, others = drawn(40, seeds)
    plain = compare(labels, ones, others)
    named = compare(labels, ones, others, accuracy)
    assert named.difference == pytest.approx(plain.difference)
    # A class that has fewer texts than the other makes it a little wider.
    assert named.low == pytest.approx(plain.low, abs=0.8)
    assert named.high == pytest.approx(plain.high, abs=0.8)


def test_blocks_of_texts_give_about_the_interval_that_texts_give():
    labels, ones, others = drawn(3000)
    plain, named = compare(labels, ones, others), compare(labels, ones, others, accuracy)
    assert named.low == pytest.approx(plain.low, rel=0.1)
    assert named.high == pytest.approx(plain.high, rel=0.1)


def test_what_is_better_lower_is_turned_around():
    labels, ones, others = drawn(300)
    found = compare(labels, ones, others, brier, higher_is_better=False)
    # Of squared distances 0.01 where it is right and 0.81 where it is not.
    assert found.difference == pytest.approx(0.8 * compare(labels, ones, others).difference)
    assert found.low > 0


def test_the_interval_of_a_metric_holds_the_truth_where_a_class_is_rare():
    random = np.random.default_rng(5)
    labels = np.r_[np.ones(25, int), np.zeros(375, int)]
    # Of the rare class 80 and 60 % are right, of the other 90 and 95 %.
    truth = 100 * ((0.8 + 0.9) - (0.6 + 0.95)) / 2
    held = 0
    for _ in range(150):
        one = scores(labels, random.random(400) < np.where(labels, 0.8, 0.9))
        other = scores(labels, random.random(400) < np.where(labels, 0.6, 0.95))
        found = compare(labels, [one], [other], balanced)
        held += found.low <= truth <= found.high
    assert 0.92 <= held / 150 <= 0.995
    # By accuracy the rare class hardly counts.
    plain = compare(labels, [one], [other])
    assert found.high - found.low > 2 * (plain.high - plain.low)


def test_a_metric_that_cannot_be_had_gives_no_interval():
    def both_classes(labels, scored):
        return accuracy(labels, scored) if len(np.unique(labels)) == 2 else math.nan

    labels = np.r_[1, np.zeros(19, int)]
    one = scores(labels, np.ones(20, bool))
    found = compare(labels, [one], [one], both_classes)
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert compare(np.zeros(0, int), [np.zeros((0, 2))], [np.zeros((0, 2))]).low == -math.inf


@given(st.integers(1, 4), st.integers(2, 40), st.integers(0, 10_000))
def test_an_interval_holds_about_its_mean_and_turns_with_the_sign(seeds, texts, seed):
    table = 100.0 * np.random.default_rng(seed).integers(-1, 2, (seeds, texts))
    one, other = crossed(table, texts), crossed(-table, texts)
    assert one.low < one.high and one.low == pytest.approx(-other.high)
    assert one.low <= one.difference * texts / (texts + 2) <= one.high


def test_more_seeds_decide_what_seeds_leave_open():
    random = np.random.default_rng(3)
    table = np.where(random.random((5, 4000)) < 0.1, 1, 0) * random.choice([-1, 1], (5, 4000))
    table = 100.0 * table + np.array([-1.0, 0.2, 0.4, 1.0, 1.4])[:, None]
    found = crossed(table, 4000)
    assert not found.above(0)
    needed = seeds_needed(found, 0.0)
    assert 5 < needed < paired.MOST_SEEDS
    # With seeds alike to these, so many do decide, and half as many more do not.
    again = np.concatenate([table] * 10)[: needed * 2]
    assert crossed(again, 4000).above(0)
    assert texts_needed(found, 0.0) is None or texts_needed(found, 0.0) > 4000


def test_more_texts_decide_what_texts_leave_open():
    one = np.random.default_rng(4).permutation(np.repeat([-1, 0, 1], [16, 160, 24]))
    found = crossed(100.0 * np.stack([one] * 5), 200)
    assert not found.above(0) and found.difference > 0
    # All seeds agree on every text, so no more of them would do.
    assert seeds_needed(found, 0.0) is None
    needed = texts_needed(found, 0.0)
    assert crossed(100.0 * np.stack([np.tile(one, 1 + needed // 200)] * 5), needed).above(0)
    fewer = np.tile(one, needed)[: needed // 2]
    assert not crossed(100.0 * np.stack([fewer] * 5), needed // 2).above(0)


def test_nothing_decides_what_lies_at_the_margin():
    table = 100.0 * np.tile([1, -1, 0, 0], (5, 50))
    found = crossed(table, 200)
    assert found.difference == 0
    assert seeds_needed(found, 0.0) is None and texts_needed(found, 0.0) is None
    assert texts_needed(found, -5.0) is not None
