"""Rows of delimited text, many at once: where fields begin and end is found for a block of the file,
not for a row.

Nothing is decided here that ``delimited`` does not decide. A row is taken here where it is plainly
right: quotes around whole fields only, as many fields as there are columns, a text that is not
blank. Any other row is given to the csv module, by itself where its ends are known, else with all
that follows in its block.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np

from tflottery.data.records import Block, Columns, Item, Record, Suspect

# A row that goes on longer is no matter for speed.
_LONGEST = 1 << 23
_NEWLINE, _RETURN = 10, 13
# Encodings of one byte a letter in which every byte, or its stand-in, is told from UTF-8.
_OF_ONE_BYTE = ("cp1252", "iso8859-1")
_OF_UTF_8 = ("utf-8", "utf-8-sig")

Piece = Block | Item | Suspect
Careful = Callable[[Iterator[str], int], Iterator[Item | Suspect]]
"""The rows of lines, one after the other; given the lines, and how many came before."""


@dataclass(frozen=True)
class Marks:
    """What tells fields apart. ``quote`` is empty where quotes are characters; ``suspect`` looks at
    the lines of a row of several, or is none where its quotes are trusted."""

    delimiter: str
    quote: str
    columns: Columns
    header: tuple[str, ...]
    suspect: Callable[[list[str], Record], Suspect | None] | None


def can_read(encoding: str, errors: str, marks: Marks) -> bool:
    """Whether a file can be read in blocks. ``encoding`` is as ``codecs.lookup`` names it."""
    return (
        encoding in (*_OF_UTF_8, *_OF_ONE_BYTE)
        and errors == "surrogateescape"
        and (marks.delimiter + marks.quote).isascii()
        and marks.delimiter != marks.quote
    )


class Blocks:
    """The rows of a file from its beginning, once."""

    def __init__(
        self, stream: IO[bytes], encoding: str, marks: Marks, careful: Careful, size: int
    ) -> None:
        """``size``: bytes that are looked at together."""
        self._stream, self._encoding = stream, encoding
        self._marks, self._careful, self._size = marks, careful, size
        # What is read and not taken, from the beginning of a row; and how many lines came before.
        self._rest, self._ended, self._lines = b"", False, 0

    def rows(self, skipped: int) -> Iterator[Piece]:
        """All rows after so many lines."""
        self._read()
        if self._encoding == "utf-8-sig":
            self._rest = self._rest.removeprefix(b"\xef\xbb\xbf")
        if not self._skip(skipped):
            yield from self._read_carefully(skipped)
        while True:
            if not self._ended and len(self._rest) < self._size:
                self._read()
            if not self._rest:
                return
            yield from self._taken()

    def _read(self) -> None:
        block = self._stream.read(max(self._size, len(self._rest)))
        self._ended = not block
        if self._encoding in _OF_ONE_BYTE:
            text = block.decode(self._encoding, "surrogateescape")
            block = text.encode("utf-8", "surrogateescape")
        self._rest += block

    def _skip(self, count: int) -> bool:
        """Goes beyond the first lines, where all of them end with a newline."""
        end = 0
        for _ in range(count):
            end = self._rest.find(b"\n", end) + 1
            if not end:
                return False
        if not _ends_are_plain(self._rest[:end]):
            return False
        self._rest, self._lines = self._rest[end:], count
        return True

    def _taken(self) -> Iterator[Piece]:
        """Some rows from the rest."""
        found = _Found(self._rest, self._ended, self._marks)
        if found.size and not _is_sound(self._rest[: found.size]):
            yield from self._read_carefully(0)
        elif found.size:
            yield from self._found(found)
            self._rest = self._rest[found.size :]
            self._lines += found.lines
        if found.is_odd or (not found.size and (self._ended or len(self._rest) > _LONGEST)):
            yield from self._read_carefully(0)
        elif not found.size:
            self._read()

    def _found(self, found: _Found) -> Iterator[Piece]:
        first = 0
        for row in [*found.others, found.count]:
            if row > first:
                yield found.block(first, row, self._lines)
            if row < found.count:
                lines, before = found.lines_of(row), self._lines + found.lines_before(row)
                yield from self._careful(iter(lines), before)
            first = row + 1

    def _read_carefully(self, skipped: int) -> Iterator[Item | Suspect]:
        """The rest, row by row, until a row ends with what was read together."""
        lines = _Lines(self)
        for _ in range(skipped):
            next(lines, None)
        for item in self._careful(lines, self._lines + lines.count):
            yield item
            if lines.is_used_up:
                break
        self._lines += lines.count

    def cut(self) -> str:
        """Whole lines of the rest as text, which are taken from it; empty at the end."""
        while True:
            end = self._rest.rfind(b"\n") + 1
            # A file may know no other line ends. One at the very end may be half of another.
            end = end or self._rest.rfind(b"\r", 0, max(len(self._rest) - 1, 0)) + 1
            if self._ended:
                end = len(self._rest)
            if end or self._ended:
                text = self._rest[:end].decode("utf-8", "surrogateescape")
                self._rest = self._rest[end:]
                return text
            self._read()


class _Lines:
    """Lines as a text file gives them, from what is read together and then from what follows."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks, self._text, self._size, self.count = blocks, io.StringIO(), 0, 0

    @property
    def is_used_up(self) -> bool:
        return self._text.tell() >= self._size

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline()
        if not line:
            text = self._blocks.cut()
            self._text, self._size = io.StringIO(text, newline=""), len(text)
            line = self._text.readline()
        if not line:
            raise StopIteration
        self.count += 1
        return line


def _is_sound(rows: bytes) -> bool:
    """Whether lines end in one way, and letters are letters."""
    if b"\0" in rows or not _ends_are_plain(rows):
        return False
    try:
        rows.isascii() or rows.decode()
    except UnicodeDecodeError:
        return False
    return True


def _ends_are_plain(rows: bytes) -> bool:
    """Whether each carriage return has a newline after it."""
    return b"\r" not in rows or rows.count(b"\r") == rows.count(b"\r\n")


class _Found:
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
        first = min(
            [int(where[0]) for where in (opening[~begins], closing[~ends]) if len(where)]
        )
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
            begin = (
                padded[np.minimum(first + column - 1, last)] + 1 if column else self._starts
            )
            end = (
                padded[np.minimum(first + column, last)] if column < columns.count - 1 else ends
            )
            return begin, end

        self._bounds = {}
        for column in {columns.text, columns.label, columns.split} - {None}:
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
            self._before[first:last] + (before + 1),
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
