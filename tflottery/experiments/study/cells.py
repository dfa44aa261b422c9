"""The rows of a study, grouped: a cell is an arm at a level, over its seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import pandas as pd

from tflottery import statistics
from tflottery.experiments import names
from tflottery.experiments.study.results import DONE, FAILED, StudyTables
from tflottery.report.numbers import pruned
from tflottery.statistics import Difference, Summary, Verdict

BySeed = dict[int, float]
_DIGITS = 6


@dataclass(frozen=True)
class Arm:
    """What is trained, whatever its sparsity."""

    part: str
    method: str
    mask: str
    init: str

    @property
    def label(self) -> str:
        """Its name on a curve, without its method."""
        if self.part in ("grid", "rewind"):
            return names.init(self.init)
        return names.arm(self.method, self.mask, self.init, self.part)

    @property
    def inits(self) -> tuple[str, ...]:
        """The names that its initialisation goes by: with one-shot pruning ``reinit`` and
        ``random`` are the same network."""
        if self.method == "one_shot" and self.init in ("reinit", "random"):
            return (self.init, "random" if self.init == "reinit" else "reinit")
        return (self.init,)

    @property
    def in_words(self) -> str:
        """Its name within a sentence."""
        if self.is_dense:
            return "best dense" if self.part == "again" else "dense"
        if self.criterion:
            return f"{self.label}, {names.method(self.method)}"
        return f"{self.method.replace('_', '-')} {self.label}"

    @property
    def criterion(self) -> str:
        """In a comparison of criteria the one that drew its mask; else empty."""
        return self.mask.partition(":")[0] if self.part == "criterion" else ""

    @property
    def check(self) -> str:
        """In a comparison of criteria what its ticket differs in: ``shuffled``, ``shuffled_words``,
        ``inverted``, ``reinit``, or ``longer``; empty for the ticket itself."""
        if not self.criterion or (self.mask == self.criterion and self.init == "original"):
            return ""
        if "+" in self.init:
            return "longer"
        return self.mask.partition(":")[2] or self.init

    @property
    def is_dense(self) -> bool:
        return self.method == "dense"

    @property
    def has_level(self) -> bool:
        """Whether it differs by level; of dense networks those that some control fits to one, and
        the best of as many as a ticket took."""
        return not self.is_dense or self.part in ("control", "again")

    def is_pair(self, other: Arm) -> bool:
        """Whether both share each seed's initial weights or mask. Dense networks are taken as
        groups: seeds that they have in common with tickets hardly make them alike."""
        return not (self.is_dense or other.is_dense)

    @property
    def order(self) -> tuple[object, ...]:
        return (
            names.part_order(self.part),
            names.method_order(self.method),
            names.init_order(self.init),
            self.mask,
        )


DENSE = Arm("dense", "dense", "dense", "fresh")
OFTEN_VALIDATED = Arm("convergence", "dense", "dense", "fresh")
"""The dense network whose last validation accuracy others are to reach."""


@dataclass(frozen=True)
class Cell:
    """An arm at a level. Accuracies are test accuracies in points.

    ``sparsity`` is of all prunable weights, ``non_embedding`` of those outside the embedding. Both
    are means over seeds, whose masks differ by a weight or two. ``failures`` are (seed, reason).
    ``adjusted`` is Holm's p over the cells of the same part. ``collapsed`` counts the seeds whose
    network has a layer or tensor without a weight left, ``alike`` those whose network gives every
    validation text the same scores.
    """

    arm: Arm
    level: float
    accuracy: Summary | None
    difference: Difference | None
    adjusted: float | None
    verdict: Verdict
    failures: tuple[tuple[int, str], ...]
    sparsity: float | None
    non_embedding: float | None
    remaining: float | None
    collapsed: int = 0
    alike: int = 0


class Results:
    """A study's cells, with the numbers behind each."""

    def __init__(self, study: StudyTables) -> None:
        self.study = study
        self._finished = study.cells[study.cells["state"] == DONE]
        self.dense_by_seed = self.points("test_accuracy", DENSE)
        self.dense = statistics.summarise(list(self.dense_by_seed.values()))
        self.cells = self._gather()

    @property
    def finished(self) -> int:
        """How many rows have a result."""
        return len(self._finished)

    def when(self, moment: str) -> float:
        """A moment of the dense training in optimizer steps, to sort by."""
        known = self._finished["steps_per_epoch"].dropna()
        return names.moment_order(moment, float(known.max()) if len(known) else 1.0)

    def rows(self, arm: Arm, level: float | None = None) -> pd.DataFrame:
        """The finished rows of an arm, at one level or at all."""
        frame = self._finished
        if arm.part == "dense":
            return frame[frame["part"] == "dense"]
        chosen = (
            (frame["part"] == arm.part)
            & (frame["method"] == arm.method)
            & (frame["mask"] == arm.mask)
            & (frame["init"] == arm.init)
        )
        if level is not None:
            chosen &= frame["level"] == level
        return frame[chosen]

    def values(self, column: str, arm: Arm, level: float | None = None) -> BySeed:
        """A column of an arm's rows by seed; rows without a value are left out."""
        rows = self.rows(arm, level)
        pairs = zip(rows["seed"], rows[column], strict=True)
        return {int(seed): float(value) for seed, value in pairs if not pd.isna(value)}

    def steps_to_dense(self, arm: Arm, level: float | None = None) -> BySeed:
        """Optimizer steps by seed until dense's last validation accuracy less half a point. A
        training that never got there counts with all its steps: to leave it out would favour the
        slow."""
        rows = self.rows(arm, level)
        # Where the seed's dense network failed, nobody knows where "there" is.
        has_goal = rows["seed"].isin(self.values("steps_to_dense", OFTEN_VALIDATED))
        rows = rows[has_goal]
        counted = rows["steps_to_dense"].fillna(rows["epochs"] * rows["steps_per_epoch"])
        pairs = zip(rows["seed"], counted, strict=True)
        return {int(seed): float(steps) for seed, steps in pairs if not pd.isna(steps)}

    def points(self, column: str, arm: Arm, level: float | None = None) -> BySeed:
        """The same for an accuracy, in points."""
        return {seed: 100 * value for seed, value in self.values(column, arm, level).items()}

    def accuracies(self, method: str, init: str, level: float) -> BySeed:
        """Test accuracy by seed of a ticket of the grid, or of the rewind sweep where the grid
        does not hold that cell. One-shot, ``reinit`` and ``random`` are the same."""
        same = {"reinit": ("reinit", "random"), "random": ("random", "reinit")}
        names_of_it = same.get(init, (init,)) if method == "one_shot" else (init,)
        for part in ("grid", "rewind"):
            for name in names_of_it:
                found = self.points("test_accuracy", Arm(part, method, "magnitude", name), level)
                if found:
                    return found
        return {}

    def arms(self, *parts: str) -> list[Arm]:
        """The arms of these parts that have a cell, in their order."""
        found = {cell.arm for cell in self.cells if cell.arm.part in parts}
        return sorted(found, key=lambda arm: arm.order)

    def methods(self, *parts: str) -> list[str]:
        found = {arm.method for arm in self.arms(*parts)}
        return sorted(found, key=names.method_order)

    def levels(self, *parts: str) -> list[float]:
        return sorted({cell.level for cell in self.cells if cell.arm.part in parts})

    def of(self, *parts: str) -> list[Cell]:
        """The cells of these parts, by level and then by arm."""
        chosen = [cell for cell in self.cells if cell.arm.part in parts]
        return sorted(chosen, key=lambda cell: (cell.level, cell.arm.order))

    def curve(self, arm: Arm) -> list[Cell]:
        """An arm's cells with a result, the least sparse first."""
        chosen = [cell for cell in self.cells if cell.arm == arm and cell.accuracy is not None]
        return sorted(chosen, key=lambda cell: cell.level)

    def failures(self) -> list[tuple[str, int, str]]:
        """What failed: the cell in words, the seed, the reason."""
        return [
            (describe(cell), seed, reason) for cell in self.cells for seed, reason in cell.failures
        ]

    def _gather(self) -> list[Cell]:
        keys = ["part", "method", "mask", "init", "level"]
        # Dense networks that were trained again are no arm by themselves: one takes the best of k.
        single = self.study.cells[self.study.cells["repeat"] == 0]
        cells = [
            self._cell(Arm(*map(str, key[:4])), float(str(key[4])), rows)
            for key, rows in single.groupby(keys, sort=True)
        ]
        adjusted: list[Cell] = []
        for part in sorted({cell.arm.part for cell in cells}, key=names.part_order):
            family = [cell for cell in cells if cell.arm.part == part]
            ps = [cell.difference.p if cell.difference else None for cell in family]
            adjusted += [
                replace(cell, adjusted=p)
                for cell, p in zip(family, statistics.holm(ps), strict=True)
            ]
        return sorted(adjusted, key=lambda cell: (cell.arm.order, cell.level))

    def _cell(self, arm: Arm, level: float, rows: pd.DataFrame) -> Cell:
        accuracies = self.points("test_accuracy", arm, level)
        is_dense = arm.part == "dense"
        difference = None if is_dense else statistics.compare(accuracies, self.dense_by_seed)
        failed = rows[rows["state"] == FAILED].sort_values("seed")
        return Cell(
            arm=arm,
            level=level,
            accuracy=statistics.summarise(list(accuracies.values())),
            difference=difference,
            adjusted=None,
            verdict=statistics.judge(difference, self.dense, self.study.tolerance),
            failures=tuple(
                (int(seed), " ".join(reason.split()) or "no reason was recorded")
                for seed, reason in zip(failed["seed"], failed["reason"], strict=True)
            ),
            sparsity=_mean(rows["sparsity"]),
            non_embedding=_mean(rows["sparsity_without_embedding"]),
            remaining=_mean(rows["remaining"]),
            collapsed=int((rows["collapsed"].fillna(0) > 0).sum()),
            alike=int((rows["alike"].fillna(0) > 0).sum()),
        )


def describe(cell: Cell) -> str:
    """A cell in words: ``iterative, original, 83.2 % pruned``."""
    if cell.arm.part == "dense":
        return "dense"
    words = [names.method(cell.arm.method)]
    if cell.arm.label != words[0]:
        words.append(cell.arm.label)
    return f"{', '.join(words)}, {pruned(cell.level)}"


def average(parts: Iterable[BySeed]) -> BySeed:
    """The mean of several differences, seed by seed, over the seeds that all of them have."""
    known = list(parts)
    common = set.intersection(*(set(part) for part in known)) if known else set()
    return {seed: sum(part[seed] for part in known) / len(known) for seed in sorted(common)}


def minus(one: BySeed, other: BySeed) -> BySeed:
    """Differences over the seeds that both have."""
    return {seed: one[seed] - other[seed] for seed in sorted(set(one) & set(other))}


def sparsest(cells: Iterable[Cell], holds: Callable[[Cell], bool | None]) -> Cell | None:
    """The cell with the highest level for which ``holds``."""
    return max((cell for cell in cells if holds(cell)), key=lambda cell: cell.level, default=None)


def _mean(column: pd.Series) -> float | None:
    known = column.dropna()
    return None if known.empty else round(float(known.mean()), _DIGITS)
