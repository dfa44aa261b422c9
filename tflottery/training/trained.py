"""The result of a training."""

from __future__ import annotations

from dataclasses import dataclass

from tflottery.files import Arrays
from tflottery.pruning.masks import Masks


@dataclass(frozen=True)
class Trained:
    """The result of one training.

    ``masks``: bool arrays by tensor, at the end. ``metrics``: losses and accuracies (fractions) on
    validation and test data with the best weights, ``best_epoch``, the number of ``epochs`` and
    ``steps_per_epoch``. ``history``: a dict for each validation, with its optimizer ``step``.
    ``snapshots``: float32 arrays by tensor, by step; ``end`` holds the best weights. ``seconds``:
    wall time; all else is equal whenever the training is repeated.
    """

    masks: Masks
    metrics: dict[str, float]
    history: list[dict[str, float]]
    snapshots: dict[str, Arrays]
    seconds: float
