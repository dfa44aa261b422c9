"""What every experiment's call does: say what there is to train, train it, say how that goes on.

A call describes its trainings (``Trainings``), and a ``Driver`` says where and how they run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tflottery import startup
from tflottery.data import findings
from tflottery.data.corpus import folder_of
from tflottery.data.words import vectors
from tflottery.errors import UserError
from tflottery.experiments.inspecting import before_training
from tflottery.files import require_writable
from tflottery.models.brought.registered import Registered
from tflottery.runs.carrying import require_carried
from tflottery.runs.executors import Executor, make_executor, require_reachable
from tflottery.runs.footprint import Encoding, require_memory
from tflottery.runs.identifying import identify_network
from tflottery.runs.realise import Realiser
from tflottery.runs.resources import LOCAL, RAY, Resources
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.runs.store import Store
from tflottery.runs.vectors import begins_with_vectors, identify_vectors, keep_vectors
from tflottery.settings import argument, count
from tflottery.tickets.applicable import require_steps_reached, require_within_reach

if TYPE_CHECKING:
    import pandas as pd

    from tflottery.data.findings import Findings
    from tflottery.data.look.inspection import Inspection
    from tflottery.experiments.simulated import Simulated
    from tflottery.progress.reporter import Reporter, View
    from tflottery.runs.observer import Observer
    from tflottery.runs.recipes import Recipe

Label = Callable[[RunSpec], str]


@dataclass(frozen=True)
class Trainings:
    """The trainings of an experiment.

    ``asked``: the runs that something is read from. ``label``: what a run is called. ``wanted``:
    runs, trained or not, whose snapshots have to be kept.
    """

    asked: Sequence[RunSpec]
    label: Label
    wanted: Sequence[RunSpec] = ()

    @cached_property
    def all(self) -> list[RunSpec]:
        """The runs and all their ancestors, parents before children."""
        return ancestry(self.asked)


@dataclass(frozen=True)
class PlannedTrainings:
    """What a call would train: ``sentence`` says how much of it is done, and about how long the
    rest takes."""

    trainings: Trainings
    store: Store
    sentence: str

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row a run: ``network``, ``done`` (bool: in the store), ``run_key``."""
        import pandas as pd

        realise = Realiser(self.store, self.trainings.wanted)
        rows = [
            {"network": self.trainings.label(spec), "done": realise.is_done(spec), "run_key": key}
            for key, spec in ((spec.key, spec) for spec in self.trainings.all)
        ]
        return pd.DataFrame(rows, columns=["network", "done", "run_key"])

    def simulate(self, workers: Iterable[int]) -> Simulated:
        """How long the trainings would take on many workers, from the times of those that are done.

        Args:
            workers: numbers of workers, from 1 on.

        Returns:
            A table with a row a number, and what bounds it (``Simulated``).

        Raises:
            UserError: a number is below 1, or none, or there is no number; or the store tells no
                times.
        """
        from tflottery.experiments.simulated import Simulated
        from tflottery.runs.simulation import Simulation, recorded_seconds

        numbers = _numbers_of_workers(workers)
        runs = self.trainings.all
        seconds, recorded = recorded_seconds(runs, self.store)
        plan = Simulation(runs, seconds)
        return Simulated.of(
            [plan.on(number) for number in numbers],
            trainings=len(plan.runs),
            work=plan.work,
            recorded=recorded,
            chain=tuple(map(self.trainings.label, plan.longest_chain())),
            longest=plan.longest(),
            enough=plan.saturation(),
        )

    def __repr__(self) -> str:
        return f"<PlannedTrainings: {self.sentence}>"


def _require_within_reach(recipe: Recipe, specs: Iterable[RunSpec], seen: Findings) -> None:
    of_these = [spec for spec in specs if spec.recipe.data == recipe.data]
    require_within_reach(of_these, seen.vocabulary, len(seen.classes))
    require_steps_reached(of_these, seen.splits["train"].texts)


def _numbers_of_workers(workers: Iterable[int]) -> tuple[int, ...]:
    try:
        numbers: tuple[int, ...] = argument("workers", [*workers], tuple[int, ...])
    except TypeError:  # nothing that can be gone through
        numbers = ()
    if not numbers or min(numbers) < 1:
        raise UserError(f"--simulate takes numbers of workers, as 1,10,100; not {workers!r}.")
    return numbers


class Driver:
    """Where and how trainings run, by the keywords that every experiment's call takes.

    Args:
        store: where they are kept.
        executor: ``local``, ``processes`` or ``ray``; empty for ``local``, or ``processes`` where
            ``workers`` is given.
        workers: trainings at a time.
        threads: of each training; equal bits need equal numbers.
        address: of the Ray cluster.
        tensorboard: a folder for TensorBoard's logs; empty for none.
        progress: whether to say how it goes on, or where.

    Raises:
        UserError: one of them cannot be, or does not go with another.
    """

    def __init__(
        self,
        store: str | Path | Store,
        executor: str,
        workers: int | None,
        threads: int | None,
        address: str,
        tensorboard: str | Path,
        progress: bool | Reporter,
    ) -> None:
        workers, threads = count("workers", workers), count("threads", threads)
        self.resources = Resources.shared(executor, workers, threads, address)
        self.execute: Executor = make_executor(self.resources)
        self.store = Store.of(store)
        self._tensorboard = str(tensorboard)
        self._progress = progress

    @cached_property
    def reporter(self) -> Reporter:
        """Where to say what happens."""
        # Here, since a user's mistake need not wait for it.
        from tflottery.progress.reporter import Reporter

        return Reporter.of(self._progress)

    def require_carried(self, specs: Iterable[RunSpec]) -> None:
        """Makes sure, where workers train, that they can know what these runs use.

        Raises:
            UserError: something was registered where no worker finds it.
        """
        if self.resources.executor != LOCAL:
            require_carried(specs)

    def planned(self, trainings: Trainings, before: str = "") -> PlannedTrainings:
        """What there is to train; ``before`` is said first."""
        from tflottery.progress.times import plan_in_words

        realise = Realiser(self.store, trainings.wanted)
        words = plan_in_words(trainings.all, realise, self.resources)
        return PlannedTrainings(trainings, self.store, " ".join(filter(None, (before, words))))

    def prepare(self) -> None:
        """Makes sure that trainings can begin, as the last check before TensorFlow is imported.

        Raises:
            UserError: TensorFlow runs with other threads, or the store cannot be written.
        """
        # Now: a call that trains nothing leaves the process as it was.
        startup.use_threads(self.resources.threads, here=self.resources.executor == LOCAL)
        require_writable(self.store.root, "--store")

    def identify(self, recipe: Recipe, classes: int, *, dry_run: bool = False) -> Recipe:
        """The recipe with what its network builds, where somebody registered that, and with the
        hash of the vectors that its words begin with, where there are some.

        Args:
            recipe: with the data's fingerprint.
            classes: of the data.
            dry_run: whether nothing will be trained in this process.

        Raises:
            UserError: the network cannot be built or trained, or its vectors cannot be used; this
                machine's memory cannot hold it; or as ``prepare``.
        """
        kept = findings.kept_in(folder_of(recipe.data, self.store.data_place))
        self._require_memory(recipe, classes, kept)
        # Before TensorFlow is imported, as networks of others do, and some readers of texts.
        imports = isinstance(recipe.model, Registered) or begins_with_vectors(recipe.model)
        if imports and not dry_run:
            self.prepare()
        return identify_network(identify_vectors(recipe, self.store), classes)

    def _require_memory(self, recipe: Recipe, classes: int, seen: Findings | None) -> None:
        if self.resources.executor != RAY:  # whose machines are others
            require_memory(recipe, classes, *([Encoding.found(seen)] if seen else []))

    def require_within_reach(self, recipe: Recipe, specs: Iterable[RunSpec]) -> None:
        """Makes sure, where the data were encoded before, that masks can reach their sparsities.

        Args:
            recipe: of which data.
            specs: networks; those of other data are left out.

        Raises:
            UserError: one cannot, since scope or rates keep more than that.
        """
        kept = findings.kept_in(folder_of(recipe.data, self.store.data_place))
        if kept is not None:
            _require_within_reach(recipe, specs, kept)

    def look(self, recipe: Recipe, specs: Iterable[RunSpec] = ()) -> Inspection:
        """Says what the data are like, before the first training; encodes them where they are not,
        and keeps the vectors of their words where the network begins with some.

        Args:
            recipe: of which data.
            specs: networks whose masks have to reach their sparsities with these data.

        Raises:
            UserError: as ``prepare``, a cluster does not answer, the data cannot be read, no word
                of theirs has a vector, this machine's memory cannot hold the network, or as
                ``require_within_reach``.
        """
        self.prepare()
        require_reachable(self.execute)
        seen = before_training(recipe.data, self.store, self.reporter)
        self._require_memory(recipe, len(seen.findings.classes), seen.findings)
        _require_within_reach(recipe, specs, seen.findings)
        for line in keep_vectors(recipe, self.store):
            self.reporter.say(line)
        return seen

    def watch(
        self, label: Label, total: int, *, may_end_early: bool = False
    ) -> tuple[View, Observer]:
        """A view of trainings, to be entered while they go on, and the observer that feeds it."""
        from tflottery.runs.tensorboard import observers

        self.prepare()
        vectors.release()  # those of the words are in the store by now
        view = self.reporter.watch(label, total, may_end_early=may_end_early)
        return view, observers(view, self._tensorboard, label)

    def train(
        self, trainings: Trainings, before: Callable[[Realiser], None] = lambda realise: None
    ) -> Trained:
        """Trains what is missing.

        A training that fails takes its descendants with it; the rest goes on.

        Args:
            trainings: what to have in the end.
            before: is called with the realiser while the view is open, before anything is trained.
        """
        view, observer = self.watch(trainings.label, len(trainings.all))
        with view:
            realise = Realiser(self.store, trainings.wanted, observer)
            before(realise)
            failures = self.execute(trainings.asked, realise)
        return Trained(realise, failures, view.trained, view.caution)


@dataclass(frozen=True)
class Trained:
    """Trainings that came to their end.

    ``failures``: reasons by key. ``count``: trainings done now. ``caution``: what is to be known of
    the runs beside their results.
    """

    realise: Realiser
    failures: Mapping[str, str]
    count: int
    caution: str
