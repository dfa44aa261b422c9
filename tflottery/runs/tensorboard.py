"""TensorBoard logs of trainings, written while they run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tflottery.files import require_writable
from tflottery.runs.observer import Observer, Silent
from tflottery.runs.run import Run
from tflottery.runs.specs import RunSpec
from tflottery.training.listener import Logs


class TensorBoard(Silent):
    """Writes losses and accuracies at each validation, by optimizer step.

    Args:
        folder: for the logs; those of a run go to ``<label>-<first 8 digits of its key>`` in it.
        label: gives the name of a run.

    Raises:
        UserError: the folder cannot be written.
    """

    def __init__(self, folder: Path, label: Callable[[RunSpec], str]) -> None:
        require_writable(folder, "--tensorboard")
        self._folder = folder
        self._label = label
        self._writers: dict[str, Any] = {}
        self._steps: dict[str, int] = {}

    def run_begun(self, spec: RunSpec) -> None:
        import tensorflow as tf

        name = f"{self._label(spec)}-{spec.key[:8]}".replace(" ", "_").replace(":", "_")
        self._writers[spec.key] = tf.summary.create_file_writer(str(self._folder / name))

    def step_ended(self, spec: RunSpec, step: int, steps: int, logs: Logs) -> None:
        self._steps[spec.key] = step

    def validated(self, spec: RunSpec, epoch: float, epochs: int, logs: Logs) -> None:
        import tensorflow as tf

        writer = self._writers[spec.key]
        with writer.as_default(step=self._steps[spec.key]):
            for name, value in logs.items():
                tf.summary.scalar(name, value)
        # So that the log is there even if the command is killed.
        writer.flush()

    def run_ended(self, spec: RunSpec, run: Run) -> None:
        self._close(spec)

    def run_stopped(self, spec: RunSpec, reason: str) -> None:
        self._close(spec)

    def _close(self, spec: RunSpec) -> None:
        if writer := self._writers.pop(spec.key, None):
            writer.close()


class Observers:
    """Passes every event to several observers, one after the other."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = tuple(observers)

    def run_begun(self, spec: RunSpec) -> None:
        for observer in self._observers:
            observer.run_begun(spec)

    def step_ended(self, spec: RunSpec, step: int, steps: int, logs: Logs) -> None:
        for observer in self._observers:
            observer.step_ended(spec, step, steps, logs)

    def validated(self, spec: RunSpec, epoch: float, epochs: int, logs: Logs) -> None:
        for observer in self._observers:
            observer.validated(spec, epoch, epochs, logs)

    def testing(self, spec: RunSpec) -> None:
        for observer in self._observers:
            observer.testing(spec)

    def run_ended(self, spec: RunSpec, run: Run) -> None:
        for observer in self._observers:
            observer.run_ended(spec, run)

    def run_stopped(self, spec: RunSpec, reason: str) -> None:
        for observer in self._observers:
            observer.run_stopped(spec, reason)

    def run_found(self, spec: RunSpec, run: Run) -> None:
        for observer in self._observers:
            observer.run_found(spec, run)


def observers(view: Observer, folder: str, label: Callable[[RunSpec], str]) -> Observer:
    """The view; if ``folder`` is not empty, with TensorBoard logs beside it."""
    return Observers([view, TensorBoard(Path(folder), label)]) if folder else view
