"""The user's own texts: a table in a file, or a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from tflottery.data.reading.binary_tables import ExcelTable, HubFolder, ParquetTable, is_hub_folder
from tflottery.data.reading.class_folders import ClassFolders
from tflottery.data.reading.containers import is_hidden_name, look
from tflottery.data.reading.decoding import decoding
from tflottery.data.reading.delimited import Delimited
from tflottery.data.reading.json_table import JsonTable, is_json
from tflottery.data.reading.judged_rows import Reader
from tflottery.data.reading.records import (
    Block,
    Item,
    Place,
    Record,
    Remarks,
    Suspect,
    same_column,
    shown,
    shown_path,
    split_of,
)
from tflottery.data.reading.table_source import TableSource
from tflottery.data.reading.tfds_source import PUBLISHED_NAMES
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.files import expanded
from tflottery.naming import short_name

_PACKED = (".gz", ".zip", ".bz2", ".xz")
_TABLES = (
    ".csv", ".tsv", ".tab", ".json", ".jsonl", ".ndjson", ".parquet", ".xlsx", ".xls", ".txt",
)  # fmt: skip
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
# What could name a builder of TFDS too.
_OWN_NAMES = re.compile(r"[a-z][a-z0-9_]*")


class FilesSource(TableSource):
    """A CSV, TSV, JSON, JSON Lines, Parquet or Excel file, packed or not; a folder with a folder a
    class; a folder with a file a split; or a folder that Hugging Face's ``datasets`` has saved.

    What a file is, its content says; the suffix decides where the content does not.
    """

    def __init__(self, settings: DataSettings) -> None:
        if _ADDRESS.match(settings.dataset):
            raise UserError(
                f"{shown(settings.dataset)} is a web address; download the file and give its path."
            )
        path = expanded(settings.dataset)
        remarks = Remarks()
        same_column(settings)
        if _OWN_NAMES.fullmatch(settings.dataset):
            kind = "folder" if path.is_dir() else "file"
            remarks.add(f"{settings.dataset} is the {kind} of that name in the working directory.")
        try:
            reader = _reader(path, settings, remarks)
            super().__init__(name_of(path), shown_path(path), reader, settings, remarks)
        except OSError as error:
            raise unreadable(path, error) from None

    def examples(self, split: str) -> Iterator[tuple[bytes, int]]:
        """Raw UTF-8 text and label, always in the same order."""
        try:
            yield from super().examples(split)
        except OSError as error:
            raise unreadable(Path(self._settings.dataset), error) from None

    @classmethod
    def claims(cls, dataset: str) -> bool:
        if dataset in PUBLISHED_NAMES:
            return False
        if _ADDRESS.match(dataset):
            return True
        path = expanded(dataset)
        suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
        is_table = bool(suffixes) and (
            suffixes[-1] in _TABLES
            or (suffixes[-1] in _PACKED and (len(suffixes) == 1 or suffixes[0] in _TABLES))
        )
        is_path = dataset.startswith((".", "~", os.sep)) or dataset.endswith(os.sep)
        return is_table or is_path or _exists(path)

    @classmethod
    def named(cls, dataset: str) -> str:
        """What the data of a path are called, whatever was encoded before with equal content."""
        return name_of(expanded(dataset))


def name_of(path: Path) -> str:
    """A file's name without its suffix, fit for a folder's name and for any table: one line, no
    marks that a shell, a terminal or Markdown obeys, 60 bytes at the most (``short_name``)."""
    name = path.name or path.resolve().name
    while Path(name).suffix.lower() in (*_PACKED, *_TABLES) and Path(name).stem:
        is_packed = Path(name).suffix.lower() in _PACKED
        name = Path(name).stem
        if not is_packed:
            break
    else:
        name = Path(name).stem if name == path.name else name
    safe = "".join(
        letter if letter.isprintable() and letter not in "/\\<>|*?\"'`$[]{}!&;#" else "_"
        for letter in name
    ).strip()
    return short_name(safe.lstrip("-.~ ") or "data")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long a name, or one with a NUL
        return False


def unreadable(path: Path, error: OSError) -> UserError:
    """The error for a file that the system does not let read."""
    reason = error.strerror or str(error)
    return UserError(f"{shown_path(error.filename or path)} cannot be read: {shown(reason)}.")


def _reader(path: Path, settings: DataSettings, remarks: Remarks) -> Reader:
    if "\0" in str(path):
        raise UserError(f"There is no file {shown_path(path)}; check its path.")
    if not path.is_dir():
        return _reader_of_file(path, settings, remarks)
    if is_hub_folder(path):
        return HubFolder(path, settings, remarks)
    if parts := _split_files(path):
        readers = {split: _reader_of_file(file, settings, remarks) for split, file in parts.items()}
        return _SplitFiles(readers, parts)
    return ClassFolders(path, settings, remarks)


def _reader_of_file(path: Path, settings: DataSettings, remarks: Remarks) -> Reader:
    content = look(path)
    if content.kind == "parquet":
        return ParquetTable(content, settings)
    if content.kind == "excel":
        return ExcelTable(content, settings, remarks)
    decoded = decoding(path, content.open, settings.encoding)
    if decoded.remark:
        remarks.add(decoded.remark)
    if is_json(content, decoded):
        return JsonTable(content, decoded, settings)
    return Delimited(content, decoded, settings, remarks)


def _split_files(path: Path) -> dict[str, Path]:
    """The files ``train.csv``, ``test.csv`` and the like of a folder without folders."""
    entries = [entry for entry in path.iterdir() if not is_hidden_name(entry.name)]
    if any(entry.is_dir() for entry in entries):
        return {}
    found: dict[str, Path] = {}
    for entry in sorted(entries):
        split = split_of(entry.name.split(".")[0])
        if split is None or not FilesSource.claims(str(entry)):
            continue
        if split in found:
            raise UserError(
                f"{shown_path(path)} has two files for the split {split!r}: "
                f"{shown(found[split].name)} and {shown(entry.name)}. Keep one."
            )
        found[split] = entry
    return found if "train" in found else {}


class _SplitFiles:
    """A file a split."""

    unit = ""

    def __init__(self, readers: dict[str, Reader], files: dict[str, Path]) -> None:
        self._readers, self._files = readers, files

    def __iter__(self) -> Iterator[Item | Suspect]:
        for split in sorted(self._readers):
            for item in self._readers[split]:
                yield self._placed(item, split)

    def blocks(self) -> Iterator[Block | Item | Suspect]:
        """The same rows, many together where a file's reader gives them so."""
        for split in sorted(self._readers):
            reader = self._readers[split]
            for item in reader.blocks() if isinstance(reader, Delimited) else reader:
                if not isinstance(item, Block):
                    yield self._placed(item, split)
                    continue
                places: list[Place] = [self._place(place, split) for place in item.places]
                suspects = [(row, self._suspect(suspect, split)) for row, suspect in item.suspects]
                splits = [split.encode()] * len(item)
                yield Block(places, item.texts, item.labels, splits, suspects)

    def _place(self, place: Place, split: str) -> str:
        return f"{self._files[split].name}, {self._readers[split].unit} {place}"

    def _suspect(self, item: Suspect, split: str) -> Suspect:
        place = self._place(item.record.place, split)
        record = item.record._replace(place=place, split=split)
        return Suspect(item.fault._replace(place=place), record, item.labels)

    def _placed(self, item: Item | Suspect, split: str) -> Item | Suspect:
        """A row with its file in its place, and the file's split."""
        if isinstance(item, Suspect):
            return self._suspect(item, split)
        place = self._place(item.place, split)
        if isinstance(item, Record):
            return item._replace(place=place, split=split)
        return item._replace(place=place)
