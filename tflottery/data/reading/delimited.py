"""Texts with a delimiter between fields: CSV, TSV and their kin.

This module finds the delimiter, the header and what quotes mean; ``delimited_rows`` reads the rows
then.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import IO, Any

from tflottery.data.reading.containers import Content, whole
from tflottery.data.reading.decoding import Decoded
from tflottery.data.reading.delimited_blocks import Blocks, can_read
from tflottery.data.reading.delimited_fields import Marks
from tflottery.data.reading.delimited_rows import (
    Layout,
    rows_of,
    suspected,
    whole_rows,
    without_nul,
)
from tflottery.data.reading.records import (
    TITLE_ROWS,
    Block,
    Columns,
    Fault,
    Item,
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
_READ = 1 << 20


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
            head = list(islice(without_nul(stream), _HEAD_LINES))
        self._layout = self._laid_out(head, remarks)

    def __iter__(self) -> Iterator[Item | Suspect]:
        with whole(self._content.path), self._text() as stream:
            first = self._layout.first_line
            yield from rows_of(islice(stream, first, None), first, self._layout)

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
            yield from whole_rows(islice(stream, first, None), first, self._layout)

    def blocks(self) -> Iterator[Block | Item | Suspect]:
        """The same rows, many together where they are plainly right."""
        layout, decoded = self._layout, self._decoded
        marks = Marks(
            layout.dialect["delimiter"],
            layout.dialect.get("quotechar", ""),
            layout.columns,
            layout.header,
            None if layout.trusted else partial(suspected, layout=layout),
        )
        encoding = codecs.lookup(decoded.encoding).name
        if self._settings.escape or not can_read(encoding, decoded.errors, marks):
            yield from self
            return
        careful = partial(rows_of, layout=layout)
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
                rows = rows_of(islice(stream, first_line, None), first_line, layout)
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
