"""What a table of results holds: its columns, their types, and what a value may be.

A schema is declared once; the writer, the reader and the tests' doubles all use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tflottery.errors import DamagedFileError, UserError
from tflottery.report.escaping import one_line

TEXT, NUMBER, WHOLE = "text", "number", "whole"
DONE, FAILED = "done", "failed"
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Column:
    """A column of a table.

    ``kind``: text, number (float64) or whole (a number without a fraction: int64, or float64 where
    it may be missing). ``low`` and ``high`` are the ends of its range. ``choices`` are all values
    that there can be; ``known`` are those that tflottery itself writes, beside which an extension
    may have its own. ``optional``: a row may lack it. ``absent``: of a number, what a
    row or a file of an earlier version without the column is taken to say, NaN for nothing; None
    where each has it.
    """

    name: str
    kind: str = NUMBER
    low: float = -np.inf
    high: float = np.inf
    choices: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    optional: bool = False
    absent: float | None = None


def text(*names: str, known: tuple[str, ...] = ()) -> tuple[Column, ...]:
    return tuple(Column(name, TEXT, known=known) for name in names)


def fraction(*names: str, optional: bool = False) -> tuple[Column, ...]:
    """Numbers from 0 to 1: accuracies, sparsities, overlaps."""
    return tuple(Column(name, NUMBER, 0, 1, optional=optional) for name in names)


def positive(*names: str, optional: bool = False) -> tuple[Column, ...]:
    """Numbers of 0 or more."""
    return tuple(Column(name, NUMBER, 0, optional=optional) for name in names)


def count(*names: str, low: float = 0, optional: bool = False) -> tuple[Column, ...]:
    """Whole numbers of 0 or more."""
    return tuple(Column(name, WHOLE, low, optional=optional) for name in names)


STATE: tuple[Column, ...] = (
    Column("state", TEXT, choices=(DONE, FAILED)), *text("reason", "key"),
)  # fmt: skip
# What ``runs.measures`` reads off a run, in its order; a failed run has none of it.
MEASURED: tuple[Column, ...] = (
    *fraction("sparsity", "sparsity_without_embedding", optional=True),
    *count("remaining", optional=True),
    *count("total", low=1, optional=True),
    *fraction("val_accuracy", optional=True),
    *positive("val_loss", optional=True),
    *fraction("test_accuracy", optional=True),
    *positive("test_loss", "best_epoch", optional=True),
    *count("epochs", "steps_per_epoch", low=1, optional=True),
    *count("steps_to_best", "steps_to_99", "trainings_behind", "epochs_behind", optional=True),
    # Tables of before say nothing of these.
    Column("collapsed", WHOLE, 0, optional=True, absent=float("nan")),
    Column("alike", WHOLE, 0, optional=True, absent=float("nan")),
)  # fmt: skip


@dataclass(frozen=True)
class Schema:
    """A table: the name of its file without ``.csv``, and its columns in their order.

    ``key``: columns that no two rows share all of. ``required``: columns that a finished row has,
    optional or not. ``again``: the command that writes the table anew.
    """

    name: str
    columns: tuple[Column, ...]
    again: str
    key: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    may_be_empty: bool = False

    @property
    def file(self) -> str:
        return f"{self.name}.csv"

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def _absent(self) -> dict[str, float]:
        return {one.name: one.absent for one in self.columns if one.absent is not None}

    def frame(self, rows: Iterable[Mapping[str, Any]], *, only_known: bool = False) -> pd.DataFrame:
        """The rows as a table; a value that a row lacks is missing.

        Args:
            rows: by the names of the columns.
            only_known: whether to refuse what tflottery itself does not write.

        Raises:
            ValueError: they do not fit the schema.
        """
        given = list(rows)
        odd = sorted({name for row in given for name in row} - set(self.names))
        if odd:
            raise ValueError(f"{self.file} has no column {', '.join(odd)}")
        frame = pd.DataFrame([{**self._absent, **row} for row in given], columns=self.names)
        if fault := self._fault(frame, only_known=only_known):
            raise ValueError(f"{self.file}: {fault}")
        return frame

    def csv(self, frame: pd.DataFrame) -> str:
        """The table as the text of its file, each text on one line."""
        texts = {
            column.name: frame[column.name].map(
                lambda value: one_line(value) if isinstance(value, str) else value
            )
            for column in self.columns
            if column.kind == TEXT
        }
        return frame.assign(**texts).to_csv(index=False, lineterminator="\n")

    def read(self, folder: Path) -> pd.DataFrame:
        """The table in a folder, checked. Columns that the schema does not have are left as text.

        Raises:
            UserError: there is none.
            DamagedFileError: a column is missing, or a value cannot be; the line names both.
        """
        path = folder / self.file
        try:
            # Text is kept as it is written: pandas would read an arm named "None" as missing.
            frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
        except FileNotFoundError:
            raise UserError(
                f"{folder} is not whole ({self.file} is missing). {self._mend}"
            ) from None
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}.") from None
        except pd.errors.EmptyDataError:
            if not self.may_be_empty:
                raise self._damaged(path, "it is empty") from None
            frame = pd.DataFrame(columns=self.names, dtype=str)
        except (ValueError, pd.errors.ParserError):
            raise self._damaged(path, "it is not a CSV file") from None
        for name, value in self._absent.items():
            if name not in frame.columns:
                frame[name] = str(value)
        if missing := [name for name in self.names if name not in frame.columns]:
            raise DamagedFileError(f"{path} lacks the column {', '.join(missing)}. {self._mend}")
        for column in self.columns:
            if column.kind != TEXT:
                frame[column.name] = self._numbers(path, frame[column.name])
        if fault := self._fault(frame):
            raise self._damaged(path, fault)
        for column in self.columns:
            if column.kind == WHOLE and not column.optional:
                frame[column.name] = frame[column.name].astype("int64")
        return frame

    def _numbers(self, path: Path, given: pd.Series) -> pd.Series:
        shown = given.str.strip()
        present = shown.where(~shown.str.lower().isin(["", "nan"]))
        numbers = pd.to_numeric(present, errors="coerce")
        wrong = present.notna() & numbers.isna()
        if wrong.any():
            raise self._damaged(path, f"{_where(shown, wrong)} is no number")
        # Python reads a number to the last bit, which pandas' own parser does not promise.
        return present.astype(float)

    def _fault(self, frame: pd.DataFrame, *, only_known: bool = False) -> str:
        """What cannot be in the table, in words; empty where all can."""
        for column in self.columns:
            values = frame[column.name]
            if fault := self._fault_of(column, values, only_known=only_known):
                return fault
        finished = frame["state"] == DONE if "state" in frame else pd.Series(True, frame.index)
        for name in self.required:
            if (missing := finished & frame[name].isna()).any():
                return f"line {_line(missing)} is of a finished run and has no {name}"
        if self.key and (twice := frame.duplicated(list(self.key))).any():
            return f"line {_line(twice)} repeats a cell"
        return ""

    def _fault_of(self, column: Column, values: pd.Series, *, only_known: bool) -> str:
        if column.kind == TEXT:
            return _fault_of_text(column, values.fillna("").astype(str), only_known=only_known)
        numbers = values.astype(float)
        missing = numbers.isna()
        if missing.any() and not column.optional:
            return f"line {_line(missing)} has no {column.name}"
        endless = numbers.isin([np.inf, -np.inf])
        if endless.any():
            return f"{_where(values, endless)} is not finite"
        low, high = column.low - _ROUNDING, column.high + _ROUNDING
        if (outside := ~missing & ~numbers.between(low, high)).any():
            return f"{_where(values, outside)} lies outside {column.low:g} to {column.high:g}"
        if column.kind == WHOLE and (broken := ~missing & (numbers % 1 != 0)).any():
            return f"{_where(values, broken)} is no whole number"
        return ""

    @property
    def _mend(self) -> str:
        return f"Run {self.again} again, which writes it anew."

    def _damaged(self, path: Path, fault: str) -> DamagedFileError:
        return DamagedFileError(f"{path} is damaged: {fault}. {self._mend}")


def _fault_of_text(column: Column, values: pd.Series, *, only_known: bool) -> str:
    choices = column.choices or (column.known if only_known else ())
    if choices and (odd := ~values.isin(choices)).any():
        named = f"{_where(values, odd)} is none of {', '.join(choices)}"
        return f"{column.name} {named}"
    return ""


def _line(chosen: pd.Series) -> int:
    """The line in the file of the first row that is chosen."""
    return int(np.argmax(chosen.to_numpy())) + 2


def _where(values: pd.Series, chosen: pd.Series) -> str:
    value = values.to_numpy()[int(np.argmax(chosen.to_numpy()))]
    shown = repr(value) if isinstance(value, str) else f"{value:g}"
    return f"{shown} in line {_line(chosen)}, column {values.name}"


def read_tables(
    folder: Path, schemas: Sequence[Schema], optional: Sequence[Schema] = ()
) -> dict[str, pd.DataFrame]:
    """The tables of a folder by name; those of ``optional`` only where they are there."""
    found = [*schemas, *(one for one in optional if (folder / one.file).exists())]
    return {schema.name: schema.read(folder) for schema in found}
