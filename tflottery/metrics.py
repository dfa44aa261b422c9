"""Metrics: what a network's scores are worth, as values with a name, a direction and a function.

scikit-learn computes them. A metric of one's own is a function with a decorator
(``register_metric``).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tflottery.errors import OF_OTHERS, UserError, in_a_line
from tflottery.registry import Registry, of_file, true_or_false

if TYPE_CHECKING:
    import pandas as pd

Function = Callable[[np.ndarray, np.ndarray], "float | None"]
"""Takes labels (int [texts]) and scores (float [texts, classes], probabilities); gives a finite
number, or None where it is undefined for such labels."""
F = TypeVar("F", bound=Function)

ACCURACY = "accuracy"
# Equal widths over [0, 1], as in Guo et al. 2017.
CALIBRATION_BINS = 15
# Keras' own name for what it minimises, and a key beside metrics in ticket.json.
_TAKEN = ("loss", "per_class")


@dataclass(frozen=True)
class Metric:
    """A metric: ``higher_is_better`` is its direction."""

    name: str
    higher_is_better: bool
    function: Function

    @property
    def sign(self) -> int:
        """1 where higher is better, else -1: of two values, the better is higher times this."""
        return 1 if self.higher_is_better else -1

    def __call__(self, labels: np.ndarray, scores: np.ndarray) -> float | None:
        """The value; None where the metric is undefined.

        Args:
            labels: int [texts], classes from 0.
            scores: float [texts, classes], probabilities.

        Raises:
            UserError: the function failed, or gave neither a finite number nor None.
        """
        try:
            with warnings.catch_warnings():
                # scikit-learn warns of classes without texts or without predictions.
                warnings.simplefilter("ignore")
                value = self.function(labels, scores)
        except OF_OTHERS as error:
            said = in_a_line(error, of_file(self.function))
            raise UserError(f"The metric {self.name!r} failed: {said}.") from error
        if value is None:
            return None
        if not _is_number(value) or not math.isfinite(value):
            raise UserError(
                f"The metric {self.name!r} gave {value!r}; it has to give a finite number, or None "
                "where it is undefined."
            )
        return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


METRICS: Registry[Metric] = Registry("metric", _TAKEN)
"""Every registered metric by name, those of tflottery first."""


def register_metric(name: str, *, higher_is_better: bool) -> Callable[[F], F]:
    """Registers a function of labels (int [texts]) and scores (float [texts, classes],
    probabilities) as a metric. It may return None where it is undefined.

    >>> import tflottery as tfl
    >>> @tfl.register_metric("missed", higher_is_better=False)      # doctest: +SKIP
    ... def missed(labels, scores):
    ...     "How many texts of class 1 are not found."
    ...     return int((scores[labels == 1].argmax(axis=1) != 1).sum())
    >>> tfl.find_ticket("toy", metric="missed")                     # doctest: +SKIP

    Registering the same function again, as a notebook's cell does, replaces it.

    Args:
        name: what ``--metric`` takes, and ``training.monitor`` after ``val_``.
        higher_is_better: the metric's direction.

    Raises:
        UserError: another function has the name, or it is no name.
    """
    METRICS.check_name(name)
    higher = true_or_false(f"higher_is_better of the metric {name!r}", higher_is_better)

    def register(function: F) -> F:
        METRICS.add(name, function, Metric(name, higher, function))
        return function

    return register


def find_metric(name: str) -> Metric:
    """The metric of a name.

    Raises:
        UserError: there is none; the line names the nearest one.
    """
    return METRICS.find(name)


def evaluate(labels: np.ndarray, scores: np.ndarray) -> dict[str, float | None]:
    """Every registered metric by name; None where one is undefined.

    Args:
        labels: int [texts], classes from 0.
        scores: float [texts, classes], probabilities.

    Raises:
        UserError: a metric failed or gave no number.
    """
    return {name: metric(labels, scores) for name, metric in METRICS.items()}


def per_class(labels: np.ndarray, scores: np.ndarray, classes: Iterable[str]) -> pd.DataFrame:
    """A row a class: ``class``, ``precision`` (NaN where it was never predicted), ``recall`` (NaN
    where it has no texts), ``f1`` and ``texts``.

    Args:
        labels: int [texts], classes from 0.
        scores: float [texts, classes], probabilities.
        classes: names by label.
    """
    import pandas as pd
    from sklearn.metrics import precision_recall_fscore_support

    names = list(classes)
    precision, recall, f1, texts = precision_recall_fscore_support(
        labels, scores.argmax(axis=1), labels=range(len(names)), zero_division=np.nan
    )
    return pd.DataFrame(
        {
            "class": names,
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "texts": texts.astype(np.int64),
        }
    )


def confusion(labels: np.ndarray, scores: np.ndarray, classes: Iterable[str]) -> pd.DataFrame:
    """Numbers of texts: a row for each true class, a column for each predicted one.

    Args: as of ``per_class``.
    """
    import pandas as pd
    from sklearn.metrics import confusion_matrix

    names = list(classes)
    counts = confusion_matrix(labels, scores.argmax(axis=1), labels=range(len(names)))
    return pd.DataFrame(
        counts, index=pd.Index(names, name="true"), columns=pd.Index(names, name="predicted")
    )


def classes_of(logits: np.ndarray) -> np.ndarray:
    """int64 [texts]: the likeliest class, the first one of equals.

    Args:
        logits: float [texts, units]: a unit a class, or one for two classes, which is above 0 where
            the second is the likelier.
    """
    if logits.shape[1] == 1:
        return (logits[:, 0] > 0).astype(np.int64)
    likeliest: np.ndarray = logits.argmax(axis=1)
    return likeliest


def scores_of(logits: np.ndarray) -> np.ndarray:
    """float64 [texts, classes]: the probability of each class. The highest one, the first of
    equals, is that of ``classes_of``.

    Args: as of ``classes_of``.
    """
    from scipy.special import expit, softmax

    exact = logits.astype(np.float64)
    scores: np.ndarray = (
        np.hstack([expit(-exact), expit(exact)]) if exact.shape[1] == 1 else softmax(exact, axis=1)
    )
    # Logits that differ in their last bits can have equal probabilities.
    likeliest = classes_of(logits)
    rows = np.flatnonzero(scores.argmax(axis=1) != likeliest)
    scores[rows, likeliest[rows]] = np.nextafter(scores[rows].max(axis=1), 2)
    return scores


def _every_class(labels: np.ndarray, scores: np.ndarray) -> bool:
    return len(np.unique(labels)) == scores.shape[1]


@register_metric(ACCURACY, higher_is_better=True)
def accuracy(labels: np.ndarray, scores: np.ndarray) -> float:
    """The fraction of texts whose likeliest class is the right one."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(labels, scores.argmax(axis=1)))


@register_metric("balanced_accuracy", higher_is_better=True)
def balanced_accuracy(labels: np.ndarray, scores: np.ndarray) -> float:
    """The mean recall of the classes that have texts."""
    from sklearn.metrics import balanced_accuracy_score

    return float(balanced_accuracy_score(labels, scores.argmax(axis=1)))


@register_metric("macro_f1", higher_is_better=True)
def macro_f1(labels: np.ndarray, scores: np.ndarray) -> float:
    """The mean F1 of all classes; that of a class which is never found is 0."""
    from sklearn.metrics import f1_score

    classes = range(scores.shape[1])
    return float(
        f1_score(labels, scores.argmax(axis=1), labels=classes, average="macro", zero_division=0.0)
    )


@register_metric("roc_auc", higher_is_better=True)
def roc_auc(labels: np.ndarray, scores: np.ndarray) -> float | None:
    """The area under the receiver operating characteristic; with more than two classes the mean
    of each class against the rest. Undefined where a class has no texts."""
    from sklearn.metrics import roc_auc_score

    if not _every_class(labels, scores):
        return None
    found = np.arange(scores.shape[1]) == np.asarray(labels)[:, np.newaxis]
    if scores.shape[1] == 2:
        return float(roc_auc_score(found[:, 1], scores[:, 1]))
    return float(roc_auc_score(found, scores, average="macro"))


@register_metric("log_loss", higher_is_better=False)
def log_loss(labels: np.ndarray, scores: np.ndarray) -> float:
    """The mean of -log of the probability of the right class, in nats."""
    from sklearn.metrics import log_loss as of_labels

    return float(of_labels(labels, scores, labels=range(scores.shape[1])))


@register_metric("calibration_error", higher_is_better=False)
def calibration_error(labels: np.ndarray, scores: np.ndarray) -> float:
    """The expected calibration error: texts are put into 15 bins of equal width by the probability
    of their likeliest class; the mean over texts of how far a bin's mean probability is from its
    accuracy (Naeini et al. 2015; Guo et al. 2017, arXiv 1706.04599)."""
    confidence = scores.max(axis=1)
    right = scores.argmax(axis=1) == labels
    # The upper edge belongs to a bin, as there.
    edges = np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS
    bins = np.digitize(confidence, edges, right=True)
    gaps = np.bincount(bins, confidence - right, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(labels))
