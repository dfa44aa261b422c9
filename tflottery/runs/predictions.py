"""What a trained network says of each held-out text: kept with its run, so that any metric and any
paired test can be had later without a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tflottery.errors import UserError
from tflottery.files import Arrays
from tflottery.metrics import ACCURACY, METRICS, classes_of, find_metric, scores_of

SPLITS = ("validation", "test")
# Logits of a network of which no text reaches the scores differ by rounding at the most.
_ALIKE = 1e-6


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network says of the texts of one split, in the corpus' order.

    Args:
        labels: int32 [texts], the true classes, from 0.
        logits: float32 [texts, units]: a unit for each class, or one for two classes, which is
            above 0 where the second is the likelier.
    """

    labels: np.ndarray
    logits: np.ndarray

    @cached_property
    def predicted(self) -> np.ndarray:
        """int64 [texts]: the likeliest class, the first one of equals."""
        return classes_of(self.logits)

    @cached_property
    def scores(self) -> np.ndarray:
        """float64 [texts, classes]: the probability of each class; the highest one, and the first
        of equals, is that of ``predicted``."""
        return scores_of(self.logits)

    @property
    def are_alike(self) -> bool:
        """Whether every text has the same scores, so that nothing of a text reaches them."""
        return len(self.logits) > 1 and bool(np.ptp(self.logits, axis=0).max() <= _ALIKE)

    @property
    def accuracy(self) -> float:
        """The fraction that is right, to the bits of the run's metric: Keras divides in float32."""
        right = np.count_nonzero(self.predicted == self.labels)
        return float(np.float32(right) / np.float32(len(self.labels)))

    def metric(self, name: str) -> float | None:
        """A registered metric; None where it is undefined.

        Raises:
            UserError: there is no such metric, or it gave no number.
        """
        if name == ACCURACY:
            return self.accuracy
        return find_metric(name)(self.labels, self.scores)

    @cached_property
    def metrics(self) -> dict[str, float | None]:
        """Every registered metric by name; None where one is undefined, or gave no number, which
        must not cost a search that was not judged by it."""
        return {name: self._or_none(name) for name in METRICS}

    def _or_none(self, name: str) -> float | None:
        try:
            return self.metric(name)
        except UserError:
            return None


def to_arrays(logits: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray]) -> Arrays:
    """The arrays of a run's file, by name, from those of each split."""
    return {
        f"{split}.{name}": np.asarray(part[split], kind)
        for split in SPLITS
        for name, part, kind in (("logits", logits, np.float32), ("labels", labels, np.int32))
    }


def from_arrays(arrays: Arrays) -> dict[str, Predictions]:
    """What ``to_arrays`` made arrays of, by split."""
    return {
        split: Predictions(arrays[f"{split}.labels"], arrays[f"{split}.logits"]) for split in SPLITS
    }
