"""A metric: what scores are worth."""

from __future__ import annotations

import numpy as np

import tflottery as tfl


@tfl.register_metric("example_precision", higher_is_better=True)
def precision(labels: np.ndarray, scores: np.ndarray) -> float | None:
    """Of the texts that are taken for class 1, the share that is; undefined where none is."""
    taken = scores.argmax(axis=1) == 1
    return float((labels[taken] == 1).mean()) if taken.any() else None
