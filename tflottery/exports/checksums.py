"""Checksums of a folder that goes from one machine to another: what is loaded there is what was
written, or is named as damaged.

TensorFlow checks the variables of a SavedModel, but neither its vocabulary nor its graph: a copy
that was cut within the words gives other scores, and says nothing.
"""

from __future__ import annotations

from pathlib import Path

from tflottery.errors import DamagedFileError, UserError
from tflottery.files import sha256_of_file

FILE = "SHA256SUMS"
# What decides a score, or what is made of it; other files can go, and the card is for its reader.
_LOADED = ("saved_model.pb", "variables/", "assets/", "reading.json", "threshold.json")


def write(folder: Path) -> None:
    """Writes the checksums of every file that a folder has so far, as ``sha256sum`` reads them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{sha256_of_file(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / FILE).write_text("".join(lines), encoding="utf-8")


def read(folder: Path) -> dict[str, str]:
    """The checksums of a folder's files by name; none where there are no checksums.

    Raises:
        DamagedFileError: the file that holds them is damaged.
    """
    try:
        lines = (folder / FILE).read_text(encoding="utf-8").splitlines()
        return {name: checksum for checksum, name in (line.split("  ", 1) for line in lines)}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise _damaged(folder / FILE, "is damaged") from None


def check(folder: Path) -> None:
    """Makes sure that what is loaded of a version is what was published. One of before checksums
    were written is taken as it is.

    Raises:
        DamagedFileError: a file is missing or another one.
    """
    for name, checksum in read(folder).items():
        file = folder / name
        if not name.startswith(_LOADED) or ".." in file.parts:
            continue
        if not file.is_file():
            raise _damaged(file, "is missing")
        if sha256_of_file(file) != checksum:
            raise _damaged(file, "is not what was exported (its checksum does not fit)")


def _damaged(file: Path, what: str) -> UserError:
    return DamagedFileError(f"{file} {what}; copy the model again, or export the ticket anew.")
