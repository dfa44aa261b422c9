"""Fair controls as they are trained, read back, compared and reported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests import synthetic_study
from tests.conftest import ROOT
from tests.test_controls import NEW_WORDS, OLD_PARTS, of
from tflottery.experiments.reports import write_report
from tflottery.experiments.study.best_dense import best_dense
from tflottery.experiments.study.cells import Results
from tflottery.experiments.study.design import Study
from tflottery.experiments.study.fair_tables import converged, dense_again, lengths
from tflottery.experiments.study.measuring import CONVERGED_WITHIN, run_study, write_study
from tflottery.experiments.study.results import load_study
from tflottery.experiments.study.settings import StudySettings
from tflottery.models.shipped.cnn import Cnn
from tflottery.runs.realise import Realiser
from tflottery.runs.recipes import Recipe
from tflottery.runs.store import Store
from tflottery.tickets.settings import PruningSettings
from tflottery.training.settings import TrainingSettings


@pytest.fixture(scope="module")
def carried_out(small_settings, tmp_path_factory) -> tuple[Study, Store, Path]:
    """A study of a tiny network with every control."""
    training = TrainingSettings(
        learning_rate=0.02, decay="linear", batch_size=16, epochs=2, patience=2
    )
    settings = StudySettings(
        levels=(0.5,),
        inits=("original", "learning_rate_rewinding", "fine_tuning"),
        controls=(0.5,),
        dense_again=2,
        more_dense=1,
        matched_lengths=("1ep",),
        word_masks=True,
        gradual_ramp=0.5,
        ramp_levels=(0.5,),
        ramps=(0.5,),
        convergence_validations=20,
    )
    recipe = Recipe(small_settings, Cnn(embedding=6, widths=(2,), filters=4), training)
    study = Study("fair", recipe, PruningSettings(rate=0.5), settings, (1,))
    store = Store(tmp_path_factory.mktemp("fair") / "runs")
    realise = Realiser(store, [spec for seed in study.all_seeds for spec in study.wanted(seed)])
    assert run_study(study, realise) == {}
    write_study(study, realise, store, {}, "bin/study")
    return study, store, store.root / "studies" / "fair"


def test_every_control_trains_and_is_read_back(carried_out):
    study, _, folder = carried_out
    frame = load_study(folder).cells
    (more,) = frame[frame["seed"] == 2].to_dict("records")
    assert (more["part"], more["key"]) == ("dense", study.cells(2)[0].spec.key)
    frame = frame[frame["seed"] == 1]
    assert len(frame) == len(study.cells(1)) and set(frame["state"]) == {"done"}
    assert sorted(frame["repeat"]) == [0] * (len(frame) - 2) + [1, 2]
    columns = ["part", "method", "mask", "init", "repeat"]
    rows = {tuple(row[name] for name in columns): row for row in frame.to_dict("records")}
    ticket = rows["grid", "iterative", "magnitude", "original", 0]
    gradual = rows["control", "gradual", "gradual", "trained", 0]
    assert gradual["epochs_behind"] == ticket["epochs_behind"] == 2 * 2
    assert gradual["sparsity"] == pytest.approx(0.5, abs=0.01)
    tuned, rewound = (
        rows["grid", "iterative", "magnitude", init, 0]
        for init in ("fine_tuning", "learning_rate_rewinding")
    )
    assert tuned["test_loss"] != rewound["test_loss"]
    assert rows["length", "iterative", "magnitude", "original+1ep", 0]["epochs"] == 3


def test_permuted_masks_keep_as_many_weights_as_the_ticket(carried_out):
    study, store, _ = carried_out
    made = study.cells(1)
    found = {
        cell.mask: store.find(cell.spec.key).masks() for cell in made if cell.part == "control"
    }
    ticket = store.find(
        of(made, "grid")["iterative", "magnitude", "original", 0.5].spec.key
    ).masks()
    (table,) = study.recipe.model.roles().embedding
    rows = ticket[table].sum(axis=1)
    for name in ("shuffled_words", "words_only"):
        assert np.array_equal(found[name][table].sum(axis=1), rows)
        assert not np.array_equal(found[name][table], ticket[table])
    assert sorted(found["random_words"][table].sum(axis=1)) == sorted(rows)
    assert not np.array_equal(found["random_words"][table].sum(axis=1), rows)
    for name in set(ticket) - {table}:
        assert np.array_equal(found["words_only"][name], ticket[name])
        assert np.array_equal(found["shuffled_words"][name], found["shuffled"][name])


def test_steps_to_dense_are_counted_against_one_threshold(carried_out):
    study, store, folder = carried_out
    watched = of(study.cells(1), "convergence")
    dense = store.find(watched["dense", "dense", "fresh", 0.0].spec.key)
    goal = dense.history[-1]["val_accuracy"] - CONVERGED_WITHIN
    frame = load_study(folder).cells
    assert frame[frame["part"] != "convergence"]["steps_to_dense"].isna().all()
    rows = frame[frame["part"] == "convergence"]
    assert len(rows) == 3
    for row in rows.itertuples():
        history = store.find(row.key).history
        reached = [h["step"] for h in history if h["val_accuracy"] >= goal - 1e-6]
        assert row.steps_to_dense == reached[0] if reached else np.isnan(row.steps_to_dense)
    assert rows[rows["method"] == "dense"]["steps_to_dense"].notna().all()


def test_networks_trained_again_are_no_arm_of_their_own(carried_out):
    _, _, folder = carried_out
    results = Results(load_study(folder))
    assert "again" not in {cell.arm.part for cell in results.cells}
    assert set(results.dense_by_seed) == {1, 2}


def with_rows(store: Path, *rows: dict) -> Results:
    """A made-up study of three seeds with more rows in its cells; what they leave out is as in the
    first row, which is dense."""
    folder = synthetic_study.write_study(store, levels=(0.36,), controls=False, optional=False)

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        first = frame.iloc[0].to_dict()
        return pd.concat([frame, pd.DataFrame([{**first, **row} for row in rows])])

    synthetic_study.edit(folder, "cells.csv", change)
    return Results(load_study(folder))


def test_the_best_dense_network_is_chosen_by_validation_data_among_as_many(tmp_path):
    def again(seed, repeat, validation, test):
        return {"part": "again", "seed": seed, "repeat": repeat,
                "val_accuracy": validation, "test_accuracy": test}  # fmt: skip

    results = with_rows(
        tmp_path,
        again(1, 1, 0.95, 0.81), again(1, 2, 0.95, 0.82), again(1, 3, 0.96, 0.83),
        again(2, 1, 0.10, 0.99), again(2, 2, 0.97, 0.84), again(2, 3, 0.10, 0.99),
        again(3, 1, 0.99, 0.85), {**again(3, 2, None, None), "state": "failed"},
    )  # fmt: skip
    own = results.dense_by_seed

    def best(trainings):
        return best_dense(results.study.cells, dict.fromkeys(own, trainings))

    assert best(1) == (own, set())
    assert best(2) == (pytest.approx({1: 81, 2: own[2], 3: 85}), set())
    assert best(3) == (pytest.approx({1: 81, 2: 84}), {3})  # of equal ones the first
    assert best(4) == (pytest.approx({1: 83, 2: 84}), set())
    assert best(5) == ({}, set())
    one, _ = best_dense(results.study.cells, {2: 3})
    assert one == pytest.approx({2: 84})  # of the others nobody said how many
    # Two rounds and the dense network.
    (row,) = dense_again(results).rows
    assert (row["trainings"], row["n"], row["best"]) == (3, 2, pytest.approx(82.5))
    tickets = results.accuracies("iterative", "original", 0.36)
    assert row["gain"] == pytest.approx((tickets[1] - 81 + tickets[2] - 84) / 2)


def test_late_rewinding_is_compared_at_its_length(tmp_path):
    grid = {"part": "length", "method": "iterative", "mask": "magnitude", "level": 0.36}
    found = [
        {**grid, "init": init, "seed": seed, "test_accuracy": accuracy}
        for init, accuracy in (
            ("original+1ep", 0.86),
            ("original+2ep", 0.87),
            ("original+3ep", 0.88),
        )
        for seed in (1, 2, 3)
    ]
    results = with_rows(tmp_path, *found)
    one, two, three = lengths(results).rows
    assert (one["arm"], three["arm"]) == ("original + 1 ep", "original + 3 ep")
    # The dense networks had three epochs; nothing in this study was rewound to the second one.
    assert (one["against"], three["against"]) == ("rewind 1 ep", "rewind end")
    assert two["against"] is None and "late" not in two
    for row, init, mean in ((one, "rewind:1ep", 86), (three, "rewind:end", 88)):
        late = results.accuracies("iterative", init, 0.36)
        original = results.accuracies("iterative", "original", 0.36)
        assert row["late"] == pytest.approx(np.mean(list(late.values())) - mean)
        assert row["longer"] == pytest.approx(mean - np.mean(list(original.values())))


def test_seeds_that_never_reach_dense_are_counted(tmp_path):
    watched = {"part": "convergence", "steps_per_epoch": 100, "epochs": 4}
    sparse = {**watched, "method": "iterative", "mask": "magnitude", "init": "original",
              "level": 0.36}  # fmt: skip
    results = with_rows(
        tmp_path,
        *({**watched, "seed": seed, "steps_to_dense": 100 * seed} for seed in (1, 2, 3)),
        *({**sparse, "seed": seed, "steps_to_dense": steps}
          for seed, steps in ((1, 150), (2, 270), (3, None))),
    )  # fmt: skip
    dense, ticket = converged(results).rows
    assert (dense["reached"], dense["steps"]) == ("3 of 3", 200)
    # The third counts with all its steps: without it the slow would seem fast.
    assert ticket["reached"] == "2 of 3"
    assert ticket["steps"] == pytest.approx((150 + 270 + 400) / 3)
    assert ticket["slower"] == pytest.approx((50 + 70 + 100) / 3) and "slower" not in dense
    cells = results.study.cells
    of_dense = (cells["part"] == "convergence") & (cells["method"] == "dense")
    cells.loc[of_dense & (cells["seed"] == 3), "steps_to_dense"] = None
    dense, ticket = converged(Results(results.study)).rows
    # Where dense of a seed failed, its ticket had nothing to reach.
    assert (dense["reached"], ticket["reached"]) == ("2 of 2", "2 of 2")


def test_a_study_without_fair_controls_has_none_of_these_tables(tmp_path):
    results = with_rows(tmp_path)
    assert (dense_again(results), lengths(results), converged(results)) == (None, None, None)


def test_the_report_shows_every_control_by_a_name_of_its_own(carried_out, tmp_path):
    _, _, folder = carried_out
    results = Results(load_study(folder))
    labels = [arm.label for arm in results.arms("control")]
    assert len(set(labels)) == len(labels) == 10
    page = write_report(folder, tmp_path / "report").read_text(encoding="utf-8")
    for text in (
        "dense, stretched", "gradual, from trained", "shuffled in words", "random words",
        "original + 1 ep", "Dense at the cost of a ticket", "minus best dense",
        "seeds that reach it", "rate rewinding", "fine-tuning",
    ):  # fmt: skip
        assert text in page


@pytest.mark.parametrize(
    "folder", sorted((ROOT / "docs/results").glob("study_*/data/*/study.json"))
)
def test_studies_of_before_are_read_as_before(folder):
    study = load_study(folder.parent)
    assert (study.cells["repeat"] == 0).all() and study.cells["steps_to_dense"].isna().all()
    raw = pd.read_csv(folder.parent / "cells.csv", keep_default_na=False)
    assert len(raw) == len(study.cells) and set(raw["part"]) <= set(OLD_PARTS)


@pytest.mark.long
def test_the_toy_study_of_controls_trains_every_arm(command, tmp_path):
    done = command("study", "--config", "study_toy_controls", "--seeds", "1")
    assert done.returncode == 0, done.stderr
    frame = load_study(tmp_path / "runs" / "studies" / "study_toy_controls").cells
    assert set(frame["state"]) == {"done"}
    assert set(frame["part"]) >= {"again", "length", "ramp", "convergence"}
    assert {*frame["mask"], *frame["init"]} >= NEW_WORDS
