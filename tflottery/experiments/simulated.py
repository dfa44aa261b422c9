"""What ``PlannedTrainings.simulate`` gives: a plan's time on many workers, and what bounds it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from tflottery.progress.watch import clock
from tflottery.runs.simulation import Timing


class Simulated(pd.DataFrame):
    """How long a plan takes, a row a number of workers: ``workers``, ``seconds``, ``speed_up``
    (times as fast as one), ``busy`` (the fraction of their time in which workers train).

    ``trainings``: how many there are. ``work``: seconds of all of them together. ``recorded``: how
    many of their times the store has; the others are drawn from those. ``chain``: what the runs of
    the longest chain are called, each made from the one before; ``longest``: the seconds that it
    takes, which no number of workers can go below. ``enough``: the fewest workers that end within
    1.05 times that, with their time. A selection of rows or columns is a plain ``DataFrame``.
    """

    _metadata = ["trainings", "work", "recorded", "chain", "longest", "enough"]
    trainings: int
    work: float
    recorded: int
    chain: tuple[str, ...]
    longest: float
    enough: Timing

    @classmethod
    def of(
        cls,
        timings: Sequence[Timing],
        *,
        trainings: int,
        work: float,
        recorded: int,
        chain: tuple[str, ...],
        longest: float,
        enough: Timing,
    ) -> Simulated:
        """The table of timings, with what is said of the class."""
        made = cls(
            {
                "workers": [one.workers for one in timings],
                "seconds": [one.seconds for one in timings],
                "speed_up": [one.speed_up for one in timings],
                "busy": [one.busy for one in timings],
            }
        )
        made.trainings, made.work, made.recorded = trainings, work, recorded
        made.chain, made.longest, made.enough = chain, longest, enough
        return made

    @property
    def sentence(self) -> str:
        """How much there is to train, and where the times are from."""
        return (
            f"{self.trainings} trainings, {clock(self.work)} of work; {self.recorded} times are "
            "recorded, the others drawn from them."
        )

    @property
    def bounds(self) -> tuple[str, str]:
        """Two lines: the longest chain, and from how many workers on more do not help."""
        return (
            f"Longest chain: {clock(self.longest)} in {len(self.chain)} trainings, up to "
            f"{self.chain[-1]}; no number of workers is faster.",
            f"Saturates:     at {self.enough.workers} workers, {self.enough.speed_up:.1f} times as "
            "fast as one; with more it gains less than 5 %.",
        )
