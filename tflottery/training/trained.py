"""The result of a training."""

from __future__ import annotations

from dataclasses import dataclass, field

from tflottery.files import Arrays
from tflottery.pruning.masks import Masks


@dataclass(frozen=True)
class Trained:
    """The result of one training.

    ``masks``: bool arrays by tensor, at the end. ``metrics``: losses and accuracies (fractions) on
    validation and test data with the weights that are kept, as a rule the best ones, ``best_epoch``
    (theirs), the number of ``epochs`` and ``steps_per_epoch``. ``history``: a dict for each
    validation, with its optimizer ``step``. ``snapshots``: float32 arrays by tensor, by step;
    ``end`` holds the weights that are kept. ``seconds``: wall time; all else is equal whenever the
    training is repeated. ``logits`` (float32 [texts, units]) and ``labels`` (int32 [texts]) by
    split, ``validation`` and ``test``: what the weights that are kept say of each text. ``moves``:
    where the masks moved, those that the training began with (0) and those after each move, by the
    optimizer step. ``scales``: where units had scales that were trained along, those of the weights
    that are kept, float32 [units] by layer.
    """

    masks: Masks
    metrics: dict[str, float]
    history: list[dict[str, float]]
    snapshots: dict[str, Arrays]
    seconds: float
    logits: Arrays = field(default_factory=dict)
    labels: Arrays = field(default_factory=dict)
    moves: dict[int, Masks] = field(default_factory=dict)
    scales: Arrays = field(default_factory=dict)
