"""Tables in binary files: Parquet, Excel, and data sets that Hugging Face's library has saved."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tflottery.data.reading.containers import TORN, Content, whole
from tflottery.data.reading.records import (
    BLANK,
    NO_SPLIT,
    TITLE_ROWS,
    Columns,
    Fault,
    Item,
    Record,
    Remarks,
    Row,
    Suspect,
    class_of,
    named_columns,
    no_column,
    numbered_columns,
    shown,
    shown_path,
    split_of,
)
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError

_ROWS = 1_024


class ParquetTable:
    """The rows of a Parquet file, some at a time."""

    unit = "row"

    def __init__(self, content: Content, settings: DataSettings) -> None:
        self._content = content
        self._where = shown_path(content.path)
        with self._file() as file:
            names = list(file.schema_arrow.names)
        columns = (
            named_columns(names, settings)
            if settings.header
            else numbered_columns(len(names), settings, names)
        )
        if columns is None:
            raise no_column(self._where, names, settings)
        places = [columns.text, columns.label, *([] if columns.split is None else [columns.split])]
        self._names = [names[place] for place in places]
        self.names, self.columns = tuple(names), columns

    def rows(self) -> Iterator[Row | Fault]:
        """Every row with all of its cells."""
        number = 0
        with self._file() as file:
            batches = file.iter_batches(_ROWS)
            while True:
                with _told(self._where):
                    batch = next(batches, None)
                    if batch is None:
                        return
                    cells = [column.to_pylist() for column in batch.columns]
                for row in zip(*cells, strict=True):
                    number += 1
                    yield Row(number, row)

    def __iter__(self) -> Iterator[Item | Suspect]:
        number = 0
        with self._file() as file:
            batches = file.iter_batches(_ROWS, columns=self._names)
            while True:
                with _told(self._where):
                    batch = next(batches, None)
                    if batch is None:
                        return
                    cells = [batch.column(name).to_pylist() for name in self._names]
                for row in zip(*cells, strict=True):
                    number += 1
                    yield Record(number, *row)

    def _file(self) -> Any:
        import pyarrow.parquet

        with whole(self._content.path), _told(self._where):
            with self._content.open() as stream:
                packed = not isinstance(stream.raw if hasattr(stream, "raw") else stream, io.FileIO)
                source: Any = io.BytesIO(stream.read()) if packed else self._content.path
            # Checks the pages that a writer has given checksums.
            return pyarrow.parquet.ParquetFile(source, page_checksum_verification=True)


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Turns what pyarrow raises into one line."""
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, UnicodeDecodeError) as error:
        raise _damaged(where, error) from None


def _damaged(where: str, error: BaseException) -> UserError:
    reason = shown((str(error).splitlines() or [type(error).__name__])[0])
    return UserError(f"{where} is cut or damaged ({reason}); save or fetch it again.")


class ExcelTable:
    """The rows of the first sheet of an Excel file that has the columns."""

    unit = "row"

    def __init__(self, content: Content, settings: DataSettings, remarks: Remarks) -> None:
        self._content, self._settings = content, settings
        self._where = shown_path(content.path)
        self._sheet, self._first = "", 0
        self._columns: Columns | None = None
        self.names: tuple[str, ...] = ()
        firsts: list[Sequence[Any]] = []
        with _workbook(content) as book:
            for name in book.sheetnames:
                if self._find_header(book[name], firsts):
                    self._sheet = name
                    break
            else:
                raise no_column(
                    self._where, max(firsts, key=len, default=[]), settings, headless=True
                )
            others = len(book.sheetnames) - 1
        if others:
            remarks.add(
                f"{self._where}: the sheet {shown(self._sheet)!r} is read, and "
                f"{others} other{'s' * (others > 1)} not."
            )
        if self._first > 1 and settings.header:
            remarks.add(f"{self._where}: what stands above row {self._first} is left out.")

    def _find_header(self, sheet: Any, firsts: list[Sequence[Any]]) -> bool:
        if not hasattr(sheet, "iter_rows"):  # a chart
            return False
        seen = 0
        for number, row in enumerate(_rows_of(sheet), start=1):
            if not any(cell not in (None, "") for cell in row):
                continue
            seen += 1
            if seen == 1:
                firsts.append(row)
            if self._settings.header:
                self._columns = named_columns(row, self._settings)
            else:
                self._columns = numbered_columns(len(row), self._settings, row)
            if self._columns:
                if self._settings.header:
                    self.names = tuple("" if cell is None else str(cell) for cell in row)
                self._first = number if self._settings.header else number - 1
                return True
            if seen > TITLE_ROWS:
                break
        return False

    @property
    def columns(self) -> Columns:
        """Where the columns stand that the settings name."""
        assert isinstance(self._columns, Columns)
        return self._columns

    def rows(self) -> Iterator[Row | Fault]:
        """Every row with all of its cells."""
        for number, cells in self._cells():
            if any(cell not in (None, "") for cell in cells[self.columns.count :]):
                yield Fault(number, "more cells than the header")
            elif not any(cell not in (None, "") for cell in cells):
                yield Fault(number, BLANK, "")
            else:
                yield Row(number, tuple(cells[: self.columns.count]))

    def __iter__(self) -> Iterator[Item | Suspect]:
        columns = self.columns
        for number, cells in self._cells():
            if any(cell not in (None, "") for cell in cells[columns.count :]):
                yield Fault(number, "more cells than the header")
            elif any(cell not in (None, "") for cell in cells):
                yield columns.record(number, cells)

    def _cells(self) -> Iterator[tuple[int, list[Any]]]:
        """The cells of each row, as many as there are columns or more."""
        with _workbook(self._content) as book:
            for number, row in enumerate(_rows_of(book[self._sheet]), start=1):
                if number > self._first:
                    yield number, [*row, *[None] * (self.columns.count - len(row))]


def _rows_of(sheet: Any) -> Iterator[Sequence[Any]]:
    # What a file says its size is can be wrong.
    sheet.reset_dimensions()
    yield from sheet.iter_rows(values_only=True)


@contextmanager
def _workbook(content: Content) -> Iterator[Any]:
    """The workbook, read-only; what openpyxl raises over a damaged one becomes one line."""
    where = shown_path(content.path)
    try:
        import openpyxl
    except ImportError:
        raise UserError(
            f"{where} is an Excel file, for which openpyxl is needed: pip install "
            '"tflottery[excel]", or save it as CSV.'
        ) from None
    with whole(content.path), content.open() as stream:
        packed = io.BytesIO(stream.read())
    try:
        book = openpyxl.load_workbook(packed, read_only=True, data_only=True)
        try:
            yield book
        finally:
            book.close()
    except (KeyError, ValueError, SyntaxError, TypeError, AttributeError, *TORN) as error:
        raise _damaged(where, error) from None


def is_hub_folder(path: Path) -> bool:
    """Whether a folder is what ``datasets.Dataset.save_to_disk`` leaves."""
    return (path / "dataset_dict.json").is_file() or (
        (path / "state.json").is_file() and (path / "dataset_info.json").is_file()
    )


class HubFolder:
    """A ``Dataset`` or ``DatasetDict`` of Hugging Face's ``datasets``, saved on disk.

    Labels of a ``ClassLabel`` are read by their names; a split of another name than train,
    validation or test is left out.
    """

    unit = "row"

    def __init__(self, path: Path, settings: DataSettings, remarks: Remarks) -> None:
        self._where, self._settings = shown_path(path), settings
        self._parts = self._loaded(path)
        for name in [name for name in self._parts if name is not None and not split_of(name)]:
            remarks.add(f"{self._where}: the split {shown(name)!r} is left out.")
            del self._parts[name]
        for part in self._parts.values():
            if named_columns(part.column_names, settings) is None:
                raise no_column(self._where, part.column_names, settings)

    def _loaded(self, path: Path) -> dict[str | None, Any]:
        try:
            import datasets
        except ImportError:
            raise UserError(
                f"{self._where} is a data set of Hugging Face, for which datasets is needed: pip "
                'install "tflottery[datasets]", or save it as Parquet.'
            ) from None
        try:
            loaded = datasets.load_from_disk(str(path))
        except Exception as error:  # whatever a torn folder makes of the library
            raise _damaged(self._where, error) from None
        return dict(loaded) if isinstance(loaded, dict) else {None: loaded}

    def __iter__(self) -> Iterator[Item | Suspect]:
        number = 0
        with _told(self._where):
            for split, part in self._parts.items():
                for text, label, given in self._cells(split, part):
                    number += 1
                    yield Record(number, text, label, given)

    def _cells(self, split: str | None, part: Any) -> Iterator[tuple[object, object, object]]:
        """Text, label and split of each row of one part."""
        columns = named_columns(part.column_names, self._settings)
        assert columns is not None
        text, label = part.column_names[columns.text], part.column_names[columns.label]
        has_own = split is None and columns.split is not None
        own = part.column_names[columns.split] if has_own else ""
        classes = getattr(part.features[label], "names", None)
        for batch in part.with_format(None).iter(_ROWS):
            count = len(batch[text])
            splits = batch[own] if own else [NO_SPLIT if split is None else split] * count
            labels = batch[label]
            if classes is not None:
                labels = [class_of(number, classes) for number in labels]
            yield from zip(batch[text], labels, splits, strict=True)
