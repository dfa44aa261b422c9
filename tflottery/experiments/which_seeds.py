"""Which seeds an experiment is of: as a call is given them, and as ``--seeds`` says them.

``3`` says how many, ``4-13`` or ``2,5-7`` which.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tflottery.errors import UserError
from tflottery.settings import argument

MOST_SEEDS = 10_000
_GIVEN = int | tuple[int, ...]
_LARGEST = 2**63 - 1
# A seed, or the first and the last of some.
_RANGE = re.compile(r"([0-9]{1,19})(?:-([0-9]{1,19}))?")


def _listed(seeds: Any) -> Any:
    """What is no list, as a range, as one; one number of numpy's as that."""
    return seeds.item() if isinstance(seeds, np.generic) else list(seeds)


def seeds_recorded(seeds: Sequence[int], first: int = 1) -> str:
    """Seeds as ``--seeds`` takes them: how many, where they go from ``first`` on, or which."""
    if list(seeds) == list(range(first, first + len(seeds))):
        return str(len(seeds))
    if list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        # A single one too, since a number by itself says how many.
        return f"{seeds[0]}-{seeds[-1]}"
    return ",".join(map(str, seeds))


def seeds_of(seeds: int | Iterable[int], first: int = 1) -> tuple[int, ...]:
    """Seeds as a call is given them: how many, from ``first`` on, or which.

    Raises:
        UserError: there is none, or one is below 0.
    """
    try:
        given = argument(
            "seeds", seeds if isinstance(seeds, (int, str)) else _listed(seeds), _GIVEN
        )
    except TypeError:
        raise UserError(f"--seeds takes a number of seeds, or some; not {seeds!r}.") from None
    if isinstance(given, int):
        if not 1 <= given <= MOST_SEEDS:
            raise UserError(
                f"--seeds takes a whole number from 1 on, and to {MOST_SEEDS:,}, not {given}."
            )
        return tuple(range(first, first + given))
    chosen = given
    if not chosen or min(chosen) < 0 or len(set(chosen)) != len(chosen):
        raise UserError(f"--seeds takes different seeds from 0 on, not {list(chosen)}.")
    return chosen


def read_seeds(text: str) -> int | tuple[int, ...]:
    """``--seeds`` as a call takes it: how many, or which.

    Raises:
        UserError: it is neither, or names a seed twice.
    """
    if text.isdecimal() and 1 <= int(text[:20]) <= MOST_SEEDS:
        return int(text)
    wrong = UserError(f"--seeds takes a number of seeds, as 3, or some, as 4-13; not {text!r}.")
    chosen: list[int] = []
    for part in () if text.isdecimal() else text.split(","):
        found = _RANGE.fullmatch(part.strip())
        if found is None:
            raise wrong
        first, last = int(found[1]), int(found[2] or found[1])
        if not first <= last < first + MOST_SEEDS or last > _LARGEST:
            raise wrong
        chosen += range(first, last + 1)
    if not chosen or len(set(chosen)) != len(chosen):
        raise wrong
    return tuple(chosen)
