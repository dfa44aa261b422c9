"""The study: the right cells, findings that reproduce, failures that show."""

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

from tests.conftest import ROOT, user_environment, write_reviews
from tflottery.data.settings import DataSettings
from tflottery.errors import TrainingError, UserError
from tflottery.experiments import configuration
from tflottery.experiments.reports import write_report
from tflottery.experiments.study.arms import Cell
from tflottery.experiments.study.design import Study, make_cells
from tflottery.experiments.study.measuring import (
    one_shot_mask,
    run_study,
    write_study,
)
from tflottery.experiments.study.results import FORMAT_VERSION, load_study
from tflottery.experiments.study.settings import StudySettings
from tflottery.models.shipped.cnn import Cnn
from tflottery.pruning import masks
from tflottery.pruning.collapse import collapsed
from tflottery.runs.inits import Signs, Snapshot
from tflottery.runs.pruned import Pruned
from tflottery.runs.realise import Realiser
from tflottery.runs.recipes import Recipe
from tflottery.runs.shuffled import Shuffled
from tflottery.runs.specs import Fresh, ancestry
from tflottery.runs.store import Store
from tflottery.tickets.plan import PruningSettings
from tflottery.training.settings import TrainingSettings
from tflottery.training.trainer import Trainer

HEAD = "head/kernel"
RECIPE = Recipe(DataSettings(fingerprint="f"), Cnn(), TrainingSettings(epochs=3))


def cells(**settings) -> list[Cell]:
    return make_cells(RECIPE, PruningSettings(), StudySettings(**settings), seed=1)


def test_the_notes_grid_is_85_trainings_a_seed():
    grid = [cell for cell in cells() if cell.init != "reinit"]
    assert len(grid) == 1 + 2 * 4 * 5
    assert len(ancestry(cell.spec for cell in grid)) == 1 + 5 * 4 + 16 * 4
    # Frankle and Carbin's random protocol adds one training a level.
    assert len(ancestry(cell.spec for cell in cells())) == 85 + 5


def test_both_random_protocols_are_there_and_differ():
    found = {(cell.init, cell.level): cell.spec for cell in cells() if cell.method == "iterative"}
    ticket, own = found["original", 0.59], found["random", 0.59]
    reinit = found["reinit", 0.59]
    assert reinit.mask == ticket.mask and reinit.init != ticket.init
    assert own.mask != ticket.mask and isinstance(own.init, Fresh)


def test_controls_change_one_thing_of_the_iterative_ticket():
    made = cells(controls=(0.59,), inits=("original",))
    ticket = next(cell.spec for cell in made if (cell.method, cell.level) == ("iterative", 0.59))
    controls = {(cell.mask, cell.init): cell.spec for cell in made if cell.part == "control"}
    assert len(controls) == 6
    headless = controls["head_spared", "original"].mask
    assert headless.head is False and headless.of.mask.head is False
    shuffled = controls["shuffled", "original"]
    assert shuffled.init == ticket.init and shuffled.mask == Shuffled(
        ticket.mask, shuffled.mask.seed
    )
    signs = controls["magnitude", "signs"]
    assert signs.mask == ticket.mask and signs.init == Signs(ticket.init)
    drawn = controls["random", "original"]
    assert isinstance(drawn.mask, Pruned) and drawn.mask.criterion == "random"
    assert drawn.init == ticket.init
    matched = controls["dense", "fresh"]
    assert matched.recipe.training.epochs == 3 * 5  # dense and four rounds
    assert controls["gradual", "fresh"].mask.to == 0.59


def test_controls_spare_what_the_ticket_spares():
    pruning = PruningSettings(embedding=False, head=False)
    settings = StudySettings(controls=(0.59,), inits=("original",))
    made = make_cells(RECIPE, pruning, settings, seed=1)
    controls = {cell.mask: cell.spec.mask for cell in made if cell.part == "control"}
    for name in ("random", "gradual"):
        assert not controls[name].embedding and not controls[name].head
    assert not controls["head_pruned"].embedding and controls["head_pruned"].head


def test_the_rewind_sweep_shares_the_grids_runs():
    made = cells(rewind_levels=(0.59,), rewind_points=("0ep", "1ep", "2ep"))
    grid = {cell.spec.key for cell in made if cell.part == "grid"}
    sweep = {(cell.method, cell.init): cell.spec for cell in made if cell.part == "rewind"}
    assert len(sweep) == 6
    assert sweep["iterative", "rewind:0ep"].key in grid
    assert sweep["one_shot", "rewind:1ep"].key in grid
    assert sweep["iterative", "rewind:2ep"].key not in grid
    assert sweep["iterative", "rewind:2ep"].init == Snapshot(made[0].spec, "2ep")


def test_one_shot_may_have_levels_of_its_own():
    made = cells(one_shot_levels=(0.832,))
    assert {cell.level for cell in made if cell.method == "one_shot"} == {0.832}


def test_seeds_share_nothing():
    one, two = (make_cells(RECIPE, PruningSettings(), StudySettings(), seed) for seed in (1, 2))
    assert not {cell.spec.key for cell in one} & {cell.spec.key for cell in two}


@pytest.mark.parametrize(
    "settings",
    [
        {"levels": ()},
        {"levels": (1.0,)},
        {"controls": (0.0,)},
        {"inits": ("orginal",)},
        {"rewind_points": ("soon",)},
        {"levels": (0.5, 0.5)},
        {"inits": ("original", "rewind:0ep")},
        {"rewind_points": ("1ep", "01ep")},
        {"early_bird_points": ("1ep", "end")},
    ],
)
def test_settings_that_cannot_be(settings):
    with pytest.raises(UserError):
        StudySettings(**settings)


STUDIES = sorted(
    path.stem
    for kind in ("study", "note", "criteria")
    for path in (ROOT / "configs").glob(f"{kind}_*.toml")
)


@pytest.mark.parametrize("name", STUDIES)
def test_the_studies_that_ship_can_be_planned(name):
    chosen = configuration.load(name, {})
    recipe = dataclasses.replace(chosen.recipe, data=RECIPE.data)
    study = Study(chosen.name, recipe, chosen.pruning, chosen.study, (1,))
    assert len(ancestry(study.specs(1))) > 10


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
    assert one.jaccard == pytest.approx(masks.overlap(own, before))
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
    cautions = json.loads((folder / "study.json").read_text())["cautions"] if any(lost) else []
    assert all(layer in " ".join(cautions) for one in lost for layer in one)
    layers = pd.read_csv(folder / "layers.csv")
    assert layers["total"].groupby([layers.method, layers.level, layers.seed]).sum().nunique() == 1


def pairs_of_levels(overlap):
    """(level, seed) of the tickets."""
    return overlap[overlap.kind == "start"][["level", "seed_one"]].drop_duplicates()


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


def test_chance_overlap_and_distance():
    one = {"a": np.array([1, 1, 0, 0], bool)}
    other = {"a": np.array([1, 0, 1, 0], bool)}
    assert masks.distance(one, other) == 0.5
    assert masks.chance_overlap(one, other) == pytest.approx(1 / 3)
    assert masks.chance_distance(one, other) == 0.5
    spared = {"b": np.ones(4, bool)}
    assert masks.chance_distance(one | spared, other | spared) == 0.25


def drawn(weights, level: float, **pruning) -> masks.Masks:
    """The mask that one-shot pruning would draw at a moment with these weights."""
    settings = PruningSettings(**pruning)
    prunable = {name: tensor for name, tensor in weights.items() if not name.endswith("bias")}
    everything = masks.dense({name: tensor.shape for name, tensor in prunable.items()})
    mask = one_shot_mask(RECIPE, settings, level, seed=1)
    return mask.prune(everything, weights)


def test_early_bird_masks_exclude_what_the_study_excludes():
    weights = {name: np.arange(1.0, 11) for name in ("conv/kernel", HEAD)}
    for head, kept in ((True, 5), (False, 10)):
        made = drawn(weights, 0.5, head=head)
        assert made["conv/kernel"].sum() == 5 and made[HEAD].sum() == kept


def test_early_bird_masks_are_drawn_by_the_studys_own_criterion_and_scope():
    random_ = np.random.default_rng(1)
    shapes = {
        "embedding/embeddings": (30, 6), "conv_2/kernel": (2, 6, 4), "conv_2/bias": (4,),
        HEAD: (4, 2),
    }  # fmt: skip
    weights = {name: random_.normal(size=shape) for name, shape in shapes.items()}
    whole = drawn(weights, 0.5)
    assert np.abs(weights[HEAD])[whole[HEAD]].min() > np.abs(weights[HEAD])[~whole[HEAD]].max()
    by_chance = drawn(weights, 0.5, criterion="random")
    assert masks.count(by_chance) == masks.count(whole)
    assert masks.distance(by_chance, whole) > 0.3
    everywhere = drawn(weights, 0.5, scope="global")
    assert masks.count(everywhere).remaining == masks.count(whole).remaining
    assert everywhere[HEAD].sum() != whole[HEAD].sum()


def test_early_bird_masks_of_units_prune_units_whole(small_settings):
    model = Cnn(embedding=6, widths=(2,), filters=4)
    recipe = Recipe(dataclasses.replace(small_settings, fingerprint="f"), model, TrainingSettings())
    random_ = np.random.default_rng(1)
    weights = {
        "embedding/embeddings": random_.normal(size=(30, 6)),
        "conv_2/kernel": random_.normal(size=(2, 6, 4)),
        "conv_2/bias": random_.normal(size=4),
        HEAD: random_.normal(size=(4, 2)),
    }
    names = [name for name in weights if name != "conv_2/bias"]
    everything = masks.dense({name: weights[name].shape for name in names})
    settings = PruningSettings(criterion="filters")
    made = one_shot_mask(recipe, settings, 0.5, seed=1).prune(everything, weights)
    kept = made["conv_2/kernel"].any(axis=(0, 1))
    assert kept.sum() == 2 and (made[HEAD].any(axis=1) == kept).all()
    assert made["embedding/embeddings"].any(axis=0).sum() == 3


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
