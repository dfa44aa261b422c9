"""Keras callbacks of a training: learning rate, snapshots, early stopping, progress."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import tf_keras as keras

from tflottery.errors import TrainingError
from tflottery.files import Arrays
from tflottery.training.listener import Listener, Logs

T = TypeVar("T")


class SetRate(keras.callbacks.Callback):
    """Sets the optimizer's learning rate before each step.

    A schedule inside the optimizer would be compiled into the model, which runs with other rates
    share.

    Args:
        rate: gives the learning rate of a step, counted from 0.
    """

    def __init__(self, rate: Callable[[int], float]) -> None:
        super().__init__()
        self._rate = rate
        self._done = 0

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self.model.optimizer.learning_rate = self._rate(self._done)
        self._done += 1


class RewindCapture(keras.callbacks.Callback):
    """Copies the weights at given optimizer steps; 0 is before the first one.

    Args:
        iterations: the steps.
        weights: returns copies of the model's weights.

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


class KeepMoment(keras.callbacks.Callback, Generic[T]):
    """Early stopping: ends the training when the monitor stops improving, and keeps the best
    moment, or the last one.

    A *period* lies between two validations; Keras calls it an epoch. Keras' own EarlyStopping
    restores the best weights only if it has stopped the training, and it would restore masks too.

    Args:
        monitor: the name of a value that each validation gives.
        sign: 1 where higher is better, -1 where lower is.
        patience: how many periods without improvement end the training.
        moment: returns copies of what is kept of a moment, as the model's weights.
        first: the first period that counts, from 1; masks must have come to rest by its end.
        in_all: whether ``patience`` counts all periods without improvement, and not only those
            since the best one.
        last: whether the last moment is kept instead of the best one.

    Attributes:
        period: the period that is kept, from 1; 0 if there is none so far.
        kept: the moment of its end; None if there is none.

    Raises:
        TrainingError: a loss or an accuracy is not finite.
    """

    def __init__(
        self,
        monitor: str,
        sign: int,
        patience: int,
        moment: Callable[[], T],
        first: int = 1,
        *,
        in_all: bool = False,
        last: bool = False,
    ) -> None:
        super().__init__()
        self._monitor = monitor
        self._sign = sign
        self._patience = patience
        self._moment = moment
        self._first = first
        self._in_all = in_all
        self._last = last
        self._best_value = -math.inf
        self._misses = 0
        self.period = 0
        self.kept: T | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        period = epoch + 1
        if not all(math.isfinite(value) for value in logs.values()):
            raise TrainingError("the loss is not finite; lower training.learning_rate")
        if period < self._first:
            return
        value = self._sign * logs[self._monitor]
        is_better = value > self._best_value
        if is_better or self._last:
            self.period, self.kept = period, self._moment()
        if is_better:
            self._best_value = value
            self._misses = self._misses if self._in_all else 0
        else:
            self._misses += 1
            if self._misses >= self._patience:
                self.model.stop_training = True


class Measure(keras.callbacks.Callback):
    """Adds a metric of each validation to what Keras reports of it.

    Args:
        name: under which it is reported.
        metric: computes it; None where it is undefined.

    Raises:
        TrainingError: it is undefined.
    """

    def __init__(self, name: str, metric: Callable[[], float | None]) -> None:
        super().__init__()
        self._name = name
        self._metric = metric

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self._metric()
        if value is None:
            raise TrainingError(
                f"{self._name} is undefined on these validation data (has each class texts there?);"
                " set training.monitor to another metric"
            )
        if logs is not None:
            logs[self._name] = value


class EndAfter(keras.callbacks.Callback):
    """Ends the training after ``steps`` optimizer steps, even in the middle of a period."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._left = steps

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._left -= 1
        if not self._left:
            self.model.stop_training = True


class Report(keras.callbacks.Callback):
    """Passes what Keras reports on to a ``Listener``.

    Args:
        listener: is called after each step and each validation.
        epochs: the most passes over the data.
        period: optimizer steps between two validations.
        per_epoch: optimizer steps in one pass over the data.
    """

    def __init__(self, listener: Listener, epochs: int, period: int, per_epoch: int) -> None:
        super().__init__()
        self._listener = listener
        self._epochs, self._period, self._per_epoch = epochs, period, per_epoch
        self._done = 0

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._done += 1
        self._listener.step_ended(self._done, self._epochs * self._per_epoch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._listener.validated(self._done / self._per_epoch, self._epochs, logs or {})
