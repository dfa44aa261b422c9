"""Texts with a delimiter between fields: CSV, TSV and their kin.

The csv module parses, strictly; this module finds the delimiter, the header and what quotes mean,
and never drops a field: a row of another length than the header is a fault.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import IO, Any

from tflottery.data.reading.containers import Content, Decoded, whole
from tflottery.data.reading.delimited_blocks import Blocks, can_read
from tflottery.data.reading.delimited_fields import Marks
from tflottery.data.reading.records import (
    BLANK,
    SURROGATE,
    TITLE_ROWS,
    Block,
    Columns,
    Fault,
    Item,
    Record,
    Remarks,
    Row,
    Suspect,
    named_columns,
    no_column,
    numbered_columns,
    shown,
    shown_path,
)
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError

_DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_CANDIDATES = (",", "\t", ";", "|")
_SEP_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
# Lines of the head that decide about delimiter and header.
_HEAD_LINES = 200
# What a NUL becomes on its way through the csv module, which knows none before Python 3.11.
_NUL = "\udc00"
_LIMIT = 1 << 24
_READ = 1 << 20
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


class Delimited:
    """A table of delimited text."""

    unit = "line"
    # Bytes that are looked at together.
    block_size = 1 << 18

    def __init__(
        self, content: Content, decoded: Decoded, settings: DataSettings, remarks: Remarks
    ) -> None:
        self._content, self._decoded, self._settings = content, decoded, settings
        with whole(content.path), self._text() as stream:
            head = list(islice(_without_nul(stream), _HEAD_LINES))
        self._layout = self._laid_out(head, remarks)

    def __iter__(self) -> Iterator[Item | Suspect]:
        with whole(self._content.path), self._text() as stream:
            first = self._layout.first_line
            yield from _rows(islice(stream, first, None), first, self._layout)

    @property
    def names(self) -> tuple[str, ...]:
        """The header as it stands in the file; empty without one."""
        return self._layout.names

    @property
    def columns(self) -> Columns:
        """Where the columns stand that the settings name."""
        return self._layout.columns

    def rows(self) -> Iterator[Row | Fault]:
        """Every row with all of its cells, those without a text too. Bytes that are no text are
        half characters (``surrogateescape``)."""
        with whole(self._content.path), self._text() as stream:
            first = self._layout.first_line
            yield from _whole_rows(islice(stream, first, None), first, self._layout)

    def blocks(self) -> Iterator[Block | Item | Suspect]:
        """The same rows, many together where they are plainly right."""
        layout, decoded = self._layout, self._decoded
        marks = Marks(
            layout.dialect["delimiter"],
            layout.dialect.get("quotechar", ""),
            layout.columns,
            layout.header,
            None if layout.trusted else partial(_suspected, layout=layout),
        )
        encoding = codecs.lookup(decoded.encoding).name
        if self._settings.escape or not can_read(encoding, decoded.errors, marks):
            yield from self
            return
        careful = partial(_rows, layout=layout)
        with whole(self._content.path), self._content.open() as stream:
            blocks = Blocks(stream, encoding, marks, careful, self.block_size)
            yield from blocks.rows(layout.first_line)

    def _text(self) -> IO[str]:
        # Line ends of all kinds end a line, and stay as they are within a text.
        return io.TextIOWrapper(
            self._content.open(),
            self._decoded.encoding,
            self._decoded.errors,
            newline="",
        )

    def _has_quotes(self) -> bool:
        """Whether a byte of a quote is anywhere in the file, in whatever encoding."""
        with whole(self._content.path), self._content.open() as stream:
            return any(b'"' in block for block in iter(partial(stream.read, _READ), b""))

    def _laid_out(self, head: list[str], remarks: Remarks) -> Layout:
        settings, where = self._settings, shown_path(self._content.path)
        given, skipped = settings.delimiter, 0
        match = _SEP_LINE.fullmatch(head[0].rstrip("\r\n")) if head else None
        if match and not named_columns([head[0].strip()], settings):
            given, skipped = given or match[1], 1
        own = _DELIMITERS.get(self._content.suffix)
        candidates = [given] if given else [own or ",", *(x for x in _CANDIDATES if x != own)]
        if not any(line.strip() for line in head):
            raise no_column(where, [], settings)
        found = [_head_rows(head[skipped:], self._dialect(mark, None)) for mark in candidates]
        if not settings.header:
            return self._without_header(candidates, found, skipped)
        for depth in range(TITLE_ROWS + 1):
            for mark, rows in zip(candidates, found, strict=True):
                if depth < len(rows) and (columns := named_columns(rows[depth][1], settings)):
                    if depth:
                        self._check_titles([row for _, row in rows[:depth]], columns, rows[depth])
                        remarks.add(
                            f"{where}: {depth} line{'s' * (depth > 1)} above the header "
                            f"{'are' if depth > 1 else 'is'} left out."
                        )
                    remarks.add_near_split(where, columns, settings)
                    lines = skipped + rows[depth][0]
                    return self._quoted(mark, columns, lines, columns.names, tuple(rows[depth][1]))
        firsts = [rows[0][1] for rows in found if rows]
        raise no_column(where, max(firsts, key=len, default=[]), settings, headless=True)

    def _check_titles(
        self, above: Sequence[list[str]], columns: Columns, header: tuple[int, list[str]]
    ) -> None:
        """Raises UserError where what stands above the header is no title."""
        if any(sum(bool(value.strip()) for value in row) >= columns.count for row in above):
            raise UserError(
                f"{shown_path(self._content.path)}: the header comes only after lines that look "
                f"like rows ({shown(header[1][0])!r} is below {shown(above[0][0])!r}). Put the "
                "header first, or delete what is above it."
            )

    def _without_header(
        self, candidates: Sequence[str], found: Sequence[list[tuple[int, list[str]]]], skipped: int
    ) -> Layout:
        def steady(rows: list[tuple[int, list[str]]]) -> bool:
            widths = {len(row) for _, row in rows}
            return len(widths) == 1 and widths != {1}

        chosen = next((n for n, rows in enumerate(found) if steady(rows)), 0)
        first = found[chosen][0][1] if found[chosen] else []
        columns = numbered_columns(len(first), self._settings, first)
        return self._quoted(candidates[chosen], columns, skipped, ())

    def _dialect(self, delimiter: str, quoting: bool | None) -> dict[str, Any]:
        quote = self._settings.quote
        if quoting is None:
            quoting = quote != "none"
        dialect: dict[str, Any] = {"delimiter": delimiter, "strict": True}
        if self._settings.escape:
            dialect["escapechar"] = self._settings.escape
        if not quoting:
            return {**dialect, "quoting": csv.QUOTE_NONE}
        return {**dialect, "quotechar": quote if len(quote) == 1 else '"'}

    def _quoted(
        self,
        delimiter: str,
        columns: Columns,
        first_line: int,
        header: tuple[str, ...],
        names: tuple[str, ...] = (),
    ) -> Layout:
        """The layout. In a TSV, quotes are characters unless they come in pairs around fields, or
        unless more of the lines are sound where they quote."""
        trusted = len(self._settings.quote) == 1

        def layout(quoting: bool | None) -> Layout:
            dialect = self._dialect(delimiter, quoting)
            return Layout(dialect, columns, first_line, header, trusted, names)

        def lines_at_fault(layout: Layout) -> int:
            with whole(self._content.path), self._text() as stream:
                rows = _rows(islice(stream, first_line, None), first_line, layout)
                faults = (row.fault if isinstance(row, Suspect) else row for row in rows)
                return sum(fault.lines for fault in faults if isinstance(fault, Fault))

        quoting, plain = layout(None), layout(False)
        if delimiter != "\t" or self._settings.quote != "auto":
            return quoting
        if not self._has_quotes():
            return quoting
        with whole(self._content.path), self._text() as stream:
            if _quotes_in_pairs(stream, delimiter):
                return quoting
        return plain if lines_at_fault(plain) < lines_at_fault(quoting) else quoting


def _quotes_in_pairs(lines: Iterable[str], delimiter: str) -> bool:
    """Whether every field that begins with a quote ends with one on its line, and has those
    within in twos."""
    for line in lines:
        if '"' not in line:
            continue
        for value in line.rstrip("\r\n").split(delimiter):
            if value.startswith('"'):
                inner = value[1:-1]
                if len(value) < 2 or value[-1] != '"' or '"' in inner.replace('""', ""):
                    return False
    return True


def _head_rows(lines: Sequence[str], dialect: dict[str, Any]) -> list[tuple[int, list[str]]]:
    """The first rows, each with the lines up to its end; what is wrong there is no matter yet."""
    reader = csv.reader(lines, **{**dialect, "strict": False})
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            if any(value.strip() for value in row):
                rows.append((reader.line_num, row))
            if len(rows) > TITLE_ROWS:
                break
    except csv.Error:
        pass
    return rows


def _without_nul(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield line.replace("\0", _NUL) if "\0" in line else line


def _rows(stream: Iterator[str], before: int, layout: Layout) -> Iterator[Item | Suspect]:
    """The rows of lines, and the faults in their places; so many lines came before."""
    for start, row, kept in _parsed(stream, before, layout):
        if isinstance(row, Fault):
            yield row
            continue
        item = _judged(row, start, layout)
        if len(kept) > 1 and not layout.trusted and isinstance(item, Record):
            suspect = _suspected(kept, item, layout)
            yield item if suspect is None else suspect
        elif item is not None:
            yield item


def _whole_rows(stream: Iterator[str], before: int, layout: Layout) -> Iterator[Row | Fault]:
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
        for line in stream:
            line = line.replace("\0", _NUL) if "\0" in line else line
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


def _suspected(lines: Sequence[str], record: Record, layout: Layout) -> Suspect | None:
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
