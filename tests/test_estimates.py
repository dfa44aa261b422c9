"""t tests against scipy's own, and against what follows from intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tflottery import estimates, statistics
from tflottery.estimates import Estimate

ONE = {4: 87.5, 5: 88.0, 6: 88.6, 7: 87.9, 8: 88.2}
OTHER = {4: 87.1, 5: 87.8, 6: 88.1, 7: 87.6, 8: 88.3, 9: 90.0}
VALUES = st.lists(st.integers(-300, 300).map(lambda number: number / 100), min_size=2, max_size=12)


def test_paired_is_scipys_paired_test():
    found = estimates.paired(ONE, OTHER)
    common = [OTHER[seed] for seed in ONE]
    for alternative, p in (
        ("two-sided", found.p_differs()),
        ("greater", found.p_above(0.0)),
        ("less", found.p_below(0.0)),
    ):
        expected = stats.ttest_rel(list(ONE.values()), common, alternative=alternative)
        assert p == pytest.approx(expected.pvalue, abs=1e-7)
    interval = stats.ttest_rel(list(ONE.values()), common).confidence_interval(0.9)
    assert found.interval(0.9) == pytest.approx((interval.low, interval.high))
    assert (found.n, found.counts, found.freedom) == (5, (5,), 4.0)
    assert found.p_above(-0.5) == pytest.approx(
        stats.ttest_1samp(
            [ONE[seed] - OTHER[seed] + 0.5 for seed in ONE], 0, alternative="greater"
        ).pvalue,
        abs=1e-7,
    )


def test_welch_is_scipys_with_satterthwaites_freedom():
    one, other = list(ONE.values()), list(OTHER.values())
    found = estimates.welch(one, other)
    expected = stats.ttest_ind(one, other, equal_var=False)
    assert found.p_differs() == pytest.approx(expected.pvalue, abs=1e-7)
    assert found.freedom == pytest.approx(expected.df, abs=1e-6)
    interval = expected.confidence_interval(0.95)
    assert found.interval() == pytest.approx((interval.low, interval.high), abs=1e-6)
    shifted = stats.ttest_ind([x + 0.5 for x in one], other, equal_var=False, alternative="greater")
    assert found.p_above(-0.5) == pytest.approx(shifted.pvalue, abs=1e-7)
    assert found.counts == (5, 6) and found.difference.n == 5


def test_schuirmanns_two_tests_by_hand():
    # Mean 0.1, deviation 0.3 of nine: error 0.1, eight degrees of freedom.
    found = Estimate(0.1, 0.1, 8.0, (9,), (0.3,))
    assert found.p_within(0.5) == pytest.approx(float(stats.t.sf(4, 8)))
    assert found.p_within(0.25) == pytest.approx(float(stats.t.sf(1.5, 8)))
    assert found.p_within(0.05) > 0.5


@given(VALUES, st.floats(0.05, 3))
def test_equivalent_means_that_the_90_percent_interval_lies_within(values, margin):
    found = estimates.of_values(values)
    if found.error is None:
        assert found.interval() is None and found.p_within(margin) == 1.0
        return
    low, high = found.interval(0.9)
    if min(abs(low + margin), abs(high - margin)) > 1e-6:
        assert (found.p_within(margin) < 0.05) == (-margin < low and high < margin)
    low, high = found.interval()
    if min(abs(low), abs(high)) > 1e-6:
        assert (found.p_differs() < 0.05) == (low > 0 or high < 0)


@given(VALUES, VALUES)
def test_turning_a_comparison_round_turns_its_tests_round(one, other):
    there, back = estimates.welch(one, other), estimates.welch(other, one)
    assert there.mean == pytest.approx(-back.mean)
    assert there.p_above(0.3) == pytest.approx(back.p_below(-0.3))
    assert there.p_within(0.5) == pytest.approx(back.p_within(0.5))


def test_what_cannot_be_tested_is_no_certainty():
    assert estimates.of_values([]) is None and estimates.welch([], [1.0]) is None
    assert estimates.paired({1: 1.0}, {2: 1.0}) is None
    for found in (
        estimates.of_values([0.4]),
        estimates.of_values([0.1 + 0.2, 0.3]),  # equal but for the last bit
        estimates.welch([1.0], [1.0, 2.0]),
        estimates.welch([1.0, 1.0], [2.0, 2.0]),
    ):
        assert found.error is None and found.interval() is None
        assert found.p_differs() == found.p_within(9.0) == found.p_above(-9.0) == 1.0
        assert found.difference.p is None and found.difference.holds_zero


def test_an_estimate_as_reports_show_it():
    shown = estimates.paired(ONE, OTHER).difference
    expected = np.array([ONE[seed] - OTHER[seed] for seed in ONE])
    assert shown.mean == pytest.approx(expected.mean())
    assert shown.deviation == pytest.approx(expected.std(ddof=1))
    half = 2.776445105 * expected.std(ddof=1) / math.sqrt(5)
    assert shown.high - shown.mean == pytest.approx(half, abs=1e-6)


def test_differences_as_estimates_again():
    found = estimates.paired(ONE, OTHER)
    again = estimates.of_difference(found.difference)
    assert again.p_within(0.5) == pytest.approx(found.p_within(0.5), abs=1e-7)
    assert estimates.of_difference(statistics.of_differences([0.4])).p_above(0) == 1.0
    equal = estimates.of_difference(statistics.of_differences([0.2, 0.2]))
    assert (equal.p_above(0.0), equal.p_above(0.2), equal.p_within(0.5)) == (0.0, 1.0, 0.0)
