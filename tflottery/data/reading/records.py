"""What the readers of tables give, and how one cell is judged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from tflottery.data.settings import DataSettings
from tflottery.errors import UserError, suggest

# A table without such a column, or a row of one that does not have to fill it.
NO_SPLIT = object()
# A key that a row of JSON does not have, where others do.
ABSENT = object()
SURROGATE = re.compile("[\ud800-\udfff]")
# Rows above the header that a title may take.
TITLE_ROWS = 20
_SPLITS = {
    "train": "train", "validation": "validation", "valid": "validation", "val": "validation",
    "dev": "validation", "test": "test",
}  # fmt: skip
SPLITS = ("train", "validation", "test")

Place = int | str
"""A line's or a row's number, or a file's path."""


class Record(NamedTuple):
    """One text as a table has it, not judged yet."""

    place: Place
    text: object
    label: object
    split: object = NO_SPLIT


class Fault(NamedTuple):
    """A place that cannot be read, what is wrong there, and the mend."""

    place: Place
    what: str
    mend: str = "Mend the line or delete it."
    lines: int = 1


class Row(NamedTuple):
    """One row as a table has it, with a cell for each of its columns.

    ``may_be_several``: some of its lines could be rows of their own, which a stray quote holds
    together.
    """

    place: Place
    cells: tuple[object, ...]
    may_be_several: bool = False


@dataclass(frozen=True)
class NoClass:
    """A label whose number no class has, as -1 where texts have none."""

    number: int


Item = Record | Fault
# What a row has wrong in which no field holds anything.
BLANK = "an empty row"


class Suspect(NamedTuple):
    """A record of several lines, each of which could be a row with one of these labels."""

    fault: Fault
    record: Record
    labels: tuple[str, ...]


@dataclass
class Block:
    """Rows whose fields are right and whose texts are not blank, with cells in UTF-8.

    ``places``: the line of each, or what else its place is called; ``splits`` is none where no
    column says them. ``suspects`` names those of the rows that could be several.
    """

    places: list[Place]
    texts: list[bytes]
    labels: list[bytes]
    splits: list[bytes] | None
    suspects: list[tuple[int, Suspect]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.texts)

    def record(self, row: int) -> Record:
        """One of the rows."""
        split = NO_SPLIT if self.splits is None else self.splits[row].decode()
        text, label = self.texts[row].decode(), self.labels[row].decode()
        return Record(self.places[row], text, label, split)


@dataclass
class Remarks:
    """Lines for the user about what was assumed, each once."""

    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        if line not in self.lines:
            self.lines.append(line)

    def add_guessed(self, path: object, encoding: str) -> None:
        """A line about files of a folder that are read in an encoding by the look of them."""
        self.add(
            f"{shown_path(path)}: files that are no UTF-8 are read as {encoding}; where letters "
            "come out wrong, set data.encoding."
        )

    def add_near_split(self, where: str, columns: Columns, settings: DataSettings) -> None:
        """A line about a column whose name is that of the splits but for its case."""
        wanted = str(settings.split_column)
        near = [name for name in columns.names if name.lower() == wanted.lower() != ""]
        if columns.split is None and near:
            self.add(
                f"{where}: the column {shown(near[0])!r} is not read as splits; for that, set "
                f"data.split_column={shown(near[0])}."
            )


@dataclass(frozen=True)
class Columns:
    """Where text, label and split stand in a row."""

    text: int
    label: int
    split: int | None
    count: int
    names: tuple[str, ...]

    def record(self, place: Place, row: Sequence[object]) -> Record:
        split = NO_SPLIT if self.split is None else row[self.split]
        return Record(place, row[self.text], row[self.label], split)


def split_of(value: object) -> str | None:
    """``train``, ``validation`` or ``test``, however it is spelled; none for other values."""
    return _SPLITS.get(str(value).strip().lower())


def shown(text: object) -> str:
    """A text of the user's in one line that no terminal obeys, cut after 80 characters."""
    safe = "".join(map(_shown_letter, str(text)[:200]))
    return safe if len(safe) <= 80 else f"{safe[:79]}…"


def shown_path(path: object) -> str:
    """A path in one line that no terminal obeys; of a long one, the end."""
    safe = "".join(map(_shown_letter, str(path)))
    return safe if len(safe) <= 160 else f"…{safe[-159:]}"


def _shown_letter(letter: str) -> str:
    return letter if letter.isprintable() else ascii(letter)[1:-1]


def named_columns(names: Sequence[object], settings: DataSettings) -> Columns | None:
    """Where the columns stand that the settings name; none where text or label is not there.

    Raises:
        UserError: two columns have the name.
    """
    trimmed = [str(name).strip() if name is not None else "" for name in names]
    wanted = (str(settings.text_column), str(settings.label_column))
    if any(name not in trimmed for name in wanted):
        return None
    split = str(settings.split_column)
    for name in (*wanted, split):
        if name and trimmed.count(name) > 1:
            raise UserError(
                f"{trimmed.count(name)} columns are called {shown(name)!r}; rename the others, or "
                "read by number: --set data.header=false and number the columns from 1."
            )
    return Columns(
        trimmed.index(wanted[0]),
        trimmed.index(wanted[1]),
        trimmed.index(split) if split and split in trimmed else None,
        len(trimmed),
        tuple(trimmed),
    )


def numbered_columns(count: int, settings: DataSettings, first: Sequence[object]) -> Columns:
    """Where the columns stand, which the settings number from 1.

    Args:
        count: columns of the table.
        settings: with ``header=false``.
        first: the first row, for the message.

    Raises:
        UserError: a column has no number, or one that the table does not have.
    """
    places = []
    for key in ("text_column", "label_column"):
        value = str(getattr(settings, key))
        if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= count:
            row = "; ".join(f"{n} = {shown(cell)[:30]!r}" for n, cell in enumerate(first[:6], 1))
            raise UserError(
                f"data.header is false, so data.{key} is a number from 1 to {count}, not "
                f"{shown(value)!r}. The first row is {row}."
            )
        places.append(int(value) - 1)
    split = str(settings.split_column)
    is_number = split.isascii() and split.isdigit() and 1 <= int(split[:9]) <= count
    text, label = places
    return Columns(text, label, int(split) - 1 if is_number else None, count, ())


def no_column(
    where: str, found: Sequence[object], settings: DataSettings, headless: bool = False
) -> UserError:
    """The error for a table without a text or a label column of that name.

    Args:
        where: what the table is called.
        found: the columns that it has.
        settings: with the names that are wanted.
        headless: whether the first row may be no header.
    """
    exact = [str(name) for name in found if name is not None]
    trimmed = [name.strip() for name in exact]
    keys = ("text_column", "label_column")
    # A header is trimmed, a key of JSON is not.
    among = trimmed if any(getattr(settings, key) not in trimmed for key in keys) else exact
    names = list(map(shown, among))
    for key in keys:
        column = str(getattr(settings, key))
        if column not in among:
            shortened = [*names[:20], "…"] if len(names) > 20 else names
            if not any(names):
                return UserError(f"{where} has no column {shown(column)!r}: it is empty.")
            if settings.text_column == settings.label_column:  # of a table without labels
                mend = " If the first row is a text already: --set data.header=false and a number."
                return UserError(
                    f"{where} has no column {shown(column)!r}; name the one with the texts with "
                    f"--text_column. {suggest(shown(column), shortened)}{mend * headless}"
                )
            mend = (
                " If the first row is a text already: --set data.header=false --set "
                "data.text_column=1 --set data.label_column=2."
            ) * (headless and len(names) > 1)
            return UserError(
                f"{where} has no column {shown(column)!r}; name it with --set data.{key}=NAME. "
                f"{suggest(shown(column), shortened)}{mend}"
            )
    raise AssertionError("both columns are there")


def same_column(settings: DataSettings) -> None:
    """Raises UserError where text and label are one column."""
    if settings.text_column == settings.label_column:
        raise UserError(
            f"data.text_column and data.label_column are both {settings.text_column!r}; "
            "name two columns."
        )


def text_of(value: object) -> tuple[str, str]:
    """A cell as text, and what is wrong with it (or an empty text)."""
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError:
            return "", "the text is bytes that are no UTF-8"
    if not isinstance(value, str):
        if is_missing(value):
            return "", "the text is empty"
        if kind := _container(value):
            return "", f"the text is {kind}"
        value = str(value)
    return value, "" if value.strip() else "the text is empty"


def label_of(value: object) -> tuple[str, str]:
    """A cell as label, and what is wrong with it (or an empty text)."""
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError:
            return "", "the label is bytes that are no UTF-8"
    if isinstance(value, str):
        return value, ""
    if value is None:
        return "", "the label is empty (null)"
    if isinstance(value, NoClass):
        return "", f"the label is {value.number}, which is no class"
    if is_missing(value):
        return "", "the label is missing (nan)"
    if kind := _container(value):
        return "", f"the label is {kind}"
    return str(value), ""


def is_missing(value: object) -> bool:
    """Whether a value that is no text stands for none: None, NaN, NaT, pandas' NA."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return False


def class_of(number: int | None, classes: Sequence[str]) -> object:
    """The name of a class that is given by its number, as a label."""
    if number is None or 0 <= number < len(classes):
        return None if number is None else classes[number]
    return NoClass(number)


def _container(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    is_array = hasattr(value, "__array__") and getattr(value, "ndim", 0) > 0
    if is_array or isinstance(value, (list, tuple, set)):
        return "a list"
    return "" if _has_words(value) else f"of the type {shown(type(value).__name__)!r}, no text"


def _has_words(value: object) -> bool:
    """Whether a value that is no text is one when it is written: a number or a date is; what
    begins with its type's name, as `Review(1)` or `<Review object at 0x7f>`, tells of itself."""
    # A member of one is written with its name.
    if isinstance(value, (int, float, Enum)):
        return True
    kind, written = type(value), str(value)
    if kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__:
        return False
    if isinstance(value, type) or (kind.__module__ == "builtins" and written.startswith("<")):
        return False
    names = "|".join(map(re.escape, (kind.__name__, kind.__qualname__)))
    named = rf"<?([\w<>]+\.)*({names})\b|<.* at 0x[0-9a-fA-F]+>\Z"
    return not re.match(named, written, re.DOTALL)
