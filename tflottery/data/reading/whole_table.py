"""A table with every column that it has, a row at a time: to be written again with something added.

``table_source`` judges texts and labels to learn from; here nothing has a label, a row without a
text is a row too, and odd bytes stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from tflottery import activity
from tflottery.data.reading.bad_rows import BadRows, Places
from tflottery.data.reading.binary_tables import ExcelTable, ParquetTable
from tflottery.data.reading.containers import look
from tflottery.data.reading.decoding import decoding
from tflottery.data.reading.delimited import Delimited
from tflottery.data.reading.files_source import unreadable
from tflottery.data.reading.json_table import JsonTable, is_json
from tflottery.data.reading.records import (
    ABSENT,
    BLANK,
    Columns,
    Fault,
    Remarks,
    Row,
    is_missing,
    shown,
    shown_path,
    text_of,
)
from tflottery.data.reading.text_folder import TextFolder
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.files import expanded


class _Reader(Protocol):
    @property
    def unit(self) -> str: ...

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def columns(self) -> Columns: ...

    def rows(self) -> Iterator[Row | Fault]: ...


class WholeTable:
    """The rows of a file, or the texts of a folder, read anew each time.

    A file is read through once at the beginning, so that a bad row is told before any work, and
    its rows are counted. Nothing of a row stays in memory.

    Attributes:
        names: of the columns, as they stand in the file; numbers from 1 without a header. Of JSON,
            the keys of all rows, in the order in which they come.
        text: which of them holds the texts.
        count: rows.
        remarks: what was assumed or left out, a line each.

    Raises:
        UserError: the file cannot be read, has no such column, or has bad rows (and not
            ``skip_bad``).
    """

    def __init__(self, settings: DataSettings) -> None:
        self.path = expanded(settings.dataset)
        self._settings, self._found = settings, Remarks()
        self.count, self._empty = 0, Places()
        try:
            self._reader = self._opened()
            self._check()
        except OSError as error:
            raise unreadable(self.path, error) from None
        columns, names = self._reader.columns, self._reader.names
        self.names = names or tuple(str(number + 1) for number in range(columns.count))
        self.text = columns.text

    @property
    def title(self) -> str:
        """What the table is called while it is worked on."""
        return shown(self.path.name)

    @property
    def remarks(self) -> tuple[str, ...]:
        return tuple(self._found.lines)

    @property
    def empty(self) -> int:
        """Rows without a text."""
        return self._empty.count

    def __iter__(self) -> Iterator[tuple[object, ...]]:
        """The cells of every row, as many as there are names.

        Raises:
            UserError: the file has changed since it was counted.
        """
        count = 0
        try:
            for row in self._reader.rows():
                if isinstance(row, Fault) or self._fault(row) is not None:
                    if self._settings.skip_bad or _is_blank(row):
                        continue
                    raise self._changed()
                count += 1
                yield row.cells
        except OSError as error:
            raise unreadable(self.path, error) from None
        if count != self.count:
            raise self._changed()

    def _changed(self) -> UserError:
        return UserError(f"{shown_path(self.path)} changed while it was read; start again.")

    def _opened(self) -> _Reader:
        if self.path.is_dir():
            return TextFolder(self.path, self._settings, self._found)
        content = look(self.path)
        if content.kind == "parquet":
            return ParquetTable(content, self._settings)
        if content.kind == "excel":
            return ExcelTable(content, self._settings, self._found)
        decoded = decoding(self.path, content.open, self._settings.encoding)
        if decoded.remark:
            self._found.add(decoded.remark)
        if is_json(content, decoded):
            return _Json(
                JsonTable(content, decoded, self._settings, keeps_all=True), self._settings
            )
        return Delimited(content, decoded, self._settings, self._found)

    def _check(self) -> None:
        where, unit = shown_path(self.path), self._reader.unit
        bad, several = BadRows(where, unit), Places()
        # Blank rows that nothing follows are the end of the file.
        blank, at_the_end = Places(), 0
        for row in self._reader.rows():
            if _is_blank(row):
                blank.add(row.place)
                at_the_end += 1
                continue
            at_the_end = 0
            fault = row if isinstance(row, Fault) else self._fault(row)
            if fault is not None:
                bad.add(fault)
            elif isinstance(row, Row):
                self.count += 1
                several.add(row.place, row.may_be_several)
                self._empty.add(row.place, not text_bytes(row.cells[self._text_place]).strip())
            activity.advance()
        if bad.lines and not self._settings.skip_bad:
            raise UserError(bad.message())
        if bad.lines:
            self._found.add(bad.remark())
        if blank.count > at_the_end:
            blank.leave_off(at_the_end)
            self._found.add(f"{where}: {blank.words(unit)} no filled cell; left out.")
        if several.count:
            self._found.add(
                f"{where}: {several.words(unit)} a text of several lines that look like rows of "
                "their own. Where a quote is opened by mistake there, set data.quote=none."
            )
        if self._empty.count:
            self._found.add(
                f"{where}: {self._empty.words(unit)} no text; the score is that of no known word."
            )

    @property
    def _text_place(self) -> int:
        return self._reader.columns.text

    def _fault(self, row: Row) -> Fault | None:
        """What is wrong with a row's text, but for that it is empty."""
        value = row.cells[self._text_place]
        if value is ABSENT or isinstance(value, (str, bytes)) or is_missing(value):
            return None
        what = text_of(value)[1]
        return Fault(row.place, what, "Mend the line.") if what not in ("", _EMPTY) else None


_EMPTY = text_of(None)[1]


def _is_blank(row: Row | Fault) -> bool:
    return isinstance(row, Fault) and row.what == BLANK


class _Json:
    """Rows of JSON with a cell for each key that any row has; lists have as many cells as the
    first."""

    def __init__(self, table: JsonTable, settings: DataSettings) -> None:
        self._table, self._settings = table, settings
        self.unit = table.unit
        self._places: dict[str, int] = {}
        self._width = 0

    @property
    def names(self) -> tuple[str, ...]:
        # A file without a row has no key.
        return tuple(self._places) or (str(self._settings.text_column),) * (not self._width)

    @property
    def columns(self) -> Columns:
        text = str(self._settings.text_column)
        if self._width:
            place = int(text) - 1
            return Columns(place, place, None, self._width, ())
        place = self._places.get(text, 0)
        return Columns(place, place, None, len(self.names), self.names)

    def rows(self) -> Iterator[Row | Fault]:
        places = self._places
        for item in self._table.objects():
            if isinstance(item, Fault):
                yield item
                continue
            place, value = item
            if isinstance(value, list):
                self._width = len(value)
                yield Row(place, tuple(value))
                continue
            for key in value:
                # The first time that the file is read, keys are met.
                places.setdefault(key, len(places))
            yield Row(place, tuple([value.get(key, ABSENT) for key in places]))


def text_bytes(value: object) -> bytes:
    """A cell as a text for a network, in UTF-8: odd bytes as they were in the file, nothing for a
    missing value."""
    if isinstance(value, bytes):
        return value
    if value is ABSENT or is_missing(value):
        return b""
    return encoded(value if isinstance(value, str) else str(value))


def encoded(text: str) -> bytes:
    """UTF-8; half characters that stand for bytes which are no text become these, others stay
    half characters (``surrogatepass``)."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b"".join(_encoded_sign(sign) for sign in text)


def _encoded_sign(sign: str) -> bytes:
    is_byte = "\udc80" <= sign <= "\udcff"
    return sign.encode("utf-8", "surrogateescape" if is_byte else "surrogatepass")
