"""Rows of delimited text, many at once: where fields begin and end is found for a block of a file.

Nothing is decided here that ``delimited`` does not decide. A row is taken here where it is plainly
right: quotes around whole fields only, as many fields as there are columns, a text that is not
blank. Any other row is given to the csv module, by itself where its ends are known, else with all
that follows in its block.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator
from typing import IO

from tflottery.data.reading.delimited_fields import Fields, Marks
from tflottery.data.reading.records import Block, Item, Suspect

# A row that goes on longer is no matter for speed.
_LONGEST = 1 << 23
# Encodings of one byte a letter in which every byte, or its stand-in, is told from UTF-8.
_OF_ONE_BYTE = ("cp1252", "iso8859-1")
_OF_UTF_8 = ("utf-8", "utf-8-sig")
_MARK = codecs.BOM_UTF8

Piece = Block | Item | Suspect
Careful = Callable[[Iterator[str], int], Iterator[Item | Suspect]]
"""The rows of lines, one after the other; given the lines, and how many came before."""


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
        while len(self._rest) < len(_MARK) and not self._ended:
            self._read()
        if self._encoding == "utf-8-sig":
            self._rest = self._rest.removeprefix(_MARK)
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
        found = Fields(self._rest, self._ended, self._marks)
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

    def _found(self, found: Fields) -> Iterator[Piece]:
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
