"""What contrasts are judged by: tables of studies, transfers and searches, by where they belong.

Each experiment has a module that reads its tables (``of_studies.py``, ``of_transfers.py``,
``of_rates.py``); whoever judges sees ``Evidence`` alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pandas as pd

from tflottery.experiments.claims.arms import Arm
from tflottery.experiments.claims.contrast import Contrast
from tflottery.experiments.price import Cost
from tflottery.experiments.schema import FAILED
from tflottery.experiments.study.cells import BySeed, average

_LEVEL_DIGITS = 1e-9
# An arm at a level; None where it has none.
Cell = tuple[Arm, float | None]


@dataclass(frozen=True)
class Side:
    """An arm's values by seed, the mean over the contrast's levels, the seeds that failed, and
    those that never reached what steps are counted to."""

    values: BySeed
    failed: frozenset[int] = field(default=frozenset())
    never: frozenset[int] = field(default=frozenset())

    def of(self, seeds: Collection[int]) -> BySeed:
        return {seed: value for seed, value in self.values.items() if seed in seeds}

    def lacks(self, seeds: Collection[int]) -> list[int]:
        """Those that were neither trained nor tried."""
        return [seed for seed in seeds if seed not in self.values and seed not in self.failed]


class Evidence(Protocol):
    """All tables of one place: a study, or a transfer or a search with a study's networks."""

    @property
    def learnt(self) -> Mapping[str, Any] | None:
        """What dense learnt, as ``learnt.what_dense_learnt`` gives it."""

    def side(self, contrast: Contrast, arm: Arm) -> Side:
        """An arm's values for a contrast, in points or steps."""

    def cost(self, cells: Iterable[Cell]) -> Cost | None:
        """What some cells cost for one seed; None where the tables do not tell."""

    def holds(self, tables: object) -> bool:
        """Whether the numbers are of those tables, among others."""


def at_levels(arm: Arm, levels: Iterable[float]) -> list[float | None]:
    """The levels at which an arm is looked at."""
    return list(levels) if arm.has_level else [None]


def mean_of(sides: Iterable[Side]) -> Side:
    """The mean over levels, of the seeds that have them all."""
    found = list(sides)
    return Side(
        average(one.values for one in found),
        frozenset().union(*(one.failed for one in found)),
        frozenset().union(*(one.never for one in found)),
    )


def points(rows: pd.DataFrame) -> Side:
    """Test accuracy in points by seed, one row a seed."""
    is_failed = rows["state"] == FAILED
    done = rows[~is_failed].set_index("seed")["test_accuracy"]
    failed = frozenset(map(int, rows.loc[is_failed, "seed"]))
    return Side({int(str(seed)): 100 * value for seed, value in done.items()}, failed)


def near(column: pd.Series, value: float) -> pd.Series:
    """Whether numbers are a level or a rate, but for its last digits."""
    return (column - value).abs() < _LEVEL_DIGITS
