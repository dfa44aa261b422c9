"""How a table looks on a terminal."""

from __future__ import annotations

from rich.table import Table


def plain_table(title: str) -> Table:
    """A table without lines, its title above its left end and a caption below it."""
    return Table(
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
