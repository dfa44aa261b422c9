"""What a training gives."""

from __future__ import annotations

from dataclasses import dataclass

from tflottery.files import Arrays
from tflottery.pruning.masks import Masks


@dataclass(frozen=True)
class Trained:
    """The result of one training.

    ``masks``: as they were at the end. ``metrics``: losses and accuracies (fractions) on validation
    and test data with the best weights, ``best_epoch``, ``epochs`` run and ``steps_per_epoch``.
    ``history``: one dict a validation, with its optimizer ``step``. ``snapshots``: weights by step;
    ``end`` is the best weights. ``seconds``: wall time, the only part that differs from one time to
    the next.
    """

    masks: Masks
    metrics: dict[str, float]
    history: list[dict[str, float]]
    snapshots: dict[str, Arrays]
    seconds: float
