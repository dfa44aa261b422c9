"""How a network is trained: the part of a recipe that this package reads."""

from __future__ import annotations

from dataclasses import dataclass

from tflottery.errors import UserError, suggest

OPTIMIZERS = ("adam", "rmsprop", "sgd")
MONITORS = ("val_loss", "val_accuracy")


@dataclass(frozen=True)
class TrainingSettings:
    """One training: at most ``epochs`` epochs, ended after ``patience`` epochs without a better
    ``monitor`` on the validation data, the best epoch's weights kept."""

    optimizer: str = "adam"
    learning_rate: float = 0.001
    batch_size: int = 64
    epochs: int = 4
    patience: int = 1
    monitor: str = "val_loss"

    def __post_init__(self) -> None:
        for key, choices in (("optimizer", OPTIMIZERS), ("monitor", MONITORS)):
            value = getattr(self, key)
            if value not in choices:
                raise UserError(f"training.{key} is not {value!r}: {suggest(value, choices)}")
        for key in ("batch_size", "epochs", "patience"):
            if getattr(self, key) < 1:
                raise UserError(f"training.{key} is at least 1.")
        if not self.learning_rate > 0:
            raise UserError("training.learning_rate is above 0.")
