"""How many seeds contrasts need: by the spread of a study, and at what cost."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.synthetic_study import write_study
from tflottery import power
from tflottery.cli import study as study_command
from tflottery.errors import UserError
from tflottery.experiments import configuration
from tflottery.experiments.claims import contrasts, planning
from tflottery.experiments.claims.found import pool
from tflottery.experiments.claims.seeds_plan import plan_seeds
from tflottery.experiments.study.cells import DENSE, Arm, Results
from tflottery.experiments.study.costs import cost_of_a_seed
from tflottery.experiments.study.design import Study
from tflottery.experiments.study.results import StudyTables, load_study
from tflottery.runs.specs import ancestry

SHIPPED = {one.name: one for one in contrasts.load().current}
CNN = ROOT / "docs" / "results" / "study_cnn" / "data" / "study_cnn"


@pytest.fixture(scope="module")
def cnn() -> StudyTables:
    return load_study(CNN)


@pytest.fixture(scope="module")
def new() -> StudyTables:
    return load_study(ROOT / "docs" / "results" / "new_seeds" / "data" / "study_cnn")


def test_needs_follow_from_the_spread_of_all_seeds(cnn):
    found = planning.need(SHIPPED["one-shot-middle-cnn"], pool([cnn]))
    cells = cnn.cells[(cnn.cells["part"] == "grid") & (cnn.cells["init"] == "original")]
    cells = cells[cells["level"].isin([0.59, 0.738, 0.832])]
    means = 100 * cells.pivot_table("test_accuracy", "seed", "method")
    deviation = (means["one_shot"] - means["iterative"]).std()
    assert found.deviations == (pytest.approx(deviation),) and found.counts == (3,)
    comparison = power.Comparison(found.deviations)
    assert found.half_width == power.seeds_for_half_width(comparison, 0.2) == 6
    assert found.equivalent == (3, 7) and found.asked == found.difference == 4
    assert found.reach == pytest.approx(2.2622 * deviation / np.sqrt(10), rel=1e-3)
    assert found.careful == power.seeds_for_difference(power.Comparison((deviation * 2.117,)), 0.5)


def test_dense_has_the_seeds_that_are_planned_for_it(cnn):
    found = planning.need(SHIPPED["cnn-ticket-dense"], pool([cnn]))
    assert len(found.deviations) == 2 and found.counts == (3, 3)
    expected = power.Comparison(found.deviations, ratio=2)
    assert found.not_worse == found.asked == power.seeds_for_not_worse(expected, 0.5)
    # Nine trainings a seed (dense among them), and one more for each further dense network.
    assert found.cost_of(10).trainings == pytest.approx(10 * 9 + 10)


def test_the_best_of_many_dense_networks_costs_as_many(new):
    """Nine trainings of the ticket to 83.2 %, dense among them, and eight dense networks more."""
    found = planning.need(SHIPPED["same-cost"], pool([new]))
    assert found.cost.trainings == pytest.approx(9 + 8)
    (whole,) = planning.totals([SHIPPED["same-cost"]], pool([new]))
    assert whole.cost.trainings == pytest.approx(10 * (9 + 8))
    # Further dense networks of their own seeds share nothing with it.
    both = [SHIPPED["same-cost"], SHIPPED["cnn-ticket-dense"]]
    (whole,) = planning.totals(both, pool([new]))
    assert whole.cost.trainings == pytest.approx(10 * (9 + 8) + 10)


def test_a_total_charges_a_seed_with_what_it_is_planned_for(cnn):
    asked = [SHIPPED["cnn-ticket-dense"], SHIPPED["beats-dense-again"]]
    (whole,) = planning.totals(asked, pool([cnn]))
    # Seeds 4 to 13 need eight rounds and dense, 24 to 48 four rounds and dense; 14 to 23 and 49 to
    # 63 dense alone.
    assert (whole.seeds, whole.more) == (35, 25)
    assert whole.cost.trainings == pytest.approx(10 * 9 + 25 * 5 + 25)


def test_what_is_not_measured_needs_nobody_knows_how_many(cnn):
    found = planning.need(SHIPPED["sparse-slower"], pool([cnn]))
    assert found.deviations == () and found.half_width is found.asked is found.cost is None
    one_seed = dataclasses.replace(cnn, cells=cnn.cells[cnn.cells["seed"] == 1])
    assert planning.need(SHIPPED["cnn-ticket-new"], pool([one_seed])).asked is None
    assert [one.contrast.study for one in planning.needs_of(SHIPPED.values(), pool([cnn]))] == [
        "study_cnn"
    ] * 19


CASES = [
    [("iterative", "original", 0.832)],
    [("iterative", "original", 0.59), ("iterative", "original", 0.972)],
    [("iterative", "original", 0.832), ("iterative", "reinit", 0.832)],
    [("iterative", "reinit", 0.972)],
    [("iterative", "random", 0.738), ("iterative", "original", 0.738)],
    [("iterative", "rewind:1ep", 0.59), ("one_shot", "original", 0.59)],
    [("one_shot", "reinit", 0.972), ("one_shot", "original", 0.972)],
]


@pytest.mark.parametrize("cells", CASES, ids=str)
def test_the_cost_of_a_seed_is_that_of_its_trainings(cnn, cells):
    """Counted by what the specs say that has to be trained."""
    chosen = configuration.load("study_cnn", {})
    data = dataclasses.replace(chosen.data, fingerprint="0" * 64)
    recipe = dataclasses.replace(chosen.recipe, data=data)
    study = Study("study_cnn", recipe, chosen.pruning, chosen.study, (1,))
    named = [(method, "random" if method == "one_shot" and init == "reinit" else init, level)
             for method, init, level in cells]  # fmt: skip
    specs = [
        cell.spec
        for cell in study.cells(1)
        if cell.part in ("grid", "dense")
        and (cell.part == "dense" or (cell.method, cell.init, cell.level) in named)
    ]
    assert len(specs) == 1 + len(cells)
    asked = [(Arm("grid", method, "magnitude", init), level) for method, init, level in cells]
    found = cost_of_a_seed(Results(cnn), [*asked, (DENSE, None)])
    assert found.trainings == len(ancestry(specs))
    epochs = 3 * found.trainings
    cells_of_it = cnn.cells.drop_duplicates("key").set_index("key")
    seconds = cnn.timings.set_index("key")["seconds"]
    known = cells_of_it[cells_of_it.index.isin(seconds.index)]
    each = seconds[known.index].sum() / known["epochs"].sum()
    assert found.seconds == pytest.approx(epochs * each)


def test_a_plan_of_the_studies_in_a_store(tmp_path):
    write_study(tmp_path, optional=False)
    levels = (0.2, 0.36, 0.488, 0.59, 0.672, 0.832)
    write_study(tmp_path, "study_lstm_long", model="lstm", levels=levels, optional=False)
    planned = plan_seeds(tmp_path)
    table = planned.contrasts
    here = ("study_cnn", "study_lstm_long")
    asked = [one for one in SHIPPED.values() if one.experiment == "study" and one.study in here]
    assert list(table["contrast"]) == [one.name for one in asked]
    assert table.set_index("contrast").loc["lstm-long-clearer", "deviation"].count(" and ") == 1
    (cnn, lstm) = planned.totals
    # Of the CNN seeds 4 to 13 and 24 to 48, dense of 4 to 23 and 24 to 63.
    assert (cnn.seeds, cnn.more, lstm.seeds, lstm.more) == (35, 25, 10, 10)
    assert "35 seeds as planned, and 25 more of dense, take" in planned.sentences[0]
    # This study has neither masks shuffled within words nor more than one dense network a seed.
    assert cnn.without[:3] == ("which-words-counts", "which-words-rest", "same-cost")
    assert "which-words-rest, same-cost" in planned.sentences[0]
    assert planned.sentences[0].endswith(f"{cnn.without[-1]}, of which it has no cells.")
    assert repr(planned).count("planned") == len(asked)
    some = plan_seeds(tmp_path, "study_lstm_long")
    assert set(some.contrasts["claim"]) < set(table["claim"])


def test_a_plan_without_a_study(tmp_path):
    with pytest.raises(UserError, match="no standard deviation"):
        plan_seeds(tmp_path)
    with pytest.raises(UserError, match="There is no folder"):
        plan_seeds(tmp_path / "nowhere")
    write_study(tmp_path, optional=False, dataset="toy")
    with pytest.raises(UserError, match="no study that a contrast is of"):
        plan_seeds(tmp_path)
    with pytest.raises(UserError, match="Did you mean 'study_cnn'"):
        plan_seeds(tmp_path, "study_cmn")


def test_command(command, tmp_path):
    write_study(tmp_path / "runs", optional=False)
    done = command("study", "--plan", "--config", "study_cnn")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines[:12])) <= 80 and "…" not in done.stdout
    assert re.search(r"^cnn-ticket-dense +[\d.]+/[\d.]+ +\d+ ", done.stdout, re.MULTILINE)
    assert not (tmp_path / "runs" / "store.json").exists()
    assert command("study", "--plan", "--store", "nowhere").returncode == 2


@pytest.mark.parametrize("flags", [["--seeds", "4"], ["--dry_run"], ["--plugin", "mine.py"]])
def test_a_plan_takes_no_flags_that_it_does_not_read(flags, capfd):
    assert study_command.main(["--plan", *flags]) == 2
    assert f"leave out {flags[0]}" in " ".join(capfd.readouterr().err.split())


def test_a_plan_of_a_file_is_that_of_its_name(tmp_path):
    folder = write_study(tmp_path / "runs", optional=False).parent.parent
    named, of_file = (
        plan_seeds(folder, study) for study in ("study_cnn", "configs/study_cnn.toml")
    )
    assert list(of_file.contrasts["contrast"]) == list(named.contrasts["contrast"]) != []
