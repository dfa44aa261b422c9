"""The comparison of criteria: which networks it is made of, and what they share."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.test_controls import RECIPE, planned
from tflottery.errors import UserError
from tflottery.experiments.study.arms import Cell, Seed
from tflottery.experiments.study.cells import Arm
from tflottery.experiments.study.comparison import PART
from tflottery.experiments.study.design import Study, make_cells
from tflottery.experiments.study.settings import CHECKS, StudySettings
from tflottery.models.shipped.lstm import Lstm
from tflottery.pruning import criteria
from tflottery.pruning.masks import To, dense
from tflottery.runs.inits import Snapshot
from tflottery.runs.pruned import Pruned
from tflottery.runs.scaled import Scaled
from tflottery.runs.shuffled import Shuffled, ShuffledWords
from tflottery.runs.specs import Fresh, ancestry
from tflottery.tickets.settings import PruningSettings, with_criterion

SETTINGS = StudySettings(
    levels=(0.36, 0.59),
    inits=("original",),
    criteria=("random", "snip", "synflow", "magnitude", "taylor"),
    criteria_in_rounds=("magnitude", "taylor"),
    criteria_check_levels=(0.59,),
    criteria_longer=("random", "snip"),
)
Place = tuple[str, str, str, float]


def compared(settings=SETTINGS, recipe=RECIPE, **pruning) -> dict[Place, Cell]:
    made = make_cells(recipe, PruningSettings(**pruning), settings, seed=4)
    return {(c.method, c.mask, c.init, c.level): c for c in made if c.part == PART}


def test_every_criterion_prunes_at_its_own_moment_and_level():
    tickets = {place[:2] for place in compared() if ":" not in place[1] and place[2] == "original"}
    assert tickets == {
        ("at_init", "random"), ("at_init", "snip"), ("at_init", "synflow"),
        ("one_shot", "magnitude"), ("iterative", "magnitude"),
        ("one_shot", "taylor"), ("iterative", "taylor"),
    }  # fmt: skip
    found = compared()
    for (method, mask, init, level), cell in found.items():
        if ":" in mask or init != "original":
            continue
        spec = cell.spec
        assert isinstance(spec.mask, Pruned) and spec.mask.criterion == mask
        assert spec.init == Snapshot(Seed(RECIPE, PruningSettings(), SETTINGS, 4).dense, "0ep")
        if method == "iterative":
            # Each round prunes by the round before, whose training began with original weights.
            rounds = [one for one in ancestry([spec]) if isinstance(one.mask, Pruned)]
            assert len(rounds) == {0.36: 2, 0.59: 4}[level]
            assert {one.mask.criterion for one in rounds} == {mask}
            assert {one.init for one in rounds} == {spec.init}
        else:
            assert spec.mask.amount == To(level)


def test_checks_change_one_thing():
    found = compared()
    levels = {place[3] for place in found if ":" in place[1] or place[2] != "original"}
    assert levels == {0.59}
    for method, name in (("at_init", "snip"), ("one_shot", "magnitude"), ("iterative", "taylor")):
        ticket = found[method, name, "original", 0.59].spec
        shuffled = found[method, f"{name}:shuffled", "original", 0.59].spec
        assert isinstance(shuffled.mask, Shuffled) and shuffled.mask.of == ticket.mask
        words = found[method, f"{name}:shuffled_words", "original", 0.59].spec
        assert words.mask == ShuffledWords(ticket.mask, shuffled.mask.seed)
        anew = found[method, name, "reinit", 0.59].spec
        assert isinstance(anew.init, Fresh)
        for check, change in (
            (shuffled, {"mask": shuffled.mask}), (words, {"mask": words.mask}),
            (anew, {"init": anew.init}),
        ):  # fmt: skip
            assert check == dataclasses.replace(ticket, **change)
        inverted = (method, f"{name}:inverted", "original", 0.59)
        assert (inverted in found) is (method != "iterative")
        if method != "iterative":
            mask = dataclasses.replace(ticket.mask, inverted=True)
            assert found[inverted].spec == dataclasses.replace(ticket, mask=mask)
    # A random mask that is shuffled is another random mask.
    assert not [place for place in found if place[1].startswith("random:")]


def test_new_weights_are_the_same_for_every_criterion():
    found = compared()
    anew = {cell.spec.init for place, cell in found.items() if place[2] == "reinit"}
    # In rounds and at once the study has always drawn them by seeds of their own.
    assert len(anew) == 2


@pytest.mark.parametrize("kinds", [(), ("inverted",), CHECKS[:2]])
def test_only_checks_that_are_named(kinds):
    found = compared(
        dataclasses.replace(SETTINGS, criteria_checks=kinds, criteria_checked=("snip",))
    )
    checks = [Arm(PART, *place[:3]) for place in found]
    made = {arm.check for arm in checks} - {"", "longer"}
    assert made == set(kinds)
    assert {arm.criterion for arm in checks if arm.check in kinds} <= {"snip"}


def test_equal_epochs_are_those_of_the_chain_by_magnitude():
    found = compared()
    chain = ancestry([found["iterative", "magnitude", "original", 0.59].spec])
    epochs = sum(one.recipe.training.epochs for one in chain)
    longer = {place[1]: cell.spec for place, cell in found.items() if "+" in place[2]}
    assert set(longer) == {"random", "snip"}
    for name, spec in longer.items():
        usual = found["at_init", name, "original", 0.59].spec
        assert spec == usual.with_training(epochs=epochs, patience=epochs)
    assert ("at_init", "snip", f"original+{epochs - 3}ep", 0.59) in found


def test_what_a_study_trained_before_is_not_trained_again():
    """By key: magnitude's tickets and their checks, random masks, and dense."""
    comparison, study = planned("criteria_cnn"), planned("study_cnn")
    assert (comparison.recipe, comparison.pruning) == (study.recipe, study.pruning)
    theirs = {
        (c.part, c.method, c.mask, c.init, c.level): c.spec.key for c in study.cells(4)
    }  # fmt: skip
    mine = {(c.method, c.mask, c.init, c.level): c.spec.key for c in comparison.cells(4)[1:]
            if c.part == PART}  # fmt: skip
    assert comparison.cells(4)[0].spec.key == study.cells(4)[0].spec.key
    for level in (0.59, 0.832, 0.972):
        for method in ("one_shot", "iterative"):
            grid = theirs["grid", method, "magnitude", "original", level]
            assert mine[method, "magnitude", "original", level] == grid
        random = theirs["control", "one_shot", "random", "original", level]
        assert mine["at_init", "random", "original", level] == random
    for (method, mask, init), place in {
        ("one_shot", "magnitude", "reinit"): ("grid", "one_shot", "magnitude", "random"),
        ("iterative", "magnitude", "reinit"): ("grid", "iterative", "magnitude", "reinit"),
        ("iterative", "magnitude:shuffled", "original"): (
            "control", "iterative", "shuffled", "original"
        ),
        ("iterative", "magnitude:shuffled_words", "original"): (
            "control", "iterative", "shuffled_words", "original"
        ),
    }.items():  # fmt: skip
        assert mine[method, mask, init, 0.832] == theirs[(*place, 0.832)]


@pytest.mark.parametrize(
    ("name", "beside", "own", "new"),
    [
        ("criteria_cnn", "study_cnn", 109, 81),
        ("criteria_cnn_global", "criteria_cnn", 25, 24),
        ("criteria_cnn_zhou", "criteria_cnn", 20, 12),
        ("criteria_lstm", "study_lstm_long", 101, 88),
        ("units_cnn", "study_cnn", 41, 40),
    ],
)
def test_what_the_comparisons_cost_is_what_the_docs_say(name, beside, own, new):
    mine = ancestry(planned(name).specs(4))
    theirs = {spec.key for spec in ancestry(planned(beside).specs(4))}
    assert len(mine) == own
    assert len([spec for spec in mine if spec.key not in theirs]) == new
    assert planned(name).left_out == ()


def test_criteria_whose_scores_lamp_cannot_square_are_left_out_and_said():
    settings = dataclasses.replace(SETTINGS, criteria=(*SETTINGS.criteria, "grasp"))
    found = compared(settings, scope="lamp")
    assert {place[1] for place in found if ":" not in place[1]} == set(SETTINGS.criteria)
    told, _ = Study("mine", RECIPE, PruningSettings(scope="lamp"), settings, (4,)).left_out
    assert told.startswith("The criterion grasp is left out: some of its scores are below 0")
    assert "grasp" in {place[1] for place in compared(settings)}


@pytest.mark.parametrize(
    "pruning",
    [
        {"criterion": "latency", "scope": "global",
         "costs": tuple((one.layer, 1.0) for one in RECIPE.model.unit_layers())},
        {"criterion": "slimming", "scope": "global", "slimming": 0.01},
    ],
)  # fmt: skip
def test_what_goes_with_the_study_s_own_criterion_is_no_matter_of_those_compared(pruning):
    usual = compared(scope="global")
    assert {place: cell.spec.key for place, cell in compared(**pruning).items()} == {
        place: cell.spec.key for place, cell in usual.items()
    }


def test_another_criterion_keeps_what_goes_with_it_too():
    own = PruningSettings(criterion="latency", scope="global", costs=(("a", 1.0),),
                          attention_heads=True)  # fmt: skip
    assert with_criterion(own, "latency") == own
    assert with_criterion(own, "filters") == dataclasses.replace(own, criterion="filters")
    assert with_criterion(own, "snip") == PruningSettings(criterion="snip", scope="global")
    slimmed = PruningSettings(criterion="slimming", slimming=0.01)
    assert with_criterion(slimmed, "slimming") == slimmed
    assert with_criterion(slimmed, "filters") == PruningSettings(criterion="filters")


OF_UNITS = StudySettings(
    levels=(0.36, 0.59),
    inits=("original",),
    criteria=("random_units", "filters", "taylor_units", "slimming"),
    criteria_in_rounds=("filters",),
    criteria_check_levels=(0.59,),
    criteria_longer=("random_units",),
)


@pytest.mark.parametrize("own", ["filters", "magnitude"])
def test_criteria_of_units_are_compared_by_themselves(own):
    found = compared(OF_UNITS, criterion=own)
    assert {place[:2] for place in found if place[2] == "original" and ":" not in place[1]} == {
        ("at_init", "random_units"), ("one_shot", "filters"), ("iterative", "filters"),
        ("one_shot", "taylor_units"), ("one_shot", "slimming"),
    }  # fmt: skip
    assert {place[1:3] for place in found if ":" in place[1] or place[2] == "reinit"} == {
        *((name, "reinit") for name in ("filters", "taylor_units", "slimming")),
        *((f"{name}:inverted", "original") for name in ("filters", "taylor_units", "slimming")),
    }
    chance = found["at_init", "random_units", "original", 0.59].spec
    assert (chance.mask.criterion, chance.mask.amount) == ("random_units", To(0.59))
    (longer,) = [place for place in found if "+" in place[2]]
    assert longer[:2] == ("at_init", "random_units")
    rounds = ancestry([found["iterative", "filters", "original", 0.59].spec])
    assert found[longer].spec.recipe.training.epochs == 3 * len(rounds)
    slimmed = found["one_shot", "slimming", "original", 0.36].spec
    assert isinstance(slimmed.mask.of.mask, Scaled)
    lines = Study("mine", RECIPE, PruningSettings(criterion=own), OF_UNITS, (4,)).left_out
    assert [line for line in lines if "criteria" in line] == [
        "Masks of criteria that are shuffled and shuffled_words are left out: shuffled they keep "
        "single weights, and these criteria keep whole units."
    ]


def test_a_study_without_criteria_compares_none():
    assert compared(dataclasses.replace(StudySettings(levels=(0.36,)))) == {}


@pytest.mark.parametrize(
    ("recipe", "pruning", "gone", "told"),
    [
        (RECIPE, {}, "", ()),
        (dataclasses.replace(RECIPE, model=Lstm()), {}, "synflow", ("gates, attention or norms",)),
        (RECIPE, {"embedding": False}, "shuffled_words", ("no embedding is pruned",)),
        (RECIPE, {"scope": "lamp"}, "inverted", ("below 0",)),
    ],
)
def test_what_means_nothing_is_left_out_and_said(recipe, pruning, gone, told):
    found = compared(recipe=recipe, **pruning)
    words = {word for place in found for word in place[1].split(":")}
    assert {"random", "snip", "synflow", *CHECKS} - {"reinit"} - words == {gone} - {""}
    lines = Study("mine", recipe, PruningSettings(**pruning), SETTINGS, (4,)).left_out
    assert len(lines) == len(told)
    assert all(text in line for text, line in zip(told, lines, strict=True))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"criteria": ("snipp",)}, "Did you mean 'snip'"),
        ({"criteria": ("snip", "snip")}, "twice"),
        ({"criteria": ("snip", "filters")}, "filters, which prunes whole units, and snip"),
        ({"criteria_checks": ("shufled",)}, "Did you mean 'shuffled'"),
        ({"criteria_checked": ("obd",)}, "name it there"),
        ({"criteria": ("magnitude",), "criteria_in_rounds": ("obd",)}, "name it there"),
        ({"criteria": ("snip",), "criteria_in_rounds": ("snip",)}, "trained for nothing"),
        ({"criteria": ("taylor",), "criteria_longer": ("taylor",)}, "after a training"),
        ({"criteria_levels": (1.0,)}, "in \\(0, 1\\)"),
        ({"criteria_levels": (0.5,), "criteria_check_levels": (0.36,)}, "not compared"),
    ],
)
def test_settings_that_cannot_be(settings, told):
    with pytest.raises(UserError, match=told):
        StudySettings(**settings)


def test_which_criteria_need_no_training():
    found = {name for name in criteria.shipped("weights") if criteria.needs_no_training(name)}
    assert found == {
        "random", "magnitude_at_init", "small_magnitude_at_init", "snip", "grasp", "synflow",
    }  # fmt: skip
    assert list(filter(criteria.needs_no_training, criteria.shipped("units"))) == ["random_units"]


def test_inverted_scores_keep_what_the_criterion_prunes_first():
    of = Seed(RECIPE, PruningSettings(), SETTINGS, 4).dense
    name = "conv_3/kernel"
    weights = {name: np.random.default_rng(1).normal(size=(3, 4, 5)).astype(np.float32)}
    masks = dense({name: (3, 4, 5)})
    half = Pruned(of, To(0.5))
    kept, other = (
        one.prune(masks, weights)[name] for one in (half, dataclasses.replace(half, inverted=True))
    )
    assert np.array_equal(other, ~kept)
    # As small_magnitude, which is the same with a name of its own.
    small = Pruned(of, To(0.5), criterion="small_magnitude").prune(masks, weights)[name]
    assert np.array_equal(other, small)
