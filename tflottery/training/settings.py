"""How a network is trained: the part of a recipe that this package reads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from tflottery.errors import UserError
from tflottery.settings import check_choices


@dataclass(frozen=True)
class TrainingSettings:
    """One training: at most ``epochs`` epochs, ended after ``patience`` epochs without a better
    ``monitor`` on the validation data, the best weights kept. Validation comes
    ``validations_per_epoch`` times an epoch; more of them find the best moment more closely.

    ``epsilon`` is Adam's and RMSprop's: at 1e-7 every coordinate of a word seen once moves as far
    as one seen a thousand times, so magnitudes say little about use; at 1e-5 they do (Yu et al.
    2020 take 1e-3). ``weight_decay`` is decoupled (Loshchilov and Hutter 2019): each step takes
    ``learning_rate * weight_decay`` of every kernel and embedding, biases are spared.

    ``learning_rate`` is the highest rate: it is reached after ``warmup`` epochs (a fraction will
    do), and falls to zero at the last step by ``decay``; every training goes through all of it.
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
    monitor: Literal["val_loss", "val_accuracy"] = "val_loss"
    validations_per_epoch: int = 1

    def __post_init__(self) -> None:
        check_choices(self, "training")
        for key in ("batch_size", "epochs", "patience", "validations_per_epoch"):
            if getattr(self, key) < 1:
                raise UserError(f"training.{key} is at least 1.")
        for key in ("learning_rate", "epsilon"):
            if not 0 < getattr(self, key) < math.inf:
                raise UserError(f"training.{key} is above 0.")
        if not self.weight_decay >= 0:
            raise UserError("training.weight_decay is 0 or above.")
        if not 0 <= self.warmup < self.epochs:
            raise UserError("training.warmup is 0 epochs or more, and fewer than training.epochs.")


@dataclass(frozen=True)
class TrainingSeeds:
    """A seed for each source of randomness within one training."""

    order: int
    dropout: int
