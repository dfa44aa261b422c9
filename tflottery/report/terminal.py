"""How a table looks on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.table import Table

from tflottery.statistics import Summary


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


def with_half(summary: Summary, show: Callable[[Any], str]) -> str:
    """``87.50 ± 0.31``: the mean, and half of the 95 % interval where there is one."""
    if summary.half is None:
        return show(summary.mean)
    # Hundredths of an interval as wide as that say nothing, and would push a column out.
    digits = 2 if summary.half < 10 else 0
    return f"{show(summary.mean)} ± {summary.half:.{digits}f}"
