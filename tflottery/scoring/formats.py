"""How rows with scores are written: CSV, TSV, JSON Lines, or a table for people."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any, Literal, Protocol, cast

from tflottery.data.reading.records import ABSENT, is_missing, shown, shown_path
from tflottery.data.reading.whole_table import encoded
from tflottery.errors import UserError
from tflottery.printed import visible

Format = Literal["csv", "tsv", "jsonl", "table"]
FORMATS = ("csv", "tsv", "jsonl", "table")
_ENDINGS: dict[str, Format] = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl",
}  # fmt: skip
_PACKED = ".gz"
# Letters of a cell that a table for people shows.
_WIDEST = 40

Rows = Iterable[Sequence[object]]


class Writer(Protocol):
    """Turns rows into bytes; ``head`` comes first, ``tail`` last."""

    def head(self) -> bytes: ...

    def rows(self, rows: Sequence[Sequence[object]]) -> bytes: ...


def format_of(output: Path | None, given: str, otherwise: Format) -> Format:
    """The format that was asked for, or that the output's ending says.

    Raises:
        UserError: it is none, or the ending says none.
    """
    if given:
        if given not in FORMATS:
            raise UserError(f"--format is {', '.join(FORMATS)}, not {shown(given)!r}.")
        ending = _ending(output)
        # A file that ends in .tsv is no CSV with commas.
        return "tsv" if given == "csv" and _ENDINGS.get(ending) == "tsv" else cast(Format, given)
    if output is None:
        return otherwise
    if _ending(output) not in _ENDINGS:
        raise UserError(
            f"{shown_path(output)} ends neither in .csv, .tsv nor .jsonl; say which it is with "
            f"--format {', '.join(FORMATS[:-1])} or {FORMATS[-1]}."
        )
    return _ENDINGS[_ending(output)]


def _ending(output: Path | None) -> str:
    if output is None:
        return ""
    suffixes = [suffix.lower() for suffix in output.suffixes]
    return next((suffix for suffix in reversed(suffixes) if suffix != _PACKED), "")


def packed(output: Path, stream: IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    """The stream, or one that packs into it where the output ends in ``.gz``."""
    if output.suffix.lower() != _PACKED:
        return nullcontext(stream)
    return cast(
        AbstractContextManager[IO[bytes]],
        gzip.GzipFile(filename="", fileobj=stream, mode="wb", compresslevel=6, mtime=0),
    )


def writer(kind: Format, names: Sequence[str], added: int) -> Writer:
    """What writes rows with these columns.

    Args:
        kind: the format.
        names: of all columns.
        added: how many of the last ones are the model's, which a table for people begins with.

    Raises:
        UserError: two columns have one name, which JSON has no way to say.
    """
    if kind == "jsonl":
        return _JsonLines(names)
    if kind == "table":
        return _Table(names, added)
    return _Delimited(names, "\t" if kind == "tsv" else ",")


class _Delimited:
    def __init__(self, names: Sequence[str], delimiter: str) -> None:
        self._names, self._lines = names, _Lines()
        self._delimiter = delimiter
        # Older versions of the module leave a carriage return without quotes where no line ends so.
        self._writer = csv.writer(self._lines, delimiter=delimiter, lineterminator="\r\n")

    def head(self) -> bytes:
        return self.rows([self._names])

    def rows(self, rows: Sequence[Sequence[object]]) -> bytes:
        cells = [[cell_text(value) for value in row] for row in rows]
        try:
            self._writer.writerows(cells)
        except csv.Error:  # of Python 3.10, which writes no NUL
            self._lines.taken()
            return encoded("".join(delimited_line(row, self._delimiter) for row in cells))
        return encoded(self._lines.taken())


def delimited_line(cells: Sequence[str], delimiter: str) -> str:
    """A line as ``csv.writer`` writes it, whatever the cells hold."""
    special = (delimiter, '"', "\r", "\n")
    written = delimiter.join(
        '"{}"'.format(cell.replace('"', '""')) if any(one in cell for one in special) else cell
        for cell in cells
    )
    # A line of one empty cell would be no row.
    return f"{written}\n" if written or len(cells) != 1 else '""\n'


class _Lines:
    """Takes lines from a ``csv.writer``."""

    def __init__(self) -> None:
        self._kept: list[str] = []

    def write(self, line: str) -> None:
        self._kept.append(f"{line[:-2]}\n")

    def taken(self) -> str:
        text = "".join(self._kept)
        self._kept.clear()
        return text


class _JsonLines:
    def __init__(self, names: Sequence[str]) -> None:
        twice = next((name for name in names if list(names).count(name) > 1), None)
        if twice is not None:
            raise UserError(
                f"Two columns are called {shown(twice)!r}, and a line of JSON holds each name "
                "once; rename one, or write --format csv."
            )
        self._names = names

    def head(self) -> bytes:
        return b""

    def rows(self, rows: Sequence[Sequence[object]]) -> bytes:
        lines = [
            json_text(
                {
                    name: value
                    for name, value in zip(self._names, row, strict=True)
                    if value is not ABSENT
                }
            )
            for row in rows
        ]
        return "".join(f"{line}\n" for line in lines).encode()


class _Table:
    """Columns side by side, those that were added first, each as wide as its first rows need; what
    does not fit is cut, and what a terminal would obey is written out."""

    def __init__(self, names: Sequence[str], added: int) -> None:
        self._names, self._first = names, len(names) - added
        self._widths: list[int] = []

    def head(self) -> bytes:
        return b""

    def rows(self, rows: Sequence[Sequence[object]]) -> bytes:
        if not self._widths:
            rows = [self._names, *rows]
        shown_rows = [
            [self._cell(value) for value in [*row[self._first :], *row[: self._first]]]
            for row in rows
        ]
        lines = []
        if not self._widths:
            columns = zip(*shown_rows, strict=True)
            self._widths = [max(map(len, column)) for column in columns]
        for row in shown_rows:
            cells = zip(row, self._widths, strict=True)
            lines.append("  ".join(cell.ljust(width) for cell, width in cells).rstrip())
        return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")

    def _cell(self, value: object) -> str:
        if isinstance(value, float):
            return f"{value:.4f}"
        # A long text costs no more than what is shown of it.
        text = visible(cell_text(value)[: 4 * _WIDEST])
        return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def cell_text(value: object) -> str:
    """A cell as CSV has it: nothing for a missing value, JSON for a list or an object."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, (bool, list, dict, tuple)):
        return json_text(value)
    return "" if value is ABSENT or is_missing(value) else str(value)


def json_text(value: Any) -> str:
    """A value as one line of JSON: null for a missing one, a text for what JSON does not know, half
    characters written out (``\\udcff``)."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_known)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, default=_known)
    return text.encode("utf-8", "backslashreplace").decode()


def _known(value: Any) -> Any:
    if is_missing(value):
        return None
    if hasattr(value, "tolist"):
        return _finite(value.tolist())
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _finite(value: Any) -> Any:
    """The value with null for every number that is none, and words for infinite ones."""
    if isinstance(value, dict):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return str(value)
    return None if isinstance(value, float) and value != value else value
