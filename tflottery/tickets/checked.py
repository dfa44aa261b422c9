"""Whether a ticket is one, before anything of it is used: tickets come from strangers too.

A checksum tells damage, and not what somebody wrote and sealed by hand.
"""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tflottery.errors import DamagedFileError
from tflottery.files import Arrays, check_file

_SHA256 = re.compile(r"[0-9a-f]{64}")


def require_sound(folder: Path, about: Mapping[str, Any], known: Collection[str]) -> None:
    """Makes sure that ``ticket.json`` says what a ticket says, and that its files are there.

    Args:
        folder: the ticket's.
        about: what ``ticket.json`` says.
        known: the names that a ticket's files have.

    Raises:
        DamagedFileError: it says something else, or names a file that is none of a ticket's, no
            regular file, missing or damaged.
    """
    for key, (is_right, what) in _FIELDS.items():
        if key not in about or not is_right(about[key]):
            raise DamagedFileError(f"The ticket {folder} is damaged: {key} is not {what}.")
    for name, checksum in about["files"].items():
        if name not in known:
            raise DamagedFileError(
                f"The ticket {folder} is damaged: no ticket has a file {name!r}."
            )
        path = folder / name
        if path.is_symlink() or (path.exists() and not stat.S_ISREG(path.stat().st_mode)):
            raise DamagedFileError(f"{path} is no regular file; put the file itself there.")
        check_file(path, checksum)


def require_fitting(
    folder: Path, weights: Arrays, prunable: Mapping[str, Collection[int]]
) -> Arrays:
    """The weights, once it is sure that they are finite and that the masks fit them.

    Args:
        folder: the ticket's.
        weights: arrays by tensor name.
        prunable: the masks' shapes by tensor name.

    Raises:
        DamagedFileError: they are not, or do not.
    """
    for name, value in weights.items():
        if value.dtype.kind != "f" or not np.isfinite(value).all():
            raise DamagedFileError(
                f"The ticket {folder} is damaged: {name} holds what is no number."
            )
    for name, shape in prunable.items():
        if name not in weights or weights[name].shape != tuple(shape):
            raise DamagedFileError(
                f"The ticket {folder} is damaged: no weights fit its mask {name}."
            )
    return weights


def _is_share(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and 0 <= value <= 1


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_seed(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and len(set(map(str, value))) == len(value) > 1 and all(
        map(_is_text, value)
    )  # fmt: skip


def _are_shapes(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(shape, list)
        and all(isinstance(size, int) and not isinstance(size, bool) and size > 0 for size in shape)
        for shape in value.values()
    )


def _are_files(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(checksum, str) and _SHA256.fullmatch(checksum) for checksum in value.values()
    )


_FIELDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "files": (_are_files, "a list of files with their SHA-256"),
    "classes": (_are_texts, "a list of two or more names"),
    "prunable": (_are_shapes, "the shapes of tensors"),
    "recipe": (lambda value: isinstance(value, dict), "a recipe"),
    "sparsity": (_is_share, "a fraction"),
    "verdict": (_is_text, "a text"),
    "dataset": (_is_text, "a text"),
    "model": (_is_text, "a text"),
    "run_key": (_is_text, "a text"),
    "seed": (_is_seed, "a whole number"),
}
