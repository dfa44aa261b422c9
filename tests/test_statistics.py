"""Statistics against results by hand and by scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tflottery import statistics
from tflottery.statistics import Summary, Verdict

# The 97.5 % quantile of t, from any table.
T_TWO_DEGREES, T_ONE_DEGREE = 4.302652729, 12.706204736


def test_mean_deviation_and_interval_by_hand():
    summary = statistics.summarise([87.0, 88.0, 89.0])
    assert summary.n == 3 and summary.mean == 88.0 and summary.deviation == 1.0
    half = T_TWO_DEGREES / math.sqrt(3)
    assert summary.half == pytest.approx(half, abs=1e-8)
    assert (summary.low, summary.high) == pytest.approx((88 - half, 88 + half), abs=1e-8)

    two = statistics.summarise([1.0, 3.0])
    assert two.half == pytest.approx(T_ONE_DEGREE * math.sqrt(2) / math.sqrt(2), abs=1e-8)


def test_one_seed_has_no_interval():
    summary = statistics.summarise([87.0])
    assert summary == Summary(1, 87.0, None, None, None)
    assert summary.half is None and summary.holds_zero
    assert statistics.summarise([]) is None
    difference = statistics.compare({1: 87.0}, {1: 86.0, 2: 80.0})
    assert (difference.n, difference.mean, difference.low, difference.p) == (1, 1.0, None, None)


def test_differences_are_paired_by_seed():
    ticket, dense = {1: 87.5, 2: 88.0, 3: 88.6, 4: 99.0}, {3: 88.1, 2: 87.8, 1: 87.1}
    difference = statistics.compare(ticket, dense)
    expected = stats.ttest_rel([87.5, 88.0, 88.6], [87.1, 87.8, 88.1])
    interval = expected.confidence_interval(0.95)
    assert difference.n == 3
    assert difference.mean == pytest.approx((0.4 + 0.2 + 0.5) / 3)
    assert difference.p == pytest.approx(expected.pvalue)
    assert (difference.low, difference.high) == pytest.approx((interval.low, interval.high))
    assert difference.holds_zero and difference.p > 0.05
    assert statistics.compare({1: 1.0}, {2: 1.0}) is None


def test_equal_differences_give_no_nan():
    same = statistics.compare({1: 1.1, 2: 2.2}, {1: 1.0, 2: 2.1})
    assert same.deviation == 0 and same.p == 0.0 and same.low == same.high == same.mean
    none = statistics.compare({1: 1.1, 2: 2.2}, {1: 1.1, 2: 2.2})
    assert none.p == 1.0 and none.holds_zero


def test_welch_against_scipy():
    one, other = [1.0, 1.4, 1.9], [0.1, 0.4]
    difference = statistics.unpaired(one, other)
    expected = stats.ttest_ind(one, other, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert difference.p == pytest.approx(expected.pvalue)
    assert (difference.low, difference.high) == pytest.approx((interval.low, interval.high))
    assert statistics.unpaired([1.0], other) is None
    assert statistics.unpaired([1.0, 1.0], [1.0, 1.0]) is None


def test_holm_by_hand():
    # m = 4: 0.01*4, then max(0.04, 0.02*3), max(0.06, 0.03*2), and 0.4*1.
    assert statistics.holm([0.03, 0.01, 0.4, 0.02]) == pytest.approx([0.06, 0.04, 0.4, 0.06])
    assert statistics.holm([0.5, None, 0.6]) == [1.0, None, 1.0]
    assert statistics.holm([]) == [] and statistics.holm([None]) == [None]


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_lies_between_p_and_bonferroni(ps):
    adjusted = statistics.holm(ps)
    for p, held in zip(ps, adjusted, strict=True):
        assert p <= held <= min(1.0, p * len(ps)) + 1e-12
    order = np.argsort(ps, kind="stable")
    assert all(np.diff([adjusted[place] for place in order]) >= 0)


def test_a_line_by_hand():
    line = statistics.fit_line([(0, 1), (1, 3), (2, 4), (3, 4)])
    assert (line.intercept, line.slope) == pytest.approx((1.5, 1.0))
    # Residuals -0.5, 0.5, 0.5, -0.5 around x with a spread of 5; t with 2 degrees of freedom.
    assert line.high - line.slope == pytest.approx(4.30265273 * (1 / 2 / 5) ** 0.5)
    assert statistics.fit_line([(0, 2), (1, 2), (2, 2)]) == statistics.Line(2, 0, 0, 0)
    assert statistics.fit_line([(0, 1), (1, 3)]) == statistics.Line(1, 2, None, None)
    assert statistics.fit_line([(1, 1), (1, 3)]) is None


def test_verdicts_at_their_edges():
    dense = statistics.summarise([87.0, 88.0, 89.0])  # a deviation of 1
    seeds = {1: 87.0, 2: 88.0, 3: 89.0}

    def judged(shift: float, tolerance: float = 0.5) -> Verdict:
        moved = {seed: value + shift for seed, value in seeds.items()}
        return statistics.judge(statistics.compare(moved, seeds), dense, tolerance)

    assert judged(0.0) == Verdict(deviation=True, strict=True, tolerance=True)
    assert judged(-0.5) == Verdict(deviation=True, strict=False, tolerance=True)
    assert judged(-1.0) == Verdict(deviation=True, strict=False, tolerance=False)
    assert judged(-1.01) == Verdict(deviation=False, strict=False, tolerance=False)
    assert judged(-1.0, tolerance=1.0).tolerance


def test_verdicts_that_cannot_be_given():
    alone = statistics.summarise([88.0])
    difference = statistics.compare({1: 88.0}, {1: 88.0})
    assert statistics.judge(difference, alone, 0.5) == Verdict(None, True, True)
    assert statistics.judge(None, alone, 0.5) == Verdict(None, None, None)
    assert statistics.judge(difference, None, 0.5) == Verdict(None, None, None)
