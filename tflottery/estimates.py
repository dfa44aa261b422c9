"""A mean difference with its standard error, and the t tests that are made of it.

Paired over seeds where both sides share them, Welch's (1947) where they do not; two-sided,
one-sided at a bound, and equivalence by two one-sided tests (TOST, Schuirmann 1987). Values are in
whatever unit they are given in, mostly points.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tflottery.statistics import Difference

CONFIDENCE = 0.95
# Accuracies are counts over thousands of texts. Rounding keeps equal ones equal in floating point.
_DIGITS = 9


@dataclass(frozen=True)
class Estimate:
    """A mean difference.

    ``error`` is its standard error, with ``freedom`` degrees of freedom; both are None where there
    are too few values, and where none of them differs: values that jump all alike, as steps between
    validations do, are no certainty. ``counts`` and ``deviations`` (sample standard deviations,
    None for a single value) are of the differences, or of each of two groups.
    """

    mean: float
    error: float | None
    freedom: float | None
    counts: tuple[int, ...]
    deviations: tuple[float | None, ...]

    @property
    def n(self) -> int:
        """The seeds of the smaller group."""
        return min(self.counts)

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
        """The ends of the two-sided t interval; None where there is no standard error."""
        if self.error is None or self.freedom is None:
            return None
        from scipy import stats  # takes most of a second

        half = float(stats.t.ppf((1 + confidence) / 2, self.freedom)) * self.error
        return self.mean - half, self.mean + half

    def p_differs(self) -> float:
        """Two-sided, of a mean of 0; 1 where there is no standard error, as of every test here."""
        return min(1.0, 2 * min(self.p_above(0.0), self.p_below(0.0)))

    def p_above(self, bound: float) -> float:
        """One-sided: how likely such a mean or a larger one is, were it the bound."""
        if self.error is None or self.freedom is None:
            return 1.0
        if not self.error:
            return 0.0 if self.mean > bound else 1.0
        from scipy import stats  # takes most of a second

        return float(stats.t.sf((self.mean - bound) / self.error, self.freedom))

    def p_below(self, bound: float) -> float:
        """One-sided, to the other side."""
        return Estimate(-self.mean, self.error, self.freedom, (), ()).p_above(-bound)

    def p_within(self, margin: float) -> float:
        """Equivalence within a margin on both sides of 0: the larger p of two one-sided tests. It
        is below 0.05 where the 90 % interval lies within the margin."""
        return max(self.p_above(-margin), self.p_below(margin))

    @property
    def difference(self) -> Difference:
        """The same with its 95 % interval, as reports show differences."""
        low, high = self.interval() or (None, None)
        deviation = self.deviations[0] if len(self.deviations) == 1 else None
        p = None if self.error is None else self.p_differs()
        return Difference(self.n, self.mean, deviation, low, high, p)


def of_values(values: Sequence[float]) -> Estimate | None:
    """Of differences, one a seed; None if there are none."""
    sample = np.round(np.asarray(values, dtype=float), _DIGITS)
    if not sample.size:
        return None
    deviation = _deviation(sample)
    error = deviation / math.sqrt(sample.size) if deviation else None
    freedom = float(sample.size - 1) if error else None
    return Estimate(_mean(sample), error, freedom, (int(sample.size),), (deviation,))


def of_difference(difference: Difference) -> Estimate:
    """Of a difference that was paired by seed. One without an interval has no standard error; one
    whose interval has no width is taken as certain, as its p value is."""
    deviation = None if difference.low is None else difference.deviation
    error = None if deviation is None else deviation / math.sqrt(difference.n)
    freedom = None if deviation is None else float(difference.n - 1)
    return Estimate(difference.mean, error, freedom, (difference.n,), (deviation,))


def paired(one: Mapping[int, float], other: Mapping[int, float]) -> Estimate | None:
    """``one`` minus ``other``, by seed, over the seeds that both have; None if there are none."""
    common = sorted(set(one) & set(other))
    return of_values([one[seed] - other[seed] for seed in common])


def welch(one: Sequence[float], other: Sequence[float]) -> Estimate | None:
    """The mean of ``one`` minus that of ``other``, as of independent groups of unequal variances,
    with Satterthwaite's degrees of freedom; None if one has no values."""
    samples = [np.asarray(values, dtype=float) for values in (one, other)]
    if not all(sample.size for sample in samples):
        return None
    mean = round(float(samples[0].mean() - samples[1].mean()), _DIGITS)
    counts = (int(samples[0].size), int(samples[1].size))
    deviations = (_deviation(samples[0]), _deviation(samples[1]))
    error = freedom = None
    if deviations[0] is not None and deviations[1] is not None and any(deviations):
        error, freedom = welch_error((deviations[0], deviations[1]), counts)
    return Estimate(mean, error, freedom, counts, deviations)


def welch_error(deviations: tuple[float, float], counts: tuple[int, int]) -> tuple[float, float]:
    """The standard error of a difference of two means, and its degrees of freedom (Satterthwaite
    1946). At least one of the deviations is above 0, and both counts are 2 or more."""
    parts = [sd**2 / count for sd, count in zip(deviations, counts, strict=True)]
    spread = sum(part**2 / (count - 1) for part, count in zip(parts, counts, strict=True))
    return math.sqrt(sum(parts)), sum(parts) ** 2 / spread


def _mean(sample: np.ndarray) -> float:
    return round(float(sample.mean()), _DIGITS)


def _deviation(sample: np.ndarray) -> float | None:
    """The sample standard deviation; None for a single value."""
    return round(float(sample.std(ddof=1)), _DIGITS) if sample.size > 1 else None
