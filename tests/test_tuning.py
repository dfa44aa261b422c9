"""Tuning without training: the right networks, the best of them by hand, the fitted rule."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.experiments import configuration
from tflottery.experiments.learning_rate.design import (
    SEARCHED,
    Cell,
    Trial,
    Tuning,
    TuningSettings,
    hyperband_trials,
    values_of,
    with_values,
)
from tflottery.experiments.learning_rate.judging import fit_rule, judge
from tflottery.experiments.study.design import make_cells
from tflottery.experiments.study.settings import StudySettings
from tflottery.models.shipped.cnn import Cnn
from tflottery.runs.inits import Snapshot
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import ancestry
from tflottery.tickets import plan as plans
from tflottery.tickets.rule import Rule
from tflottery.tickets.settings import PruningSettings
from tflottery.training.settings import TrainingSettings

TRAINING = TrainingSettings(learning_rate=0.004, epochs=4)
RECIPE = Recipe(DataSettings(fingerprint="f"), Cnn(), TRAINING)
OWN = values_of(RECIPE)


def make(**settings) -> Tuning:
    return Tuning(RECIPE, PruningSettings(), TuningSettings(**settings))


def at(arm: str, level: float, rate: float, **values) -> Trial:
    return Trial(Cell(arm, level), {"learning_rate": rate, **values})


def test_a_grid_is_every_value_for_every_network_the_configured_one_among_them():
    made = make(learning_rate=(0.001, 0.01), batch_size=(32,), levels=(0.832, 0.0))
    assert [cell.name for cell in made.cells] == ["dense-0", "ticket-0.832", "reinit-0.832"]
    values = [
        [dict(trial.values) for trial in made.grid if trial.cell == cell] for cell in made.cells
    ]
    assert values[0] == values[1] == values[2]
    assert values[0] == [
        {"learning_rate": rate, "batch_size": size}
        for rate in (0.001, 0.004, 0.01)
        for size in (32, 64)
    ]
    assert made.trials_a_cell == 6


def test_other_searches_take_rates_between_the_ends():
    rates = make(learning_rate=(0.01, 0.001), warmup=(1.0,), tuner="random", trials=5).space
    assert rates["learning_rate"].is_range and not rates["warmup"].is_range
    assert rates["learning_rate"].values == (0.001, 0.004, 0.01)
    assert rates["warmup"].values == (0.0, 1.0)
    assert make(tuner="random", trials=5).trials_a_cell == 5


def test_only_the_training_of_the_mask_has_the_tuned_rate():
    made = make(levels=(0.0, 0.36))
    plan = plans.make_plan(RECIPE, PruningSettings(sparsity=0.36), seed=1)
    for arm, level, untuned in (
        ("dense", 0.0, plan.dense),
        ("ticket", 0.36, plan.levels[-1].ticket),
        ("reinit", 0.36, plan.levels[-1].reinit),
    ):
        spec = made.spec(at(arm, level, 0.02), 1)
        assert spec.recipe.training == dataclasses.replace(TRAINING, learning_rate=0.02)
        assert (spec.mask, spec.init, spec.seeds) == (untuned.mask, untuned.init, untuned.seeds)
        assert made.spec(at(arm, level, 0.004), 1) == untuned
        behind = ancestry([spec])[:-1]
        assert {one.recipe.training.learning_rate for one in behind} <= {0.004}


def test_the_configured_values_are_cells_of_the_study():
    inits = ("original", "rewind:1ep", "random")
    study = make_cells(RECIPE, PruningSettings(), StudySettings(levels=(0.36,), inits=inits), 1)
    keys = {(cell.init, cell.level): cell.spec.key for cell in study if cell.method != "one_shot"}
    made = make(levels=(0.0, 0.36), arms=("ticket", "reinit", "late"))
    own = {cell.name: made.untuned(cell, 1).key for cell in made.cells}
    assert own == {
        "dense-0": keys["fresh", 0.0],
        "ticket-0.36": keys["original", 0.36],
        "reinit-0.36": keys["reinit", 0.36],
        "late-0.36": keys["rewind:1ep", 0.36],
    }


def test_every_setting_that_is_searched_reaches_the_recipe():
    values = {"learning_rate": 0.01, "warmup": 0.5, "decay": "linear", "batch_size": 32,
              "dropout": 0.1}  # fmt: skip
    assert set(values) == set(SEARCHED)
    changed = with_values(RECIPE, values)
    assert values_of(changed) == values and changed.model == dataclasses.replace(Cnn(), dropout=0.1)
    assert with_values(changed, OWN) == RECIPE


def test_hyperband_goes_on_from_the_end_of_the_stage_before():
    made = make(levels=(0.36,), tuner="hyperband")
    trial = dataclasses.replace(at("ticket", 0.36, 0.01), stages=(1, 2, 4))
    last = made.spec(trial, 1)
    middle = last.init.of
    first = middle.init.of
    assert last.init == Snapshot(middle, "end") and middle.init == Snapshot(first, "end")
    assert first.init == made.untuned(trial.cell, 1).init
    assert [spec.recipe.training.epochs for spec in (first, middle, last)] == [1, 1, 2]
    assert len({spec.mask.of.key for spec in (first, middle, last)}) == 1
    assert len({spec.seeds.order for spec in (first, middle, last)}) == 3


@pytest.mark.parametrize(
    ("epochs", "factor", "trials"), [(9, 3, 23), (10, 3, 30), (27, 3, 70), (10, 2, 46), (1, 3, 1)]
)
def test_how_many_trials_hyperband_has(epochs, factor, trials):
    assert hyperband_trials(epochs, factor) == trials


@pytest.mark.parametrize(
    "settings",
    [
        {"learning_rate": ()},
        {"learning_rate": (0.0, 0.1)},
        {"tuner": "gird"},
        {"arms": ("tickets",)},
        {"arms": ()},
        {"levels": (1.0,)},
        {"levels": ()},
        {"trials": 0},
        {"factor": 1},
        {"dropout": (1.0,)},
        {"warmup": (4.0,)},
        {"batch_size": (0,)},
        {"decay": ("slowly",)},
    ],
)
def test_searches_that_cannot_be(settings):
    with pytest.raises(UserError) as error:
        make(**settings)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "study"), [("tune_cnn", "study_cnn"), ("tune_lstm", "study_lstm")]
)
def test_the_searches_that_ship_share_their_trainings_with_the_studies(name, study):
    tuned, studied = configuration.load(name, {}), configuration.load(study, {})
    assert (tuned.recipe, tuned.pruning) == (studied.recipe, studied.pruning)
    assert tuned.training.learning_rate in tuned.tuning.learning_rate


def test_a_plan_at_other_rates_keeps_masks_and_starts():
    plan = plans.make_plan(RECIPE, PruningSettings(sparsity=0.488), seed=1)
    faster = plans.at_rates(plan, lambda sparsity: 0.001 + sparsity)
    assert faster.dense.recipe.training.learning_rate == 0.001
    for before, after in zip(plan.levels, faster.levels, strict=True):
        for one, other in ((before.ticket, after.ticket), (before.reinit, after.reinit)):
            assert (one.mask, one.init, one.seeds) == (other.mask, other.init, other.seeds)
            assert other.recipe.training.learning_rate == 0.001 + before.sparsity
        assert after.ticket.mask.of.recipe == RECIPE and after.sparsity == before.sparsity


# Judgement


def row(arm: str, level: float, rate: float, seed: int, accuracy: float, **changes) -> dict:
    measured = {"sparsity": level, "val_accuracy": accuracy, "val_loss": 1 - accuracy,
                "test_accuracy": accuracy - 0.01, "epochs_to_99": 3.0, "best_epoch": 4}  # fmt: skip
    return {"arm": arm, "level": level, **OWN, "learning_rate": rate, "stages": "", "seed": seed,
            "state": "done", **measured, **changes}  # fmt: skip


def judged(rows, count=2):
    cells, comparisons = judge(rows, OWN, count, tolerance=0.5)
    return {(cell["arm"], cell["level"]): cell for cell in cells}, comparisons


def test_judgement_by_hand():
    rows = [
        row("dense", 0.0, 0.004, 1, 0.880), row("dense", 0.0, 0.004, 2, 0.890),
        row("ticket", 0.8, 0.002, 1, 0.850), row("ticket", 0.8, 0.002, 2, 0.850),
        row("ticket", 0.8, 0.004, 1, 0.860), row("ticket", 0.8, 0.004, 2, 0.870),
        row("ticket", 0.8, 0.01, 1, 0.870, epochs_to_99=1.0),
        row("ticket", 0.8, 0.01, 2, 0.868, epochs_to_99=2.0),
        # The best mean is not the best: one seed of it failed.
        row("ticket", 0.8, 0.02, 1, 0.990),
        {**row("ticket", 0.8, 0.02, 2, 0.0), "state": "failed"},
        row("reinit", 0.8, 0.004, 1, 0.860), row("reinit", 0.8, 0.004, 2, 0.860),
    ]  # fmt: skip
    cells, comparisons = judged(rows)
    ticket = cells["ticket", 0.8]
    assert (ticket["trials"], ticket["failed"]) == (4, 1)
    assert ticket["best"]["learning_rate"] == 0.01 and ticket["best"]["median"] == 86.9
    assert ticket["own"]["learning_rate"] == 0.004
    assert ticket["as_good"] == [0.004, 0.01]  # 86.5 is within half a point of 86.9
    assert ticket["edge"] == "highest"
    assert [point["learning_rate"] for point in ticket["curve"]] == [0.002, 0.004, 0.01]
    # Test accuracies: 86.0 - 85.0 and 85.8 - 86.0.
    assert ticket["gain"]["mean"] == pytest.approx((1.0 - 0.2) / 2)
    half = 12.7062047 * np.std([1.0, -0.2], ddof=1) / math.sqrt(2)
    assert ticket["gain"]["high"] == pytest.approx(0.4 + half)
    assert ticket["sooner"]["mean"] == pytest.approx(1.5)
    assert ticket["higher"]["learning_rate"] == 0.01 and ticket["higher"]["gain"] == ticket["gain"]
    assert (ticket["peak"], ticket["peak_edge"]) == (0.01, "highest")
    assert cells["dense", 0.0]["edge"] == "" and cells["dense", 0.0]["gain"] is None
    assert cells["dense", 0.0]["higher"] is None
    found = {one["minus"]: one["difference"]["mean"] for one in comparisons}
    assert found["dense"] == pytest.approx((-1.0 - 2.2) / 2)
    assert found["reinit"] == pytest.approx((1.0 + 0.8) / 2)


def test_the_median_over_seeds_decides_and_the_loss_among_equals():
    lucky = [row("dense", 0.0, 0.01, seed, value) for seed, value in ((1, 0.7), (2, 0.7), (3, 1))]
    steady = [row("dense", 0.0, 0.002, seed, 0.71) for seed in (1, 2, 3)]
    calm = [row("dense", 0.0, 0.005, seed, 0.71, val_loss=0.2) for seed in (1, 2, 3)]
    assert judged(lucky + steady, 3)[0]["dense", 0.0]["best"]["learning_rate"] == 0.002
    assert judged(steady + calm, 3)[0]["dense", 0.0]["best"]["learning_rate"] == 0.005


def test_what_a_trial_is_worth_decides_where_it_is_not_its_accuracy():
    rows = [
        row("dense", 0.0, rate, seed, accuracy, worth=worth)
        for rate, accuracy, worth in ((0.002, 0.9, -0.30), (0.004, 0.8, -0.20), (0.01, 0.7, -0.21))
        for seed in (1, 2)
    ]
    dense = judged(rows)[0]["dense", 0.0]
    assert dense["best"]["learning_rate"] == 0.004 and dense["best"]["median"] == 80
    assert dense["as_good"] == [0.004, 0.004] and 0.004 < dense["peak"] < 0.01
    assert dense["gain"] is None


def test_a_higher_rate_is_compared_also_where_it_does_worse():
    accuracies = {0.004: 0.87, 0.01: 0.85, 0.02: 0.86}
    rows = [
        row("ticket", 0.8, rate, seed, accuracy + 0.001 * seed)
        for rate, accuracy in accuracies.items()
        for seed in (1, 2)
    ]
    cell = judged(rows)[0]["ticket", 0.8]
    assert cell["best"]["learning_rate"] == 0.004 and cell["gain"] is None
    assert cell["higher"]["learning_rate"] == 0.02
    assert cell["higher"]["gain"]["mean"] == pytest.approx(-1)


def test_what_a_rate_does_is_told_at_the_configured_other_settings():
    rows = [row("ticket", 0.8, rate, 1, accuracy, dropout=dropout)
            for rate, dropout, accuracy in (
                (0.002, OWN["dropout"], 0.85), (0.004, OWN["dropout"], 0.86),
                (0.01, OWN["dropout"], 0.85), (0.02, 0.1, 0.99))]  # fmt: skip
    cell = judged(rows, 1)[0]["ticket", 0.8]
    assert (cell["best"]["learning_rate"], cell["best"]["dropout"]) == (0.02, 0.1)
    assert cell["higher"]["learning_rate"] == 0.01
    assert cell["higher"]["gain"]["mean"] == pytest.approx(-1)
    assert cell["peak"] == pytest.approx(0.0045, rel=0.1) and cell["peak_edge"] == ""


def test_hyperband_wants_a_warm_up_that_fits_its_shortest_training():
    settings = TuningSettings(tuner="hyperband", warmup=(1.0,))
    recipe = dataclasses.replace(
        RECIPE, training=dataclasses.replace(RECIPE.training, epochs=3, patience=3)
    )
    with pytest.raises(UserError, match="Hyperband trains for one epoch"):
        Tuning(recipe, PruningSettings(), settings)


def test_a_rate_stands_with_the_best_of_the_other_settings():
    rows = [row("dense", 0.0, 0.004, 1, 0.8, dropout=0.1), row("dense", 0.0, 0.004, 1, 0.7)]
    cell = judged(rows, 1)[0]["dense", 0.0]
    assert cell["trials"] == 2 and len(cell["curve"]) == 1
    assert cell["best"]["dropout"] == cell["curve"][0]["dropout"] == 0.1
    assert cell["own"]["dropout"] == OWN["dropout"] and cell["gain"]["mean"] == pytest.approx(10)


@given(st.floats(0.0012, 0.017), st.floats(0.5, 3.0))
def test_the_peak_of_a_parabola_is_found_between_the_rates(peak, curvature):
    rates = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02)
    falls = {rate: curvature * math.log(rate / peak) ** 2 for rate in rates}
    rows = [row("dense", 0.0, rate, 1, 0.9 - fall / 100) for rate, fall in falls.items()]
    cell = judged(rows, 1)[0]["dense", 0.0]
    best = cell["best"]["learning_rate"]
    assert cell["peak"] == pytest.approx(best if cell["edge"] else peak, rel=1e-3)


def test_equal_accuracies_have_no_peak_but_the_best():
    rows = [row("dense", 0.0, rate, 1, 0.9) for rate in (0.001, 0.002, 0.004)]
    cell = judged(rows, 1)[0]["dense", 0.0]
    assert cell["peak"] == cell["best"]["learning_rate"] and cell["as_good"] == [0.001, 0.004]


def test_where_all_trials_failed_nothing_is_best():
    rows = [{**row("ticket", 0.8, 0.004, 1, 0.0), "state": "failed"}]
    cells, comparisons = judged(rows, 1)
    cell = cells["ticket", 0.8]
    assert (cell["best"], cell["failed"], comparisons) == (None, 1, [])
    assert fit_rule([cell]) is None


# The rule


def best(arm: str, sparsity: float, rate: float) -> dict:
    curve = [{"learning_rate": tried} for tried in (1e-4, rate, 0.02)]
    return {
        "arm": arm,
        "level": sparsity,
        "sparsity": sparsity,
        "best": curve[1],
        "peak": rate,
        "curve": curve,
    }


@given(st.floats(-0.5, 0.5), st.floats(0.001, 0.005))
def test_a_rule_that_is_there_is_found(exponent, base):
    cells = [
        best("dense" if not sparsity else "ticket", sparsity, base * (1 - sparsity) ** -exponent)
        for sparsity in (0.0, 0.36, 0.738, 0.832)
    ]
    rule = fit_rule([*cells, best("reinit", 0.832, 0.5)])
    assert rule.base == pytest.approx(base) and rule.exponent == pytest.approx(exponent, abs=1e-6)
    assert rule.low <= rule.exponent <= rule.high
    assert (rule.sparsest, rule.lowest, rule.highest) == (0.832, 1e-4, 0.02)


def test_the_interval_of_a_rule_by_hand():
    rates = {0.0: 0.002, 0.36: 0.004, 0.738: 0.004, 0.972: 0.01}
    cells = [
        best("ticket" if sparsity else "dense", sparsity, rate) for sparsity, rate in rates.items()
    ]
    rule = fit_rule(cells)
    x, y = np.array([(-math.log(1 - s), math.log(rate)) for s, rate in rates.items()]).T
    design = np.stack([np.ones(4), x], axis=1)
    (intercept, slope), residual, *_ = np.linalg.lstsq(design, y, rcond=None)
    error = math.sqrt(residual[0] / 2 / ((x - x.mean()) ** 2).sum())
    assert rule.base == pytest.approx(math.exp(intercept)) and rule.exponent == pytest.approx(slope)
    assert rule.high - slope == pytest.approx(4.30265273 * error)  # t with 2 degrees of freedom


def test_a_rule_is_asked_by_the_sparsities_it_was_fitted_to():
    """With a spared embedding a level of 83.2 % prunes a small part of all weights."""
    rates = {0.0: 0.002, 0.36: 0.0025, 0.832: 0.005}
    cells = [
        {**best("ticket" if level else "dense", level, rate), "sparsity": 0.09 * level}
        for level, rate in rates.items()
    ]
    rule = fit_rule(cells)
    for level, rate in rates.items():
        assert rule(level) == pytest.approx(rate, rel=0.05)


def test_no_rule_of_two_sparsities():
    assert fit_rule([best("dense", 0.0, 0.002), best("ticket", 0.8, 0.01)]) is None


def test_a_rule_is_not_carried_on_beyond_what_was_tried():
    rule = Rule(0.002, 0.5, 0.3, 0.7, sparsest=0.9, lowest=0.0025, highest=0.005)
    assert rule(0.75) == 0.004
    assert rule(0.0) == 0.0025 and rule(0.88) == 0.005
    steep = dataclasses.replace(rule, highest=1.0)
    assert steep(0.99) == steep(0.9) == 0.00632
    other = rule.around(0.004)
    assert other.exponent == rule.exponent and other(0.75) == 0.008
    assert (other.lowest, other.highest) == (0.005, 0.01)
    assert str(rule) == ("0.002 x (1 - sparsity)^(-0.50), exponent -0.70 to -0.30 (95 % interval)")
