"""What labels and scores say a model is worth: metrics with intervals, classes, calibration.

Everything here is arithmetic on arrays; ``evaluate`` brings the texts and the model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tflottery.metrics import CALIBRATION_BINS, METRICS, confusion, per_class
from tflottery.paired import CONFIDENCE, pseudo_values

if TYPE_CHECKING:
    import pandas as pd

# What is asked of labels alone; a threshold changes these, and none of the others.
OF_LABELS = ("accuracy", "balanced_accuracy", "macro_f1")
# The ends of what a metric can be, which no interval leaves.
_RANGES = {"log_loss": (0.0, math.inf)}
_UNIT = (0.0, 1.0)
_OURS = (*OF_LABELS, "roc_auc", "calibration_error")


def metrics(labels: np.ndarray, scores: np.ndarray, predicted: np.ndarray) -> pd.DataFrame:
    """A row a metric: ``metric``, ``value``, and the ends of its 95 % interval over texts, ``low``
    and ``high``; nan where it is undefined.

    Of an accuracy the interval is Wilson's (1927); of any other metric that of Tukey's jackknife
    over 50 blocks of texts (Quenouille 1956, Tukey 1958; ``docs/verdicts.md``).

    Args:
        labels: int [texts], classes from 0.
        scores: float [texts, classes], probabilities.
        predicted: int [texts], the model's label of each, which accuracies follow.
    """
    import pandas as pd

    decided = np.eye(scores.shape[1])[predicted]
    rows = []
    for name, metric in METRICS.items():
        given = decided if name in OF_LABELS else scores
        value = metric(labels, given)
        low = high = math.nan
        if name == "accuracy":
            low, high = wilson(int((predicted == labels).sum()), len(labels))
        elif value is not None and len(labels) > 1:

            def measure(some: np.ndarray, of_them: np.ndarray, metric=metric) -> float:  # type: ignore[no-untyped-def]
                found = metric(some, of_them)
                return math.nan if found is None else found

            low, high = _jackknife(pseudo_values(labels, given, measure), name)
        rows.append((name, math.nan if value is None else value, low, high))
    return pd.DataFrame(rows, columns=["metric", "value", "low", "high"])


def _jackknife(values: np.ndarray, name: str) -> tuple[float, float]:
    if len(values) < 2 or not np.isfinite(values).all():
        return math.nan, math.nan
    from scipy import stats  # takes most of a second

    half = stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * values.std(ddof=1)
    half /= math.sqrt(len(values))
    least, most = _RANGES.get(name, _UNIT if name in _OURS else (-math.inf, math.inf))
    return float(max(values.mean() - half, least)), float(min(values.mean() + half, most))


def wilson(hits: int, texts: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion (Wilson 1927); nan without texts."""
    if not texts:
        return math.nan, math.nan
    from scipy import stats  # takes most of a second

    ends = stats.binomtest(hits, texts).proportion_ci(CONFIDENCE, method="wilson")
    return float(ends.low), float(ends.high)


def by_class(labels: np.ndarray, predicted: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """A row a class: ``class``, ``texts``, ``precision``, ``recall``, ``f1``, and the ends of the
    95 % intervals of the first two (``precision_low``, …), which are proportions of texts."""
    decided = np.eye(len(classes))[predicted]
    table = per_class(labels, decided, classes)[["class", "texts", "precision", "recall", "f1"]]
    hits = [int(((labels == one) & (predicted == one)).sum()) for one in range(len(classes))]
    for name, of in (("precision", predicted), ("recall", labels)):
        ends = [wilson(hit, int((of == one).sum())) for one, hit in enumerate(hits)]
        table[f"{name}_low"], table[f"{name}_high"] = zip(*ends, strict=True)
    return table


def confused(labels: np.ndarray, predicted: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """Numbers of texts: a row for each true class, a column for each predicted one."""
    return confusion(labels, np.eye(len(classes))[predicted], classes)


def reliability(labels: np.ndarray, scores: np.ndarray) -> pd.DataFrame:
    """The bins of the calibration error (Guo et al. 2017), those that hold texts: ``above`` and
    ``to`` end a bin of the likeliest class's probability; ``texts``, their mean ``confidence``, and
    their ``accuracy`` with ``low`` and ``high``, its 95 % interval."""
    import pandas as pd

    confidence, right = scores.max(axis=1), scores.argmax(axis=1) == labels
    edges = np.arange(CALIBRATION_BINS + 1) / CALIBRATION_BINS
    bins = np.digitize(confidence, edges[1:-1], right=True)
    rows = []
    for number in np.unique(bins).tolist():
        of_bin = bins == number
        texts, hits = int(of_bin.sum()), int(right[of_bin].sum())
        ends = wilson(hits, texts)
        mean = float(confidence[of_bin].mean())
        rows.append((edges[number], edges[number + 1], texts, mean, hits / texts, *ends))
    columns = ["above", "to", "texts", "confidence", "accuracy", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def best_f1(labels: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """The threshold whose label has the highest F1 of the second class, and that F1: half way
    between two scores; of several the one nearest to one half.

    Args:
        labels: int [texts], 0 or 1; both occur.
        second: float [texts], the probability of the second class.
    """
    order = np.argsort(-second, kind="stable")
    scores = second[order].astype(np.float32)
    hits = np.cumsum(labels[order] == 1)
    # A threshold stands between two scores that differ, or below all.
    ends = np.append(np.flatnonzero(scores[:-1] != scores[1:]), len(scores) - 1)
    f1 = 2 * hits[ends] / (ends + 1 + hits[-1])
    best = ends[np.flatnonzero(f1 >= f1.max() - 1e-12)]
    below = np.append(scores, np.float32(0))[best + 1]
    between = ((scores[best].astype(np.float64) + below) / 2).astype(np.float32)
    # Of neighbours among 32-bit numbers, the lower one is what the upper is above.
    between = np.where(between < scores[best], between, below)
    chosen = int(np.abs(between - 0.5).argmin())
    return float(between[chosen]), float(f1.max())
