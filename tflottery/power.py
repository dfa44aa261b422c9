"""How many seeds a comparison needs: for an interval of some width, and for a test to find what is
there with a given probability.

Standard deviations are taken for the true ones; those of three seeds are themselves uncertain by
half. Deviations, differences and margins have one unit, mostly points.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from tflottery.estimates import CONFIDENCE, welch_error

LEVEL = 0.05
POWER = 0.8
# More seeds than that nobody trains.
MOST = 10_000
_NODES = 200


@dataclass(frozen=True)
class Comparison:
    """A comparison of means with known spread.

    ``deviations``: that of the differences by seed where seeds are pairs, else those of both
    groups. ``ratio``: seeds of the second group for each one of the first.
    """

    deviations: tuple[float, ...]
    ratio: float = 1.0

    def second(self, seeds: int) -> int:
        """The seeds of the second group, where the first has so many."""
        return max(2, math.ceil(round(seeds * self.ratio, 9)))

    def error(self, seeds: int) -> tuple[float, float]:
        """The standard error of the mean difference and its degrees of freedom."""
        if len(self.deviations) == 1:
            return self.deviations[0] / math.sqrt(seeds), float(seeds - 1)
        one, other = self.deviations
        return welch_error((one, other), (seeds, self.second(seeds)))

    def half_width(self, seeds: int) -> float:
        """Half of the 95 % interval."""
        from scipy import stats  # takes most of a second

        error, freedom = self.error(seeds)
        return float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * error

    def power_of_difference(self, seeds: int, true: float) -> float:
        """How often a two-sided test at 5 % finds a true difference, on its side."""
        return self._beyond(seeds, true, LEVEL / 2)

    def power_of_not_worse(self, seeds: int, margin: float, true: float = 0.0) -> float:
        """How often a one-sided test at 5 % shows that the first is not worse by the margin."""
        return self._beyond(seeds, true + margin, LEVEL)

    def power_of_equivalence(self, seeds: int, margin: float, true: float = 0.0) -> float:
        """How often two one-sided tests at 5 % each show equivalence within the margin."""
        return power_of_tost(*self.error(seeds), margin, true)

    def _beyond(self, seeds: int, away: float, level: float) -> float:
        """How often a one-sided test finds that a mean, so far away from a bound, is above it."""
        from scipy import stats  # takes most of a second

        error, freedom = self.error(seeds)
        reach = float(stats.t.ppf(1 - level, freedom))
        found = float(stats.nct.sf(reach, freedom, away / error))
        # scipy's noncentral t gives nan or 0 where almost nothing is left to miss.
        return found if found == found and away / error < 30 else 1.0


def power_of_tost(error: float, freedom: float, margin: float, true: float = 0.0) -> float:
    """How often two one-sided tests at 5 % each show that a mean lies within the margin.

    Given the standard deviation that is seen, the mean has to lie in a range that is known; this is
    the mean of its probability over what deviations are seen.
    """
    from scipy import stats  # takes most of a second

    reach = float(stats.t.ppf(1 - LEVEL, freedom))
    places, weights = _nodes()
    seen = np.sqrt(stats.chi2.ppf((places + 1) / 2, freedom) / freedom)
    above = stats.norm.cdf((margin - true) / error - reach * seen)
    below = stats.norm.cdf((-margin - true) / error + reach * seen)
    return float((weights / 2 * np.maximum(above - below, 0.0)).sum())


@cache
def _nodes() -> tuple[np.ndarray, np.ndarray]:
    """Places between -1 and 1 and their weights, for Gauss' integral."""
    return np.polynomial.legendre.leggauss(_NODES)


def seeds_for_half_width(comparison: Comparison, half: float) -> int | None:
    """The fewest seeds with which the 95 % interval reaches no further than that to each side."""
    return _fewest(comparison, lambda seeds: comparison.half_width(seeds) <= half)


def seeds_for_difference(comparison: Comparison, true: float, power: float = POWER) -> int | None:
    """The fewest seeds with which a true difference is found so often (two-sided, at 5 %)."""
    return _fewest(comparison, lambda seeds: comparison.power_of_difference(seeds, true) >= power)


def seeds_for_not_worse(comparison: Comparison, margin: float, power: float = POWER) -> int | None:
    """The fewest seeds that show "not worse" so often, where there is no difference."""
    return _fewest(comparison, lambda seeds: comparison.power_of_not_worse(seeds, margin) >= power)


def seeds_for_equivalence(
    comparison: Comparison, margin: float, power: float = POWER
) -> int | None:
    """The fewest seeds that show equivalence so often, where there is no difference."""
    return _fewest(
        comparison, lambda seeds: comparison.power_of_equivalence(seeds, margin) >= power
    )


def upper_limit(deviation: float, count: int) -> float:
    """The upper one-sided 80 % limit of a standard deviation that so many values showed: with it,
    the seeds that are planned give the power they should four times in five (Browne 1995)."""
    from scipy import stats  # takes most of a second

    return deviation * math.sqrt((count - 1) / float(stats.chi2.ppf(0.2, count - 1)))


def detectable(comparison: Comparison, seeds: int, power: float = POWER) -> float:
    """The smallest true difference that so many seeds find with the given probability."""
    low, high = 0.0, 1.0
    while comparison.power_of_difference(seeds, high) < power:
        low, high = high, 2 * high
    for _ in range(40):
        middle = (low + high) / 2
        enough = comparison.power_of_difference(seeds, middle) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def _fewest(comparison: Comparison, enough: Callable[[int], bool]) -> int | None:
    """The fewest seeds, from 2 on, that are enough; None where ``MOST`` are not. More are enough
    too."""
    if not any(comparison.deviations):
        return 2
    few, many = 1, 2
    while not enough(many):
        if many >= MOST:
            return None
        few, many = many, min(2 * many, MOST)
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if enough(middle) else (middle, many)
    return many
