"""An inspection as tables of a terminal, 70 columns wide."""

from __future__ import annotations

from collections.abc import Callable

from rich.table import Table

from tflottery.data.findings import Findings, SplitFindings
from tflottery.data.look.cautions import baseline, percent, points
from tflottery.data.reading.records import shown
from tflottery.report.terminal import plain_table
from tflottery.statistics import resolution

# Classes in a table; of more the largest.
_CLASSES, _LABEL = 20, 22
_NOTHING = "–"


def tables(found: Findings) -> list[Table]:
    """The facts by split, and the classes."""
    return [_facts(found), _classes(found)]


def _facts(found: Findings) -> Table:
    table = _table("", found)
    for heading, number in _ROWS.items():
        table.add_row(
            heading.format(found.max_length),
            *(number(found, name, split) for name, split in found.splits.items()),
        )
    return table


def _classes(found: Findings) -> Table:
    counts = [split.by_class for split in found.splits.values()]
    order = list(range(len(found.classes)))
    title = "class"
    if len(order) > _CLASSES:
        order = sorted(order, key=lambda number: -counts[0][number])[:_CLASSES]
        title = f"class (largest {_CLASSES} of {len(found.classes):,})"
    table = _table(title, found)
    table.add_column("of train", justify="right", no_wrap=True)
    for number in order:
        name = shown(found.classes[number])
        table.add_row(
            name if len(name) <= _LABEL else f"{name[: _LABEL - 1]}…",
            *(f"{of[number]:,}" for of in counts),
            percent(counts[0][number] / max(found.splits["train"].texts, 1)),
        )
    return table


def _table(title: str, found: Findings) -> Table:
    table = plain_table("")
    table.add_column(title, no_wrap=True)
    for name in found.splits:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _count(number: int | None) -> str:
    return _NOTHING if number is None else f"{number:,}"


def _share(number: int | None, total: int) -> str:
    return _NOTHING if number is None else percent(number / max(total, 1))


_ROWS: dict[str, Callable[[Findings, str, SplitFindings], str]] = {
    "texts": lambda found, name, split: _count(split.texts),
    "larger class alone": lambda found, name, split: percent(baseline(found, name)),
    "cannot tell, points": lambda found, name, split: points(resolution(split.texts)),
    "words, quartile 1": lambda found, name, split: f"{split.quartiles[0]:g}",
    "words, median": lambda found, name, split: f"{split.quartiles[1]:g}",
    "words, quartile 3": lambda found, name, split: f"{split.quartiles[2]:g}",
    "words, longest": lambda found, name, split: _count(split.longest),
    "cut at {:,} words": lambda found, name, split: _share(split.cut, split.texts),
    "words lost by that": lambda found, name, split: _share(split.lost, split.words),
    "unknown words": lambda found, name, split: _share(split.unknown, split.read),
    "copies within": lambda found, name, split: _count(split.copies),
    "copies of train": lambda found, name, split: "" if name == "train" else _count(split.of_train),
    "texts of one word": lambda found, name, split: _count(split.single),
    "texts of no word": lambda found, name, split: _count(split.wordless),
}
