"""How a network is trained: the settings of ``[training]``, and the seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from tflottery import metrics
from tflottery.errors import UserError, suggest
from tflottery.settings import check_bounds, check_choices

# What Keras puts before the name of anything on validation data.
VALIDATION = "val_"
VAL_LOSS = f"{VALIDATION}loss"
_MOST = 1_000_000
_BOUNDS = dict.fromkeys(("batch_size", "epochs", "patience", "validations_per_epoch"), (1, _MOST))


@dataclass(frozen=True)
class TrainingSettings:
    """The settings of one training.

    It has at most ``epochs`` epochs, ends after ``patience`` epochs without a better ``monitor`` on
    the validation data, and keeps the best weights. There are ``validations_per_epoch`` validations
    an epoch; with more of them the best moment is found more exactly. ``misses`` says which epochs
    count for ``patience``: those without a better one since the best (``in_a_row``), or all that
    brought no better one (``in_all``). ``keep`` is which weights are tested, pruned by and kept:
    the ``best``, or those of the ``last`` epoch.

    ``optimizer`` sees ``batch_size`` texts a step.

    ``epsilon`` is Adam's and RMSprop's. At 1e-7 the embedding of a word that was seen once moves as
    far as that of a word seen a thousand times, so magnitudes say little about use; at 1e-5 they do
    (Yu et al. 2020, arXiv 1906.02768, take 1e-3). ``weight_decay`` is decoupled (Loshchilov and
    Hutter 2019, arXiv 1711.05101): each step subtracts ``learning_rate * weight_decay`` times the
    weight from every kernel and embedding; biases and the scales of norms are excluded.

    ``learning_rate`` is the highest rate. It is reached after ``warmup`` epochs, which may be a
    fraction; with ``decay`` it falls to zero at the last step. Every training begins with the
    warm-up and goes through the whole schedule.

    ``monitor`` is ``val_loss``, or ``val_`` and the name of a metric (``tflottery.metrics``).
    ``class_weight`` ``balanced`` weighs each training text by ``texts / (classes * texts of its
    class)``, as scikit-learn does; losses on validation and test data are not weighed.
    """

    optimizer: Literal["adam", "rmsprop", "sgd"] = "adam"
    learning_rate: float = 0.001
    warmup: float = 0.0
    decay: Literal["none", "linear", "cosine"] = "none"
    epsilon: float = 1e-7
    weight_decay: float = 0.0
    batch_size: int = 64
    epochs: int = 4
    patience: int = 1
    monitor: str = VAL_LOSS
    validations_per_epoch: int = 1
    class_weight: Literal["none", "balanced"] = "none"
    misses: Literal["in_a_row", "in_all"] = "in_a_row"
    keep: Literal["best", "last"] = "best"

    def __post_init__(self) -> None:
        check_choices(self, "training")
        if not isinstance(self.monitor, str):
            raise UserError(f"training.monitor is a text, not {self.monitor!r}.")
        if self.monitor != VAL_LOSS and self._metric_name not in metrics.METRICS:
            known = [VAL_LOSS, *(f"{VALIDATION}{name}" for name in metrics.METRICS)]
            raise UserError(
                f"training.monitor is not {self.monitor!r}. {suggest(str(self.monitor), known)}"
            )
        check_bounds(self, "training", _BOUNDS)
        for key in ("learning_rate", "epsilon"):
            if not 0 < getattr(self, key) < math.inf:
                raise UserError(f"training.{key} is above 0.")
        if not 0 <= self.weight_decay < math.inf:
            raise UserError("training.weight_decay is 0 or above, and no infinity.")
        if not 0 <= self.warmup < self.epochs:
            raise UserError("training.warmup is 0 epochs or more, and fewer than training.epochs.")

    @property
    def metric(self) -> metrics.Metric | None:
        """The metric that is monitored; None for the loss.

        Raises:
            UserError: this process does not know it: a worker, of a metric that was registered
                elsewhere.
        """
        return None if self.monitor == VAL_LOSS else metrics.find_metric(self._metric_name)

    @property
    def _metric_name(self) -> str:
        prefix, name = self.monitor[: len(VALIDATION)], self.monitor[len(VALIDATION) :]
        return name if prefix == VALIDATION else ""


@dataclass(frozen=True)
class TrainingSeeds:
    """The seeds of one training: of the order of the data, and of dropout."""

    order: int
    dropout: int
