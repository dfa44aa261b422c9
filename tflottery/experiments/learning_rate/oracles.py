"""What proposes the trials of a search: keras-tuner's oracles, one for each cell, as one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import keras_tuner
from keras_tuner.engine.trial import Trial as KerasTunerTrial
from keras_tuner.oracles import (
    BayesianOptimizationOracle,
    GridSearchOracle,
    HyperbandOracle,
    RandomSearchOracle,
)

from tflottery import seeds
from tflottery.experiments.learning_rate.design import Dimension, Tuning, Value

# What keras-tuner has to raise.
WORTH = "worth"
# The status of a trial whose worker will not ask for another one; keras-tuner makes it FAILED.
WORKER_GONE = "INVALID"


def oracle_of(tuning: Tuning) -> keras_tuner.Oracle:
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
    return keras_tuner.Objective(WORTH, "max")


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


class Oracles(keras_tuner.Oracle):
    """A search for each cell, handed out as one: a chief can serve one oracle only, and a worker
    that has no trial left in one cell goes on with the next.

    A trial's id is the name of its cell and its id there. A chief takes one call at a time, so
    there is nothing to lock.
    """

    def __init__(self, of_cell: Mapping[str, keras_tuner.Oracle]) -> None:
        super().__init__(objective=_objective())
        self._of_cell = dict(of_cell)
        for oracle in (self, *of_cell.values()):
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
                self.ongoing_trials[tuner_id] = _renamed(trial, joined(name, trial.trial_id))
                return self.ongoing_trials[tuner_id]
            if trial.status == "IDLE":
                status = "IDLE"
        if status == "STOPPED":
            self.tuner_ids.discard(tuner_id)
        return KerasTunerTrial(keras_tuner.HyperParameters(), trial_id="none", status=status)

    def update_trial(
        self, trial_id: str, metrics: Mapping[str, float], step: int = 0
    ) -> KerasTunerTrial:
        name, own_id = parts(trial_id)
        return _renamed(self._of_cell[name].update_trial(own_id, metrics, step=step), trial_id)

    def end_trial(self, trial: KerasTunerTrial) -> None:
        name, own_id = parts(trial.trial_id)
        self._of_cell[name].end_trial(_renamed(trial, own_id))
        for tuner_id, ongoing in list(self.ongoing_trials.items()):
            if ongoing.trial_id == trial.trial_id:
                del self.ongoing_trials[tuner_id]
                if trial.status == WORKER_GONE:
                    self.tuner_ids.discard(tuner_id)

    def get_trial(self, trial_id: str) -> KerasTunerTrial:
        name, own_id = parts(trial_id)
        return _renamed(self._of_cell[name].get_trial(own_id), trial_id)

    def every(self) -> Iterator[tuple[str, KerasTunerTrial]]:
        """All trials with their ids."""
        for name, part in self._of_cell.items():
            for own_id, trial in part.trials.items():
                yield joined(name, own_id), trial


def joined(cell: str, own_id: str) -> str:
    """A trial's id among those of all cells."""
    return f"{cell}:{own_id}"


def parts(trial_id: str) -> tuple[str, str]:
    """A trial's cell, and its id there."""
    cell, _, own_id = trial_id.rpartition(":")
    return cell, own_id


def _renamed(trial: KerasTunerTrial, trial_id: str) -> KerasTunerTrial:
    copy = KerasTunerTrial(trial.hyperparameters, trial_id, trial.status, trial.message)
    copy.metrics, copy.score, copy.best_step = trial.metrics, trial.score, trial.best_step
    return copy
