"""The user's own texts: a CSV, TSV or JSONL file, or a folder with a folder a class."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from tflottery.data.settings import DataSettings
from tflottery.data.source import Example
from tflottery.errors import UserError, suggest
from tflottery.files import canonical_json, sha256_of_bytes

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON_LINES = (".jsonl", ".ndjson")
_SPLITS = ("train", "test")
# Reviews can be longer than the csv module's default of 128 KiB a field.
csv.field_size_limit(1 << 24)


class FilesSource:
    """Reads everything at once, so that a bad line is named before any work begins.

    A file has a text and a label column, and may have a column ``split`` of ``train`` and
    ``test``. A folder holds ``<class>/*.txt``, or ``train/<class>/*.txt`` and
    ``test/<class>/*.txt``. Labels are any words; classes are ordered by the alphabet (numbers by
    value).
    """

    caution: ClassVar[str] = ""

    def __init__(self, settings: DataSettings) -> None:
        path = Path(settings.dataset).expanduser()
        self.name = path.stem or path.name
        self._rows: dict[str, list[tuple[bytes, str]]] = {}
        try:
            for split, text, label in _read(path, settings):
                self._rows.setdefault(split, []).append((text, label))
        except OSError as error:
            raise UserError(f"{error.filename or path} cannot be read: {error.strerror}.") from None
        if "train" not in self._rows:
            raise UserError(f"{path} holds no texts to train on.")
        self.splits = tuple(split for split in _SPLITS if split in self._rows)
        self.classes = tuple(sorted({label for _, label in self._rows["train"]}, key=_by_value))
        if len(self.classes) < 2:
            raise UserError(
                f"{path} has one class only ({self.classes[0]!r}); a classifier needs two or more."
            )
        for _, label in self._rows.get("test", []):
            if label not in self.classes:
                raise UserError(f"{path}: the class {label!r} is in the test split only.")

    @classmethod
    def claims(cls, dataset: str) -> bool:
        path = Path(dataset).expanduser()
        is_table = path.suffix.lower() in (*_DELIMITERS, *_JSON_LINES)
        return is_table or path.is_dir() or (os.sep in dataset and path.exists())

    def fingerprint(self) -> str:
        content = {
            split: [[sha256_of_bytes(text), label] for text, label in rows]
            for split, rows in self._rows.items()
        }
        return sha256_of_bytes(canonical_json(content).encode())

    def examples(self, split: str) -> Iterator[Example]:
        numbers = {label: number for number, label in enumerate(self.classes)}
        for text, label in self._rows[split]:
            yield text, numbers[label]


def _by_value(label: str) -> tuple[int, float, str]:
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label


Row = tuple[str, bytes, str]


def _read(path: Path, settings: DataSettings) -> Iterator[Row]:
    suffix = path.suffix.lower()
    if path.is_dir():
        yield from _read_folder(path)
    elif not path.exists():
        raise UserError(f"There is no file {path}; check the path given to --dataset.")
    elif suffix in _DELIMITERS:
        yield from _read_table(path, settings, _DELIMITERS[suffix])
    elif suffix in _JSON_LINES:
        yield from _read_json_lines(path, settings)
    else:
        raise UserError(f"{path} is no CSV, TSV or JSONL file and no folder of class folders.")


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                raise UserError(
                    f"{path}, line {number}: not UTF-8 text. Save the file as UTF-8."
                ) from None


def _checked(where: str, text: object, label: object, split: object) -> Row:
    if not isinstance(text, str) or not text.strip():
        raise UserError(f"{where}: the text is empty. Fill it or delete the line.")
    if label is None or not str(label).strip():
        raise UserError(f"{where}: the label is empty. Fill it or delete the line.")
    if split not in _SPLITS:
        raise UserError(f"{where}: the split is {split!r}; it is 'train' or 'test'.")
    return str(split), text.encode(), str(label).strip()


def _require_columns(path: Path, found: list[str], settings: DataSettings) -> None:
    for key in ("text_column", "label_column"):
        column = getattr(settings, key)
        if column not in found:
            raise UserError(
                f"{path} has no column {column!r}; name it with --set data.{key}=NAME. "
                f"{suggest(column, found)}"
            )


def _read_table(path: Path, settings: DataSettings, delimiter: str) -> Iterator[Row]:
    reader = csv.DictReader(_lines(path), delimiter=delimiter, strict=True)
    try:
        _require_columns(path, list(reader.fieldnames or []), settings)
        for row in reader:
            yield _checked(
                f"{path}, line {reader.line_num}",
                row[settings.text_column],
                row[settings.label_column],
                row.get("split", "train"),
            )
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: {error}.") from None


def _read_json_lines(path: Path, settings: DataSettings) -> Iterator[Row]:
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except ValueError:
            raise UserError(f"{where}: this is no JSON. Each line is one object.") from None
        if not isinstance(row, dict):
            raise UserError(f"{where}: each line is one JSON object.")
        _require_columns(path, list(row), settings)
        yield _checked(
            where,
            row[settings.text_column],
            row[settings.label_column],
            row.get("split", "train"),
        )


def _read_folder(path: Path) -> Iterator[Row]:
    has_splits = (path / "train").is_dir()
    roots = {split: path / split for split in _SPLITS} if has_splits else {"train": path}
    for split, root in roots.items():
        for file in sorted(root.glob("*/*.txt")) if root.is_dir() else []:
            # aclImdb keeps its unlabelled reviews in a class folder of this name.
            if file.parent.name == "unsup":
                continue
            try:
                text = file.read_bytes().decode("utf-8")
            except UnicodeDecodeError:
                raise UserError(f"{file}: not UTF-8 text. Save it as UTF-8.") from None
            yield _checked(str(file), text, file.parent.name, split)
