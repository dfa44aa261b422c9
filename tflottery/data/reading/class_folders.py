"""A folder with a folder a class, and a folder a split above them where there are splits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tflottery.data.reading.containers import is_hidden_name
from tflottery.data.reading.decoding import text_of_file
from tflottery.data.reading.labels import few
from tflottery.data.reading.records import (
    Fault,
    Item,
    Record,
    Remarks,
    Suspect,
    shown,
    shown_path,
    split_of,
)
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError

_UNLABELLED = "unsup"
_READ = ("train", "test", "validation")


class ClassFolders:
    """The texts of ``<class>/*.txt`` or of ``<split>/<class>/*.txt``, by the alphabet.

    Where no file is called ``.txt``, every file without a suffix is a text. What a system or an
    editor leaves is passed over; whatever else is left out is said.
    """

    unit = "file"

    def __init__(self, path: Path, settings: DataSettings, remarks: Remarks) -> None:
        self._path, self._settings = path, settings
        self._remarks = remarks
        roots = _roots(path)
        files = [
            (split, folder, file)
            for split, root in roots
            for folder in _folders(root)
            if folder.name != _UNLABELLED
            for file in _files(folder)
        ]
        suffixes = {file.suffix.lower() for _, _, file in files}
        self._suffix = ".txt" if ".txt" in suffixes else ""
        self._files = [entry for entry in files if self._is_text(entry[2])]
        if files and not self._files:
            raise UserError(
                f"{shown_path(path)} holds no .txt files in its class folders, but "
                f"{few(sorted(suffixes))}; a text is a file .txt or one without a suffix."
            )
        self._say_what_is_left_out(roots, [entry[2] for entry in files])

    def _is_text(self, file: Path) -> bool:
        suffix = file.suffix.lower()
        if self._suffix:
            return suffix == self._suffix
        # `alt.atheism/51060` has none, and `1.2` is no kind of file.
        return not suffix or suffix[1:].isdigit()

    def _say_what_is_left_out(self, roots: list[tuple[str, Path]], files: list[Path]) -> None:
        others = [file for file in files if not self._is_text(file)]
        loose = [file for _, root in roots for file in _files(root)]
        deeper = [folder for _, root in roots for one in _folders(root) for folder in _folders(one)]
        unlabelled = [
            folder for _, root in roots for folder in _folders(root) if folder.name == _UNLABELLED
        ]
        known = {root for _, root in roots}
        beside = [] if self._path in known else [
            folder for folder in _folders(self._path) if folder not in known
        ]  # fmt: skip
        for what, left in (
            ("files of another kind", others), ("files outside the class folders", loose),
            ("folders within class folders", deeper), ("unlabelled texts", unlabelled),
            ("folders beside the splits", beside),
        ):  # fmt: skip
            if left:
                names = few([shown(item.relative_to(self._path)) for item in left])
                self._remarks.add(f"{shown_path(self._path)}: {what} are left out: {names}.")

    def __iter__(self) -> Iterator[Item | Suspect]:
        for split, folder, file in self._files:
            label, place = folder.name, str(file.relative_to(self._path))
            try:
                label.encode()
            except UnicodeEncodeError:
                yield Fault(place, "the name of its folder is not UTF-8", "Rename it.")
                continue
            text, guessed = text_of_file(file, self._settings.encoding)
            if text is None:
                yield Fault(place, "not UTF-8 text", "Save it as UTF-8.")
                continue
            if guessed:
                self._remarks.add_guessed(self._path, guessed)
            yield Record(place, text, label, split)


def _roots(path: Path) -> list[tuple[str, Path]]:
    """The folders that hold class folders, each with its split."""
    folders = _folders(path)
    named = [(split, folder) for folder in folders if (split := split_of(folder.name))]
    found = dict(named)
    if "train" not in found:
        if named and len(named) == len(folders):
            raise UserError(
                f"{shown_path(path)} has no folder train beside {shown(folders[0].name)}."
            )
        return [("train", path)]
    if len(found) != len(named):
        names = ", ".join(shown(folder.name) for _, folder in named)
        raise UserError(
            f"{shown_path(path)} has two folders for one split among {names}. Keep one."
        )
    return [(split, found[split]) for split in _READ if split in found]


def _folders(path: Path) -> list[Path]:
    return sorted(Path(item.path) for item in _entries(path) if item.is_dir())


def _files(path: Path) -> list[Path]:
    return sorted(Path(item.path) for item in _entries(path) if item.is_file())


def _entries(path: Path) -> list[os.DirEntry[str]]:
    with os.scandir(path) as entries:
        return [item for item in entries if not is_hidden_name(item.name)]
