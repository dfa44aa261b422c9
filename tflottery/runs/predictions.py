"""What a trained network says of each held-out text: kept with its run, so that any metric and any
paired test can be had later without a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tflottery.files import Arrays

SPLITS = ("validation", "test")


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
        return _classes_of(self.logits)

    @cached_property
    def scores(self) -> np.ndarray:
        """float64 [texts, classes]: the probability of each class; the highest one, and the first
        of equals, is that of ``predicted``."""
        from scipy.special import expit, softmax

        logits = self.logits.astype(np.float64)
        if logits.shape[1] == 1:
            scores = np.hstack([expit(-logits), expit(logits)])
        else:
            scores = softmax(logits, axis=1)
        # Logits that differ in their last bits can have equal probabilities.
        rows = np.flatnonzero(scores.argmax(axis=1) != self.predicted)
        scores[rows, self.predicted[rows]] = np.nextafter(scores[rows].max(axis=1), 2)
        return scores

    @property
    def accuracy(self) -> float:
        """The fraction that is right, to the bits of the run's metric: Keras divides in float32."""
        right = np.count_nonzero(self.predicted == self.labels)
        return float(np.float32(right) / np.float32(len(self.labels)))


def _classes_of(logits: np.ndarray) -> np.ndarray:
    if logits.shape[1] == 1:
        return (logits[:, 0] > 0).astype(np.int64)
    return logits.argmax(axis=1)


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
