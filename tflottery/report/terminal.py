"""How a table looks on a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tflottery.printed import visible


class PlainTable(Table):
    """A table whose cells are a line each, with what a terminal would obey written out: a row
    begins nowhere but where one was added."""

    def add_row(self, *cells: RenderableType | None, **about: Any) -> None:
        super().add_row(*map(_in_a_line, cells), **about)


def _in_a_line(cell: RenderableType | None) -> RenderableType | None:
    if isinstance(cell, Text):
        return Text(visible(cell.plain, spaces=True), cell.style)
    return visible(cell, spaces=True) if isinstance(cell, str) else cell


def plain_table(title: str = "") -> PlainTable:
    """A table without lines, its title above its left end and a caption below it."""
    return PlainTable(
        title=title,
        title_justify="left",
        title_style="",
        caption_justify="left",
        caption_style="",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="bold",
    )
