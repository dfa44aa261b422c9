"""Data that a program holds: a DataFrame, or lists of texts and labels.

``register`` gives them a name for ``data.dataset``. The name is known in the process that
registered it; other processes read the encoded data, which need no source.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tflottery.data.reading.judged_rows import Reader
from tflottery.data.reading.records import (
    NO_SPLIT,
    Item,
    Record,
    Remarks,
    Suspect,
    class_of,
    label_of,
    named_columns,
    no_column,
    same_column,
    shown,
    text_of,
)
from tflottery.data.reading.table_source import TableSource
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError

PREFIX = "memory:"
_DIGITS = 12
_PLAIN = (str, bytes, int, float, type(None))
# What has a list of all its values gives it at once: arrays of Arrow, with None for what is null.
_TO_LIST = ("to_pylist", "tolist")

Columns = dict[str, Sequence[Any]]


@dataclass(frozen=True)
class _Data:
    """Columns of each split; the split is empty where a column says it, or where there is none."""

    parts: Mapping[str, Columns]


_REGISTERED: dict[str, _Data] = {}


def register(
    train: Any,
    validation: Any = None,
    test: Any = None,
    text_column: str = "text",
    label_column: str = "label",
    split_column: str = "split",
) -> str:
    """Keeps data under a name for ``data.dataset``: ``memory:`` and a digest of the content.

    Args:
        train: a ``pandas.DataFrame``, a ``datasets.Dataset`` or a mapping with the columns, or a
            pair of texts and labels.
        validation, test: likewise; without them, a column of splits is read where there is one.
        text_column, label_column, split_column: the columns' names, to be given in the settings
            too (``data.text_column``); a pair gets them.

    Raises:
        UserError: a column is missing, or texts and labels are not equally many.
    """
    wanted = DataSettings(
        text_column=text_column, label_column=label_column, split_column=split_column
    )
    same_column(wanted)
    given = {"train": train, "validation": validation, "test": test}
    has_parts = validation is not None or test is not None
    parts = {
        split if has_parts else "": _columns(split, part, wanted, not has_parts)
        for split, part in given.items()
        if part is not None
    }
    name = f"{PREFIX}{_digest(parts)}"
    _REGISTERED[name] = _Data(parts)
    return name


def forget(name: str) -> None:
    """Lets go of data that were registered."""
    _REGISTERED.pop(name, None)


class MemorySource(TableSource):
    """What ``register`` keeps."""

    def __init__(self, settings: DataSettings) -> None:
        data = _REGISTERED.get(settings.dataset)
        if data is None:
            raise UserError(
                f"The data {shown(settings.dataset)} were given to another process or session; "
                "give them again, or save them as a file."
            )
        same_column(settings)
        where = "The data"
        for columns in data.parts.values():
            if named_columns(list(columns), settings) is None:
                raise no_column(where, list(columns), settings)
        super().__init__(
            self.named(settings.dataset), where, _Rows(data, settings), settings, Remarks()
        )

    @classmethod
    def claims(cls, dataset: str) -> bool:
        return dataset.startswith(PREFIX)

    @classmethod
    def named(cls, dataset: str) -> str:
        """Fit for a folder's name."""
        return dataset.replace(":", "_")


def rows(parts: Mapping[str, Any], settings: DataSettings, where: str) -> Reader:
    """Labelled texts that a program gives, as rows to judge.

    Args:
        parts: by split, each as ``register`` takes it; under an empty name where a column says the
            splits, or where there is none.
        settings: the columns' names.
        where: what the data are called in messages.

    Raises:
        UserError: a column is missing, or texts and labels are not equally many.
    """
    same_column(settings)
    has_parts = "" not in parts
    listed = {
        split: _columns(split, part, settings, not has_parts, where)
        for split, part in parts.items()
    }
    return _Rows(_Data(listed), settings)


class _Rows:
    unit = "row"

    def __init__(self, data: _Data, settings: DataSettings) -> None:
        self._data = data
        self._text = str(settings.text_column)
        self._label = str(settings.label_column)
        self._split = str(settings.split_column)
        if "" not in data.parts:
            self.unit = ""

    def __iter__(self) -> Iterator[Item | Suspect]:
        for split, columns in self._data.parts.items():
            texts, labels = columns[self._text], columns[self._label]
            own = None if split else columns.get(self._split)
            for number, (text, label) in enumerate(zip(texts, labels, strict=True)):
                place = f"{split}, row {number + 1}" if split else number + 1
                given = split or (NO_SPLIT if own is None else own[number])
                yield Record(place, text, label, given)


def _columns(
    split: str, part: Any, wanted: DataSettings, with_split: bool, where: str = "The data"
) -> Columns:
    """The columns that are read, as lists that no change of the caller's reaches."""
    where = f"{where} for {split}" if split else where
    text, label = str(wanted.text_column), str(wanted.label_column)
    if isinstance(part, (tuple, list)) and len(part) == 2:
        if any(isinstance(one, (set, frozenset)) for one in part):
            raise UserError(
                f"{where} hold a set, which has no order; give texts and labels as lists."
            )
        columns: Columns = {
            text: _listed(part[0]),
            label: _named(_listed(part[1]), getattr(part[1], "features", None)),
        }
    elif (found := _names_of(part)) is not None:
        if named_columns(found, wanted) is None:
            raise no_column(where, found, wanted)
        names = [text, label, *([str(wanted.split_column)] if with_split else [])]
        by_name = {str(name).strip(): name for name in found}
        columns = {name: _column(part, by_name[name]) for name in names if name in by_name}
    else:
        raise UserError(
            f"{where} are a {type(part).__name__}; give a DataFrame, or a pair of texts and labels."
        )
    sizes = {name: len(values) for name, values in columns.items()}
    if len(set(sizes.values())) != 1:
        raise UserError(
            f"{where} have {sizes[text]:,} texts and {sizes[label]:,} labels; give as many of each."
        )
    return columns


def _names_of(part: Any) -> list[Any] | None:
    """The columns of a DataFrame, of a data set of Hugging Face or of a mapping."""
    # An Arrow table has the columns themselves in `columns`.
    for attribute in ("column_names", "columns"):
        names = getattr(part, attribute, None)
        # A DatasetDict has a mapping there: it is several tables.
        if names is not None and not isinstance(names, Mapping):
            return list(names)
    return list(part) if isinstance(part, Mapping) and not hasattr(part, "column_names") else None


def _column(part: Any, name: Any) -> list[Any]:
    """One column, with labels of a data set of Hugging Face by their names."""
    features = getattr(part, "features", None)
    if not isinstance(features, Mapping) or not hasattr(part, "with_format"):
        return _listed(part[name])
    # Whatever it is formatted as: numbers of classes are numbers here.
    return _named(_listed(part.with_format(None)[name]), features.get(name))


def _named(values: list[Any], feature: Any) -> list[Any]:
    """Labels by their names, where the feature of a column of Hugging Face has these."""
    classes = getattr(feature, "names", None)
    return values if classes is None else [class_of(value, classes) for value in values]


def _listed(values: Any) -> list[Any]:
    if (names := _names_of(values)) is not None:
        column = f" as table[{shown(names[0])!r}]" if names else ""
        raise UserError(
            f"Texts and labels come as lists; a {type(values).__name__} is a table: give a column "
            f"of it{column}, or the whole table alone."
        )
    is_one = isinstance(values, (str, bytes)) or _is_single(values)
    if is_one or not hasattr(values, "__iter__"):
        raise UserError(f"Texts and labels come as lists; {shown(values)!r} is none.")
    whole = next((getattr(values, to) for to in _TO_LIST if hasattr(values, to)), None)
    listed = list(values if whole is None else whole())
    return [value if isinstance(value, _PLAIN) else _plain(value) for value in listed]


def _plain(value: Any) -> Any:
    """One value as Python has it, of an array of one or a scalar of Arrow; any other as it is."""
    if hasattr(value, "as_py"):
        return value.as_py()
    if isinstance(value, np.generic) or not _is_single(value):
        return value
    try:
        single = value.numpy() if hasattr(value, "numpy") else np.asarray(value)
    except (TypeError, RuntimeError):  # of PyTorch: what needs a gradient, or lies on a GPU
        return value.item()
    return single[()] if isinstance(single, np.ndarray) else single


def _is_single(value: Any) -> bool:
    has_value = any(hasattr(value, name) for name in ("numpy", "__array__"))
    return has_value and tuple(getattr(value, "shape", (0,))) == ()


def _digest(parts: Mapping[str, Columns]) -> str:
    digest = hashlib.sha256()
    for split, columns in parts.items():
        digest.update(f"{split}\0{chr(0).join(columns)}\0".encode("utf-8", "surrogatepass"))
        for number, values in enumerate(columns.values()):
            of = text_of if number == 0 else label_of
            for value in values:
                # With its length, so that no two rows read as one.
                cell = of(value)[0].encode("utf-8", "surrogatepass")
                digest.update(len(cell).to_bytes(8, "big") + cell)
    return digest.hexdigest()[:_DIGITS]
