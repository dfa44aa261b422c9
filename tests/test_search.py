"""Searches by keras-tuner's real oracles, over made-up accuracies instead of trainings."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.test_tuning import RECIPE
from tflottery.errors import TrainingError, UserError
from tflottery.experiments.learning_rate import roles
from tflottery.experiments.learning_rate.design import Trial, Tuning, TuningSettings
from tflottery.experiments.learning_rate.search import Search
from tflottery.runs.predictions import Predictions
from tflottery.runs.specs import RunSpec
from tflottery.tickets.settings import PruningSettings

PEAK = 0.005


class Surface:
    """In the place of a realiser: accuracy as a function of the rate, and what was asked for."""

    def __init__(self, fails: Callable[[RunSpec], Exception | None] = lambda spec: None) -> None:
        self._fails = fails
        self.asked: list[RunSpec] = []

    def predictions(self, spec: RunSpec) -> dict[str, Predictions]:
        raise AssertionError("a search by accuracy asks for no predictions")

    def __call__(self, spec: RunSpec) -> SimpleNamespace:
        self.asked.append(spec)
        if error := self._fails(spec):
            raise error
        rate = spec.recipe.training.learning_rate
        return SimpleNamespace(metrics={"val_accuracy": 0.9 - 0.1 * abs(math.log10(rate / PEAK))})


def make(**settings) -> Tuning:
    chosen = {"learning_rate": (0.0002, 0.002, 0.02), "levels": (0.0, 0.36), "arms": ("ticket",)}
    return Tuning(RECIPE, PruningSettings(), TuningSettings(**{**chosen, **settings}))


def carried_out(
    tuning: Tuning, project: Path, surface: Surface | None = None, seeds: tuple[int, ...] = (1,)
) -> Search:
    searched = Search(tuning, seeds, surface or Surface(), project)
    searched.run()
    return searched


def by_cell(trials: list[Trial]) -> dict[str, list[Trial]]:
    found: dict[str, list[Trial]] = {}
    for trial in trials:
        found.setdefault(trial.cell.name, []).append(trial)
    return found


def test_a_grid_search_tries_the_whole_grid_with_every_seed(tmp_path):
    tuning = make(batch_size=(32,))
    surface = Surface()
    searched = carried_out(tuning, tmp_path / "project", surface, seeds=(1, 2))
    assert searched.trials == tuning.grid and searched.reasons() == {}
    asked = {spec.key for spec in surface.asked}
    assert asked == {tuning.spec(trial, seed).key for trial in tuning.grid for seed in (1, 2)}
    assert len(asked) == 2 * 2 * 4 * 2


@pytest.mark.parametrize("tuner", ["random", "bayesian"])
def test_every_network_has_as_many_trials_and_the_configured_rate_among_them(tmp_path, tuner):
    found = by_cell(carried_out(make(tuner=tuner, trials=5), tmp_path / "project").trials)
    rates = {name: [trial.values["learning_rate"] for trial in found[name]] for name in found}
    assert set(rates) == {"dense-0", "ticket-0.36"}
    for tried in rates.values():
        assert len(tried) == 5 and RECIPE.training.learning_rate in tried
        assert all(0.0002 <= rate <= 0.02 and rate == float(f"{rate:.3g}") for rate in tried)
    # The same seed and the same answers: the same trials.
    assert rates["dense-0"] == rates["ticket-0.36"]
    again = by_cell(carried_out(make(tuner=tuner, trials=5), tmp_path / "project").trials)
    assert again == found


def test_hyperband_goes_on_with_the_better_ones(tmp_path):
    tuning = make(tuner="hyperband", levels=(0.0,))
    trials = carried_out(tuning, tmp_path / "project").trials
    assert len(trials) == tuning.trials_a_cell
    longer = [trial for trial in trials if len(trial.stages) == 2]
    assert longer and all(trial.stages == (2, 4) for trial in longer)
    begun = [trial for trial in trials if trial.stages == (2,)]
    chosen = {trial.values["learning_rate"] for trial in longer}

    def distance(rate: float) -> float:
        return abs(math.log(rate / PEAK))

    dropped = {trial.values["learning_rate"] for trial in begun} - chosen
    assert max(map(distance, chosen)) <= min(map(distance, dropped))


def at(rate: float) -> Callable[[RunSpec], Exception | None]:
    """The loss is not finite from some rate on."""

    def fails(spec: RunSpec) -> Exception | None:
        failed = spec.recipe.training.learning_rate >= rate
        return TrainingError("the loss is not finite") if failed else None

    return fails


def test_a_failed_trial_is_seen_and_the_rest_goes_on(tmp_path):
    tuning = make()
    surface = Surface(at(0.02))
    searched = carried_out(tuning, tmp_path / "project", surface, seeds=(1, 2))
    failed = {
        tuning.spec(trial, seed).key
        for trial in tuning.grid
        for seed in (1, 2)
        if trial.values["learning_rate"] == 0.02
    }
    assert searched.reasons() == dict.fromkeys(failed, "the loss is not finite")
    assert searched.trials == tuning.grid
    # Tried once: what is deterministic fails again.
    assert sum(spec.key in failed for spec in surface.asked) == len(failed) == 4


def test_a_search_in_which_all_fails_ends(tmp_path):
    tuning = make(learning_rate=(0.001, 0.002, 0.005, 0.01, 0.02))
    searched = carried_out(tuning, tmp_path / "project", Surface(at(0.0)))
    assert len(searched.reasons()) == len(searched.trials) == 2 * 6


def test_an_error_in_the_code_or_of_the_user_is_no_failed_trial(tmp_path):
    for error in (KeyError("a bug"), UserError("the store is damaged")):
        with pytest.raises(type(error), match=error.args[0]):
            carried_out(make(), tmp_path / "project", Surface(lambda spec, e=error: e))


def test_a_worker_that_ends_leaves_no_trial_and_its_reason(tmp_path):
    """A chief would wait for it without end."""
    surface = Surface(lambda spec: OSError("no space left on device"))
    searched = Search(make(levels=(0.0,)), (1, 2), surface, tmp_path / "project")
    with pytest.raises(OSError, match="no space left"):
        searched.run()
    assert set(searched.reasons().values()) == {"the search was ended (no space left on device)"}
    assert len(searched.reasons()) == 2
    oracle = searched._oracle
    assert not oracle.ongoing_trials and not oracle.tuner_ids
    assert [trial.status for _, trial in oracle.every()] == ["FAILED"]


def test_networks_that_are_one_and_the_same_keep_their_rows(tmp_path):
    pruning = PruningSettings(init="rewind:1ep")
    settings = TuningSettings(learning_rate=(0.002,), levels=(0.36,), arms=("ticket", "late"))
    searched = carried_out(Tuning(RECIPE, pruning, settings), tmp_path / "project")
    assert {trial.cell.arm for trial in searched.trials} == {"ticket", "late"}


def test_a_stale_project_is_not_reused(tmp_path):
    project = tmp_path / "project"
    carried_out(make(), project, Surface(at(0.002)))
    assert list(project.glob("**/trial.json")) and list((project / "failed").iterdir())
    (project / "dense-0" / "oracle.json").write_text('{"damaged')
    surface = Surface()
    searched = carried_out(make(), project, surface)
    # As many as without it: nothing came from the trials of the other search.
    assert {spec.key for spec in surface.asked} == {make().spec(t, 1).key for t in make().grid}
    assert searched.reasons() == {} and searched.trials == make().grid


def test_keras_tuner_says_nothing(tmp_path, capfd):
    carried_out(make(), tmp_path / "project")
    carried_out(make(), tmp_path / "project", Surface(at(0.002)))
    assert capfd.readouterr().out == ""


def test_roles_by_keras_tuners_variables(monkeypatch):
    names = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    assert roles.role() == roles.ALONE
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    with pytest.raises(UserError, match="KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_PORT too"):
        roles.role()
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", "8000")
    for name, role in (("chief", roles.CHIEF), ("tuner0", roles.WORKER)):
        monkeypatch.setenv("KERASTUNER_TUNER_ID", name)
        assert roles.role() == role


def test_a_port_that_is_taken_is_the_users_to_change(tmp_path, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("KERASTUNER_TUNER_ID", "chief")
        monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
        monkeypatch.setenv("KERASTUNER_ORACLE_PORT", str(taken.getsockname()[1]))
        with pytest.raises(UserError, match="give KERASTUNER_ORACLE_PORT a free port"):
            carried_out(make(), tmp_path / "project")
