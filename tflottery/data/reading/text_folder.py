"""A folder of texts, a file each, as a table of two columns: to be written again with scores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tflottery.data.reading.containers import is_hidden_name
from tflottery.data.reading.decoding import text_of_file
from tflottery.data.reading.records import Columns, Fault, Remarks, Row, shown, shown_path
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError

_FILE, _TEXT = "file", "text"
_SUFFIX = ".txt"


class TextFolder:
    """The texts of every ``.txt`` file in a folder and the folders in it, by the alphabet; where no
    file is called so, of every file without a suffix. Folders of classes are folders as others.

    Nothing but the names in one folder is in memory at a time, and one text.

    Raises:
        UserError: no file is a text, or another column than ``text`` is asked for.
    """

    unit = "file"
    names = (_FILE, _TEXT)
    columns = Columns(1, 1, None, 2, names)

    def __init__(self, path: Path, settings: DataSettings, remarks: Remarks) -> None:
        self._path, self._settings, self._remarks = path, settings, remarks
        text = str(settings.text_column)
        if text != _TEXT:
            raise UserError(
                f"A folder of texts has the columns {_FILE!r} and {_TEXT!r}, no {shown(text)!r}; "
                "leave out --text_column."
            )
        self._suffixes = _suffixes(path)
        if not self._suffixes:
            raise UserError(
                f"{shown_path(path)} is a folder without texts ({_SUFFIX} files); give one table, "
                "a file."
            )

    def rows(self) -> Iterator[Row | Fault]:
        """A row a file: its path in the folder, and its text."""
        for file in _files(self._path):
            if file.suffix.lower() in self._suffixes:
                name = str(file.relative_to(self._path))
                yield Row(name, (name, self._text(file)))

    def _text(self, file: Path) -> str:
        text, guessed = text_of_file(file, self._settings.encoding, "utf-8-sig")
        if guessed:
            self._remarks.add_guessed(self._path, guessed)
        return file.read_bytes().decode("utf-8", "surrogateescape") if text is None else text


def _suffixes(path: Path) -> tuple[str, ...]:
    found = {file.suffix.lower() for file in _files(path)}
    return next(((one,) for one in (_SUFFIX, "") if one in found), ())


def _files(folder: Path) -> Iterator[Path]:
    """The files of a folder, then those of the folders in it; links to folders are passed over, as
    they may lead back."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_hidden_name(name))
        for name in sorted(files):
            file = Path(place, name)
            if not is_hidden_name(name) and file.is_file():
                yield file
