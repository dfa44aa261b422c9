"""Where a call says what it does."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console, RenderableType

from tflottery import activity
from tflottery.progress.consoles import open_console, say
from tflottery.progress.lines import Lines
from tflottery.progress.live import Live
from tflottery.progress.notebooks import Notebook
from tflottery.progress.watch import Nothing
from tflottery.runs.specs import RunSpec

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
        if line and self._console is not None:
            activity.quiet()
            say(self._console, line, wrap=wrap)

    def paste(self, text: str) -> None:
        """A text as it is, which may have several lines: commands, quoted (``program.line``)."""
        if self._console is not None:
            activity.quiet()
            self._console.print(text, soft_wrap=True)

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
