"""Trainings on a terminal."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from tflottery import activity
from tflottery.activity import Activity
from tflottery.progress.consoles import say
from tflottery.progress.watch import PREPARING, SHOWN, Watch
from tflottery.runs.run import Run
from tflottery.runs.specs import RunSpec
from tflottery.training.listener import Logs


class Live(Watch):
    """Bars that move: one for each training at hand, and one for the whole plan."""

    def __init__(
        self, console: Console, label: Callable[[RunSpec], str], total: int, may_end_early: bool
    ) -> None:
        super().__init__(console, label, total, may_end_early)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[status]}", markup=False),
            console=console,
            transient=True,
        )
        self._all: TaskID | None = None
        self._waiting: TaskID | None = None
        self._bars: dict[str, TaskID] = {}
        self._validations: dict[str, str] = {}
        self._activity: Activity | None = None

    def __enter__(self) -> Live:
        self._progress.start()
        self._all = self._progress.add_task("trainings", status="", total=self._total)
        self._waiting = self._progress.add_task(PREPARING, status="", total=None)
        self._listening.enter_context(activity.told_to(self))
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()
        self._progress.stop()

    def changed(self, now: Activity | None) -> None:
        self._activity = now
        for task in self._progress.tasks:
            if task.id == self._waiting:
                # A bar without an end moves by itself; rich's update would leave the old end.
                task.total = (now.total or None) if now else None
        if now is not None:
            self.moved(now)
        else:
            self._show(self._waiting, description=PREPARING, visible=not self._began)

    def moved(self, now: Activity) -> None:
        self._show(self._waiting, description=str(now), completed=now.done, visible=True)

    def _show(self, task: TaskID | None, **fields: object) -> None:
        if task is not None:
            self._progress.update(task, **fields)  # type: ignore[arg-type]

    def _count(self) -> None:
        done = len(self._seen) - len(self._began)
        self._show(self._all, completed=done, status=self._rest())
        self._show(self._waiting, visible=not self._began or self._activity is not None)
        for number, bar in enumerate(self._bars.values()):
            self._show(bar, visible=number < SHOWN)

    def _rest(self) -> str:
        hidden = len(self._began) - SHOWN
        return self._remaining() + (f" ({hidden} more go on)" if hidden > 0 else "")

    def run_begun(self, spec: RunSpec) -> None:
        title = self._begin(spec)
        self._bars[spec.key] = self._progress.add_task(title, status="", total=None)
        self._validations[spec.key] = ""
        self._count()

    def _remove(self, key: str) -> None:
        if key in self._bars:
            self._progress.remove_task(self._bars.pop(key))

    def run_found(self, spec: RunSpec, run: Run) -> None:
        if spec.key not in self._seen:
            self._end(run, is_new=False)
            self._count()

    def run_ended(self, spec: RunSpec, run: Run) -> None:
        self._end(run, is_new=True)
        self._remove(spec.key)
        self._count()

    def run_stopped(self, spec: RunSpec, reason: str) -> None:
        self._forget(spec.key)
        self._remove(spec.key)
        say(self._progress.console, f"{self._label(spec)}: {reason}")
        self._count()

    def step_ended(self, spec: RunSpec, step: int, steps: int, logs: Logs) -> None:
        self._fractions[spec.key] = step / steps
        status = self._status(spec, logs)
        self._show(self._bars[spec.key], total=steps, completed=step, status=status)
        if step % 20 == 0:
            self._show(self._all, status=self._rest())

    def validated(self, spec: RunSpec, epoch: float, epochs: int, logs: Logs) -> None:
        self._validations[spec.key] = (
            f", epoch {epoch:.3g}/{epochs}: {100 * logs['val_accuracy']:.1f} %"
        )
        self._show(self._bars[spec.key], status=self._status(spec, logs))

    def testing(self, spec: RunSpec) -> None:
        self._show(self._bars[spec.key], status=f"testing{self._validations[spec.key]}")

    def _status(self, spec: RunSpec, logs: Logs) -> str:
        accuracy = f"loss {logs['loss']:.3f} accuracy {100 * logs['accuracy']:.1f} %"
        return accuracy + self._validations[spec.key]
