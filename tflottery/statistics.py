"""Means, intervals, paired differences, Holm's correction and verdicts, computed with scipy.

A sample has one value for each seed. Accuracies and differences are in points: 1 point is 0.01 of
accuracy.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

CONFIDENCE = 0.95
# Of the normal distribution, two-sided.
_NORMAL_95 = 1.96
# Accuracies are counts over thousands of texts. Rounding keeps equal ones equal in floating point.
_DIGITS = 9


@dataclass(frozen=True)
class Summary:
    """A sample of ``n`` values, one for each seed.

    ``deviation`` is the sample standard deviation; ``low`` and ``high`` are the ends of the 95 % t
    interval of the mean. All three are None for a single value.
    """

    n: int
    mean: float
    deviation: float | None
    low: float | None
    high: float | None

    @property
    def half(self) -> float | None:
        """Half the width of the interval; None without an interval."""
        return None if self.high is None else self.high - self.mean

    @property
    def holds_zero(self) -> bool:
        """Whether the interval holds 0, so that the mean may be 0; true without an interval."""
        return self.low is None or self.high is None or self.low <= 0 <= self.high


@dataclass(frozen=True)
class Difference(Summary):
    """Differences paired by seed; ``p`` is the two-sided p value of the paired t test."""

    p: float | None


def summarise(values: Sequence[float]) -> Summary | None:
    """Mean, sample standard deviation and t interval; None if there are no values."""
    sample = np.asarray(values, dtype=float)
    if not sample.size:
        return None
    mean = round(float(sample.mean()), _DIGITS)
    if sample.size == 1:
        return Summary(1, mean, None, None, None)
    deviation = round(float(sample.std(ddof=1)), _DIGITS)
    from scipy import stats  # takes most of a second

    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, sample.size - 1))
    half = reach * deviation / math.sqrt(sample.size)
    return Summary(int(sample.size), mean, deviation, mean - half, mean + half)


def compare(one: Mapping[int, float], other: Mapping[int, float]) -> Difference | None:
    """``one`` minus ``other`` (values by seed), paired over the seeds that both have.

    None if they share no seed. With one common seed the difference has no interval and no p value.
    """
    common = sorted(set(one) & set(other))
    return of_differences([one[seed] - other[seed] for seed in common])


def plain(summary: Summary | None) -> dict[str, Any] | None:
    """The summary as a JSON value."""
    return None if summary is None else dataclasses.asdict(summary)


def of_differences(differences: Sequence[float]) -> Difference | None:
    """A summary of paired differences, with the p value of a t test that their mean is 0; None if
    there are no values."""
    rounded = [round(float(value), _DIGITS) for value in differences]
    summary = summarise(rounded)
    if summary is None:
        return None
    return Difference(
        summary.n, summary.mean, summary.deviation, summary.low, summary.high, _p(rounded, summary)
    )


@dataclass(frozen=True)
class Line:
    """``intercept + slope * x`` by least squares.

    ``low`` and ``high`` are the ends of the 95 % t interval of the slope (n - 2 degrees of freedom
    for n points); they are None for two points.
    """

    intercept: float
    slope: float
    low: float | None
    high: float | None


def fit_line(points: Sequence[tuple[float, float]]) -> Line | None:
    """The least-squares line of (x, y) points; None if all have the same x."""
    if len({x for x, _ in points}) < 2:
        return None
    x, y = np.asarray(points, dtype=float).T
    spread = float(((x - x.mean()) ** 2).sum())
    slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread
    intercept = float(y.mean() - slope * x.mean())
    freedom = len(points) - 2
    if not freedom:
        return Line(intercept, slope, None, None)
    error = math.sqrt(float(((y - intercept - slope * x) ** 2).sum()) / freedom / spread)
    from scipy import stats  # takes most of a second

    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * error
    return Line(intercept, slope, slope - half, slope + half)


def _p(differences: Sequence[float], summary: Summary) -> float | None:
    if summary.deviation is None:
        return None
    if summary.deviation == 0:  # t is 0/0 or x/0 here
        return 1.0 if summary.mean == 0 else 0.0
    from scipy import stats  # takes most of a second

    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def unpaired(one: Sequence[float], other: Sequence[float]) -> Difference | None:
    """The mean of ``one`` minus the mean of ``other``, with Welch's (1947) t interval and p value.

    None if either has fewer than two values, or neither varies.
    """
    if min(len(one), len(other)) < 2:
        return None
    mean = round(float(np.mean(one) - np.mean(other)), _DIGITS)
    if not np.std(one) + np.std(other):
        return None  # without any spread there is no t
    from scipy import stats  # takes most of a second

    test = stats.ttest_ind(one, other, equal_var=False)
    interval = test.confidence_interval(CONFIDENCE)
    return Difference(
        min(len(one), len(other)),
        mean,
        None,
        float(interval.low),
        float(interval.high),
        float(test.pvalue),
    )


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Holm's (1979) step-down adjustment of p values; None stays None and is not counted.

    The smallest of m p values is multiplied by m, the next by m - 1, and so on. Each is at least as
    large as the one before it, and at most 1.
    """
    known = sorted((value, place) for place, value in enumerate(values) if value is not None)
    adjusted: list[float | None] = [None] * len(values)
    highest = 0.0
    for rank, (value, place) in enumerate(known):
        highest = max(highest, min(1.0, value * (len(known) - rank)))
        adjusted[place] = highest
    return adjusted


def resolution(texts: int) -> float:
    """Points of accuracy that so many texts cannot tell apart: the 95 % interval of an accuracy of
    50 % reaches so far to each side, ``1.96 * 0.5 / sqrt(texts)``; infinite without texts."""
    return 100 * _NORMAL_95 * 0.5 / math.sqrt(texts) if texts else math.inf


@dataclass(frozen=True)
class Verdict:
    """Whether a pruned network matches dense, by three criteria; None if there are too few seeds.

    ``deviation``: at most one standard deviation of dense below the dense mean (Chen et al. 2020,
    arXiv 2007.12223). ``strict``: not below the dense mean. ``tolerance``: at most a number of
    points below it (Ma et al. 2021, arXiv 2107.00166: 0.5).
    """

    deviation: bool | None
    strict: bool | None
    tolerance: bool | None


def judge(difference: Difference | None, dense: Summary | None, tolerance: float) -> Verdict:
    """The verdict on a pruned network.

    Args:
        difference: its accuracy minus dense's, paired by seed, in points.
        dense: dense's accuracy, in points.
        tolerance: in points.
    """
    if difference is None or dense is None:
        return Verdict(None, None, None)
    mean = difference.mean
    return Verdict(
        deviation=None if dense.deviation is None else mean >= -dense.deviation,
        strict=mean >= 0,
        tolerance=mean >= -tolerance,
    )
