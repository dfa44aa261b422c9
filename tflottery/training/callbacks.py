"""What happens beside the optimizer: rewind capture, early stopping, progress."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Protocol

import tf_keras as keras

from tflottery.errors import TrainingError
from tflottery.files import Arrays

Logs = dict[str, float]


class Listener(Protocol):
    """Is told how a training goes on."""

    def epoch_begun(self, epoch: int, epochs: int, steps: int) -> None: ...

    def step_ended(self, step: int, logs: Logs) -> None: ...

    def epoch_ended(self, epoch: int, logs: Logs) -> None: ...


class RewindCapture(keras.callbacks.Callback):
    """Keeps the weights at given optimizer steps; 0 is before the first one.

    Args:
        iterations: the steps to keep.
        weights: gives copies of the model's weights.

    Attributes:
        captured: weights by step.
    """

    def __init__(self, iterations: Iterable[int], weights: Callable[[], Arrays]) -> None:
        super().__init__()
        self._wanted = frozenset(iterations)
        self._weights = weights
        self._done = 0
        self.captured: dict[int, Arrays] = {}

    def _capture(self) -> None:
        if self._done in self._wanted:
            self.captured[self._done] = self._weights()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._capture()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._done += 1
        self._capture()


class KeepBest(keras.callbacks.Callback):
    """Ends the training when the monitor stops improving; ``best`` holds the best weights.

    Keras' EarlyStopping gives the best weights back only where it did stop the training, and it
    would take masks for weights.

    Args:
        monitor: ``val_loss`` (the lower the better) or ``val_accuracy`` (the higher).
        patience: epochs without improvement before the end.
        weights: gives copies of the model's weights.
    """

    def __init__(self, monitor: str, patience: int, weights: Callable[[], Arrays]) -> None:
        super().__init__()
        self._monitor = monitor
        self._sign = 1 if monitor == "val_accuracy" else -1
        self._patience = patience
        self._weights = weights
        self._best_value = -math.inf
        self.best_epoch = 0
        self.best: Arrays = {}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        if not all(math.isfinite(value) for value in logs.values()):
            raise TrainingError(
                f"the loss is not finite in epoch {epoch + 1}; lower the learning rate"
            )
        value = self._sign * logs[self._monitor]
        if value > self._best_value:
            self._best_value, self.best_epoch, self.best = value, epoch + 1, self._weights()
        elif epoch + 1 - self.best_epoch >= self._patience:
            self.model.stop_training = True


class Report(keras.callbacks.Callback):
    """Passes on what Keras says to a ``Listener``; epochs and steps count from 1."""

    def __init__(self, listener: Listener) -> None:
        super().__init__()
        self._listener = listener

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._listener.epoch_begun(epoch + 1, self.params["epochs"], self.params["steps"])

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._listener.step_ended(batch + 1, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._listener.epoch_ended(epoch + 1, logs or {})
