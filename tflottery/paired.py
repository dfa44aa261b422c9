"""How far apart two networks are on the same texts, with an interval: over texts, and over seeds
where there are several.

docs/verdicts.md has the formulas and where they come from. Differences are in points (hundredths of
an accuracy, or of another metric), positive where the first network is better.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tflottery import seeds as named_seeds

CONFIDENCE = 0.95
# Blocks of texts that a metric other than accuracy is computed without, one after the other.
_BLOCKS = 50
_DIGITS = 9
MOST_SEEDS = 50
_MOST_TIMES_TEXTS = 100

Measure = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Paired:
    """The mean difference of two networks over ``seeds`` pairs of trainings and ``texts`` texts.

    ``low`` and ``high`` end the 95 % interval; both are infinite where there is none, as where a
    metric cannot be computed. ``by_seeds``, ``by_texts`` and ``by_both`` are what the variance of
    the mean is made of: ``by_seeds + by_texts - by_both``, since what seeds and texts do together
    is in each of the two. ``by_seeds`` and ``by_both`` are 0 for one seed, where the interval is
    that of this one pair of trainings. ``units``: texts, or the blocks of them that a metric was
    computed without, which is what the variance over texts was estimated from. All in points
    (variances in squared points).
    """

    difference: float
    low: float
    high: float
    texts: int
    seeds: int
    by_seeds: float = 0.0
    by_texts: float = math.inf
    by_both: float = 0.0
    units: int = 0

    @property
    def center(self) -> float:
        """What the interval stands about: the difference, drawn to 0 by the two added texts."""
        return self.difference * self.texts / (self.texts + 2)

    def above(self, margin: float) -> bool:
        """Whether the whole interval lies above a number of points."""
        return self.low > margin

    def at_least(self, margin: float) -> bool:
        """Whether the whole interval lies at a number of points or above."""
        return self.low >= margin

    def below(self, margin: float) -> bool:
        """Whether the whole interval lies below a number of points."""
        return self.high < margin


def compare(
    labels: np.ndarray,
    ones: Sequence[np.ndarray],
    others: Sequence[np.ndarray],
    measure: Measure | None = None,
    *,
    higher_is_better: bool = True,
) -> Paired:
    """``ones`` minus ``others``, paired by seed and by text.

    Args:
        labels: int [texts].
        ones, others: for each seed the scores of the classes, float [texts, classes].
        measure: takes labels and scores, and gives nan where it is undefined; None for accuracy.
        higher_is_better: whether that is so of ``measure``.
    """
    one, other = (
        contributions(labels, scores, measure, higher_is_better=higher_is_better)
        for scores in (ones, others)
    )
    return apart(labels, one, other, is_accuracy=measure is None)


def contributions(
    labels: np.ndarray,
    networks: Sequence[np.ndarray],
    measure: Measure | None = None,
    *,
    higher_is_better: bool = True,
) -> np.ndarray:
    """What each text, or block of texts, contributes to what networks are worth: points [networks,
    units], whose means over units are the metric.

    Args: as of ``compare``; ``networks`` has the scores of each.
    """
    if not len(labels):
        return np.zeros((len(networks), 0))
    if measure is None:
        return np.stack([100.0 * (scores.argmax(axis=1) == labels) for scores in networks])
    known: dict[int, np.ndarray] = {}
    for scores in networks:
        # Scores that look at no text are the same array for every seed.
        if id(scores) not in known:
            known[id(scores)] = pseudo_values(labels, scores, measure)
    sign = 100 if higher_is_better else -100
    return np.stack([sign * known[id(scores)] for scores in networks])


def apart(labels: np.ndarray, ones: np.ndarray, others: np.ndarray, *, is_accuracy: bool) -> Paired:
    """How far networks are apart whose ``contributions`` are given."""
    if not len(labels):
        return Paired(0.0, -math.inf, math.inf, 0, len(ones))
    return crossed(ones - others, len(labels), 1.0 if is_accuracy else _heaviest(labels))


def crossed(differences: np.ndarray, texts: int, heaviest: float = 1.0) -> Paired:
    """The interval of a mean of differences, where seeds and texts are drawn at random.

    Args:
        differences: [seeds, texts], or [seeds, blocks of texts], in points.
        texts: how many there are.
        heaviest: how much a single text can count, as a multiple of what it counts in an accuracy.
    """
    count, units = differences.shape
    mean = float(differences.mean())
    if not np.isfinite(differences).all() or units < 2:
        return Paired(mean, -math.inf, math.inf, texts, count)
    over_seeds = differences.mean(axis=0)
    # Of a single text: a block of m texts varies by an m-th of that.
    variance = float(over_seeds.var(ddof=1)) * texts / units
    # Agresti and Min (2005): half a text more in each of the four cells, so two texts more, one of
    # which speaks for each side by half. Where no text differs, that is all that is known.
    center = mean * texts / (texts + 2)
    squares = (texts - 1) * variance + (100 * heaviest) ** 2 + 2 * texts * mean**2 / (texts + 2)
    by_texts = float(squares) / (texts + 2) ** 2
    by_seeds = by_both = 0.0
    if count > 1:
        by_seed = differences.mean(axis=1)
        by_seeds = float(by_seed.var(ddof=1)) / count
        rest = differences - by_seed[:, None] - over_seeds[None, :] + mean
        freedom = (count - 1) * (units - 1)
        by_both = float((rest**2).sum()) / freedom / (count * units)
    half = _reach(by_seeds, by_texts, by_both, count, units, is_blocks=units < texts)
    return Paired(
        round(mean, _DIGITS), round(center - half, _DIGITS), round(center + half, _DIGITS),
        texts, count, by_seeds, by_texts, by_both, units,
    )  # fmt: skip


def between(ones: np.ndarray, others: np.ndarray) -> Paired:
    """The interval of a difference of two means, where texts are shared and seeds are not.

    Args:
        ones, others: what each text contributes, in points [seeds, texts], at least two seeds each.
    """
    texts = ones.shape[1]
    apart_ = ones.mean(axis=0) - others.mean(axis=0)
    if not np.isfinite(apart_).all() or texts < 2:
        mean = float(apart_.mean()) if texts else 0.0
        return Paired(mean, -math.inf, math.inf, texts, min(len(ones), len(others)))
    mean, center = float(apart_.mean()), float(apart_.mean()) * texts / (texts + 2)
    squares = (texts - 1) * float(apart_.var(ddof=1)) + 100**2 + 2 * texts * mean**2 / (texts + 2)
    by_texts = squares / (texts + 2) ** 2  # two texts more, as in ``crossed``
    by_seeds = by_both = 0.0
    spread = by_texts**2 / (texts - 1)
    for group in (ones, others):
        count = len(group)
        by_seed = group.mean(axis=1)
        rest = group - by_seed[:, None] - group.mean(axis=0)[None, :] + group.mean()
        freedom = (count - 1) * (texts - 1)
        of_seeds = float(by_seed.var(ddof=1)) / count
        of_both = float((rest**2).sum()) / freedom / (count * texts)
        by_seeds, by_both = by_seeds + of_seeds, by_both + of_both
        spread += of_seeds**2 / (count - 1) + of_both**2 / freedom
    variance = max(by_seeds, by_texts, by_seeds + by_texts - by_both)
    from scipy import stats  # takes most of a second

    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, variance**2 / spread))
    half = quantile * math.sqrt(variance)
    return Paired(
        round(mean, _DIGITS), round(center - half, _DIGITS), round(center + half, _DIGITS),
        texts, min(len(ones), len(others)), by_seeds, by_texts, by_both, texts,
    )  # fmt: skip


def _reach(
    by_seeds: float, by_texts: float, by_both: float, seeds: int, units: int, *, is_blocks: bool
) -> float:
    """Half the width of the interval."""
    from scipy import stats  # takes most of a second

    quantile = (1 + CONFIDENCE) / 2
    if seeds == 1:
        # Agresti and Min's interval is a normal one.
        reach = stats.t.ppf(quantile, units - 1) if is_blocks else stats.norm.ppf(quantile)
        return float(reach) * math.sqrt(by_texts)
    # What both have in common is estimated, and may come out larger than it is.
    variance = max(by_seeds, by_texts, by_seeds + by_texts - by_both)
    parts = (
        by_seeds**2 / (seeds - 1)
        + by_texts**2 / (units - 1)
        + by_both**2 / ((seeds - 1) * (units - 1))
    )
    freedom = variance**2 / parts  # Satterthwaite (1946)
    return float(stats.t.ppf(quantile, freedom)) * math.sqrt(variance)


def seeds_needed(paired: Paired, margin: float) -> int | None:
    """With about how many seeds the interval would leave a margin out, if the difference stays as
    it is; None where ``MOST_SEEDS`` would not do.

    One seed does not tell how much seeds differ: the number is then as if they differed on texts
    of their own alone.
    """
    away = abs(paired.center - margin)
    is_blocks = paired.units < paired.texts
    of_both = paired.by_both * paired.seeds if paired.seeds > 1 else paired.by_texts
    of_seeds = max(paired.by_seeds - paired.by_both, 0.0) * paired.seeds
    of_texts = max(paired.by_texts - paired.by_both, 0.0) if paired.seeds > 1 else 0.0
    for seeds in range(paired.seeds + 1, MOST_SEEDS + 1):
        both = of_both / seeds
        reach = _reach(
            of_seeds / seeds + both, of_texts + both, both, seeds, paired.units,
            is_blocks=is_blocks,
        )  # fmt: skip
        if reach < away:
            return seeds
    return None


def texts_needed(paired: Paired, margin: float) -> int | None:
    """With about how many texts the interval would leave a margin out, as ``seeds_needed``; None
    where a hundred times as many would not do."""
    of_seeds = max(paired.by_seeds - paired.by_both, 0.0)
    is_blocks = paired.units < paired.texts

    def decide(texts: int) -> bool:
        share = paired.texts / texts
        both = paired.by_both * share
        units = paired.units if is_blocks else texts
        reach = _reach(
            of_seeds + both, paired.by_texts * share, both, paired.seeds, units,
            is_blocks=is_blocks,
        )  # fmt: skip
        return reach < abs(paired.difference * texts / (texts + 2) - margin)

    few, many = paired.texts, paired.texts * _MOST_TIMES_TEXTS
    if few < 2 or not math.isfinite(paired.low) or not decide(many):
        return None
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if decide(middle) else (middle, many)
    return many


def pseudo_values(labels: np.ndarray, scores: np.ndarray, measure: Measure) -> np.ndarray:
    """[blocks]: what each block of texts contributes to a metric (Tukey's jackknife); their mean is
    the metric. nan where it cannot be computed without one of the blocks."""
    texts = len(labels)
    count = min(texts, _BLOCKS)
    # Texts may be sorted by class, so blocks are drawn; the same for every network.
    block = named_seeds.generator("blocks of texts", texts).permutation(texts) % count
    whole = measure(labels, scores)
    kept = [block != one for one in range(count)]
    without = np.array([measure(labels[some], scores[some]) for some in kept])
    values = count * whole - (count - 1) * without
    return np.asarray(values - values.mean() + whole)


def _heaviest(labels: np.ndarray) -> float:
    """How much a text of the smallest class counts where classes count alike."""
    counts = np.unique(labels, return_counts=True)[1]
    return max(1.0, len(labels) / (len(counts) * counts.min()))
