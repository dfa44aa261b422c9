"""A table once, and its three forms: HTML for the page, Markdown for a README, CSV for pandas."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

NOTHING = "–"
_CSV_DIGITS = 6


def text(value: Any) -> str:
    return str(value)


def number(digits: int, *, signed: bool = False) -> Callable[[Any], str]:
    """Shows a number with so many digits behind the point, and a real minus sign."""

    def show(value: Any) -> str:
        shown = f"{value:{'+' if signed else ''},.{digits}f}"
        if not float(shown.replace(",", "")):
            shown = shown.lstrip("+-")
        return shown.replace("-", "−")

    return show


ACCURACY, EPOCHS = number(2), number(2)
POINTS = number(2, signed=True)
PERCENT = number(1)


def probability(value: Any) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def yes_no(value: Any) -> str:
    return "yes" if value else "no"


@dataclass(frozen=True)
class Column:
    """``key`` finds the value in a row and heads the CSV; ``heading`` is what readers see.

    ``group`` is a heading over several neighbouring columns. A value of None shows as a dash.
    """

    key: str
    heading: str
    show: Callable[[Any], str] = text
    group: str = ""
    is_text: bool = False

    def shown(self, row: Mapping[str, Any]) -> str:
        value = row.get(self.key)
        return NOTHING if value is None else self.show(value)


@dataclass(frozen=True)
class Table:
    """``headers`` is how many leading columns name the row; ``extra`` columns are in the CSV only.

    Rows whose first column repeats the one above belong together and are drawn so.
    """

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    headers: int = 1
    extra: Sequence[str] = field(default=())

    def html(self) -> str:
        body = "\n".join(self._html_row(place) for place in range(len(self.rows)))
        return (
            f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(self.caption)}">'
            f"<table><caption><span>{escape(self.caption)}</span></caption>\n"
            f"<thead>{self._html_head()}</thead>\n<tbody>\n{body}\n</tbody></table></div>"
        )

    def markdown(self) -> str:
        heads = [
            f"{column.group}: {column.heading}" if column.group else column.heading
            for column in self.columns
        ]
        marks = ["---" if column.is_text else "---:" for column in self.columns]
        lines = [heads, marks, *([c.shown(row) for c in self.columns] for row in self.rows)]
        return "\n".join("| " + " | ".join(_plain(word) for word in line) + " |" for line in lines)

    def csv(self) -> str:
        keys = [*(column.key for column in self.columns), *self.extra]
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(keys)
        writer.writerows([_raw(row.get(key)) for key in keys] for row in self.rows)
        return stream.getvalue()

    def _html_head(self) -> str:
        groups: list[tuple[str, int]] = []
        for column in self.columns:
            if groups and groups[-1][0] == column.group:
                groups[-1] = (column.group, groups[-1][1] + 1)
            else:
                groups.append((column.group, 1))
        head = ""
        if any(name for name, _ in groups):
            cells = "".join(
                f'<th scope="colgroup" colspan="{width}" class="group">{escape(name)}</th>'
                if name
                else f'<td colspan="{width}"></td>'
                for name, width in groups
            )
            head = f"<tr>{cells}</tr>\n"
        cells = "".join(
            f'<th scope="col"{_kind(column)}>{escape(column.heading)}</th>'
            for column in self.columns
        )
        return f"{head}<tr>{cells}</tr>"

    def _html_row(self, place: int) -> str:
        row = self.rows[place]
        above = self.rows[place - 1] if place else None
        repeats = above is not None and above.get(self.columns[0].key) == row.get(
            self.columns[0].key
        )
        cells = []
        for index, column in enumerate(self.columns):
            shown = escape(column.shown(row))
            kind = _kind(column, again=repeats and index == 0, verdict=shown)
            if index < self.headers:
                cells.append(f'<th scope="row"{kind}>{shown}</th>')
            else:
                cells.append(f"<td{kind}>{shown}</td>")
        rule = "" if repeats or not place else ' class="rule"'
        return f"<tr{rule}>{''.join(cells)}</tr>"


def _kind(column: Column, *, again: bool = False, verdict: str = "") -> str:
    classes = ["text"] if column.is_text else []
    classes += ["again"] if again else []
    if column.show is yes_no and verdict in ("yes", "no"):
        classes.append(verdict)
    return f' class="{" ".join(classes)}"' if classes else ""


def _plain(word: str) -> str:
    return " ".join(word.split()).replace("|", "\\|")


def _raw(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return round(value, _CSV_DIGITS) if isinstance(value, float) else value
