"""The memory of this machine: how much there is, and running out of it as one line, whoever ran."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tflottery.errors import TflotteryError

# What a container may take, which is often less than its machine has.
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_OF_TENSORFLOW = "ResourceExhaustedError"


def whole() -> int | None:
    """Bytes of memory that this machine has, or that its container may take: free or not, so that
    the answer is the same at any time. None where the system does not say.
    """
    found = []
    with suppress(ValueError, OSError, AttributeError):  # a system without these names
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for place in _LIMITS:
        with suppress(ValueError, OSError):  # "max": there is no limit
            found.append(int(Path(place).read_text(encoding="ascii")))
    return min((bytes_ for bytes_ in found if bytes_ > 0), default=None)


def is_exhausted(error: BaseException) -> bool:
    """Whether an error says that memory ran out, as Python, numpy, pyarrow or TensorFlow say it."""
    # By name: whoever asks may not have imported TensorFlow.
    return isinstance(error, MemoryError) or type(error).__name__ == _OF_TENSORFLOW


@contextmanager
def told(what: str, kind: type[TflotteryError] = TflotteryError) -> Iterator[None]:
    """In the block memory may run out, which is told in one line.

    Args:
        what: the line, with the mend.
        kind: the error that says so.

    Raises:
        TflotteryError: of that kind; memory ran out.
    """
    try:
        yield
    except Exception as error:
        if not is_exhausted(error):
            raise
        raise kind(what) from error


def in_words(bytes_: float) -> str:
    """``19.2 GB``."""
    return f"{bytes_ / 1e9:,.1f} GB"
