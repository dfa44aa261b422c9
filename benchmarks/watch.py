"""What the benchmarks are at: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

# Pieces of work that an estimate looks back at: the first ones compile, so they tell little.
_RECENT = 3
# What draws also takes processor time from what is measured.
_REFRESHES_A_SECOND = 2


def clock(seconds: float) -> str:
    """Minutes and seconds, or hours and minutes: ``4:10``, ``2 h 05``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d}"


def open_console() -> Console:
    """Standard error, so that the tables are alone on standard output. Brackets are brackets."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


class Watch:
    """Is told of the tables, and of the pieces of work in each; says how many are left, and about
    how long they take once each kind of piece has been seen."""

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._now = now
        self._title = ""
        self._left: dict[str, int] = {}
        self._seconds: dict[str, list[float]] = {}
        self._piece: tuple[str, float] | None = None
        self._live: Live | None = None
        self._table, self._part = _bars()
        self._task, self._doing = TaskID(0), TaskID(0)

    @contextmanager
    def table(self, title: str, number: int, of: int) -> Iterator[None]:
        """While one table is measured, the ``number``th ``of`` so many."""
        self._title = f"[{number}/{of}] {title}"
        self._left, self._seconds, self._piece = {}, {}, None
        began = self._now()
        if self._console.is_terminal:
            self._show_bars()
        try:
            yield
        except BaseException:
            self._close()
            raise
        spent = clock(self._now() - began)
        self._close()
        self.note(f"[{number}/{of}] {title}: done in {spent}; {of - number} to come")

    def _close(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None
        self._title = ""

    def expect(self, pieces: Mapping[str, int]) -> None:
        """How many pieces of each kind the table takes; those of a kind take about as long."""
        self._left = dict(pieces)
        self._draw()

    def at(self, text: str) -> None:
        """It is at something that is not counted."""
        self._say(text)
        self._draw(text)

    def note(self, text: str) -> None:
        """Says what is to stay on the terminal."""
        self._console.print(f"{self._title}: {text}" if self._title else text, soft_wrap=True)

    def begin(self, kind: str, label: str) -> None:
        """A piece of that kind begins; ``end`` ends it."""
        self._piece = (kind, self._now())
        count = sum(self._left.values())
        self._say("; ".join(filter(None, [label, f"{count} to go", self.remaining()])))
        self._draw(label)

    def end(self) -> None:
        """The piece that began last is done."""
        if self._piece:
            kind, began = self._piece
            self._seconds.setdefault(kind, []).append(self._now() - began)
            self._left[kind] = max(0, self._left.get(kind, 0) - 1)
            self._piece = None
            self._draw()

    @contextmanager
    def piece(self, kind: str, label: str) -> Iterator[None]:
        """While one piece of work goes on."""
        self.begin(kind, label)
        yield
        self.end()

    def remaining(self) -> str:
        """About how long the rest of the table takes; empty while that is not known."""
        total = 0.0
        for kind, count in self._left.items():
            if count:
                if kind not in self._seconds:
                    return ""
                recent = self._seconds[kind][-_RECENT:]
                total += count * sum(recent) / len(recent)
        return f"about {clock(total)} left" if total else ""

    def _say(self, text: str) -> None:
        """A line, unless bars show it."""
        if not self._live:
            self.note(text)

    def _show_bars(self) -> None:
        self._table, self._part = _bars()
        self._task = self._table.add_task(self._title, status="", total=None)
        self._doing = self._part.add_task("beginning", total=None)
        self._live = Live(
            Group(self._table, self._part),
            console=self._console,
            refresh_per_second=_REFRESHES_A_SECOND,
            transient=True,
        )
        self._live.start()

    def _draw(self, label: str = "") -> None:
        if not self._live:
            return
        done, left = sum(map(len, self._seconds.values())), sum(self._left.values())
        status = ", ".join(filter(None, [f"{left} to go" if left else "", self.remaining()]))
        total = done + left or None
        self._table.update(self._task, total=total, completed=done, status=status)
        if label:
            self._part.reset(self._doing, description=label)


def _bars() -> tuple[Progress, Progress]:
    """For a table, and for the piece at hand; apart, as long words of one would squeeze the other's
    bar."""
    table = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=16),
        TimeElapsedColumn(),
        TextColumn("{task.fields[status]}", markup=False),
    )
    part = Progress(TextColumn("  {task.description}", markup=False), TimeElapsedColumn())
    return table, part
