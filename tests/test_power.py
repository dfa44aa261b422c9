"""Seeds that are needed, against closed forms, simulation and an independent computation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from tflottery import power
from tflottery.power import Comparison


@pytest.mark.parametrize(
    ("deviation", "seeds"),
    [(0.35, 15), (0.31, 12), (0.21, 7), (0.14, 5), (0.44, 22)],
)
def test_seeds_for_a_half_width_of_a_fifth(deviation, seeds):
    """By a table of t: 0.35 at 15 seeds gives 2.145 * 0.35 / sqrt(15) = 0.194, at 14 0.202."""
    assert power.seeds_for_half_width(Comparison((deviation,)), 0.2) == seeds


def test_a_published_power_of_two_one_sided_tests():
    """Labes' PowerTOST: a crossover of 40, CV 30 %, a true ratio of 0.95, within 0.8 to 1.25."""
    error = math.sqrt(2 * math.log(1 + 0.3**2) / 40)
    found = power.power_of_tost(error, 38, math.log(1.25), math.log(0.95))
    assert found == pytest.approx(0.815845, abs=2e-5)


def test_a_textbook_difference():
    # d = 0.5, paired, 80 % at 5 %: 34 pairs. d = 0.5 of two groups: 64 in each (Cohen 1988).
    assert power.seeds_for_difference(Comparison((1.0,)), 0.5) == 34
    assert power.seeds_for_difference(Comparison((1.0, 1.0)), 0.5) == 64
    assert Comparison((1.0,)).power_of_difference(34, 0.5) == pytest.approx(0.8078, abs=1e-3)


def test_equivalence_against_an_integral_over_the_density():
    """With the density of the deviation that is seen, instead of its quantiles."""
    error, freedom, margin = 0.35 / math.sqrt(6), 5, 0.5
    reach = stats.t.ppf(0.95, freedom)

    def within(seen: float) -> float:
        inside = 2 * stats.norm.cdf(margin / error - reach * seen) - 1
        return max(inside, 0.0) * stats.chi2.pdf(freedom * seen**2, freedom) * 2 * freedom * seen

    expected, _ = integrate.quad(within, 0, 6, limit=200)
    assert Comparison((0.35,)).power_of_equivalence(6, margin) == pytest.approx(expected, abs=1e-4)


def test_equivalence_and_not_worse_against_simulation():
    random = np.random.default_rng(5)
    one, other = random.normal(0, 0.3, (20_000, 10)), random.normal(0, 0.5, (20_000, 20))
    up = stats.ttest_ind(one + 0.4, other, axis=1, equal_var=False, alternative="greater").pvalue
    down = stats.ttest_ind(one - 0.4, other, axis=1, equal_var=False, alternative="less").pvalue
    comparison = Comparison((0.3, 0.5), ratio=2)
    assert comparison.second(10) == 20
    assert comparison.power_of_not_worse(10, 0.4) == pytest.approx((up < 0.05).mean(), abs=0.012)
    both = (np.maximum(up, down) < 0.05).mean()
    assert comparison.power_of_equivalence(10, 0.4) == pytest.approx(both, abs=0.015)


@settings(max_examples=8, deadline=None)
@given(st.floats(0.05, 1.0), st.floats(0.15, 1.0))
def test_the_fewest_seeds_are_the_fewest(deviation, size):
    comparison = Comparison((deviation,))
    for needed, enough in (
        (power.seeds_for_half_width(comparison, size), lambda n: comparison.half_width(n) <= size),
        (
            power.seeds_for_difference(comparison, size),
            lambda n: comparison.power_of_difference(n, size) >= 0.8,
        ),
        (
            power.seeds_for_not_worse(comparison, size),
            lambda n: comparison.power_of_not_worse(n, size) >= 0.8,
        ),
        (
            power.seeds_for_equivalence(comparison, size),
            lambda n: comparison.power_of_equivalence(n, size) >= 0.8,
        ),
    ):
        assert needed >= 2 and enough(needed) and (needed == 2 or not enough(needed - 1))


def test_what_seeds_can_find_is_found_with_that_power():
    comparison = Comparison((0.3, 0.5), ratio=2)
    found = power.detectable(comparison, 10)
    assert comparison.power_of_difference(10, found) == pytest.approx(0.8, abs=1e-6)
    assert power.detectable(comparison, 20) < found


def test_the_upper_limit_of_a_deviation():
    # The 20 % quantile of chi-squared with two degrees of freedom is -2 ln 0.8.
    assert power.upper_limit(0.3, 3) == pytest.approx(0.3 * math.sqrt(2 / (-2 * math.log(0.8))))
    assert power.upper_limit(0.3, 100) == pytest.approx(0.3, rel=0.08)


def test_ends():
    assert power.seeds_for_half_width(Comparison((0.0,)), 0.2) == 2
    assert power.seeds_for_half_width(Comparison((50.0,)), 0.2) is None
    assert Comparison((0.001,)).power_of_difference(10, 5.0) == 1.0
