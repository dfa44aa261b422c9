"""Where rows and fields begin and end in bytes of delimited text, for all of them at once."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tflottery.data.reading.records import Block, Columns, Record, Suspect

_NEWLINE, _RETURN = 10, 13


@dataclass(frozen=True)
class Marks:
    """What tells fields apart. ``quote`` is empty where quotes are characters; ``suspect`` looks at
    the lines of a row of several, or is none where its quotes are trusted."""

    delimiter: str
    quote: str
    columns: Columns
    header: tuple[str, ...]
    suspect: Callable[[list[str], Record], Suspect | None] | None


class Fields:
    """Where rows and fields are in bytes that begin with a row.

    ``count`` rows in the first ``size`` bytes and ``lines`` lines have their quotes around whole
    fields; of these, ``others`` are to be judged by themselves. ``is_odd``: the next row has not.
    """

    def __init__(self, content: bytes, is_last: bool, marks: Marks) -> None:
        self._marks = marks
        size = len(content)
        if is_last and not content.endswith(b"\n"):
            if content.endswith(b"\r"):
                self.size, self.is_odd = 0, True
                return
            content += b"\n"
        self._content = content
        # Two bytes more, for looking ahead.
        self._letters = letters = np.frombuffer(content + b"\n\n", np.uint8)
        self._code = ord(marks.quote) if marks.quote else -1
        delimiter = ord(marks.delimiter)
        marked = (letters == delimiter) | (letters == _NEWLINE)
        if marks.quote:
            marked |= letters == self._code
        places = np.flatnonzero(marked[: len(content)])
        kinds = letters[places]
        self._quotes = places[:0]
        outside = np.ones(len(places), bool)
        self.is_odd = False
        if marks.quote:
            is_quote = kinds == self._code
            self._quotes = places[is_quote]
            outside = (np.cumsum(is_quote) & 1) == 0
            places, kinds, outside = self._until_odd(places, kinds, outside)
        is_end = (kinds == _NEWLINE) & outside
        self._ends = places[is_end]
        self.count = len(self._ends)
        if not self.count:
            self.size = 0
            return
        self._starts = np.concatenate([[0], self._ends[:-1] + 1])
        self.size = min(int(self._ends[-1]) + 1, size)
        newlines = places[kinds == _NEWLINE]
        self._before = np.searchsorted(newlines, self._starts)
        self.lines = int(np.searchsorted(newlines, self._ends[-1], "right"))
        self._fields((kinds == delimiter) & outside, places)

    def _until_odd(
        self, places: np.ndarray, kinds: np.ndarray, outside: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The marks before the first quote that is within a field, without doubt."""
        letters, delimiter = self._letters, ord(self._marks.delimiter)
        opening, closing = self._quotes[0::2], self._quotes[1::2]
        before = letters[opening - 1]
        if len(opening) and opening[0] == 0:
            before[0] = _NEWLINE
        after = letters[closing + 1]
        begins = (before == delimiter) | (before == _NEWLINE) | (before == self._code)
        ends = (after == delimiter) | (after == _NEWLINE) | (after == self._code)
        ends |= (after == _RETURN) & (letters[closing + 2] == _NEWLINE)
        if begins.all() and ends.all():
            return places, kinds, outside
        self.is_odd = True
        first = min([int(where[0]) for where in (opening[~begins], closing[~ends]) if len(where)])
        kept = places < first
        return places[kept], kinds[kept], outside[kept]

    def _fields(self, is_delimiter: np.ndarray, places: np.ndarray) -> None:
        letters, columns = self._letters, self._marks.columns
        delimiters = places[is_delimiter]
        rows = np.searchsorted(self._ends, delimiters)
        within = rows < self.count
        delimiters, rows = delimiters[within], rows[within]
        counts = np.bincount(rows, minlength=self.count)
        right = counts == columns.count - 1
        first = np.cumsum(counts) - counts
        ends = self._ends - (letters[self._ends - 1] == _RETURN)
        # Where a row has too few, its fields are not looked at.
        last = max(len(delimiters) - 1, 0)
        padded = delimiters if len(delimiters) else np.zeros(1, np.int64)

        def bounds(column: int) -> tuple[np.ndarray, np.ndarray]:
            begin = padded[np.minimum(first + column - 1, last)] + 1 if column else self._starts
            end = padded[np.minimum(first + column, last)] if column < columns.count - 1 else ends
            return begin, end

        self._bounds = {}
        wanted = (columns.text, columns.label, columns.split)
        for column in (column for column in wanted if column is not None):
            begin, end = bounds(column)
            doubled = np.zeros(self.count, bool)
            if len(self._quotes):
                quoted = (letters[begin] == self._code) & (begin < end)
                quotes = np.searchsorted(self._quotes, [begin, end])
                doubled = quotes[1] - quotes[0] > 2
                begin, end = begin + quoted, end - quoted
            self._bounds[column] = begin, end, doubled
        self.others = np.flatnonzero(~right | self._blank_or_header(right)).tolist()

    def _blank_or_header(self, right: np.ndarray) -> np.ndarray:
        """bool [rows]: which of the right rows have a blank text, or the header's."""
        letters, header, column = self._letters, self._marks.header, self._marks.columns.text
        begin, end, _ = self._bounds[column]
        first, last = letters[begin], letters[np.maximum(end - 1, 0)]
        is_plain = (first > 32) & (first < 127) & (last > 32) & (last < 127)
        name = header[column] if header else ""
        found = np.zeros(self.count, bool)
        doubtful = right & (~is_plain | (begin >= end) | (end - begin == len(name.encode())))
        for row in np.flatnonzero(doubtful).tolist():
            text = self._cells(column, row, row + 1)[0].decode("utf-8", "replace").strip()
            found[row] = not text or text == name
        return found

    def lines_before(self, row: int) -> int:
        """Lines from the beginning to a row."""
        return int(self._before[row])

    def lines_of(self, row: int) -> list[str]:
        """The lines of a row."""
        text = self._content[self._starts[row] : self._ends[row] + 1].decode()
        return list(io.StringIO(text, newline=""))

    def block(self, first: int, last: int, before: int) -> Block:
        """Some of the rows that are right."""
        columns = self._marks.columns
        split = None if columns.split is None else self._cells(columns.split, first, last)
        block = Block(
            (self._before[first:last] + (before + 1)).tolist(),
            self._cells(columns.text, first, last),
            self._cells(columns.label, first, last),
            split,
        )
        if self._marks.suspect is not None and self._code >= 0:
            after = np.append(self._before[1:], self.lines)
            several = np.flatnonzero(after[first:last] - self._before[first:last] > 1)
            for row in several.tolist():
                suspect = self._marks.suspect(self.lines_of(first + row), block.record(row))
                if suspect is not None:
                    block.suspects.append((row, suspect))
        return block

    def _cells(self, column: int, first: int, last: int) -> list[bytes]:
        begin, end, doubled = self._bounds[column]
        content = self._content
        bounds = zip(begin[first:last].tolist(), end[first:last].tolist(), strict=True)
        cells = [content[a:b] for a, b in bounds]
        quote = self._marks.quote.encode()
        for row in np.flatnonzero(doubled[first:last]).tolist():
            cells[row] = cells[row].replace(quote * 2, quote)
        return cells
