"""bin/tune_lr as a user meets it: real trainings of small reviews, the rule in find_ticket."""

from __future__ import annotations

import dataclasses
import fcntl
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tflottery
from tests.conftest import user_environment, write_reviews
from tflottery.cli import find_ticket, report, tune_lr
from tflottery.data.reading import sources
from tflottery.errors import UserError
from tflottery.experiments import configuration
from tflottery.experiments.learning_rate.results import load_tuning
from tflottery.experiments.learning_rate.search import Search
from tflottery.files import seal
from tflottery.runs.store import Store
from tflottery.tickets.given import level_of
from tflottery.tickets.rule import read_rule
from tflottery.tickets.rules import find_rule

TINY = """
[data]
vocabulary_size = 50
[model]
embedding = 6
widths = [2]
filters = 4
[training]
learning_rate = 0.02
epochs = 2
batch_size = 16
patience = 2
[pruning]
rate = 0.5
[tuning]
learning_rate = [0.005]
levels = [0.0, 0.5, 0.75]
"""
FLAGS = ["--config", "tiny.toml", "--dataset", "mine.csv"]
CURVE = [*FLAGS, "--seeds", "2"]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small reviews and a curve over three sparsities and two seeds."""
    folder = tmp_path_factory.mktemp("tuned")
    write_reviews(folder / "mine.csv")
    (folder / "tiny.toml").write_text(TINY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert tune_lr.main(CURVE) == 0
    return folder


@pytest.fixture
def here(tuned, tmp_path, monkeypatch) -> Path:
    """A copy of it to work in."""
    folder = tmp_path / "here"
    shutil.copytree(tuned, folder)
    monkeypatch.chdir(folder)
    return folder


def results(folder: Path) -> list[Path]:
    return sorted((folder / "runs" / "tunings").iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_files_say_what_the_runs_say(here):
    (folder,) = results(here)
    assert {path.name for path in folder.iterdir()} == {"tuning.json", "trials.csv", "rule.json"}
    rows = pd.read_csv(folder / "trials.csv", keep_default_na=False)
    assert len(rows) == 5 * 2 * 2 and set(rows["state"]) == {"done"}
    assert set(rows["found_learning_rate"]) == {0.02}
    store = Store(here / "runs")
    for row in rows.itertuples():
        run = store.find(row.key)
        assert row.val_accuracy == run.metrics["val_accuracy"]
        assert run.record["spec"]["recipe"]["training"]["learning_rate"] == row.learning_rate
    tuning = load_tuning(folder)
    for cell in tuning.cells:
        mine = rows[(rows.arm == cell.arm) & (rows.level == cell.level)]
        medians = 100 * mine.groupby("learning_rate")["val_accuracy"].median()
        assert cell.best.median == pytest.approx(medians.max())
        assert [tried.rate for tried in cell.curve] == [0.005, 0.02] == list(medians.index)
    # Masks were found once, at the configured rate: all trials of a level share one.
    ticket = rows[(rows.arm == "ticket") & (rows.level == 0.75) & (rows.seed == 1)]
    masks = [store.find(key).masks()["embedding/embeddings"] for key in ticket["key"]]
    assert len(masks) == 2 and all(np.array_equal(masks[0], mask) for mask in masks)


def test_a_second_search_trains_nothing_and_writes_the_same(here, capsys):
    (folder,) = results(here)
    before = contents(folder)
    assert tune_lr.main([*CURVE, "--dry_run"]) == 0
    assert "0 to train" in capsys.readouterr().out
    assert tune_lr.main(CURVE) == 0
    assert "0 trainings done now" in capsys.readouterr().out
    assert results(here) == [folder] and contents(folder) == before


def test_another_metric_judges_the_same_trainings(here, capsys):
    (folder,) = results(here)
    assert tune_lr.main([*CURVE, "--metric", "log_loss"]) == 0
    said = capsys.readouterr().out
    assert "0 trainings done now" in said and "by validation log loss" in said
    (other,) = set(results(here)) - {folder}
    store, tuning = Store(here / "runs"), load_tuning(other)
    assert tuning.metric == "validation log loss"
    assert load_tuning(folder).metric == "validation accuracy"
    losses = {
        key: store.find(key).predictions()["validation"].metric("log_loss")
        for key in tuning.trials["key"]
    }
    trials = tuning.trials.assign(loss=tuning.trials["key"].map(losses))
    for cell in tuning.cells:
        mine = trials[(trials.arm == cell.arm) & (trials.level == cell.level)]
        medians = mine.groupby("learning_rate")["loss"].median()
        assert cell.best.rate == medians.idxmin()


def test_a_search_of_the_same_networks_waits(here, monkeypatch):
    (folder,) = results(here)
    before = contents(folder)
    searching, held = Search.run, []

    def run(self):
        path = here / "runs" / "locks" / folder.name
        with path.open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held.append(folder.name)
        searching(self)

    monkeypatch.setattr(Search, "run", run)
    assert tune_lr.main(CURVE) == 0
    assert held and contents(folder) == before


@pytest.mark.long
def test_a_grid_in_several_processes_gives_the_same(here, capsys):
    (folder,) = results(here)
    before = contents(folder)
    shutil.rmtree(here / "runs")
    assert tune_lr.main([*CURVE, "--workers", "2"]) == 0
    printed = capsys.readouterr().out
    assert "seed 1 ticket-0.5 learning_rate 0.02" in printed and "ancestor" not in printed
    assert results(here) == [folder] and contents(folder) == before


def test_find_ticket_takes_the_rule_and_records_both_rates(here, capsys):
    (folder,) = results(here)
    document = read_rule(folder / "rule.json")[1]
    assert [point["sparsity"] for point in document["points"]] == pytest.approx(
        [0, 0.5, 0.75], abs=0.01
    )
    # A rule that is steep enough to be told from none.
    document |= {"base": 0.03, "exponent": 1.0, "highest": 1.0}
    (folder / "rule.json").write_text(seal(document))
    find = [*FLAGS, "--sparsity", "0.75", "--learning_rate"]
    # Dense and the first round twice, to find masks and to be judged; the second and its reinit.
    assert find_ticket.main([*find, "auto", "--dry_run"]) == 0
    assert "of 6 runs" in capsys.readouterr().out
    assert find_ticket.main([*find, "auto"]) == 0
    assert "masks were found at 0.02, dense was trained at 0.03" in capsys.readouterr().out
    (place,) = (here / "tickets").iterdir()
    ticket = tflottery.load_ticket(place)
    assert ticket.about["found_learning_rate"] == 0.02 == ticket.recipe.training.learning_rate
    assert ticket.about["learning_rate"] == 0.12  # 0.03 / (1 - 0.75)
    assert [one["learning_rate"] for one in ticket.about["rounds"]] == [0.06, 0.12]
    spec = level_of(ticket).ticket
    assert spec.recipe.training.learning_rate == 0.12
    assert spec.mask.of.recipe.training.learning_rate == 0.02
    shutil.rmtree(here / "tickets")
    assert find_ticket.main([*find, str(folder / "rule.json")]) == 0
    assert [path.name for path in (here / "tickets").iterdir()] == [place.name]
    shutil.rmtree(here / "tickets")
    assert find_ticket.main([*find, "0.005"]) == 0
    (place,) = (here / "tickets").iterdir()
    about = tflottery.load_ticket(place).about
    assert about["learning_rate"] == about["found_learning_rate"] == 0.005
    assert about["learning_rate_rule"] is None
    # Another training takes the change with the sparsity over, from its own rate on.
    capsys.readouterr()
    other = [*find, "auto", "--set", "training.epochs=1", "--set", "training.learning_rate=0.01"]
    assert find_ticket.main([*other, "--output", "others"]) == 0
    assert "of another cnn, training or preparation" in capsys.readouterr().out
    (place,) = (here / "others").iterdir()
    assert tflottery.load_ticket(place).about["learning_rate"] == 0.04  # 0.01 / (1 - 0.75)
    # A sparsity of units is none of weights.
    assert find_ticket.main([*find, "auto", "--criterion", "filters"]) == 2
    assert "There is no rule for these data" in capsys.readouterr().err


def test_the_first_place_with_a_rule_that_fits_wins(here):
    (folder,) = results(here)
    for name in ("one", "two"):
        (here / name).mkdir()
        shutil.copyfile(folder / "rule.json", here / name / "mine.json")
    chosen = configuration.load("tiny.toml", {"data.dataset": "mine.csv"})
    recipe = dataclasses.replace(chosen.recipe, data=sources.identify(chosen.data))
    (here / "two" / "torn.json").write_text("{")
    places = [here / "none", here / "two", here / "one"]
    rule, line = find_rule(recipe, chosen.pruning, places)
    assert f"Rule: {here / 'two' / 'mine.json'}" in line
    larger = dataclasses.replace(recipe, model=dataclasses.replace(recipe.model, filters=5))
    around, line = find_rule(larger, chosen.pruning, places)
    assert "of another cnn" in line and around.exponent == rule.exponent
    assert around.base == recipe.training.learning_rate
    elsewhere = dataclasses.replace(
        recipe, data=dataclasses.replace(recipe.data, fingerprint="another")
    )
    with pytest.raises(UserError, match="There is no rule"):
        find_rule(elsewhere, chosen.pruning, places)


def test_a_ticket_is_tuned_beside_its_dense_network_and_the_report_shows_all(here, capsys):
    assert find_ticket.main([*FLAGS, "--sparsity", "0.5"]) == 0
    # Of a configuration, [tuning] alone is for a ticket.
    Path("space.toml").write_text("[tuning]\nlearning_rate = [0.005]\nlevels = [0.9]\n")
    flags = ["--ticket", "tickets", "--config", "space.toml", "--arms", "ticket"]
    assert tune_lr.main(flags) == 0
    (place,) = (here / "tickets").iterdir()
    (folder,) = set(results(here)) - {
        path for path in results(here) if (path / "rule.json").exists()
    }
    tuning = load_tuning(folder)
    assert [(cell.arm, cell.level) for cell in tuning.cells] == [("dense", 0.0), ("ticket", 0.5)]
    assert tuning.about["ticket"] == place.name
    rows = pd.read_csv(folder / "trials.csv")
    own = rows[(rows.arm == "ticket") & (rows.learning_rate == 0.02)]
    assert list(own["key"]) == [tflottery.load_ticket(place).about["run_key"]]
    capsys.readouterr()
    assert tune_lr.main([*flags, "--dataset", "mine.csv"]) == 2
    assert "leave out --dataset" in capsys.readouterr().err
    assert report.main(["runs"]) == 0
    page = (here / "report" / "index.html").read_text()
    assert len(re.findall(r": learning rates of [^<]+, seeds? [\d,-]+</h2>", page)) == 2


def test_a_training_that_fails_is_seen(here, capsys):
    flags = [*FLAGS, "--levels", "0", "--set", "tuning.learning_rate=[0.005, 1e30]"]
    assert tune_lr.main(flags) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and "the loss is not finite" in captured.err
    (folder,) = set(results(here)) - {
        path for path in results(here) if (path / "rule.json").exists()
    }
    rows = pd.read_csv(folder / "trials.csv", keep_default_na=False).set_index("learning_rate")
    assert rows.loc[1e30, "state"] == "failed" and "not finite" in rows.loc[1e30, "reason"]
    assert set(rows.drop(index=1e30)["state"]) == {"done"}
    (cell,) = load_tuning(folder).cells
    assert (cell.failed, cell.best.rate < 1) == (1, True)


def test_hyperband_goes_on_from_weights_and_fits_no_rule(here, capsys):
    flags = [*FLAGS, "--levels", "0", "--tuner", "hyperband", "--set", "training.epochs=3"]
    assert tune_lr.main([*flags, "--set", "tuning.learning_rate=[0.002, 0.05]"]) == 0
    assert "not for curves or rules" in " ".join(capsys.readouterr().out.split())
    (folder,) = set(results(here)) - {
        path for path in results(here) if (path / "rule.json").exists()
    }
    rows = pd.read_csv(folder / "trials.csv", keep_default_na=False)
    assert set(rows["stages"]) == {"1", "1+2", "3"} and len(rows) == 6
    (longer,) = rows[rows.stages == "1+2"].itertuples()
    shorter = {row.key: row for row in rows[rows.stages == "1"].itertuples()}
    init = Store(here / "runs").find(longer.key).record["spec"]["init"]
    assert init["at"] == "end" and init["of"]["run"] in shorter
    begun = shorter[init["of"]["run"]]
    assert begun.learning_rate == longer.learning_rate
    assert begun.val_accuracy == max(row.val_accuracy for row in shorter.values())


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--levels", "0,many"], "--levels takes sparsities"),
        (["--levels", "1"], "tuning.levels holds 1"),
        (["--arms", "tickets"], "Did you mean 'ticket'"),
        (["--tuner", "gird"], "Did you mean 'grid'"),
        (["--trials", "0"], "--trials takes a whole number"),
        (["--trials", "5"], "--tuner grid has a trial for every value; leave out --trials 5"),
        (["--tuner", "hyperband", "--trials", "5"], "leave out --trials 5"),
        (["--set", "tuning.trials=5"], "leave out --trials 5"),
        (["--set", "tuning.factor=4"], "tuning.factor is Hyperband's; leave it out"),
        (["--tuner", "random", "--set", "tuning.factor=4"], "give --tuner hyperband, not random"),
        (["--tuner", "random", "--workers", "2"], "Only a grid is known beforehand"),
        (["--seeds", "0"], "--seeds takes a number of seeds"),
        (["--set", "tuning.rates=3"], "There is no key tuning.rates"),
        (["--ticket", "nowhere"], "nowhere holds no ticket"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_two(
    tmp_path, monkeypatch, capfd, flags, message
):
    monkeypatch.chdir(tmp_path)
    data = [] if "--ticket" in flags else ["--dataset", "toy"]
    assert tune_lr.main([*data, *flags]) == 2
    errors = capfd.readouterr().err
    assert message in errors and errors.startswith("tune_lr: ") and errors.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_a_chief_and_two_workers_find_what_one_process_finds(here, tmp_path):
    """Real processes on loopback, with keras-tuner's own variables."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = tmp_path / "shared"
    shared.mkdir()
    for name in ("mine.csv", "tiny.toml"):
        shutil.copyfile(here / name, shared / name)
    variables = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(port)}
    processes = {
        name: subprocess.Popen(
            [sys.executable, "-m", "tflottery.cli.tune_lr", *CURVE],
            cwd=shared,
            env={**user_environment(), **variables, "KERASTUNER_TUNER_ID": name},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in ("chief", "tuner0", "tuner1")
    }  # fmt: skip
    outputs = {name: process.communicate(timeout=900) for name, process in processes.items()}
    for name, process in processes.items():
        assert process.returncode == 0, outputs[name][1]
    done = [int(outputs[name][0].split(" trainings done here")[0].split()[-1])
            for name in ("tuner0", "tuner1")]  # fmt: skip
    (folder,) = results(shared)
    keys = set(pd.read_csv(folder / "trials.csv")["key"])
    finished = {path.parent.name for path in (shared / "runs").glob("[!.]*/run.json")}
    assert keys <= finished and sum(done) == len(finished)
    (alone,) = results(here)
    assert contents(folder) == contents(alone)


def test_the_rules_that_come_along():
    """Each is whole, is of a configuration that comes along, and serves other networks too."""
    place = configuration.folder() / "rules"
    files = sorted(place.glob("*.json"))
    assert files
    for file in files:
        rule, document = read_rule(file)
        name = f"tune_{document['model']}"
        chosen = configuration.load(name, {})
        data = dataclasses.replace(chosen.data, fingerprint=document["fingerprint"])
        recipe = dataclasses.replace(chosen.recipe, data=data)
        found, line = find_rule(recipe, chosen.pruning, [place])
        assert (found, f"Rule: {file}" in line) == (rule, True)
        # IMDB that was prepared elsewhere has other bytes and the same name.
        elsewhere = dataclasses.replace(recipe, data=dataclasses.replace(data, fingerprint="ab"))
        around, line = find_rule(elsewhere, chosen.pruning, [place])
        assert around.exponent == rule.exponent and "goes on from the configured rate" in line
