"""What a disk does not take: a write that fails names its place and its reason, whoever wrote.

A library may tell a full disk in words of its own, without the file, or with the name under which
it was staged. Here each becomes the ``OSError`` that Python itself would raise for the place.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Reading fails for none of these reasons.
_FULL = {
    errno.ENOSPC: ("the disk is full", "make room there"),
    errno.EDQUOT: ("the disk quota is used up", "make room there"),
    errno.EFBIG: ("a file is larger than is allowed", "raise that limit (ulimit -f)"),
}
_REFUSED = (*_FULL, errno.EROFS)
# What a user may change: a folder that cannot be written.
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
# As TensorFlow names a file: "{{function_node …}} /a/b; No space left on device".
_BEFORE_REASON = re.compile(r"(?:^|\}\} )(/[^;\n]+); ")


@contextmanager
def writing(place: Path, staged: Path | None = None) -> Iterator[None]:
    """In the block something is written for ``place``, and its errors say so.

    Args:
        place: what the user calls it.
        staged: the name under which it is written, if that is another.

    Raises:
        OSError: the disk did not take it; with ``errno`` and ``filename``.
    """
    try:
        yield
    except Exception as error:
        told = refusal(error, place, staged)
        if told is None or told is error:
            raise
        raise told from error


def refusal(
    error: Exception, place: Path | None = None, staged: Path | None = None
) -> OSError | None:
    """An error of writing as an ``OSError`` with its number and its file; None for other errors.

    Args:
        error: whatever was raised.
        place: what was being written, for errors that name no file.
        staged: the name under which ``place`` is written, which nobody needs to know.
    """
    code = error.errno if isinstance(error, OSError) else None
    is_said = type(error).__module__.startswith("tflottery")  # in our own words, with its place
    if code is None and not is_said:
        code = next((one for one in _REFUSED if _says(error, one)), None)
    if code is None or code not in (*_REFUSED, *FORBIDDEN):
        return None
    file = _file_of(error)
    is_staged = staged is not None and file is not None and _is_within(file, staged)
    if is_staged or (file is None and code in _REFUSED):
        file = place
    elif isinstance(error, OSError) and error.errno == code and error.filename2 is None:
        return error
    return OSError(code, os.strerror(code), *([str(file)] if file is not None else []))


def _says(error: Exception, code: int) -> bool:
    return os.strerror(code).lower() in str(error).lower()


def _file_of(error: Exception) -> Path | None:
    """The file that an error names; of a copy that failed, the one that was written."""
    if isinstance(error, OSError):
        name = error.filename2 or error.filename
    else:
        found = _BEFORE_REASON.search(str(error))
        name = found and found[1]
    return Path(os.fsdecode(name)) if isinstance(name, (str, bytes, os.PathLike)) else None


def _is_within(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents


def sentence(error: OSError, kept: str, place: str = "") -> str:
    """What the user is told of an error of the operating system, in one line.

    Args:
        error: as ``refusal`` gives it, or any other.
        kept: a sentence on what is kept.
        place: what was being written, for errors that name no file.
    """
    name = os.fsdecode(error.filename) if error.filename else ""
    if error.errno in _FULL:
        what, mend = _FULL[error.errno]
        folder = str(_folder_of(Path(name))) if name else place
        return f"{what}{f' ({folder})' * bool(folder)}; {mend}. {kept}"
    place = f" ({name or place})" if name or place else ""
    if error.errno in FORBIDDEN:
        return f"{error.strerror}{place}; give another folder, or the right to write there."
    return f"{error.strerror or error}{place}. {kept}"


def _folder_of(path: Path) -> Path:
    """The folder that is there by now and would hold a path."""
    folder = path.absolute()
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder
