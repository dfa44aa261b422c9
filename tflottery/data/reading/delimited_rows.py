"""From lines of delimited text to rows, and to what is wrong with them.

The csv module parses, strictly; no field is ever dropped: a row of another length than the header
is a fault.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tflottery.data.reading.records import (
    BLANK,
    SURROGATE,
    Columns,
    Fault,
    Item,
    Record,
    Row,
    Suspect,
    shown,
)

# What a NUL becomes on its way through the csv module, which knows none before Python 3.11.
_NUL = "\udc00"
_LIMIT = 1 << 24
# Reviews can be longer than the csv module's default of 128 KiB a field.
csv.field_size_limit(_LIMIT)

_MEND_FIELDS = "Put quotes around texts that hold the delimiter, or delete the line."
_MEND_QUOTES = (
    'Write a quote in a text twice (""), or set data.quote=none where quotes are '
    "characters of the text."
)


@dataclass(frozen=True)
class Layout:
    """How the rows of a file are laid out. ``first_line`` is how many lines come before the first
    row of data; ``header`` is trimmed, and ``names`` is as it stands there; ``trusted`` is whether
    the user has said which quote it is."""

    dialect: dict[str, Any]
    columns: Columns
    first_line: int
    header: tuple[str, ...]
    trusted: bool
    names: tuple[str, ...] = ()


def without_nul(lines: Iterable[str]) -> Iterator[str]:
    """The same lines, with what the csv module takes for each NUL."""
    for line in lines:
        yield line.replace("\0", _NUL) if "\0" in line else line


def rows_of(stream: Iterator[str], before: int, layout: Layout) -> Iterator[Item | Suspect]:
    """The rows of lines, and the faults in their places; so many lines came before."""
    for start, row, kept in _parsed(stream, before, layout):
        if isinstance(row, Fault):
            yield row
            continue
        item = _judged(row, start, layout)
        if len(kept) > 1 and not layout.trusted and isinstance(item, Record):
            suspect = suspected(kept, item, layout)
            yield item if suspect is None else suspect
        elif item is not None:
            yield item


def whole_rows(stream: Iterator[str], before: int, layout: Layout) -> Iterator[Row | Fault]:
    """Rows with all of their cells; so many lines came before."""
    for start, row, kept in _parsed(stream, before, layout):
        if isinstance(row, Fault):
            yield row
        elif len(row) != layout.columns.count:
            fault = _judged(row, start, layout)
            yield fault if isinstance(fault, Fault) else Fault(start, BLANK, "")
        else:
            cells = [value.replace(_NUL, "\0") if _NUL in value else value for value in row]
            may_be_several = len(kept) > 1 and not layout.trusted and _are_rows(kept, layout)
            yield Row(start, tuple(cells), may_be_several)


def _are_rows(lines: Sequence[str], layout: Layout) -> bool:
    """Whether two or more of a row's lines have as many fields as the table has columns, as they
    would as rows of their own; prose has a space behind most delimiters."""
    count, delimiter = layout.columns.count, layout.dialect["delimiter"]
    fields = [line.rstrip("\r\n").split(delimiter) for line in lines if delimiter in line]
    alike = [row for row in fields if len(row) == count > 1 and all(row)]
    return sum(not any(value.startswith(" ") for value in row[1:]) for row in alike) > 1


def _parsed(
    stream: Iterator[str], before: int, layout: Layout
) -> Iterator[tuple[int, list[str] | Fault, list[str]]]:
    """Each row with its first line's number and its lines, or what is wrong there; so many lines
    came before."""
    kept: list[str] = []

    def lines() -> Iterator[str]:
        for line in without_nul(stream):
            kept.append(line)
            yield line

    reader = csv.reader(lines(), **layout.dialect)
    while True:
        start = before + reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            end = before + reader.line_num
            if is_endless := "field larger" in str(error):
                end += sum(1 for _ in stream)
            yield start, _torn(str(error), start, end, kept), kept
            if is_endless:
                return
            kept.clear()
            continue
        yield start, row, kept
        kept.clear()


def _judged(row: list[str], line: int, layout: Layout) -> Item | None:
    """The row as a record, what is wrong with it, or nothing for a line of spaces."""
    columns = layout.columns
    if len(row) != columns.count:
        if len(row) < 2 and not any(value.strip() for value in row):
            return None
        than = "the header has columns" if layout.header else "the first row"
        more = "more" if len(row) > columns.count else "fewer"
        what = f"{more} fields than {than} ({len(row)}, not {columns.count})"
        return Fault(line, what, _MEND_FIELDS)
    text = row[columns.text]
    if not text.strip() and not any(value.strip() for value in row):
        return Fault(line, BLANK, "")
    record = columns.record(line, row)
    for value in (text, row[columns.label], record.split):
        if isinstance(value, str) and not value.isascii() and (bad := SURROGATE.search(value)):
            if bad[0] == _NUL:
                return Fault(line, "a NUL character", "Delete the character or the line.")
            return Fault(line, "not UTF-8 text", "Save the file as UTF-8, or set data.encoding.")
    header = layout.header
    if header and text.strip() == header[columns.text] and _is_header(row, header):
        return Fault(line, "the header again", "Delete the line.")
    return record


def _is_header(row: Sequence[str], header: Sequence[str]) -> bool:
    return [value.strip() for value in row] == list(header)


def _torn(error: str, start: int, end: int, lines: Sequence[str]) -> Fault:
    if "unexpected end" in error or "field larger" in error:
        what = "a quote is opened and never closed"
        if not any('"' in line for line in lines):
            what = shown(error)
        return Fault(start, what, _MEND_QUOTES, max(1, end - start + 1))
    if end > start:
        return Fault(
            start, f"a quote is opened that ends within a text on line {end}", _MEND_QUOTES,
            end - start + 1,
        )  # fmt: skip
    return Fault(start, f"a quote ends within a field ({shown(error)})", _MEND_QUOTES)


def suspected(lines: Sequence[str], record: Record, layout: Layout) -> Suspect | None:
    """A record of which two lines or more look like rows of their own."""
    labels = [label for line in lines if (label := _label_of_line(line, layout))]
    if len(labels) < 2:
        return None
    end = int(record.place) + len(lines) - 1
    what = f"a quote is opened that closes on line {end}, and the lines between are whole rows"
    mend = f"{_MEND_QUOTES} Where they are part of the text, set data.quote='\"'."
    return Suspect(Fault(record.place, what, mend, len(lines)), record, tuple(labels))


def _label_of_line(line: str, layout: Layout) -> str:
    """The label of a line that looks like a row by itself, or an empty text."""
    columns, delimiter = layout.columns, layout.dialect["delimiter"]
    fields = line.rstrip("\r\n").replace(layout.dialect.get("quotechar", '"'), "").split(delimiter)
    if len(fields) < columns.count:
        return ""
    if len(fields) == columns.count:
        label = fields[columns.label].strip()
        before = fields[columns.label - 1] if columns.label else ""
        # A comma between digits is more often a decimal one.
        return "" if before[-1:].isdigit() and label[:1].isdigit() else label
    # A text with delimiters of its own, and a word where the label would be.
    if columns.label == columns.count - 1:
        label = fields[-1]
    elif columns.label == 0 and not fields[1].startswith(" "):
        label = fields[0]
    else:
        return ""
    return "" if label.startswith(" ") or label[:1].isdigit() else label.strip()
