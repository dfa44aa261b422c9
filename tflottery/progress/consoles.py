"""The terminal, or the file in its place, which shows what it is given and obeys nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from tflottery.printed import JOINERS, visible


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


def say(console: Console, line: str, *, wrap: bool = False) -> None:
    """Prints a line; it is broken at the console's width only where ``wrap`` says so."""
    console.print(visible(line, spaces=True), soft_wrap=not wrap)


def open_console() -> Console:
    """The terminal, or the file in its place. A text is shown as it is: rich would take ``:end:``
    for an emoji and ``[b]`` for an order."""
    return _Harmless(highlight=False, markup=False, emoji=False)
