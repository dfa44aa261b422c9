"""What a call says while it works: bars on a terminal, a text that changes in a notebook, lines in
logs and pipes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.segment import Segment

from tflottery import activity, status
from tflottery.activity import Activity
from tflottery.report.escaping import JOINERS, visible
from tflottery.runs.observer import Silent
from tflottery.runs.realise import Realiser, mixed_arithmetic
from tflottery.runs.resources import Resources
from tflottery.runs.run import Run
from tflottery.runs.specs import RunSpec
from tflottery.runs.store import Store
from tflottery.training.listener import Logs

_ALONE = Resources()


def clock(seconds: float) -> str:
    """Minutes and seconds, or hours and minutes: ``4:10``, ``2 h 05``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d}"


class _Harmless(Console):
    """A console that shows what a terminal would obey, wherever in a table or a line it stands."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            # What rich itself says to the terminal is a control.
            if segment.control or segment.text.isprintable() or segment.text == "\n":
                yield segment
            else:
                lines = segment.text.split("\n")
                yield Segment("\n".join(map(_in_cells, lines)), segment.style)


def _in_cells(text: str) -> str:
    """The text with a mark of one cell for each sign that is not shown."""
    return "".join(
        sign if sign.isprintable() or sign in JOINERS else " " if sign.isspace() else "\ufffd"
        for sign in text
    )


def open_console() -> Console:
    """The terminal, or the file in its place. A text is shown as it is: rich would take ``:end:``
    for an emoji and ``[b]`` for an order."""
    return _Harmless(highlight=False, markup=False, emoji=False)


def percent(fraction: float) -> str:
    return f"{100 * fraction:.2f} %"


class _Watch(Silent):
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


class Lines(_Watch):
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
        self._console.print(visible(text), soft_wrap=True)

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


_PREPARING = "preparing"
# Maximum bars shown.
_BARS = 12
_SECONDS_BETWEEN_UPDATES = 0.25


class Live(_Watch):
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
        self._waiting = self._progress.add_task(_PREPARING, status="", total=None)
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
            self._show(self._waiting, description=_PREPARING, visible=not self._began)

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
            self._show(bar, visible=number < _BARS)

    def _rest(self) -> str:
        hidden = len(self._began) - _BARS
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
        line = visible(f"{self._label(spec)}: {reason}")
        self._progress.console.print(line, soft_wrap=True)
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


class Notebook(_Watch):
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

        self._handle = display(_plain_text(_PREPARING), raw=True, display_id=True)
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
            shown = list(self._lines.values())[:_BARS]
            self._handle.update(_plain_text("\n".join([*shown, last])), raw=True)

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
        self._console.print(visible(f"{self._label(spec)}: {reason}"), soft_wrap=True)

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


class Nothing(_Watch):
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


View = Live | Lines | Notebook | Nothing


class Reporter:
    """Where a call says what it does.

    Args:
        console: where to; None says nothing.
    """

    def __init__(self, console: Console | None) -> None:
        self._console = console

    @classmethod
    def of(cls, progress: bool | Reporter) -> Reporter:
        """What the keyword ``progress`` asks for."""
        if isinstance(progress, Reporter):
            return progress
        return cls(open_console() if progress else None)

    @property
    def is_silent(self) -> bool:
        """Whether nothing that is said is shown."""
        return self._console is None

    def say(self, line: str, *, wrap: bool = False) -> None:
        """A line, which is broken at the terminal's width only where ``wrap`` says so; an empty one
        is left out. What a terminal would obey is written out."""
        if line:
            self.paste(visible(line, spaces=True), wrap=wrap)

    def paste(self, text: str, *, wrap: bool = False) -> None:
        """A text as it is, which may have several lines: commands, quoted (``program.line``)."""
        if self._console is not None:
            activity.quiet()
            self._console.print(text, soft_wrap=not wrap)

    def show(self, thing: RenderableType) -> None:
        """A table, or whatever else rich can print."""
        if self._console is not None:
            activity.quiet()
            self._console.print(thing, soft_wrap=True)

    def watch(self, label: Callable[[RunSpec], str], total: int, *, may_end_early: bool) -> View:
        """A view of trainings, to be entered while they go on.

        Args:
            label: what a run is called.
            total: how many trainings there are at most.
            may_end_early: whether there may be fewer.
        """
        if self._console is None:
            return Nothing(Console(quiet=True), label, total, may_end_early)
        view: type[Live | Lines | Notebook] = Lines
        if self._console.is_jupyter:
            view = Notebook
        elif self._console.is_terminal:
            view = Live
        return view(self._console, label, total, may_end_early)


def plan_in_words(
    specs: Sequence[RunSpec], realise: Realiser, resources: Resources = _ALONE
) -> str:
    """How many of the trainings are done, and about how long the others take."""
    done = [spec for spec in specs if realise.is_done(spec)]
    missing = [spec for spec in specs if not realise.is_done(spec)]
    epochs = sum(spec.recipe.training.epochs for spec in missing)
    return (
        f"{len(specs)} trainings: {len(done)} in the store, {len(missing)} to train; "
        f"{time_for(epochs, done, realise.store, resources.at_a_time)}."
    )


def time_for(epochs: int, done: Sequence[RunSpec], store: Store, at_a_time: int = 1) -> str:
    """About how long so many epochs take, as finished trainings of the plan tell."""
    known = [(spec, run) for spec in done if (run := store.find(spec.key))]
    if not known:
        return "how long that takes is known after the first"
    an_epoch = sum(run.seconds for _, run in known) / sum(
        spec.recipe.training.epochs for spec, _ in known
    )
    workers = f" with {at_a_time} workers" if at_a_time > 1 else ""
    return f"about {clock(epochs * an_epoch / at_a_time)}{workers}"
