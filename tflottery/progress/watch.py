"""What every view of trainings counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

from rich.console import Console

from tflottery import activity
from tflottery.activity import Activity
from tflottery.runs.observer import Silent
from tflottery.runs.realise import mixed_arithmetic
from tflottery.runs.run import Run
from tflottery.runs.specs import RunSpec

PREPARING = "preparing"
# Trainings that are shown at most.
SHOWN = 12


def clock(seconds: float) -> str:
    """Minutes and seconds, or hours and minutes: ``4:10``, ``2 h 05``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d}"


def percent(fraction: float) -> str:
    return f"{100 * fraction:.2f} %"


class Watch(Silent):
    """Counts trainings and guesses how long the rest takes."""

    def __init__(
        self, console: Console, label: Callable[[RunSpec], str], total: int, may_end_early: bool
    ) -> None:
        self._console = console
        self._label = label
        self._total = total
        self._at_most = "at most " if may_end_early else ""
        self._seconds: list[float] = []
        self._seen: set[str] = set()
        # When those that go on now began, and how much of each is done.
        self._began: dict[str, float] = {}
        self._fractions: dict[str, float] = {}
        self._at_a_time = 1
        self._runs: list[Run] = []
        self._listening = ExitStack()
        self.trained = 0

    def changed(self, now: Activity | None) -> None:
        """See ``activity.Listener``: an open view says what goes on beside trainings."""

    def moved(self, now: Activity) -> None: ...

    def quiet(self) -> None: ...

    def _begin(self, spec: RunSpec) -> str:
        self._seen.add(spec.key)
        self._began[spec.key] = time.monotonic()
        self._fractions[spec.key] = 0.0
        self._at_a_time = max(self._at_a_time, len(self._began))
        return f"{len(self._seen)}/{self._total} {self._label(spec)}"

    def _end(self, run: Run, *, is_new: bool) -> None:
        self.trained += is_new
        self._seen.add(run.key)
        self._seconds.append(run.seconds)
        self._runs.append(run)
        self._forget(run.key)

    @property
    def caution(self) -> str:
        """What is to be known of the runs beside their results; empty where there is nothing."""
        return mixed_arithmetic(self._runs)

    def _forget(self, key: str) -> None:
        self._began.pop(key, None)
        self._fractions.pop(key, None)

    def _remaining(self) -> str:
        """Time to the end of the plan, as far as it can be known."""
        now = time.monotonic()
        spent = {key: now - began for key, began in self._began.items()}
        if self._seconds:
            each = sum(self._seconds) / len(self._seconds)
        elif any(fraction > 0.02 for fraction in self._fractions.values()):
            each = max(spent[key] / part for key, part in self._fractions.items() if part > 0.02)
        else:
            return ""
        left = each * (self._total - len(self._seen))
        left += sum(max(0.0, each - seconds) for seconds in spent.values())
        return f"{self._at_most}{clock(left / self._at_a_time)} left"


class Nothing(Watch):
    """Counts trainings and says nothing."""

    def __enter__(self) -> Nothing:
        self._listening.enter_context(activity.told_to(activity.DEAF))
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def run_begun(self, spec: RunSpec) -> None:
        self._begin(spec)

    def run_found(self, spec: RunSpec, run: Run) -> None:
        if spec.key not in self._seen:
            self._end(run, is_new=False)

    def run_ended(self, spec: RunSpec, run: Run) -> None:
        self._end(run, is_new=True)

    def run_stopped(self, spec: RunSpec, reason: str) -> None:
        self._forget(spec.key)
