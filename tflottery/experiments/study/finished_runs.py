"""The runs of a study that finished, by what they are in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tflottery.experiments.study.arms import Cell
from tflottery.experiments.study.design import Study
from tflottery.runs.realise import Realiser
from tflottery.runs.run import Run
from tflottery.runs.specs import RunSpec


class FinishedRuns:
    """A study with its finished runs, of which the tables are read.

    Args:
        study: what was asked.
        realise: gives the finished runs.
        failures: reasons by key of runs that failed.
    """

    def __init__(self, study: Study, realise: Realiser, failures: Mapping[str, str]) -> None:
        self.study = study
        self.realise = realise
        self.failures = failures

    def run(self, cell: Cell) -> Run | None:
        """The cell's run, unless it failed."""
        return None if cell.spec.key in self.failures else self.realise(cell.spec)

    def dense(self) -> list[RunSpec]:
        """The dense networks that finished, one a seed."""
        specs = [self.study.cells(seed)[0].spec for seed in self.study.all_seeds]
        return [spec for spec in specs if spec.key not in self.failures]

    def all(self) -> Iterable[tuple[Cell, Run | None]]:
        """Every cell with its run, unless that failed."""
        for seed in self.study.all_seeds:
            for cell in self.study.cells(seed):
                yield cell, self.run(cell)
