"""Vectors of words from files: those of GloVe, word2vec (text and binary) and fastText's ``.vec``.

A file is told by its first lines, which cost nothing; gensim reads it.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Literal, cast

import numpy as np

from tflottery import activity
from tflottery.errors import UserError

# A line of text that is longer is none.
_LONGEST_LINE = 1 << 20
_TORN = (EOFError, zlib.error, gzip.BadGzipFile)


@dataclass(frozen=True)
class Layout:
    """How a file of vectors is written.

    ``kind``: ``glove`` has a word and its numbers on each line; ``text`` and ``binary`` begin with
    a line that says how many vectors of how many numbers follow. ``size``: numbers a vector.
    ``count``: vectors, 0 where only reading all tells.
    """

    kind: Literal["glove", "text", "binary"]
    size: int
    count: int


def layout(path: Path) -> Layout:
    """How a file is written, by its first lines.

    Raises:
        UserError: it cannot be read, or holds no vectors of words.
    """
    try:
        with _opened(path) as stream:
            first = stream.readline(_LONGEST_LINE)
            second = stream.readline(_LONGEST_LINE)
        held = path.stat().st_size
    except FileNotFoundError:
        raise UserError(
            f"There is no file {path}; model.vectors is a file of words' vectors."
        ) from None
    except _TORN:
        raise _ends_early(path) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from None
    head = first.split()
    if len(head) == 2 and all(part.isdigit() for part in head):
        count, size = map(int, head)
        if count and size:
            kind: Literal["text", "binary"] = "text" if _numbers(second) == size else "binary"
            # A character a word, and a space; then four bytes a number, or a space and a digit.
            least = count * (2 + 4 * size if kind == "binary" else 1 + 2 * size)
            if path.suffix != ".gz" and held < least:
                raise _ends_early(
                    path, f"; its first line says {count:,} vectors of {size:,} numbers"
                )
            return Layout(kind, size, count)
    elif size := _numbers(first):
        return Layout("glove", size, 0)
    raise UserError(
        f"{path} holds no vectors of words: a file of GloVe, word2vec or fastText (.vec) has a "
        "word and its numbers on each line, or says in its first line how many follow."
    )


def _opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb"))


def _numbers(line: bytes) -> int:
    """How many numbers follow the word of a line; 0 if it is no such line."""
    _, *numbers = line.rstrip().split(b" ")
    try:
        line.decode()
        return len(numbers) if np.isfinite([float(number) for number in numbers]).all() else 0
    except ValueError:
        return 0


def require_size(path: Path, embedding: int) -> None:
    """Makes sure that a file holds vectors, of as many numbers as the embedding has.

    Raises:
        UserError: it does not, or has others.
    """
    size = layout(path).size
    if size != embedding:
        raise UserError(
            f"{path} holds vectors of {size:,} numbers, and model.embedding is {embedding:,}; give "
            f"--set model.embedding={size}, or another file."
        )


@dataclass(frozen=True)
class Vectors:
    """What a file holds: ``rows``, the row of each word in ``table``, float32 [words, numbers]."""

    rows: dict[str, int]
    table: np.ndarray

    def of(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """int64 [found]: the places of the words that have a vector; float32 [found, numbers]."""
        places = [place for place, word in enumerate(words) if word in self.rows]
        chosen = [self.rows[words[place]] for place in places]
        return np.array(places, np.int64), np.asarray(self.table[chosen], np.float32)


def read(path: Path) -> Vectors:
    """All vectors of a file; what was read last is kept, as long as the file is the same.

    Raises:
        UserError: gensim is not there, or the file is damaged.
    """
    about = path.stat()
    return _read(path, path.absolute(), about.st_mtime_ns, about.st_size)


def release() -> None:
    """Lets go of the vectors that were read last, which may be as large as memory."""
    _read.cache_clear()


@lru_cache(maxsize=1)
def _read(path: Path, where: Path, changed: int, held: int) -> Vectors:
    del where, changed, held
    how = layout(path)
    try:
        from gensim.models import KeyedVectors
    except ImportError:
        raise UserError(
            'model.vectors needs gensim, which reads such files: pip install "tflottery[vectors]".'
        ) from None
    try:
        with activity.doing(f"reading the vectors of {path.name}"):
            found: Any = KeyedVectors.load_word2vec_format(
                str(path),
                binary=how.kind == "binary",
                no_header=how.kind == "glove",
                # Words that are cut in the middle of a letter are no word of any text.
                unicode_errors="replace",
            )
    except _TORN:
        raise _ends_early(path) from None
    except (ValueError, IndexError, MemoryError, OverflowError) as error:
        said = " ".join(str(error).split())
        raise UserError(
            f"{path} is damaged, or holds words with spaces, which are to be left out: {said}."
        ) from None
    table = np.asarray(found.vectors, np.float32)
    if not np.isfinite(table).all():
        row = int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])
        raise UserError(
            f"{path} is damaged: {found.index_to_key[row]!r} has a number that is none."
        )
    return Vectors(dict(found.key_to_index), table)


def _ends_early(path: Path, why: str = "") -> UserError:
    return UserError(f"{path} ends before its last vector{why}; fetch or write it again.")
