"""Batches in files, so that the processes of all libraries read the same ones."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

Batches = list[tuple[np.ndarray, np.ndarray]]


def write(path: Path, batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> str:
    """Writes (ids int32 [batch, words], labels int32 [batch]) to an ``.npz``; gives its name."""
    np.savez(path, *(array for batch in batches for array in batch))
    return str(path)


def read(path: str) -> Batches:
    """What ``write`` wrote, in its order."""
    with np.load(path) as archive:
        arrays = [archive[f"arr_{number}"] for number in range(len(archive.files))]
    return list(zip(arrays[::2], arrays[1::2], strict=True))
