"""JSON as a table: an object a line, an array of objects, or one of the documents that pandas
writes (``orient`` split, columns, index, values and table)."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, Literal

from tflottery.data.reading.containers import Content, whole
from tflottery.data.reading.decoding import Decoded
from tflottery.data.reading.records import (
    NO_SPLIT,
    SURROGATE,
    Columns,
    Fault,
    Item,
    Record,
    Suspect,
    no_column,
    numbered_columns,
    shown,
    shown_path,
)
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError

Form = Literal["lines", "array", "document"]

_SUFFIXES = (".json", ".jsonl", ".ndjson")
_LINE_SUFFIXES = (".jsonl", ".ndjson")
_BLOCK = 1 << 20
_SPACES = " \t\r\n"
_MEND = "Mend the line or delete it."


class _TwiceError(ValueError):
    """A key stands twice in one object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _TwiceError(f"the key {shown(twice)!r} stands twice in one object")
    return made


_DECODER = json.JSONDecoder(object_pairs_hook=_unique)
# For what a file is, whatever is wrong in it.
_ANY = json.JSONDecoder()


def is_json(content: Content, decoded: Decoded) -> bool:
    """Whether a text file is JSON: by its suffix, else by its first line."""
    if content.suffix in _SUFFIXES:
        return True
    with whole(content.path), content.open() as binary:
        stream = io.TextIOWrapper(binary, decoded.encoding, "replace")
        block = stream.read(_BLOCK)
    head = block.lstrip()
    if not head.startswith(("{", "[{", "[\n", "[ ")):
        return False
    line = head.split("\n", 1)[0].strip()
    try:
        return isinstance(_DECODER.decode(line), (dict, list))
    except (ValueError, RecursionError):
        pass
    try:
        _DECODER.raw_decode(head.lstrip("[ \t\r\n"))
    except (ValueError, RecursionError):
        return head.startswith("{") and _spans_lines(head, is_cut=len(block) == _BLOCK)
    return True


class JsonTable:
    """The rows of a JSON file, whichever form it has.

    ``keeps_all``: rows are asked for with all that they hold (``objects``), odd bytes too.
    """

    def __init__(
        self, content: Content, decoded: Decoded, settings: DataSettings, keeps_all: bool = False
    ) -> None:
        self._keeps_all = keeps_all
        self._content, self._decoded, self._settings = content, decoded, settings
        self._where = shown_path(content.path)
        with whole(content.path), self._text() as stream:
            self._form: Form = _form_of(stream, content.suffix)
        self.unit = "line" if self._form == "lines" else "item"

    def __iter__(self) -> Iterator[Item | Suspect]:
        read = {"lines": self._lines, "array": self._array, "document": self._document}
        rows = _Rows(self._where, self._settings)
        with whole(self._content.path), self._text() as stream:
            for number, value in read[self._form](stream):
                yield value if isinstance(value, Fault) else rows.record(number, value)

    def objects(self) -> Iterator[tuple[int, dict[str, Any] | list[Any]] | Fault]:
        """Every row's place and all that it holds: an object, or a list without ``header``."""
        read = {"lines": self._lines, "array": self._array, "document": self._document}
        rows = _Rows(self._where, self._settings)
        with whole(self._content.path), self._text() as stream:
            for number, value in read[self._form](stream):
                item = value if isinstance(value, Fault) else rows.record(number, value)
                yield item if isinstance(item, Fault) else (number, value)

    def _text(self) -> IO[str]:
        return io.TextIOWrapper(
            self._content.open(),
            self._decoded.encoding,
            self._decoded.errors,
        )

    def _is_broken(self, text: str) -> bool:
        return not (self._keeps_all or text.isascii()) and bool(SURROGATE.search(text))

    def _lines(self, stream: IO[str]) -> Iterator[tuple[int, Any]]:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            if self._is_broken(line):
                mend = "Save the file as UTF-8, or set data.encoding."
                yield number, Fault(number, "not UTF-8 text", mend)
                continue
            try:
                yield number, _DECODER.decode(line)
            except _TwiceError as error:
                yield number, Fault(number, str(error), _MEND)
            except (ValueError, RecursionError):
                yield number, Fault(number, "this is no JSON", "Each line is one object.")

    def _array(self, stream: IO[str]) -> Iterator[tuple[int, Any]]:
        """The items of an array, a block of the file in memory at a time."""
        text = stream.read(_BLOCK)
        at, number, ended = text.index("[") + 1, 0, False
        while True:
            at = _skip(text, at)
            if text.startswith("]", at):
                break
            try:
                start = _skip(text, at + 1) if number else at
                if number and text[at] != ",":
                    raise ValueError("no comma")
                value, end = _DECODER.raw_decode(text, start)
                if end == len(text):
                    raise ValueError("it may go on")
            except _TwiceError as error:
                raise UserError(f"{self._where}, item {number + 1}: {error}.") from None
            except (ValueError, IndexError, RecursionError):
                block = "" if ended else stream.read(max(_BLOCK, len(text)))
                ended = not block
                text, at = text[at:] + block, 0
                if block:
                    continue
                raise UserError(
                    f"{self._where}, item {number + 1}: this is no JSON, or the file is cut before "
                    "the array ends."
                ) from None
            number += 1
            item = text[start:end]
            if self._is_broken(item):
                value = Fault(number, "not UTF-8 text", "Save the file as UTF-8.")
            at = end
            yield number, value
        if text[at + 1 :].strip() or stream.read(_BLOCK).strip():
            raise UserError(f"{self._where}: something follows the end of the array; is it JSON?")

    def _document(self, stream: IO[str]) -> Iterator[tuple[int, Any]]:
        text = stream.read()
        if self._is_broken(text):
            raise UserError(f"{self._where} is not UTF-8 text. Save the file as UTF-8.")
        values = []
        try:
            at = _skip(text, 0)
            while at < len(text):
                value, at = _DECODER.raw_decode(text, at)
                values.append(value)
                at = _skip(text, at)
        except _TwiceError as error:
            raise UserError(f"{self._where}: {error}.") from None
        except (ValueError, RecursionError):
            raise UserError(
                f"{self._where} is no JSON (item {len(values) + 1}). It is an object a line, an "
                "array of objects, or what pandas writes."
            ) from None
        rows = values if len(values) != 1 else self._rows_of(values[0])
        yield from enumerate(rows, start=1)

    def _rows_of(self, value: Any) -> Sequence[Any]:
        """The rows of one document."""
        if not isinstance(value, dict):
            raise UserError(f"{self._where} is one JSON value, no table.")
        names = (str(self._settings.text_column), str(self._settings.label_column))
        data = value.get("data")
        if isinstance(data, list) and not all(name in value for name in names):
            columns = value.get("columns")
            if isinstance(columns, list):  # orient="split"
                return [
                    dict(zip(columns, row, strict=True))
                    if isinstance(row, list) and len(row) == len(columns)
                    else row
                    for row in data
                ]
            return data  # orient="table"
        if all(isinstance(value.get(name), (dict, list)) for name in names):
            return self._transposed(value)  # orient="columns"
        if all(name in value for name in names):
            return [value]
        rows = list(value.values())
        if rows and all(isinstance(row, dict) for row in rows) and set(names) <= set(rows[0]):
            return rows  # orient="index"
        lists = [item for item in value.values() if isinstance(item, list)]
        if len(lists) == 1 and lists[0] and isinstance(lists[0][0], dict):
            return lists[0]
        raise no_column(self._where, list(value), self._settings)

    def _transposed(self, value: Mapping[str, Any]) -> Sequence[Any]:
        wanted: tuple[str | int, ...] = (
            self._settings.text_column, self._settings.label_column, self._settings.split_column
        )  # fmt: skip
        if self._keeps_all:
            wanted = tuple(value)
        columns = {str(name): value[str(name)] for name in wanted if str(name) in value}
        kinds = {type(column) for column in columns.values()}
        keys = {
            tuple(column) if isinstance(column, dict) else len(column)
            for column in columns.values()
        }
        if len(kinds) != 1 or len(keys) != 1:
            raise UserError(f"{self._where}: its columns are not equally long.")
        cells = [
            list(column.values()) if isinstance(column, dict) else column
            for column in columns.values()
        ]
        return [dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True)]


class _Rows:
    """JSON values as records. The first row decides what the columns are."""

    def __init__(self, where: str, settings: DataSettings) -> None:
        self._where, self._settings = where, settings
        self._columns: Columns | None = None
        self.any = False

    def record(self, number: int, value: Any) -> Item:
        if isinstance(value, list) and not self._settings.header:
            return self._of_list(number, value)
        if not isinstance(value, dict):
            lists = " (for lists, set data.header=false and number the columns)"
            return Fault(
                number,
                f"each {'line' if number else 'item'} is one JSON object, not "
                f"{'a list' + lists if isinstance(value, list) else 'a value'}",
            )
        settings = self._settings
        text, label = str(settings.text_column), str(settings.label_column)
        if text not in value or label not in value:
            if not self.any:
                raise no_column(self._where, list(value), settings)
            absent = text if text not in value else label
            return Fault(number, f"no {shown(absent)!r}", "Fill it or delete the line.")
        self.any = True
        split = value.get(str(settings.split_column), NO_SPLIT)
        return Record(number, value[text], value[label], split)

    def _of_list(self, number: int, value: list[Any]) -> Item:
        if self._columns is None:
            self._columns = numbered_columns(len(value), self._settings, value)
        self.any = True
        if len(value) != self._columns.count:
            more = "more" if len(value) > self._columns.count else "fewer"
            return Fault(number, f"{more} values than the first row")
        return self._columns.record(number, value)


def _form_of(stream: IO[str], suffix: str) -> Form:
    head = stream.read(_BLOCK)
    start = head.lstrip(_SPACES + "\ufeff")
    if start.startswith("["):
        line = start.split("\n", 1)[0].strip()
        try:
            _DECODER.decode(line)
        except (ValueError, RecursionError):
            return "array"
        # A list a line, or one array on one line.
        rest = start[len(line) :].strip()
        return (
            "lines"
            if rest
            or (
                suffix in _LINE_SUFFIXES
                and "[" not in line[1:2]
                and not (line[1:].lstrip().startswith("{"))
            )
            else "array"
        )
    line, _, rest = start.partition("\n")
    try:
        value = _DECODER.decode(line)
    except (ValueError, RecursionError):
        is_pretty = line.strip() == "{" or len(line) >= _BLOCK
        is_pretty = is_pretty or _spans_lines(start, is_cut=len(head) == _BLOCK)
        return "document" if is_pretty or (suffix not in _LINE_SUFFIXES and not rest) else "lines"
    if rest.strip():
        return "lines"
    is_row = isinstance(value, dict) and not any(
        isinstance(item, (dict, list)) for item in value.values()
    )
    return "lines" if is_row else "document"


def _spans_lines(text: str, *, is_cut: bool) -> bool:
    """Whether the first value goes on after its line, and no value a line follows: those are lines
    of which the first is broken in two.

    Args:
        text: begins with the value.
        is_cut: whether more follows that is not read yet.
    """
    try:
        _, end = _ANY.raw_decode(text)
    except json.JSONDecodeError as error:
        # No word and no string goes over a line's end, so that a cut shows in the last line.
        return is_cut and "\n" not in text[error.pos :].rstrip(_SPACES)
    except RecursionError:
        return False
    if "\n" not in text[:end]:
        return False
    line = text[end:].lstrip(_SPACES).split("\n", 1)[0]
    try:
        return not (line and isinstance(_ANY.decode(line), (dict, list)))
    except (ValueError, RecursionError):
        return True


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACES:
        at += 1
    return at
