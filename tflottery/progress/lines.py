"""Trainings in a log or a pipe."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from rich.console import Console

from tflottery import activity, status
from tflottery.progress.consoles import say
from tflottery.progress.watch import Watch, clock, percent
from tflottery.runs.run import Run
from tflottery.runs.specs import RunSpec
from tflottery.training.listener import Logs


class Lines(Watch):
    """A line an epoch, for logs and pipes."""

    def __init__(
        self, console: Console, label: Callable[[RunSpec], str], total: int, may_end_early: bool
    ) -> None:
        super().__init__(console, label, total, may_end_early)
        self._titles: dict[str, str] = {}
        self._named = ExitStack()

    def __enter__(self) -> Lines:
        now_and_then = status.Status(status.Log(self._say))
        self._listening.callback(now_and_then.close)
        self._listening.enter_context(activity.told_to(now_and_then))
        return self

    def __exit__(self, *_: object) -> None:
        self._end_activity()
        self._listening.close()

    def _say(self, text: str) -> None:
        say(self._console, text)

    def run_begun(self, spec: RunSpec) -> None:
        self._titles[spec.key] = self._begin(spec)
        if len(self._began) == len(self._seen) == 1:
            # The first epoch takes longest: the network is built before it.
            self._name(spec, "training")

    def run_found(self, spec: RunSpec, run: Run) -> None:
        if spec.key not in self._seen:
            self._end(run, is_new=False)
            self._say(f"{len(self._seen)}/{self._total} {self._label(spec)}: in the store already")

    def testing(self, spec: RunSpec) -> None:
        self._name(spec, "testing")

    def _name(self, spec: RunSpec, what: str) -> None:
        """Says, if it lasts, what goes on in a training."""
        self._end_activity()
        self._named.enter_context(activity.doing(f"{self._titles[spec.key]}: {what}"))

    def _end_activity(self) -> None:
        self._named.close()

    def run_ended(self, spec: RunSpec, run: Run) -> None:
        self._end_activity()
        self._end(run, is_new=True)
        validation = percent(run.metrics["val_accuracy"])
        self._say(
            f"{self._titles.pop(spec.key)}: validation {validation}, {clock(run.seconds)}; "
            f"{self._remaining()}"
        )

    def run_stopped(self, spec: RunSpec, reason: str) -> None:
        self._end_activity()
        self._forget(spec.key)
        self._say(f"{self._titles.pop(spec.key, self._label(spec))}: {reason}")

    def step_ended(self, spec: RunSpec, step: int, steps: int, logs: Logs) -> None:
        self._fractions[spec.key] = step / steps

    def validated(self, spec: RunSpec, epoch: float, epochs: int, logs: Logs) -> None:
        self._end_activity()
        self._say(
            f"{self._titles[spec.key]}: epoch {epoch:.3g}/{epochs}, loss {logs['loss']:.4f}, "
            f"accuracy {percent(logs['accuracy'])}, validation {percent(logs['val_accuracy'])}"
        )
