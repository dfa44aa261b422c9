"""A study that is carried out: findings that reproduce, failures that show."""

from __future__ import annotations

import dataclasses
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import user_environment, write_reviews
from tflottery.errors import TrainingError
from tflottery.experiments.reports import write_report
from tflottery.experiments.study.design import Study
from tflottery.experiments.study.measuring import run_study, write_study
from tflottery.experiments.study.results import FORMAT_VERSION, load_study
from tflottery.experiments.study.settings import StudySettings
from tflottery.models.shipped.cnn import Cnn
from tflottery.pruning import likeness, masks
from tflottery.pruning.collapse import collapsed
from tflottery.runs.realise import Realiser
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import ancestry
from tflottery.runs.store import Store
from tflottery.tickets.settings import PruningSettings
from tflottery.training.probe import Probe
from tflottery.training.settings import TrainingSettings
from tflottery.training.trainer import Trainer


@pytest.fixture
def small_study(small_settings) -> Study:
    training = TrainingSettings(
        learning_rate=0.02, batch_size=16, epochs=2, patience=2, validations_per_epoch=2
    )
    model = Cnn(embedding=6, widths=(2,), filters=4)
    return Study(
        "small",
        Recipe(small_settings, model, training),
        PruningSettings(rate=0.5),
        StudySettings(
            levels=(0.5, 0.75),
            inits=("random", "original", "rewind:1ep"),
            controls=(0.75,),
            rewind_levels=(0.5,),
            rewind_points=("0ep", "2it"),
            instability_points=("0ep", "1ep"),
            early_bird_points=("1it", "1ep", "2ep"),
        ),
        (1, 2),
    )


def carry_out(study: Study, root: Path) -> tuple[dict[str, str], Path]:
    store = Store(root)
    realise = Realiser(store, [spec for seed in study.seeds for spec in study.wanted(seed)])
    failures = run_study(study, realise)
    return failures, write_study(study, realise, store, failures, "bin/study")


def test_findings_say_what_the_runs_say(small_study, tmp_path):
    failures, folder = carry_out(small_study, tmp_path / "runs")
    assert failures == {}
    frame = pd.read_csv(folder / "cells.csv", keep_default_na=False)
    assert len(frame) == 2 * len(small_study.cells(1)) and set(frame["state"]) == {"done"}
    store = Store(tmp_path / "runs")
    for row in frame.itertuples():
        run = store.find(row.key)
        assert row.test_accuracy == run.metrics["test_accuracy"]
        assert row.remaining == masks.count(run.masks()).remaining
        steps = {record["step"]: record for record in run.history}
        losses = [record["val_loss"] for record in run.history]
        assert steps[row.steps_to_best]["val_loss"] == min(losses)
        assert steps[row.steps_to_99]["val_accuracy"] >= 0.99 * run.history[-1]["val_accuracy"]
    ticket = frame[(frame.method == "iterative") & (frame.init == "original")]
    deepest = ticket[ticket.level == 0.75].iloc[0]
    assert deepest.sparsity == pytest.approx(0.75, abs=0.01)
    assert (deepest.trainings_behind, deepest.epochs_behind) == (3, 6)

    everything = ancestry(spec for seed in (1, 2) for spec in small_study.specs(seed))
    assert set(pd.read_csv(folder / "timings.csv")["key"]) == {spec.key for spec in everything}

    overlap = pd.read_csv(folder / "overlap.csv", dtype={"one": str, "other": str})
    assert set(overlap["kind"]) == {"seeds", "methods", "rounds", "start"}
    # One curve over the levels for each pair of methods, one for each method between seeds.
    pairs = overlap[["kind", "one", "other"]].drop_duplicates().to_numpy().tolist()
    assert sorted(pairs) == [
        ["methods", "iterative", "one_shot"],
        ["rounds", "0.5", "0.75"],
        ["seeds", "iterative", "iterative"],
        ["seeds", "one_shot", "one_shot"],
        ["start", "iterative", "initial sizes"],
        ["start", "one_shot", "initial sizes"],
    ]
    from_start = overlap[overlap.kind == "start"]
    assert len(from_start) == 2 * len(pairs_of_levels(overlap))
    assert (from_start["jaccard"] > from_start["chance"]).all()  # two epochs move weights little
    dense = store.find(frame[frame.part == "dense"].iloc[0].key)
    start = dense.snapshot("0ep")
    one = from_start[(from_start.one == "one_shot") & (from_start.seed_one == 1)].iloc[0]
    own = store.find(
        frame[
            (frame.method == "one_shot")
            & (frame.init == "original")
            & (frame.part == "grid")
            & (frame.level == one.level)
            & (frame.seed == 1)
        ]
        .iloc[0]
        .key
    ).masks()
    before = {
        name: np.abs(start[name]) >= np.sort(np.abs(start[name]).ravel())[-int(mask.sum())]
        for name, mask in own.items()
    }
    assert one.jaccard == pytest.approx(likeness.overlap(own, before))
    nested = overlap[overlap.kind == "rounds"]
    assert nested["jaccard"].to_numpy() == pytest.approx(0.5, abs=0.02)
    first = overlap[(overlap.kind == "methods") & (overlap.level == 0.5)]
    assert (first["jaccard"] == 1).all()  # the first round prunes what one-shot prunes

    lines = pd.read_csv(folder / "instability.csv")
    for (seed, point), line in lines.groupby(["seed", "point"]):
        pair = next(p for p in small_study.pairs(seed) if p[0] == point)
        ends = [store.find(spec.key).metrics for spec in pair[1:]]
        assert line["val_loss"].iloc[0] == pytest.approx(ends[0]["val_loss"], rel=1e-5)
        assert line["val_loss"].iloc[-1] == pytest.approx(ends[1]["val_loss"], rel=1e-5)
    early = pd.read_csv(folder / "early_bird.csv")
    assert len(early) == 2 * 2 * 3 and early["distance"].between(0, 1).all()
    assert early["epoch_other"].max() == 2 and 0 < early["epoch_one"].min() < 1
    # What scopes leave adds up to the level that was asked for, and is of dense alone.
    shared = pd.read_csv(folder / "scopes.csv")
    assert set(shared["seed"]) == {1} and {"lamp", "erk"} < set(shared["scope"])
    for (scope, level), rows in shared.groupby(["scope", "level"]):
        total = rows["total"].sum()
        assert abs(rows["remaining"].sum() - total * (1 - level)) <= (scope == "layerwise") * 2 + 1
    # Cells whose network has lost a layer say so, and the study names the layer.
    lost = [
        collapsed(store.find(cell.spec.key).masks())
        for seed in small_study.seeds
        for cell in small_study.cells(seed)
    ]
    assert pd.read_csv(folder / "cells.csv")["collapsed"].tolist() == [len(one) for one in lost]
    assert set(pd.read_csv(folder / "cells.csv")["alike"]) <= {0, 1}
    cautions = json.loads((folder / "study.json").read_text())["cautions"] if any(lost) else []
    assert all(layer in " ".join(cautions) for one in lost for layer in one)
    layers = pd.read_csv(folder / "layers.csv")
    assert layers["total"].groupby([layers.method, layers.level, layers.seed]).sum().nunique() == 1


def pairs_of_levels(overlap):
    """(level, seed) of the tickets."""
    return overlap[overlap.kind == "start"][["level", "seed_one"]].drop_duplicates()


def test_the_report_of_a_study_of_units_says_what_its_tickets_are(small_settings, tmp_path):
    training = TrainingSettings(learning_rate=0.02, batch_size=16, epochs=1, patience=1)
    study = Study(
        "units",
        Recipe(small_settings, Cnn(embedding=6, widths=(2,), filters=4), training),
        PruningSettings(rate=0.5, criterion="filters", head=False),
        StudySettings(levels=(0.5,), one_shot_levels=(0.5,), inits=("original",), controls=()),
        (1,),
    )
    failures, _ = carry_out(study, tmp_path / "runs")
    assert failures == {}
    write_report(tmp_path / "runs", tmp_path / "page")
    for name in ("report.md", "index.html"):
        page = " ".join((tmp_path / "page" / name).read_text(encoding="utf-8").split())
        assert page.count("they are tickets of units") == 1


def test_a_second_run_trains_nothing_and_any_cell_reproduces(small_study, tmp_path, monkeypatch):
    study = dataclasses.replace(small_study, seeds=(1,))
    _, folder = carry_out(study, tmp_path / "runs")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    train = Trainer.train
    monkeypatch.setattr(Trainer, "train", lambda *a, **o: pytest.fail("trained again"))
    carry_out(study, tmp_path / "runs")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    monkeypatch.setattr(Trainer, "train", train)
    cell = study.cells(1)[-1]
    alone = Realiser(Store(tmp_path / "other"), [cell.spec])(cell.spec)
    assert alone.metrics == Store(tmp_path / "runs").find(cell.spec.key).metrics


def test_a_failed_run_shows_with_its_reason_and_the_rest_goes_on(
    small_study, tmp_path, monkeypatch
):
    study = dataclasses.replace(small_study, seeds=(1,))
    found = {(c.part, c.method, c.init, c.level): c.spec for c in study.cells(1)}
    victim = found["grid", "iterative", "rewind:1ep", 0.5]
    heir = found["grid", "iterative", "rewind:1ep", 0.75]
    attempts = []
    original = Realiser.train

    def fail(self, spec, wanted):
        if spec.key == victim.key:
            attempts.append(1)
            raise TrainingError("the loss is not finite")
        return original(self, spec, wanted)

    monkeypatch.setattr(Realiser, "train", fail)
    failures, folder = carry_out(study, tmp_path / "runs")
    assert {victim.key, heir.key} <= set(failures) and len(attempts) == 1
    frame = pd.read_csv(folder / "cells.csv", keep_default_na=False)
    assert len(frame) == len(study.cells(1))
    failed = frame[frame.state == "failed"]
    assert set(failed.key) == set(failures)
    assert set(failed.reason) == {"the loss is not finite"}
    monkeypatch.setattr(Realiser, "train", original)
    failures, folder = carry_out(study, tmp_path / "runs")
    assert failures == {}
    assert set(pd.read_csv(folder / "cells.csv")["state"]) == {"done"}


def test_a_gradient_that_is_not_finite_fails_the_networks_that_it_prunes_alone(
    small_study, tmp_path, monkeypatch
):
    study = dataclasses.replace(
        small_study,
        pruning=PruningSettings(rate=0.5, criterion="taylor"),
        settings=StudySettings(
            levels=(0.5,), one_shot_levels=(0.5,), inits=("original",), controls=(),
            early_bird_points=("1it", "1ep", "2ep"), criteria=("magnitude", "taylor"),
            criteria_checks=(),
        ),
        seeds=(1,),
    )  # fmt: skip
    original = Probe.gradients

    def endless(self, weights, batches):
        return {name: one + np.inf for name, one in original(self, weights, batches).items()}

    monkeypatch.setattr(Probe, "gradients", endless)
    failures, folder = carry_out(study, tmp_path / "runs")
    frame = pd.read_csv(folder / "cells.csv", keep_default_na=False)
    assert set(frame[frame.state == "failed"].key) == set(failures)
    compared = frame[frame.part == "criterion"].set_index(["method", "mask"])["state"]
    assert (
        compared["one_shot", "taylor"] == "failed" and compared["one_shot", "magnitude"] == "done"
    )
    assert {row.state for row in frame.itertuples() if row.method == "dense"} == {"done"}
    (reason,) = set(failures.values())
    assert reason.startswith("The criterion 'taylor' cannot score ") and "\n" not in reason
    assert "its gradient is not finite; prune by magnitude" in reason
    assert not (folder / "early_bird.csv").exists()  # no moment has a mask


def test_a_study_in_which_all_fails_can_be_read_and_leaves_no_older_tables(
    small_study, tmp_path, monkeypatch
):
    study = dataclasses.replace(small_study, seeds=(1,))
    folder = tmp_path / "runs" / "studies" / "small"
    folder.mkdir(parents=True)
    (tmp_path / "runs" / "store.json").write_text('{"format_version": 1}')
    (folder / "instability.csv").write_text("of another study by this name")

    def fail(self, spec, wanted):
        raise TrainingError("the loss is not finite")

    monkeypatch.setattr(Realiser, "train", fail)
    carry_out(study, tmp_path / "runs")
    found = load_study(folder)
    assert set(found.cells["reason"]) == {"the loss is not finite"} and found.instability is None
    assert write_report(tmp_path / "runs", tmp_path / "report").is_file()


def test_the_command_end_to_end(command, tmp_path):
    write_reviews(tmp_path / "mine.csv")
    (tmp_path / "tiny.toml").write_text(TINY)
    flags = ["--config", "tiny.toml", "--dataset", "mine.csv"]
    dry = command("study", *flags, "--seeds", "2", "--dry_run")
    assert dry.returncode == 0 and "0 in the store" in dry.stdout
    assert not (tmp_path / "runs").exists()
    changed = ["--set", "training.learning_rate=0.01", "--set", "data.data_dir=here"]
    done = command("study", *flags, *changed, "--seeds", "1")
    assert done.returncode == 0, done.stderr
    assert load_study(tmp_path / "runs" / "studies" / "tiny").command == (
        "bin/study --config tiny.toml --dataset mine.csv --seeds 1 "
        "--set training.learning_rate=0.01"
    )
    assert "original" in done.stdout and "bin/report runs" in done.stdout
    again = command("study", *flags, *changed, "--seeds", "1")
    assert "0 trainings done now" in again.stdout
    wrong = command("study", *flags, "--seeds", "0")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)


TINY = """
[data]
vocabulary_size = 50
[model]
embedding = 4
widths = [2]
filters = 3
[training]
epochs = 1
batch_size = 16
[pruning]
rate = 0.5
[study]
levels = [0.5, 0.75]
inits = ["original", "random"]
"""


@pytest.mark.long
def test_a_study_killed_ten_times_ends_as_an_undisturbed_one(tmp_path):
    """kill -9 at random moments: the same CSV byte for byte, no finished training repeated."""
    environment = user_environment()
    arguments = ["--config", "study_toy", "--seeds", "1"]
    call = [sys.executable, "-m", "tflottery.cli.study", *arguments]

    def start(folder: Path) -> subprocess.Popen:
        folder.mkdir(exist_ok=True)
        return subprocess.Popen(
            call, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    killed, calm = tmp_path / "killed", tmp_path / "calm"
    moments = random.Random(1)
    finished: dict[Path, int] = {}
    for _ in range(10):
        victim = start(killed)
        time.sleep(moments.uniform(4, 16))
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
        assert all(path.stat().st_mtime_ns == at for path, at in finished.items())
        finished = {p: p.stat().st_mtime_ns for p in (killed / "runs").glob("[!.]*/run.json")}
    for folder in (killed, calm):
        process = start(folder)
        _, errors = process.communicate(timeout=900)
        assert process.returncode == 0, errors.decode()
    assert all(path.stat().st_mtime_ns == at for path, at in finished.items())
    tables = [
        {
            path.name: path.read_bytes()
            for path in (folder / "runs" / "studies" / "study_toy").iterdir()
            if path.stem != "timings"
        }
        for folder in (killed, calm)
    ]
    assert tables[0] == tables[1]
    assert FORMAT_VERSION == 1
