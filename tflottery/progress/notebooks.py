"""Trainings in a notebook's cell."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console

from tflottery import activity
from tflottery.activity import Activity
from tflottery.printed import visible
from tflottery.progress.consoles import say
from tflottery.progress.watch import PREPARING, SHOWN, Watch, percent
from tflottery.runs.run import Run
from tflottery.runs.specs import RunSpec
from tflottery.training.listener import Logs

_SECONDS_BETWEEN_UPDATES = 0.25


class Notebook(Watch):
    """A text of a few lines in a notebook's cell that changes while trainings go on."""

    def __init__(
        self, console: Console, label: Callable[[RunSpec], str], total: int, may_end_early: bool
    ) -> None:
        super().__init__(console, label, total, may_end_early)
        self._lines: dict[str, str] = {}
        self._shown_at = 0.0
        self._handle: Any = None

    def __enter__(self) -> Notebook:
        from IPython.display import display

        self._handle = display(_plain_text(PREPARING), raw=True, display_id=True)
        self._listening.enter_context(activity.told_to(self))
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()
        self._show(
            f"{len(self._seen)} of {self._at_most}{self._total} trainings; done now: {self.trained}"
        )

    def _show(self, last: str) -> None:
        self._shown_at = time.monotonic()
        if self._handle is not None:
            shown = [*list(self._lines.values())[:SHOWN], last]
            self._handle.update(_plain_text("\n".join(map(visible, shown))), raw=True)

    def changed(self, now: Activity | None) -> None:
        if now is not None:
            self._show(str(now))

    def moved(self, now: Activity) -> None:
        if time.monotonic() - self._shown_at > _SECONDS_BETWEEN_UPDATES:
            self._show(str(now))

    def testing(self, spec: RunSpec) -> None:
        self._lines[spec.key] = f"{self._lines[spec.key].partition(': ')[0]}: testing"
        self._now_and_then()

    def _now_and_then(self) -> None:
        if time.monotonic() - self._shown_at > _SECONDS_BETWEEN_UPDATES:
            done = len(self._seen) - len(self._began)
            self._show(f"{done} of {self._total} trainings; {self._remaining()}")

    def run_begun(self, spec: RunSpec) -> None:
        self._lines[spec.key] = self._begin(spec)
        self._now_and_then()

    def run_found(self, spec: RunSpec, run: Run) -> None:
        if spec.key not in self._seen:
            self._end(run, is_new=False)

    def run_ended(self, spec: RunSpec, run: Run) -> None:
        self._end(run, is_new=True)
        self._lines.pop(spec.key, None)

    def run_stopped(self, spec: RunSpec, reason: str) -> None:
        self._forget(spec.key)
        self._lines.pop(spec.key, None)
        say(self._console, f"{self._label(spec)}: {reason}")

    def step_ended(self, spec: RunSpec, step: int, steps: int, logs: Logs) -> None:
        self._fractions[spec.key] = step / steps
        title = self._lines[spec.key].partition(": ")[0]
        self._lines[spec.key] = (
            f"{title}: {100 * step / steps:.0f} %, loss {logs['loss']:.3f}, "
            f"accuracy {percent(logs['accuracy'])}"
        )
        self._now_and_then()


def _plain_text(text: str) -> dict[str, str]:
    """A text as a notebook displays it."""
    return {"text/plain": text}
