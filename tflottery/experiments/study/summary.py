"""What a report says of a study beside its answers: when masks settled, and what it took."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tflottery.experiments.study.cells import Results
from tflottery.experiments.study.results import StudyTables
from tflottery.report.numbers import from_to

EARLY_BIRD_DISTANCE = 0.1


@dataclass(frozen=True)
class Spent:
    """How many networks a study trained, and how many seconds that took in all."""

    trainings: int
    seconds: float


def spent(study: StudyTables) -> Spent:
    timings = study.timings.drop_duplicates("key")
    return Spent(len(timings), float(timings["seconds"].sum()))


@dataclass(frozen=True)
class Settled:
    """When the masks of some levels had settled: an epoch for each seed.

    ``last`` is the last epoch that was compared, ``early`` how many seeds settled before it, and
    ``saved`` what a training up to there would save of the dense one, in %.
    """

    levels: tuple[float, ...]
    epochs: tuple[float, ...]
    last: float
    early: int
    saved: int

    @property
    def says(self) -> tuple[object, ...]:
        """All that a report says of it but the levels."""
        return (
            (from_to(self.epochs), self.early, len(self.epochs), self.saved) if self.early else ()
        )


def settled(results: Results) -> list[Settled]:
    """When the masks of each level had settled. Levels with the same answer are one entry.

    A mask has settled when every later one lies within 0.1 of it (You et al. 2020, with distances
    as fractions of the distance by chance).
    """
    frame = results.study.early_bird
    if frame is None or frame.empty:
        return []
    last = float(max(frame["epoch_one"].max(), frame["epoch_other"].max()))
    found: dict[tuple[object, ...], Settled] = {}
    for level, rows in frame.groupby("level"):
        epochs = tuple(_settled(of_seed, last) for _, of_seed in rows.groupby("seed"))
        saved = round(100 * (1 - sum(epochs) / len(epochs) / last))
        early = sum(epoch < last for epoch in epochs)
        one = Settled((float(str(level)),), epochs, last, early, saved)
        levels = found[one.says].levels if one.says in found else ()
        found[one.says] = Settled((*levels, *one.levels), epochs, last, early, saved)
    return list(found.values())


def _settled(rows: pd.DataFrame, last: float) -> float:
    """The first epoch (a fraction within one) whose distance to every later one is small enough;
    ``last`` if none is."""
    one, other = rows["epoch_one"], rows["epoch_other"]
    pairs = pd.DataFrame(
        {
            "first": pd.concat([one, other], axis=1).min(axis=1),
            "near": rows["relative"] <= EARLY_BIRD_DISTANCE,
        }
    )[one != other]
    near = pairs.groupby("first")["near"].all()
    return float(min(near[near].index, default=last))
