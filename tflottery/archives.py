"""Arrays in numpy's own files: a write that fails says why, and a file takes no more memory than it
has bytes."""

from __future__ import annotations

import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np


class BrokenError(Exception):
    """A file is no archive of arrays, or a hostile one."""


def save(stream: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    """Writes what ``numpy.savez`` writes, byte for byte. That leaves the archive open after an
    error, and the terminal is told of its end later."""
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def save_one(path: Path, array: np.ndarray) -> None:
    """Writes an array to ``path`` (``.npy``)."""
    with path.open("wb") as stream:
        np.save(_Plain(stream), array, allow_pickle=False)


class _Plain:
    """A stream that numpy does not see through: into a file of the system it writes by itself, and
    says of a failure only how much was left."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, content: bytes) -> int:
        return self._stream.write(content)


def read(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file that ``save`` wrote, by name.

    Raises:
        BrokenError: it is none.
    """
    try:
        _require_as_large_as_said(path)
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except _NO_ARCHIVE as error:
        raise BrokenError(str(error)) from None


# What numpy and zipfile raise where a file is no archive of arrays, or a hostile one.
_NO_ARCHIVE = (
    ValueError, OSError, KeyError, EOFError, RuntimeError, OverflowError, struct.error,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def _require_as_large_as_said(path: Path) -> None:
    """Makes sure that reading an archive takes no more memory than its file takes bytes.

    Raises:
        ValueError: it is compressed, or an array says that it is larger or smaller than it is.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        is_packed = any(member.compress_type != zipfile.ZIP_STORED for member in members)
        if is_packed or sum(member.file_size for member in members) > path.stat().st_size:
            raise ValueError("it is compressed")
        for member in members:
            with archive.open(member) as stream:
                version = np.lib.format.read_magic(stream)
                read = _HEADERS[version]
                try:
                    shape, _, dtype = read(stream)
                except (SyntaxError, tokenize.TokenError, MemoryError) as error:
                    # numpy reads a header as Python's parser does.
                    raise ValueError(f"{member.filename} has no header") from error
                if math.prod(shape) * dtype.itemsize != member.file_size - stream.tell():
                    raise ValueError(f"{member.filename} has another size than it says")


_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
