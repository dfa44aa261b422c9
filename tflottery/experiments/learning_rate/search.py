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

from tflottery.errors import TrainingError, UserError
from tflottery.experiments.learning_rate.design import Cell, Dimension, Trial, Tuning, Value
from tflottery.experiments.learning_rate.measuring import worth_in
from tflottery.experiments.learning_rate.oracles import (
    WORKER_GONE,
    WORTH,
    Oracles,
    joined,
    oracle_of,
    parts,
)
from tflottery.experiments.learning_rate.roles import ADDRESS, CHIEF, PORT, WORKER, role
from tflottery.files import write_atomically
from tflottery.runs.realise import Realiser, realise_all
from tflottery.tickets.rule import rounded

_SECONDS_BETWEEN_REQUESTS = 0.1


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
        self._oracle = Oracles({name: oracle_of(tuning) for name in self._cells})

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
        cell, _ = parts(trial_id)
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
        yield from _stages(joined(parts(trial_id)[0], earlier), oracle)
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
        return {WORTH: self._measure(trial.trial_id, self.oracle)}

    def _try_run_and_update_trial(self, trial: KerasTunerTrial) -> None:
        # keras-tuner's own takes any error for a failed trial, prints it and goes on.
        try:
            self._run_and_update_trial(trial)
            trial.status = "COMPLETED"
        except TrainingError as error:
            trial.status, trial.message = "FAILED", str(error)
        except BaseException as error:
            # Said before this process ends: a chief would wait for it and its trial for ever.
            trial.status, trial.message = WORKER_GONE, str(error)
            with contextlib.suppress(grpc.RpcError):
                self.on_trial_end(trial)
            raise
