"""Trainings that share a process and a store, against trainings that share nothing."""

from __future__ import annotations

import dataclasses
import itertools
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median

from benchmarks.harness import Options, Table
from benchmarks.ours import (
    Arrays,
    Corpus,
    Logs,
    Masks,
    Realiser,
    Roles,
    Run,
    RunSpec,
    Silent,
    Store,
    Study,
    Trained,
    Trainer,
    ancestry,
    configuration,
    load_corpus,
    snapshots_wanted,
    sources,
)
from benchmarks.watch import Watch

# One kind of piece: for an estimate, a script's training takes as long as one of the study.
_TRAINING = "training"

Piece = AbstractContextManager[None]


class _FirstStep(Silent):
    """Notes how long a run takes to its first step, and says which run it is."""

    def __init__(self, watch: Watch, runs: int) -> None:
        self.seconds: list[float] = []
        self._began: float | None = None
        self._watch = watch
        self._runs = runs
        self._count = 0

    def run_begun(self, spec: RunSpec) -> None:
        self._count += 1
        self._watch.begin(_TRAINING, f"through the store, training {self._count} of {self._runs}")
        self._began = time.perf_counter()

    def run_ended(self, spec: RunSpec, run: Run) -> None:
        self._watch.end()

    def step_ended(self, spec: RunSpec, step: int, steps: int, logs: Logs) -> None:
        if self._began is not None:
            self.seconds.append(time.perf_counter() - self._began)
            self._began = None


class _Script:
    """What a script does that trains a cell from its dense network on: a new model for each
    training, everything in memory, nothing kept for the next cell."""

    def __init__(self, corpus: Corpus, piece: Callable[[], Piece]) -> None:
        self._corpus = corpus
        self._piece = piece
        self._trained: dict[str, Trained] = {}
        self._trainer: Trainer | None = None

    def train(self, cell: RunSpec) -> None:
        wanted = snapshots_wanted([cell])
        for spec in ancestry([cell]):
            with self._piece():
                self._train(spec, sorted(wanted.get(spec.key, ())))

    def _train(self, spec: RunSpec, kept: list[str]) -> None:
        training = spec.recipe.training
        per_epoch = self._corpus.train.steps_per_epoch(training.batch_size)
        self._trainer = Trainer(
            spec.recipe.model,
            len(self._corpus.vocabulary),
            len(self._corpus.classes),
            training,
            spec.mask.gradual(training.epochs * per_epoch, spec.recipe.model.roles()),
        )
        self._trained[spec.key] = self._trainer.train(
            self._corpus,
            spec.mask.make(self),
            spec.init.make(self),
            training,
            spec.seeds,
            kept,
        )

    @property
    def prunable(self) -> dict[str, tuple[int, ...]]:
        assert self._trainer is not None
        return self._trainer.prunable

    @property
    def roles(self) -> Roles:
        assert self._trainer is not None
        return self._trainer.roles

    def masks(self, run: RunSpec) -> Masks:
        return self._trained[run.key].masks

    def snapshot(self, run: RunSpec, step: str) -> Arrays:
        return self._trained[run.key].snapshots[step]

    def fresh_weights(self, seed: int) -> Arrays:
        assert self._trainer is not None
        return self._trainer.fresh_weights(seed)


def run(_: Options, watch: Watch) -> list[Table]:
    """The toy study of one seed with the store, and cell by cell without it; once, in full."""
    watch.at("planning the toy study")
    chosen = configuration("study_toy", {})
    recipe = dataclasses.replace(chosen.recipe, data=sources.identify(chosen.data))
    study = Study(chosen.name, recipe, chosen.pruning, chosen.study, (1,))
    cells = [cell.spec for cell in study.cells(1)]
    shared = ancestry(cells)
    alone = [ancestry([spec]) for spec in cells]

    by_script = sum(map(len, alone))
    watch.expect({_TRAINING: len(shared) + by_script})

    first = _FirstStep(watch, len(shared))
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        realise = Realiser(Store(Path(folder) / "runs"), shared, first)
        for spec in cells:
            realise(spec)
    together = time.perf_counter() - began

    numbers = itertools.count(1)

    def piece() -> Piece:
        return watch.piece(_TRAINING, f"one by one, training {next(numbers)} of {by_script}")

    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        corpus = load_corpus(recipe.data, Store(Path(folder) / "runs"))
        for spec in cells:
            _Script(corpus, piece).train(spec)
    apart = time.perf_counter() - began
    return [
        Table(
            title="A study against a script",
            about=f"The {len(cells)} cells of `study_toy`, one seed: through the store, and by a "
            "plain loop that trains each cell from its dense network on, in memory, with a new "
            "model for each training. Once each, one after the other.",
            columns=("", "trainings", "seconds", "times as fast"),
            rows=(
                ("plain loop", str(by_script), f"{apart:.0f}", "1"),
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
