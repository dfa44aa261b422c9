"""The comparison of criteria as tables, figures and a chapter, from made-up cells; and trained."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from tests import synthetic_study
from tflottery import statistics
from tflottery.experiments import configuration
from tflottery.experiments.reports import write_report
from tflottery.experiments.study import criteria_figures
from tflottery.experiments.study.cells import DENSE, Arm, Results
from tflottery.experiments.study.costs import cost_of_a_seed
from tflottery.experiments.study.criteria_tables import (
    compared,
    criteria,
    criteria_checks,
    criteria_longer,
)
from tflottery.experiments.study.design import Study
from tflottery.experiments.study.measuring import run_study, write_study
from tflottery.experiments.study.results import CELLS, CRITERIA, load_study
from tflottery.models.shipped.cnn import Cnn
from tflottery.pruning.criteria import shipped
from tflottery.runs.realise import Realiser
from tflottery.runs.recipes import Recipe
from tflottery.runs.store import Store
from tflottery.tickets.settings import PruningSettings
from tflottery.training.settings import TrainingSettings

SEEDS = (1, 2, 3)
LEVELS = (0.59, 0.832)
# Accuracy at 83.2 % of each network in %, and the epochs that it takes.
MADE = {
    ("at_init", "snip", "original"): (84.0, 3),
    ("at_init", "random", "original"): (80.0, 3),
    ("at_init", "snip:shuffled", "original"): (82.0, 3),
    ("at_init", "snip:shuffled_words", "original"): (83.9, 3),
    ("at_init", "snip", "reinit"): (83.5, 3),
    ("at_init", "snip:inverted", "original"): (60.0, 3),
    ("at_init", "snip", "original+24ep"): (84.5, 27),
    ("one_shot", "magnitude", "original"): (86.0, 6),
    ("one_shot", "taylor", "original"): (86.2, 6),
    ("iterative", "magnitude", "original"): (86.5, 27),
    ("iterative", "taylor", "original"): (86.1, 27),
    ("iterative", "magnitude:shuffled", "original"): (83.0, 27),
}  # fmt: skip
JITTER = {1: -0.1, 2: 0.0, 3: 0.1}


# Of whole units, where the size of a unit's weights stands for the size of a weight.
MADE_OF_UNITS = {
    ("at_init", "random_units", "original"): (80.0, 3),
    ("at_init", "random_units", "original+24ep"): (82.5, 27),
    ("one_shot", "filters", "original"): (86.0, 6),
    ("one_shot", "taylor_units", "original"): (86.2, 6),
    ("iterative", "filters", "original"): (86.5, 27),
}  # fmt: skip


def write(store: Path, *, stretched: bool = True, made=MADE, **changes) -> Path:
    """A study of three seeds with a comparison; ``changes`` are accuracies by mask."""
    folder = synthetic_study.write_study(store, "criteria_made", levels=LEVELS, controls=False,
                                         optional=False)  # fmt: skip
    rows = []
    for seed in SEEDS:
        for place, ((method, mask, init), (mean, epochs)) in enumerate(made.items()):
            for level in LEVELS:
                if level == 0.59 and (":" in mask or init != "original"):
                    continue
                mean = changes.get(mask, mean)
                rows.append(
                    {
                        "part": "criterion", "method": method, "mask": mask, "init": init,
                        "level": level, "seed": seed, "key": f"{place} {level} {seed}",
                        "test_accuracy": (mean + JITTER[seed] * (1 + place / 9)) / 100,
                        "epochs_behind": epochs, "trainings_behind": epochs // 3,
                        "epochs": 27 if "+" in init else 3, "sparsity": level,
                    }
                )  # fmt: skip
        if stretched:
            rows.append(
                {"part": "control", "method": "dense", "mask": "dense", "init": "fresh",
                 "level": 0.832, "seed": seed, "epochs": 27, "key": f"stretched {seed}"}
            )  # fmt: skip

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        first = frame[frame["part"] == "dense"].iloc[0].to_dict()
        return pd.concat([frame, pd.DataFrame([{**first, **row} for row in rows])])

    synthetic_study.edit(folder, "cells.csv", change)
    return folder


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Results:
    return Results(load_study(write(tmp_path_factory.mktemp("made"))))


def row_of(table, **about):
    (row,) = [
        row for row in table.rows if all(row.get(key) == value for key, value in about.items())
    ]
    return row


def test_a_criterion_is_compared_with_magnitude_of_its_kind(results):
    table = criteria(results)
    assert len(table.rows) == 6 * 2  # four of them at once, two in rounds, at two levels
    snip = row_of(table, level=0.832, criterion="snip")
    assert (snip["when"], snip["epochs"], snip["n"]) == ("at initialisation", 3, 3)
    assert snip["magnitude"] == pytest.approx(84 - 86)
    assert snip["magnitude_low"] < -2 < snip["magnitude_high"]
    once = row_of(table, level=0.832, criterion="taylor", when="one-shot")
    rounds = row_of(table, level=0.832, criterion="taylor", when="iterative")
    assert once["magnitude"] == pytest.approx(0.2)
    assert rounds["magnitude"] == pytest.approx(86.1 - 86.5)
    assert (once["epochs"], rounds["epochs"]) == (6, 27)
    magnitude = row_of(table, level=0.832, criterion="magnitude", when="iterative")
    assert "magnitude" not in magnitude and magnitude["magnitude_p_holm"] is None
    own = results.points("test_accuracy", Arm("criterion", "at_init", "snip", "original"), 0.832)
    assert snip["dense"] == statistics.compare(own, results.dense_by_seed).mean


def test_criteria_of_units_are_compared_with_filters(tmp_path):
    results = Results(load_study(folder := write(tmp_path, made=MADE_OF_UNITS)))
    table = criteria(results)
    assert [one.group for one in table.columns if one.key == "filters"] == ["minus filters"]
    chance = row_of(table, level=0.832, criterion="random_units")
    assert chance["filters"] == pytest.approx(80 - 86) and "magnitude" not in chance
    once = row_of(table, level=0.832, criterion="taylor_units")
    assert once["filters"] == pytest.approx(0.2) and once["filters_p_holm"] is not None
    filters = row_of(table, level=0.832, criterion="filters", when="iterative")
    assert "filters" not in filters
    (longer,) = criteria_longer(results).rows
    assert longer["rounds"] == pytest.approx(82.5 - 86.5)
    page = write_report(folder, tmp_path / "report").read_text(encoding="utf-8")
    assert (
        "count whole units" in page
        and "minus filters" in page
        and "minus iterative filters" in page
    )


def test_holm_is_over_the_column(results):
    rows = criteria(results).rows
    adjusted = statistics.holm([row.get("magnitude_p") for row in rows])
    assert [row["magnitude_p_holm"] for row in rows] == adjusted


def test_rows_go_by_level_moment_and_the_order_of_the_study(results):
    order = [(row["level"], row["when"], row["criterion"]) for row in criteria(results).rows]
    assert order[:6] == [
        (0.59, "at initialisation", "snip"), (0.59, "at initialisation", "random"),
        (0.59, "one-shot", "magnitude"), (0.59, "one-shot", "taylor"),
        (0.59, "iterative", "magnitude"), (0.59, "iterative", "taylor"),
    ]  # fmt: skip
    assert [level for level, _, _ in order] == [0.59] * 6 + [0.832] * 6


def test_checks_are_minus_the_criterion_that_they_are_of(results):
    table = criteria_checks(results)
    assert [(row["when"], row["criterion"], row["check"]) for row in table.rows] == [
        ("at initialisation", "snip", "shuffled"),
        ("at initialisation", "snip", "shuffled in words"),
        ("at initialisation", "snip", "new weights"),
        ("at initialisation", "snip", "inverted"),
        ("iterative", "magnitude", "shuffled"),
    ]
    found = [round(row["ticket"], 6) for row in table.rows]
    assert found == pytest.approx([82 - 84, 83.9 - 84, 83.5 - 84, 60 - 84, 83 - 86.5])


def test_equal_epochs_stand_beside_the_ticket_and_dense(results):
    (row,) = criteria_longer(results).rows
    assert (row["criterion"], row["epochs"]) == ("snip", 27)
    assert row["usual"] == pytest.approx(0.5) and row["rounds"] == pytest.approx(84.5 - 86.5)
    assert row["stretched"] is not None


def test_labels_of_networks_are_their_own(results):
    labels = [one.arm.label for one in compared(results) if one.cell.level == 0.832]
    by_moment = {(one.arm.method, one.arm.label) for one in compared(results)}
    assert len(by_moment) == len(labels)
    arm = Arm("criterion", "at_init", "snip:shuffled_words", "original")
    assert arm.in_words == "snip, shuffled in words, at initialisation"
    assert Arm("criterion", "at_init", "snip", "original+24ep").label == "snip + 24 ep"
    assert Arm("grid", "iterative", "magnitude", "original").criterion == ""


def test_the_figure_is_of_epochs_spent(results):
    drawing = criteria_figures.against_epochs(results)
    assert [panel.name for panel in drawing.panels] == [
        "criteria_made-criteria-spent-0.59", "criteria_made-criteria-spent-0.832",
    ]  # fmt: skip
    said = drawing.panels[1].description
    assert "snip: 84.0 at 3.0, 84.5 at 27.0." in said
    assert "magnitude: 86.0 at 6.0, 86.5 at 27.0." in said
    assert "dense: " in said and "at 3.0" in said.partition("dense: ")[2]
    moments = [panel.name for panel in criteria_figures.against_weights_left(results).panels]
    assert {"criteria_made-criteria-at_init", "criteria_made-criteria-one_shot"} <= set(moments)


COSTS = [
    ([("at_init", "snip", "original")], 2),
    ([("at_init", "snip", "original"), ("at_init", "snip:shuffled", "original")], 3),
    ([("at_init", "snip", "original"), ("one_shot", "magnitude", "original")], 3),
    ([("iterative", "magnitude", "original"), ("one_shot", "magnitude", "original")], 10),
    ([("iterative", "magnitude", "original"), ("iterative", "magnitude:shuffled", "original")], 10),
    ([("iterative", "magnitude", "original"), ("iterative", "taylor", "original")], 17),
]


@pytest.mark.parametrize(("cells", "trainings"), COSTS)
def test_the_cost_of_a_seed_counts_every_network_once(results, cells, trainings):
    """Dense among them, which a store trains before it prunes."""
    asked = [(Arm("criterion", *cell), 0.832) for cell in cells]
    assert cost_of_a_seed(results, [*asked, (DENSE, None)]).trainings == trainings
    assert cost_of_a_seed(results, asked).trainings == trainings


def test_the_chapter_says_all_of_it(tmp_path):
    folder = write(tmp_path / "made")

    def lose(frame: pd.DataFrame) -> None:
        frame.loc[(frame["mask"] == "snip") & (frame["level"] == 0.832), "collapsed"] = 1
        frame.loc[(frame["mask"] == "taylor") & (frame["level"] == 0.832), "alike"] = 1
        chosen = (frame["mask"] == "random") & (frame["seed"] == 2) & (frame["level"] == 0.832)
        frame["reason"] = frame["reason"].astype(object)
        frame.loc[chosen, ["state", "reason"]] = ["failed", "the loss is not finite"]
        frame.loc[chosen, "test_accuracy"] = None

    synthetic_study.edit(folder, "cells.csv", lose)
    page = write_report(folder, tmp_path / "report").read_text(encoding="utf-8")
    for text in (
        "Which weights to keep", "at initialisation", "shuffled in words", "Equal epochs in all",
        "minus magnitude", "with 3 seeds", "alike to every text",
        "seed 2: the loss is not finite", "epochs spent in all",
    ):  # fmt: skip
        assert text in page
    tables = {path.name: pd.read_csv(path) for path in (tmp_path / "report/tables").glob("*.csv")}
    told = tables["criteria_made-criteria.csv"]
    assert len(told) == 12 and set(told["criterion"]) == {"snip", "random", "magnitude", "taylor"}
    assert {"magnitude_low", "dense_p", "mask", "level"} <= set(told.columns)
    checks = tables["criteria_made-criteria-checks.csv"]
    assert len(checks) == 5 and "ticket_within" in checks


def test_a_comparison_without_magnitude_or_a_longer_dense_has_no_such_columns(tmp_path):
    folder = write(tmp_path, stretched=False)
    synthetic_study.edit(
        folder, "cells.csv",
        lambda frame: frame[(frame["part"] != "criterion") | ~frame["mask"].str.match("magn")],
    )  # fmt: skip
    found = Results(load_study(folder))
    assert all("magnitude" not in row for row in criteria(found).rows)
    (row,) = criteria_longer(found).rows
    assert "rounds" not in row and "stretched" not in row and "usual" in row


def test_a_study_without_criteria_has_no_such_chapter(tmp_path):
    folder = synthetic_study.write_study(tmp_path, levels=LEVELS, optional=False)
    found = Results(load_study(folder))
    assert (criteria(found), criteria_checks(found), criteria_longer(found)) == (None, None, None)
    assert criteria_figures.against_epochs(found) is None
    assert criteria_figures.against_weights_left(found) is None
    page = write_report(folder, tmp_path / "report").read_text(encoding="utf-8")
    assert "Which weights to keep" not in page


def test_the_schema_knows_what_the_comparison_writes(results):
    assert set(CRITERIA) == set(shipped("weights"))
    rows = results.study.cells[CELLS.names].to_dict("records")
    CELLS.frame(rows, only_known=True)
    odd = [{**rows[-1], "mask": "snip:turned", "repeat": 1}]
    with pytest.raises(ValueError, match="snip:turned"):
        CELLS.frame(odd, only_known=True)


@pytest.mark.long
def test_every_network_of_a_comparison_trains(small_settings, tmp_path):
    training = TrainingSettings(
        learning_rate=0.02, decay="linear", batch_size=16, epochs=1, patience=1
    )
    settings = dataclasses.replace(
        configuration.load("study_toy_criteria", {}).study, levels=(0.5,)
    )
    settings = dataclasses.replace(settings, controls=(), criteria_longer=("snip",))
    recipe = Recipe(small_settings, Cnn(embedding=6, widths=(2,), filters=4), training)
    study = Study("told", recipe, PruningSettings(rate=0.3), settings, (1,))
    store = Store(tmp_path / "runs")
    realise = Realiser(store, study.wanted(1))
    assert run_study(study, realise) == {}
    folder = write_study(study, realise, store, {}, "bin/study")
    frame = load_study(folder).cells
    assert set(frame["state"]) == {"done"}
    rows = frame[frame["part"] == "criterion"].to_dict("records")
    spent = {(row["method"], row["mask"], row["init"]): row for row in rows}
    assert len(spent) == len(rows) == 7 + 4 + 4 + 3 + 1
    # Two rounds to 50 %, an epoch each, after dense; before training nothing is behind.
    snip = spent["at_init", "snip", "original"]
    assert (snip["trainings_behind"], snip["epochs_behind"]) == (1, 1)
    assert spent["one_shot", "magnitude", "original"]["epochs_behind"] == 2
    assert spent["iterative", "taylor", "original"]["epochs_behind"] == 3
    assert spent["at_init", "snip", "original+2ep"]["epochs_behind"] == 3
    sizes = [row["remaining"] for row in rows]
    assert max(sizes) - min(sizes) <= 4  # as many of each tensor, to rounding
    once, inverted = (
        store.find(spent["one_shot", mask, "original"]["key"]).masks()
        for mask in ("magnitude", "magnitude:inverted")
    )
    for name, mask in once.items():
        assert abs(int((mask & inverted[name]).sum()) * 2 - (2 * int(mask.sum()) - mask.size)) <= 2
    found = Results(load_study(folder))
    assert len(criteria_checks(found).rows) == 11 and len(criteria(found).rows) == 7
    page = write_report(folder, tmp_path / "report").read_text(encoding="utf-8")
    assert "Which weights to keep" in page
