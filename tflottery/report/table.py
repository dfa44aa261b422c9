"""A table once: the page, the Markdown and the CSV for pandas are made from it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from tflottery.report.escaping import one_line
from tflottery.report.numbers import NOTHING, yes_no

_CSV_DIGITS = 6


@dataclass(frozen=True)
class Column:
    """``key`` finds the value in a row and heads the CSV; ``heading`` is what readers see.

    ``group`` is a heading over several neighbouring columns. A value of None shows as a dash.
    """

    key: str
    heading: str
    show: Callable[[Any], str] = str
    group: str = ""
    is_text: bool = False

    def shown(self, row: Mapping[str, Any]) -> str:
        value = row.get(self.key)
        return NOTHING if value is None else self.show(value)


@dataclass(frozen=True)
class Cell:
    """A value as it stands in a row; ``is_text`` and ``verdict`` (yes or no) decide its look."""

    shown: str
    is_header: bool
    is_text: bool
    repeats: bool
    verdict: str


@dataclass(frozen=True)
class Table:
    """``headers`` is how many leading columns name the row; ``extra`` columns are in the CSV only.

    Rows whose first column repeats the one above belong together and are drawn so.
    """

    name: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    headers: int = 1
    extra: Sequence[str] = field(default=())

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Headings over columns, and how many columns each spans; empty where there are none."""
        found = [(name, len(list(of))) for name, of in groupby(one.group for one in self.columns)]
        return found if any(name for name, _ in found) else []

    def body(self) -> Iterator[tuple[bool, list[Cell]]]:
        """Each row: whether it begins a new set of rows, and its cells."""
        above: object = object()
        for place, row in enumerate(self.rows):
            first = row.get(self.columns[0].key)
            repeats, above = first == above, first
            yield bool(place) and not repeats, list(self._cells(row, repeats))

    def _cells(self, row: Mapping[str, Any], repeats: bool) -> Iterator[Cell]:
        for place, column in enumerate(self.columns):
            shown = column.shown(row)
            is_verdict = column.show is yes_no and row.get(column.key) is not None
            yield Cell(
                shown,
                place < self.headers,
                column.is_text,
                repeats and not place,
                shown if is_verdict else "",
            )

    def csv(self) -> str:
        """Every value, numbers to six digits behind the point, texts on one line."""
        keys = [*(column.key for column in self.columns), *self.extra]
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(keys)
        writer.writerows([_raw(row.get(key)) for key in keys] for row in self.rows)
        return stream.getvalue()


def _raw(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return one_line(value)
    return round(value, _CSV_DIGITS) if isinstance(value, float) else value
