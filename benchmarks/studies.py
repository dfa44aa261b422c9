"""Trainings that share a process and a store, against trainings that share nothing."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.harness import Table
from tflottery import config
from tflottery.data import sources
from tflottery.findings import Study
from tflottery.runs import realise as realising
from tflottery.runs.realise import Realiser, Silent
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.runs.store import Store
from tflottery.training.callbacks import Logs


class _FirstStep(Silent):
    """Notes how long a run takes to its first step."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._began: float | None = None

    def run_begun(self, spec: RunSpec) -> None:
        self._began = time.perf_counter()

    def step_ended(self, spec: RunSpec, step: int, steps: int, logs: Logs) -> None:
        if self._began is not None:
            self.seconds.append(time.perf_counter() - self._began)
            self._began = None


def run() -> list[Table]:
    """The toy study of one seed with the store, and cell by cell without it."""
    chosen = config.load("study_toy", {})
    recipe = dataclasses.replace(chosen.recipe, data=sources.identify(chosen.data))
    study = Study(chosen, recipe, (1,))
    cells = [cell.spec for cell in study.cells(1)]
    shared = ancestry(cells)
    alone = [ancestry([spec]) for spec in cells]

    first = _FirstStep()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        realise = Realiser(Store(Path(folder) / "runs"), shared, first)
        for spec in cells:
            realise(spec)
    together = time.perf_counter() - began

    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "runs")
        for spec in cells:
            # As a script would that trains what a cell needs: a new model for each training, and
            # every cell from its dense network on. Its data it would encode once.
            realise = Realiser(store, [spec])
            for one in ancestry([spec]):
                realising.forget()
                realise(one)
            for path in list(store.root.glob("*/run.json")):
                shutil.rmtree(path.parent)
    apart = time.perf_counter() - began
    return [
        Table(
            title="A study against a script",
            about=f"The {len(cells)} cells of `study_toy`, one seed: through the store, and by a "
            "plain loop that trains each cell from its dense network on, with a new model for each "
            "training.",
            columns=("", "trainings", "seconds", "times as fast"),
            rows=(
                ("plain loop", str(sum(map(len, alone))), f"{apart:.0f}", "1"),
                ("study", str(len(shared)), f"{together:.0f}", f"{apart / together:.1f}"),
            ),
        ),
        Table(
            title="The first step of a training",
            about="From the beginning of a run, its data and its model to the end of its first "
            "step.",
            columns=("", "seconds"),
            rows=(
                ("the first training of a process", f"{first.seconds[0]:.2f}"),
                ("the second", f"{first.seconds[1]:.2f}"),
                (
                    f"median of the {len(first.seconds) - 1} after the first",
                    f"{median(first.seconds[1:]):.2f}",
                ),
            ),
        ),
    ]
