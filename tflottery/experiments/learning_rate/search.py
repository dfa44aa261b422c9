"""Searches by keras-tuner in which every trial is a training of the store.

keras-tuner's oracles propose values; ``_StoreTuner.run_trial`` realises the networks of a trial,
one a seed, and gives the median of the metric that trials are judged by. keras-tuner's own path
would not do: it builds and checks Keras 3 models, keeps its own checkpoints, counts an error in the
code as a failed trial, and picks up the trials of any earlier project of the same name.

The store alone remembers. Each call makes keras-tuner's project anew, with the same seed. A search
that was interrupted begins again, finds its trainings done, and ends as if nothing had happened.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import grpc
import keras_tuner
import numpy as np
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial as KerasTunerTrial
from keras_tuner.oracles import (
    BayesianOptimizationOracle,
    GridSearchOracle,
    HyperbandOracle,
    RandomSearchOracle,
)

from tflottery import seeds
from tflottery.errors import TrainingError, UserError
from tflottery.experiments.learning_rate.design import Cell, Dimension, Trial, Tuning, Value
from tflottery.experiments.learning_rate.measuring import worth_in
from tflottery.experiments.learning_rate.roles import ADDRESS, CHIEF, PORT, WORKER, role
from tflottery.files import write_atomically
from tflottery.runs.realise import Realiser, realise_all
from tflottery.tickets.rule import rounded

# What keras-tuner has to raise.
_WORTH = "worth"
_SECONDS_BETWEEN_REQUESTS = 0.1
# The status of a trial whose worker will not ask for another one; keras-tuner makes it FAILED.
_WORKER_GONE = "INVALID"


class Search:
    """A search of all cells of a tuning.

    Args:
        tuning: the space and the networks.
        random: the seeds of a trial; its score is the median over them.
        realise: trains what is not in the store.
        project: keras-tuner's folder, which a distributed search shares; it is made anew.
        on_trial: called with each trial before it begins.
    """

    def __init__(
        self,
        tuning: Tuning,
        random: Sequence[int],
        realise: Realiser,
        project: Path,
        on_trial: Callable[[Trial], None] = lambda trial: None,
    ) -> None:
        self._tuning = tuning
        self._seeds = tuple(random)
        self._realise = realise
        self._project = project
        self._on_trial = on_trial
        self._worth = worth_in(tuning, realise)
        self._cells = {cell.name: cell for cell in tuning.cells}
        self._oracle = _Oracles({name: _oracle(tuning) for name in self._cells})

    def run(self) -> None:
        """Goes through every trial; the chief serves them until the workers have done so.

        A trial whose training fails is kept as failed (``reasons``), and the search goes on.

        Raises:
            UserError: a run in the store is damaged, or the chief cannot serve at its address.
            TrainingError: a worker lost its chief.
        """
        mine = role()
        if mine != WORKER:
            shutil.rmtree(self._project, ignore_errors=True)
        with contextlib.redirect_stdout(io.StringIO()):  # keras-tuner tells what it reloads
            tuner = _StoreTuner(
                self._measure, oracle=self._oracle, directory=self._project.parent,
                project_name=self._project.name,
            )  # fmt: skip
        tuner.pause = _SECONDS_BETWEEN_REQUESTS if mine == WORKER else 0.0
        try:
            with warnings.catch_warnings():
                # scikit-learn's, of a Gaussian process over a handful of trials.
                warnings.filterwarnings("ignore", module="sklearn")
                tuner.search()
        except grpc.RpcError as error:
            raise TrainingError(f"the chief does not answer any more ({error.code()})") from None
        except RuntimeError as error:
            if mine == CHIEF and "bind" in str(error):
                raise UserError(
                    f"{os.environ[ADDRESS]}:{os.environ[PORT]} cannot be served; give {PORT} a "
                    "free port."
                ) from None
            raise

    @property
    def trials(self) -> list[Trial]:
        """Every trial, whether it failed or not, each once, by cell and values."""
        found: dict[tuple[Cell, str], Trial] = {}
        for trial_id, _ in self._oracle.every():
            trial = self._trial(trial_id, self._oracle)
            # Networks of two cells may be one and the same.
            found.setdefault((trial.cell, self._tuning.spec(trial, self._seeds[0]).key), trial)
        cells = list(self._cells.values())
        return sorted(
            found.values(),
            key=lambda t: (cells.index(t.cell), t.stages, *(t.values[name] for name in t.values)),
        )

    def reasons(self) -> dict[str, str]:
        """Why trainings failed, by key, whichever process they failed in."""
        return {
            path.name: path.read_text(encoding="utf-8")
            for path in sorted(self._failures.glob("*"))
            if not path.name.startswith(".")
        }

    @property
    def _failures(self) -> Path:
        return self._project / "failed"

    def _measure(self, trial_id: str, oracle: keras_tuner.Oracle) -> float:
        trial = self._trial(trial_id, oracle)
        self._on_trial(trial)
        specs = [self._tuning.spec(trial, seed) for seed in self._seeds]
        try:
            failures = realise_all(specs, self._realise)
        except BaseException as error:
            reason = str(error) or type(error).__name__
            self._keep({spec.key: f"the search was ended ({reason})" for spec in specs})
            raise
        self._keep(failures)
        if failures:
            raise TrainingError("; ".join(sorted(set(failures.values()))))
        worths = [self._worth(spec, self._realise(spec)) for spec in specs]
        return float(np.median(worths))

    def _keep(self, failures: Mapping[str, str]) -> None:
        """Writes down why trainings failed: a chief hears that a trial did, but not why."""
        for key, reason in failures.items():
            write_atomically(self._failures / key, reason)

    def _trial(self, trial_id: str, oracle: keras_tuner.Oracle) -> Trial:
        cell, _ = _parts(trial_id)
        if cell not in self._cells:
            raise UserError(
                f"The chief searches other networks ({cell}); give chief and workers the same "
                "flags."
            )
        given = oracle.get_trial(trial_id).hyperparameters.values
        space = self._tuning.space
        values = {name: _value(given[name], space[name]) for name in space}
        return Trial(self._cells[cell], values, tuple(_stages(trial_id, oracle)))


def _value(given: Value, dimension: Dimension) -> Value:
    if isinstance(given, float) and dimension.is_range and given != dimension.own:
        return rounded(given)
    return given


def _stages(trial_id: str, oracle: keras_tuner.Oracle) -> Iterator[int]:
    """The epochs of Hyperband's stages that a trial has behind it, its own last."""
    given = oracle.get_trial(trial_id).hyperparameters.values
    if earlier := given.get("tuner/trial_id"):
        yield from _stages(_joined(_parts(trial_id)[0], earlier), oracle)
    if epochs := given.get("tuner/epochs"):
        yield int(epochs)


class _StoreTuner(BaseTuner):
    """keras-tuner's loop around ``measure``, which takes a trial's id and who knows it."""

    def __init__(
        self, measure: Callable[[str, keras_tuner.Oracle], float], **options: object
    ) -> None:
        self._measure = measure
        self.pause = 0.0
        super().__init__(**options)

    def pre_create_trial(self) -> None:
        # A worker that has to wait for others asks again at once.
        time.sleep(self.pause)

    def run_trial(self, trial: KerasTunerTrial) -> dict[str, float]:
        return {_WORTH: self._measure(trial.trial_id, self.oracle)}

    def _try_run_and_update_trial(self, trial: KerasTunerTrial) -> None:
        # keras-tuner's own takes any error for a failed trial, prints it and goes on.
        try:
            self._run_and_update_trial(trial)
            trial.status = "COMPLETED"
        except TrainingError as error:
            trial.status, trial.message = "FAILED", str(error)
        except BaseException as error:
            # Said before this process ends: a chief would wait for it and its trial for ever.
            trial.status, trial.message = _WORKER_GONE, str(error)
            with contextlib.suppress(grpc.RpcError):
                self.on_trial_end(trial)
            raise


def _oracle(tuning: Tuning) -> keras_tuner.Oracle:
    """Proposes the trials of one cell; cells have the same seed, so that random searches try the
    same values."""
    settings = tuning.settings
    options = {
        "objective": _objective(),
        "hyperparameters": _hyperparameters(tuning.space),
        "seed": 1 + seeds.derive("search"),
        # It would end the whole search, and hold the lock of a chief for ever.
        "max_consecutive_failed_trials": math.inf,
    }
    if settings.tuner == "grid":
        return GridSearchOracle(**options)
    if settings.tuner == "random":
        return _Random(max_trials=settings.trials, **options)
    if settings.tuner == "bayesian":
        return _Bayesian(max_trials=settings.trials, **options)
    epochs = tuning.recipe.training.epochs
    return _Hyperband(max_epochs=epochs, factor=settings.factor, **options)


def _objective() -> keras_tuner.Objective:
    return keras_tuner.Objective(_WORTH, "max")


def _hyperparameters(space: Mapping[str, Dimension]) -> keras_tuner.HyperParameters:
    made = keras_tuner.HyperParameters()
    for name, dimension in space.items():
        values = dimension.values
        if dimension.is_range:
            made.Float(name, values[0], values[-1], sampling="log", default=dimension.own)
        else:
            made.Choice(name, list(values), default=dimension.own)
    return made


class _OwnFirst:
    """The first trial has the configuration's own values, as that of a grid."""

    def _random_values(self) -> dict[str, Value] | None:
        if not self.trials:  # type: ignore[attr-defined]
            return {item.name: item.default for item in self.hyperparameters.space}  # type: ignore[attr-defined]
        return super()._random_values()  # type: ignore[misc]


class _Random(_OwnFirst, RandomSearchOracle): ...


class _Bayesian(_OwnFirst, BayesianOptimizationOracle): ...


class _Hyperband(_OwnFirst, HyperbandOracle): ...


class _Oracles(keras_tuner.Oracle):
    """A search for each cell, handed out as one: a chief can serve one oracle only, and a worker
    that has no trial left in one cell goes on with the next.

    A trial's id is the name of its cell and its id there. A chief takes one call at a time, so
    there is nothing to lock.
    """

    def __init__(self, parts: Mapping[str, keras_tuner.Oracle]) -> None:
        super().__init__(objective=_objective())
        self._of_cell = dict(parts)
        for oracle in (self, *parts.values()):
            oracle.verbose = 0

    def _set_project_dir(self, directory: Path, project_name: str) -> None:
        super()._set_project_dir(directory, project_name)
        for name, part in self._of_cell.items():
            part._set_project_dir(Path(directory) / project_name, name)

    def create_trial(self, tuner_id: str) -> KerasTunerTrial:
        self.tuner_ids.add(tuner_id)
        status = "STOPPED"
        for name, part in self._of_cell.items():
            trial = part.create_trial(tuner_id)
            if trial.status == "RUNNING":
                self.ongoing_trials[tuner_id] = _renamed(trial, _joined(name, trial.trial_id))
                return self.ongoing_trials[tuner_id]
            if trial.status == "IDLE":
                status = "IDLE"
        if status == "STOPPED":
            self.tuner_ids.discard(tuner_id)
        return KerasTunerTrial(keras_tuner.HyperParameters(), trial_id="none", status=status)

    def update_trial(
        self, trial_id: str, metrics: Mapping[str, float], step: int = 0
    ) -> KerasTunerTrial:
        name, own_id = _parts(trial_id)
        return _renamed(self._of_cell[name].update_trial(own_id, metrics, step=step), trial_id)

    def end_trial(self, trial: KerasTunerTrial) -> None:
        name, own_id = _parts(trial.trial_id)
        self._of_cell[name].end_trial(_renamed(trial, own_id))
        for tuner_id, ongoing in list(self.ongoing_trials.items()):
            if ongoing.trial_id == trial.trial_id:
                del self.ongoing_trials[tuner_id]
                if trial.status == _WORKER_GONE:
                    self.tuner_ids.discard(tuner_id)

    def get_trial(self, trial_id: str) -> KerasTunerTrial:
        name, own_id = _parts(trial_id)
        return _renamed(self._of_cell[name].get_trial(own_id), trial_id)

    def every(self) -> Iterator[tuple[str, KerasTunerTrial]]:
        """All trials with their ids."""
        for name, part in self._of_cell.items():
            for own_id, trial in part.trials.items():
                yield _joined(name, own_id), trial


def _joined(cell: str, own_id: str) -> str:
    return f"{cell}:{own_id}"


def _parts(trial_id: str) -> tuple[str, str]:
    cell, _, own_id = trial_id.rpartition(":")
    return cell, own_id


def _renamed(trial: KerasTunerTrial, trial_id: str) -> KerasTunerTrial:
    copy = KerasTunerTrial(trial.hyperparameters, trial_id, trial.status, trial.message)
    copy.metrics, copy.score, copy.best_step = trial.metrics, trial.score, trial.best_step
    return copy
