"""Turning specs into finished runs: nothing else in tflottery trains a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from tflottery import arithmetic, memory, startup, steps
from tflottery.errors import TrainingError
from tflottery.files import Arrays
from tflottery.pruning.context import Computed
from tflottery.runs.encoded import load_corpus
from tflottery.runs.observer import Observer, Silent
from tflottery.runs.predictions import SPLITS, Predictions
from tflottery.runs.run import Run
from tflottery.runs.specs import Dense, RunSpec, snapshots_wanted
from tflottery.runs.store import Store
from tflottery.training.listener import Logs

# Every dense run keeps these, because studies rewind to them.
_KEPT_OF_DENSE = frozenset({steps.BEGINNING, "1ep"})
_OUT_OF_MEMORY = "out of memory; choose smaller sizes (--set model.…) or lower training.batch_size"


@dataclass(frozen=True)
class _Following:
    """A ``Listener`` that passes the events of one run's training to an observer."""

    observer: Observer
    spec: RunSpec

    def step_ended(self, step: int, steps: int, logs: Logs) -> None:
        self.observer.step_ended(self.spec, step, steps, logs)

    def validated(self, epoch: float, epochs: int, logs: Logs) -> None:
        self.observer.validated(self.spec, epoch, epochs, logs)

    def testing(self) -> None:
        self.observer.testing(self.spec)


class Realiser:
    """Returns the finished run of a spec: from the store, or by training it and its parents.

    Args:
        store: where runs are kept.
        plan: the specs that may be asked for. A run keeps every snapshot that one of them needs,
            so that it need not be trained again for it.
        observer: follows what happens.
    """

    def __init__(
        self, store: Store, plan: Iterable[RunSpec], observer: Observer | None = None
    ) -> None:
        self.store = store
        self.observer: Observer = observer or Silent()
        self._wanted = snapshots_wanted(plan)
        self._failed: dict[str, str] = {}
        self._predicted: dict[str, dict[str, Predictions]] = {}

    def __call__(self, spec: RunSpec) -> Run:
        """The finished run.

        Raises:
            UserError: a run in the store is damaged, or a snapshot lies beyond the last epoch.
            TrainingError: a training failed.
        """
        wanted = self.wants(spec)
        run = self._found(spec, wanted)
        if run is not None:
            self.observer.run_found(spec, run)
            return run
        for parent, _ in spec.needs():
            self(parent)
        if spec.key in self._failed:
            raise TrainingError(self._failed[spec.key])
        with self.store.lock(spec.key):
            # Another process may have trained the run while this one waited.
            run = self._found(spec, wanted)
            try:
                with memory.told(_OUT_OF_MEMORY, TrainingError):
                    return run or self.train(spec, wanted)
            except TrainingError as error:
                self.fail(spec, str(error))
                raise

    def initial_weights(self, spec: RunSpec) -> Arrays:
        """The weights that the run started from, before the mask: float32 arrays by tensor.

        Raises: as for the run itself.
        """
        self(spec)
        startup.start_tensorflow()
        from tflottery.runs.trainers import StoredAncestors, trainer_for

        corpus = load_corpus(spec.recipe.data, self.store)
        trainer = trainer_for(spec, corpus)
        return spec.init.make(StoredAncestors(self.store, trainer, corpus))

    def evaluate(self, spec: RunSpec, weights: Arrays) -> dict[str, float]:
        """``loss`` and ``accuracy`` (a fraction) on validation data of other weights under a run's
        mask.

        Args:
            spec: the run whose mask is applied; it is realised first.
            weights: float32 arrays by tensor.
        """
        startup.start_tensorflow()
        from tflottery.runs.trainers import trainer_for

        corpus = load_corpus(spec.recipe.data, self.store)
        return trainer_for(spec, corpus).evaluate(corpus.validation, self(spec).masks(), weights)

    def computed(self, spec: RunSpec) -> Computed:
        """Gradients and activations of a run's network on the run's training data."""
        startup.start_tensorflow()
        from tflottery.runs.trainers import StoredAncestors, trainer_for

        corpus = load_corpus(spec.recipe.data, self.store)
        return StoredAncestors(self.store, trainer_for(spec, corpus), corpus).computed(spec)

    def predictions(self, spec: RunSpec) -> dict[str, Predictions]:
        """What a run's weights say of the texts of ``validation`` and ``test``.

        A run that was made before they were kept is evaluated now, and keeps them where its store
        can be written.

        Args:
            spec: the run, which is realised first.

        Raises: as for the run itself.
        """
        run = self(spec)
        kept = self._predicted.get(run.key) or run.predictions()
        if kept is not None:
            return kept
        startup.start_tensorflow()
        from tflottery.runs.trainers import trainer_for

        corpus = load_corpus(spec.recipe.data, self.store)
        trainer = trainer_for(spec, corpus)
        masks, weights = run.masks(), run.snapshot(steps.END)
        splits = {split: getattr(corpus, split) for split in SPLITS}
        logits = {split: trainer.predict(part, masks, weights) for split, part in splits.items()}
        labels = {split: part.labels for split, part in splits.items()}
        said = {split: Predictions(labels[split], logits[split]) for split in SPLITS}
        try:
            self.store.add_predictions(spec.key, logits, labels)
        except OSError:  # the store cannot be written
            self._predicted[run.key] = said
        return said

    def is_done(self, spec: RunSpec) -> bool:
        """Whether the store holds the run, with every snapshot that the plan needs."""
        return self._found(spec, self.wants(spec)) is not None

    def missing(self, specs: Iterable[RunSpec]) -> list[RunSpec]:
        """The runs that must be trained for the specs: each once, parents before children. The
        observer gets a ``run_found`` for each run that the store holds.

        Raises:
            UserError: a run in the store is damaged.
        """
        seen: set[str] = set()
        ordered: list[RunSpec] = []

        def visit(spec: RunSpec) -> None:
            if spec.key in seen:
                return
            seen.add(spec.key)
            if run := self._found(spec, self.wants(spec)):
                self.observer.run_found(spec, run)
                return
            for parent, _ in spec.needs():
                visit(parent)
            ordered.append(spec)

        specs = list(specs)
        # Register all wanted snapshots first: one spec may need a snapshot of another.
        for spec in specs:
            self.wants(spec)
        for spec in specs:
            visit(spec)
        return ordered

    def fail(self, spec: RunSpec, reason: str) -> None:
        """Records why a training failed; the run and its descendants are not tried again."""
        self._failed[spec.key] = reason
        self.observer.run_stopped(spec, reason)

    def keep(self, spec: RunSpec, snapshots: Collection[str]) -> None:
        """Makes the run keep these snapshots beside those that the plan needs."""
        self.wants(spec).update(snapshots)

    def wants(self, spec: RunSpec) -> set[str]:
        """The snapshots that the run must keep."""
        if spec.key not in self._wanted:
            for key, snapshots in snapshots_wanted([spec]).items():
                self._wanted.setdefault(key, set()).update(snapshots)
        return self._wanted[spec.key]

    def _found(self, spec: RunSpec, wanted: set[str]) -> Run | None:
        run = self.store.find(spec.key)
        return run if run is not None and wanted <= set(run.snapshots) else None

    def train(self, spec: RunSpec, wanted: set[str]) -> Run:
        """Trains one run and writes it to the store; its parents are finished, its lock is held.

        Args:
            spec: what to train.
            wanted: the snapshots to keep, besides those that the store holds of this run.

        Raises:
            UserError: a snapshot lies beyond the last epoch.
            TrainingError: the training failed, or ended with other weights than before.
        """
        # TensorFlow is imported only here: a store that holds every run needs none.
        startup.start_tensorflow()
        from tflottery.runs.trainers import StoredAncestors, moves_of, trainer_for

        self.observer.run_begun(spec)
        corpus = load_corpus(spec.recipe.data, self.store)
        trainer = trainer_for(spec, corpus)
        earlier = self.store.find(spec.key)
        if earlier is not None:
            wanted = wanted | set(earlier.snapshots)
        if isinstance(spec.mask, Dense):
            wanted = wanted | _KEPT_OF_DENSE
        ancestors = StoredAncestors(self.store, trainer, corpus)
        trained = trainer.train(
            corpus,
            spec.mask.make(ancestors),
            spec.init.make(ancestors),
            spec.recipe.training,
            spec.seeds,
            sorted(wanted),
            _Following(self.observer, spec),
            moves_of(spec, corpus),
        )
        changed = earlier is not None and _ends_otherwise(earlier, trained.snapshots[steps.END])
        run = self.store.write(spec, trained, replaced=earlier if changed else None)
        self.observer.run_ended(spec, run)
        return run


def realise_all(specs: Iterable[RunSpec], realise: Realiser) -> dict[str, str]:
    """Trains the runs that the store lacks, one after the other; returns the reason of each failure
    by key. If a training fails, its descendants fail too; all others go on."""
    failures: dict[str, str] = {}
    for spec in specs:
        try:
            realise(spec)
        except TrainingError as error:
            failures[spec.key] = str(error)
    return failures


def _ends_otherwise(earlier: Run, final: Arrays) -> bool:
    """Whether a run that was trained again, for another snapshot, ended with other weights.

    That is right only if the earlier training used another arithmetic.

    Raises:
        TrainingError: the weights differ, and the arithmetic does not.
    """
    before = earlier.snapshot(steps.END)
    if all(np.array_equal(before[name], final[name]) for name in final):
        return False
    if earlier.arithmetic == arithmetic.current():
        raise TrainingError(
            f"run {earlier.key[:12]} was trained again to keep another snapshot and ended with "
            "other weights (another TensorFlow?); begin with a new --store"
        )
    return True


def mixed_arithmetic(runs: Iterable[Run]) -> str:
    """A warning if runs were made with different processor instructions, oneDNN or threads; empty
    if not. The last digits of such runs differ for reasons that their specs do not name."""
    counts = Counter(str(run.arithmetic or "not recorded") for run in runs)
    if len(counts) < 2:
        return ""
    listed = "; ".join(f"{count} with {made}" for made, count in sorted(counts.items()))
    return (
        f"Mixed arithmetic: {listed}. The same command would end with other last digits on one "
        "machine; give --store a new folder to compare like with like."
    )
