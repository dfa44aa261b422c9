"""Files that are written whole or not at all, and whose damage is found when they are read.

Everything is written under another name and renamed into place. JSON documents hold a checksum of
themselves (``seal``). Arrays are numpy's ``.npz``, read without pickle; their SHA-256 is kept in
the sealed document beside them.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from tflottery import archives, disk, naming
from tflottery.errors import DamagedFileError, UserError

Arrays = dict[str, np.ndarray]

STAGING_PREFIX = ".staging-"


def canonical_json(payload: Any) -> str:
    """JSON with sorted keys and no spaces: equal payloads give equal text."""
    return _encodable(
        json.dumps(
            payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
    )


def _encodable(text: str) -> str:
    """The JSON with half characters as ``\\udcff``: in names of files whose bytes are no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def sha256_of_bytes(content: bytes) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def sha256_of_file(path: Path) -> str:
    """64 hexadecimal digits; the file is read block by block."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_atomically(path: Path, content: bytes | str) -> None:
    """Writes ``path`` whole or not at all; makes its folder if need be."""
    with new_file(path) as stream:
        stream.write(content.encode() if isinstance(content, str) else content)


def expanded(path: str | Path) -> Path:
    """A path with the home of ``~`` or ``~name`` in its place; as it is where nobody has that name,
    so that it is told as a file that is not there."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path's own raises


def write_together(folder: Path, contents: Mapping[str, bytes | str]) -> list[Path]:
    """Writes several files into a folder; gives their paths. Those that are there by these names
    are replaced, once all are written: where one of them cannot be, none is.

    Raises:
        UserError: something else than a file has one of the names.
    """
    for name in contents:
        if (folder / name).exists() and not (folder / name).is_file():
            raise UserError(
                f"{folder / name} is no file, and a file is to be written there; move it."
            )
    with ExitStack() as stack:
        for name, content in contents.items():
            stream = stack.enter_context(new_file(folder / name))
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()  # before the first of them takes its place
    return [folder / name for name in contents]


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A stream whose content is renamed to ``path`` at the end of the ``with``, in the place of a
    file that is there by then; after an error nothing is left of it. Makes the file's folder if
    need be.

    Raises:
        OSError: it cannot be written (``disk.writing``).
    """
    with _parents_of(path):
        with disk.writing(path):
            handle, name = tempfile.mkstemp(prefix=STAGING_PREFIX, dir=path.parent)
        staged = Path(name)
        try:
            with disk.writing(path, staged):
                with os.fdopen(handle, "wb") as stream:
                    yield stream
                    stream.flush()
                    os.fsync(stream.fileno())
                staged.chmod(0o666 & ~_umask())
                staged.replace(path)
        except BaseException:
            staged.unlink(missing_ok=True)
            raise


@contextmanager
def _parents_of(path: Path) -> Iterator[None]:
    """Makes the folders above a path; those that were not there before are gone after an error."""
    made = [parent for parent in path.parents if not parent.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        with suppress(OSError):  # a parent may hold something else by now
            for parent in made:
                parent.rmdir()
        raise


@contextmanager
def new_folder(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """An empty folder to fill; at the end of the ``with`` it is renamed to ``path``.

    If ``path`` exists by then, the new folder replaces it. After an error nothing is left, not even
    the parents that were made for it.

    Raises:
        FileExistsError: ``path`` exists, and ``replace`` is False.
        OSError: it cannot be written (``disk.writing``).
    """
    with _parents_of(path):
        with disk.writing(path):
            staging = staging_folder(path)
        try:
            with disk.writing(path, staging):
                yield staging
                staging.chmod(0o777 & ~_umask())
                for file in [path for path in staging.rglob("*") if path.is_file()]:
                    with file.open("rb") as stream:
                        os.fsync(stream.fileno())
                if replace:
                    _swap(staging, path)
                else:
                    _rename(staging, path)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for files that nobody keeps, where the system has its place for such.

    Raises:
        OSError: it cannot be written (``disk.writing``).
    """
    with disk.writing(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def staging_folder(path: Path) -> Path:
    """A new folder beside ``path``, whose content will be renamed to ``path``."""
    prefix = f"{STAGING_PREFIX}{naming.short_name(path.name, 100)}-"
    return Path(tempfile.mkdtemp(prefix=prefix, dir=path.parent))


def remove_folder(path: Path) -> None:
    """Removes a folder, which is gone at once; what an end of the process leaves of it has the name
    of what was never whole.

    Raises:
        OSError: it is not there, or cannot be removed.
    """
    aside = staging_folder(path)
    try:
        path.replace(aside)  # takes the place of an empty folder
    except BaseException:
        aside.rmdir()
        raise
    shutil.rmtree(aside)


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder and in those within, without what is being written or removed
    at this moment."""
    total = 0
    for place, inner, names in os.walk(folder):  # which passes over folders that are gone
        inner[:] = [name for name in inner if not name.startswith(STAGING_PREFIX)]
        for name in names:
            if not name.startswith(STAGING_PREFIX):
                with suppress(FileNotFoundError):
                    total += Path(place, name).stat().st_size
    return total


def _swap(staging: Path, path: Path) -> None:
    """Renames a folder to ``path``, in the place of the one that may be there. Several processes
    may do so at once."""
    aside = staging_folder(path)
    old = aside / "old"
    try:
        while True:
            with suppress(FileNotFoundError):  # nothing there, or another process has just taken it
                path.replace(old)
            try:
                staging.replace(path)
                return
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    with suppress(FileNotFoundError):
                        old.replace(path)
                    raise
            shutil.rmtree(old, ignore_errors=True)  # and another has just put its own there
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _rename(staging: Path, path: Path) -> None:
    """Renames a folder to ``path``.

    Raises:
        FileExistsError: ``path`` exists.
    """
    taken = FileExistsError(errno.EEXIST, "it exists already", str(path))
    # Renaming replaces an empty folder. It fails if there is something in the folder, even if that
    # came after this check.
    if path.exists():
        raise taken
    try:
        staging.replace(path)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            raise taken from None
        raise


def require_writable(path: Path, flag: str) -> None:
    """Checks that a folder can be made at ``path``, before hours of work go into it.

    Raises:
        UserError: it cannot be made; the text names ``flag``, which the user can change.
    """
    there = path
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    naming.require_fitting(path, flag)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f"{there} is no folder to write to; give {flag} another place.")


def require_replaceable(path: Path, flag: str, else_where: str = "") -> None:
    """Checks that what is at ``path``, if anything, is a plain file: a device, a pipe or a folder
    cannot be replaced in one step.

    Args:
        path: where a file is to be.
        flag: what the user can change.
        else_where: what comes of leaving the flag out, as the end of the line.

    Raises:
        UserError: it is something else.
    """
    # /dev/stdout may lead to a plain file, and the file is what a shell wrote it to.
    of_system = path.absolute().parts[1:2] in (("dev",), ("proc",)) and "shm" not in path.parts
    if (path.exists() and not path.is_file()) or of_system:
        what = "a folder" if path.is_dir() else "a device or a pipe"
        raise UserError(f"{path} is {what}; give {flag} the name of a file{else_where}.")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def seal(payload: Mapping[str, Any]) -> str:
    """The payload as readable JSON; its last key is the ``sha256`` of its canonical form."""
    checksum = sha256_of_bytes(canonical_json(payload).encode())
    sealed = json.dumps({**payload, "sha256": checksum}, indent=2, ensure_ascii=False)
    return _encodable(sealed) + "\n"


def read_sealed(
    path: Path, *, what: str, format_version: int | tuple[int, ...], mend: str = ""
) -> dict[str, Any]:
    """Reads a file that ``seal`` made.

    Args:
        path: the file.
        what: what its folder is called in an error, as ``run``.
        format_version: the versions that are read.
        mend: what to do where there is no such file, as a sentence.

    Raises:
        UserError: there is no such file, or it has another ``format_version``.
        DamagedFileError: its content is not what was written.
    """
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path} is no file.")
        payload = json.loads(path.read_bytes())
        checksum = payload.pop("sha256")
        version = payload.get("format_version")
        found = sha256_of_bytes(canonical_json(payload).encode())
    except FileNotFoundError:
        line = f"{path.parent} holds no {what} ({path.name} is missing)."
        raise UserError(f"{line} {mend}".rstrip()) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise DamagedFileError(f"{path} is damaged: it is not a sealed {what}. {_REMEDY}") from None
    readable = format_version if isinstance(format_version, tuple) else (format_version,)
    if version not in readable:
        raise UserError(
            f"{path} has format version {version!r}; this tflottery reads "
            f"{' and '.join(map(str, readable))}. "
            f"Make the {what} anew, or use the tflottery that wrote it."
        )
    if found != checksum:
        raise DamagedFileError(f"{path} is damaged: its checksum does not fit. {_REMEDY}")
    return payload


_REMEDY = "Delete that folder and make it again, or restore it from a copy."


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> str:
    """Writes named arrays to ``path`` (``.npz``); returns the file's SHA-256."""
    with path.open("wb") as stream:
        archives.save(stream, arrays)
    return sha256_of_file(path)


def read_arrays(path: Path, sha256: str) -> Arrays:
    """Reads a file that ``write_arrays`` wrote: arrays by name.

    Raises:
        DamagedFileError: the file is missing or has another checksum.
    """
    check_file(path, sha256)
    try:
        return archives.read(path)
    except archives.BrokenError:
        raise DamagedFileError(f"{path} is damaged: no array archive. {_REMEDY}") from None


def check_file(path: Path, sha256: str) -> None:
    """Checks a file against its checksum.

    Raises:
        DamagedFileError: the file is missing or has another checksum.
    """
    if not path.is_file():
        raise DamagedFileError(f"{path} is missing. {_REMEDY}")
    if sha256_of_file(path) != sha256:
        raise DamagedFileError(f"{path} is damaged: its checksum does not fit. {_REMEDY}")
