"""What a file is by its content, and its bytes as a stream, packed or not."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal

from tflottery.data.reading.records import shown, shown_path
from tflottery.errors import UserError

Kind = Literal["text", "parquet", "excel"]
Opener = Callable[[], IO[bytes]]

_HEAD = 1 << 16
_BLOCK = 1 << 20
_REFUSED = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel file; save it as .xlsx or as CSV"),
    (b"ARROW1", "a Feather file; save it as Parquet"),
    (b"(\xb5/\xfd", "packed with zstd; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"%PDF", "a PDF file; a table is needed"),
    (b"SQLite format 3\0", "an SQLite database; export the table as CSV"),
    (b"\x89HDF", "an HDF5 file; save it as Parquet or CSV"),
    (b"\x80\x04\x95", "a pickle, which is never read; save it as Parquet or CSV"),
    (b"\x80\x05\x95", "a pickle, which is never read; save it as Parquet or CSV"),
    (b"version https://git-lfs", "a pointer of Git LFS; fetch the file with `git lfs pull`"),
    (b"{\\rtf", "an RTF document; save it as CSV"),
)
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"PK\x03\x04")
# What a cut or damaged archive raises.
TORN = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, gzip.BadGzipFile)


@dataclass(frozen=True)
class Content:
    """A file's bytes, unpacked, and what they are."""

    path: Path
    kind: Kind
    suffix: str
    open: Opener


def look(path: Path) -> Content:
    """What a file is, by its first bytes; ``.gz``, ``.bz2``, ``.xz`` and ``.zip`` are opened.

    Raises:
        UserError: it is nothing that is read, or damaged.
    """
    if not path.exists():
        raise UserError(f"There is no file {shown_path(path)}; check its path.")
    if not path.is_file():
        raise UserError(f"{shown_path(path)} is no regular file and no folder; save it as a file.")
    content = Content(path, "text", path.suffix.lower(), opener(path))
    with whole(path):
        for _ in range(3):
            with content.open() as stream:
                head = stream.read(_HEAD)
            inner = _unpacked(content, head)
            if inner is None:
                return Content(path, _kind(path, head, content), content.suffix, content.open)
            content = inner
    raise UserError(f"{shown_path(path)} is packed three times over; unpack it first.")


def no_text(head: bytes) -> str:
    """What first bytes are that begin no text, with the mend; empty where they may. A file of that
    kind may be read all the same (``look``)."""
    if head.startswith(_PACKED):
        return "packed; unpack it first"
    if head.startswith(b"PAR1"):
        return "a Parquet file"
    return next((what for magic, what in _REFUSED if head.startswith(magic)), "")


def opener(path: Path) -> Opener:
    """Opens a file that is not packed."""
    return lambda: path.open("rb")


@contextmanager
def whole(path: Path) -> Iterator[None]:
    """Turns what a torn archive raises into one line."""
    try:
        yield
    except TORN as error:
        raise UserError(
            f"{shown_path(path)} is cut or damaged ({shown(error)}); fetch or pack it again."
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{shown_path(path)} is cut, or is not {error.encoding} ({error.reason}); save it "
            "again as UTF-8, or set data.encoding."
        ) from None
    except UnicodeError as error:  # of these two, whose order of bytes is said by a mark
        name = "utf-32" if "UTF-32" in str(error) else "utf-16"
        raise UserError(
            f"{shown_path(path)} does not begin with the mark of {name.upper()} that says its "
            f"order of bytes; set data.encoding={name}-le or data.encoding={name}-be, or leave it "
            "out."
        ) from None
    except NotImplementedError as error:  # of zipfile: a method of packing
        raise UserError(f"{shown_path(path)} cannot be unpacked ({shown(error)}).") from None


def _kind(path: Path, head: bytes, content: Content) -> Kind:
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        return "excel"
    for magic, what in _REFUSED:
        if head.startswith(magic):
            raise UserError(f"{shown_path(path)} is {what}.")
    if head[257:262] == b"ustar":
        raise UserError(f"{shown_path(path)} is a tar archive; unpack it first.")
    start = head.lstrip()[:200].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<?xml")):
        what = "an XML file" if start.startswith(b"<?xml") else "a web page"
        raise UserError(f"{shown_path(path)} is {what}, no table; download the file itself, "
                        "or save the table as CSV.")  # fmt: skip
    if content.suffix in (".xlsx", ".parquet"):
        raise UserError(
            f"{shown_path(path)} is no {content.suffix[1:]} file, whatever its name says (it is "
            "empty, cut or of another kind); save it again."
        )
    return "text"


def _unpacked(content: Content, head: bytes) -> Content | None:
    path, inner = content.path, content.open
    name = Path(content.suffix and path.name[: -len(path.suffix)])
    packers: dict[bytes, Any] = {b"\x1f\x8b": gzip, b"BZh": bz2, b"\xfd7zXZ": lzma}
    for magic, packer in packers.items():
        if head.startswith(magic):
            return Content(path, "text", name.suffix.lower(), partial(_opened, packer, inner))
    if not head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return None
    with inner() as stream, zipfile.ZipFile(stream) as archive:
        members = [item for item in archive.infolist() if not item.is_dir()]
        if any(item.filename == "[Content_Types].xml" for item in members):
            if any(item.filename.startswith("xl/") for item in members):
                return None
            raise UserError(f"{shown_path(path)} is an office document, no table; save it as CSV.")
        members = [item for item in members if not _is_hidden(item.filename)]
        if len(members) != 1:
            named = ", ".join(shown(item.filename) for item in members[:5])
            raise UserError(
                f"{shown_path(path)} holds {len(members)} files ({named}); unpack it and give the "
                "one with the table, or the folder."
            )
        if members[0].flag_bits & 1:
            raise UserError(f"{shown_path(path)} has a password; unpack it first.")
        member = members[0].filename
    return Content(path, "text", Path(member).suffix.lower(), lambda: _member(inner, member))


def _opened(packer: Any, inner: Opener) -> IO[bytes]:
    stream = inner()
    unpacked: IO[bytes] = packer.open(stream)
    return _Owning(unpacked, stream)


def _member(inner: Opener, name: str) -> IO[bytes]:
    stream = inner()
    archive = zipfile.ZipFile(stream)
    return _Owning(archive.open(name), archive, stream)


class _Owning(io.BufferedReader):
    """A stream that closes what it reads from, too."""

    def __init__(self, stream: Any, *owned: Any) -> None:
        super().__init__(stream, _BLOCK)
        self._owned = owned

    def close(self) -> None:
        super().close()
        for item in self._owned:
            item.close()


def _is_hidden(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return any(is_hidden_name(part) for part in parts if part)


def is_hidden_name(name: str) -> bool:
    """Whether a file or folder of this name is a system's own: hidden, or left by one."""
    system = ("__macosx", "thumbs.db", "desktop.ini", "$recycle.bin", "__pycache__")
    return name.startswith(".") or name.lower() in system or name.endswith("~")
