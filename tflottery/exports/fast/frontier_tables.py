"""The frontier as a table: Markdown for readers, CSV for pandas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tflottery.exports.fast.shown import Shown
from tflottery.report.numbers import number, yes_no
from tflottery.report.rendering import markdown_table
from tflottery.report.table import Column, Table

_POINTS = number(2)


def percent(value: float) -> str:
    """A fraction in percent."""
    return number(1)(100 * value)


def _kilobytes(value: float) -> str:
    return number(0)(value / 1000)


_COLUMNS = (
    Column("number", "no.", str),
    Column("pruned", "pruned", is_text=True),
    Column("form", "form", is_text=True),
    Column("sparsity", "weights pruned %", percent),
    Column("test_accuracy", "test %", lambda value: number(2)(100 * value)),
    Column("difference", "points to dense", number(2)),
    Column("interval", "95 % interval", is_text=True),
    Column("times_dense", "x dense", number(2)),
    Column("gzip_bytes", "gzip kB", _kilobytes),
    Column("times_smaller", "times smaller", number(1)),
    Column("fastest", "fastest", yes_no),
    Column("smallest", "smallest", yes_no),
)
_EXTRA = ("numbers", "texts_per_second", "raw_bytes", "low", "high")


def rows(shown: Sequence[Shown]) -> list[dict[str, Any]]:
    """A row for each that was measured; accuracies are fractions, differences points."""
    return [_row(place, one, shown[0]) for place, one in enumerate(shown, start=1)]


def _row(place: int, one: Shown, dense: Shown) -> dict[str, Any]:
    test = one.test
    return {
        "number": place,
        "pruned": one.pruned,
        "form": one.form,
        "sparsity": one.sparsity,
        "test_accuracy": one.accuracy,
        "difference": test.difference,
        "interval": f"{_POINTS(test.low)} to {_POINTS(test.high)}",
        "times_dense": one.throughput,
        "gzip_bytes": one.gzipped,
        "times_smaller": dense.gzipped / one.gzipped,
        "fastest": one.fastest,
        "smallest": one.smallest,
        "numbers": one.numbers,
        "texts_per_second": one.texts_per_second,
        "raw_bytes": one.raw,
        "low": test.low,
        "high": test.high,
    }


def csv(shown: Sequence[Shown]) -> str:
    """Every number, a line for each that was measured."""
    return Table("frontier", _COLUMNS, rows(shown), extra=_EXTRA).csv()


def markdown(shown: Sequence[Shown]) -> str:
    """The table for readers."""
    return markdown_table(Table("frontier", _COLUMNS, rows(shown)))
