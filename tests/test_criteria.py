"""Criteria of weights in numpy alone: their formulas, and which networks they are refused for."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from tests.chains import RECIPE
from tests.conftest import ROOT
from tests.contexts import CURVED, FINAL, FIRST, NAME, SLOPES, Given, context
from tflottery.errors import TrainingError, UserError
from tflottery.models.shipped.lstm import Lstm
from tflottery.pruning import criteria
from tflottery.pruning.criteria import CRITERIA
from tflottery.tickets.plan import make_plan
from tflottery.tickets.settings import PruningSettings


def ranks(values: np.ndarray) -> np.ndarray:
    return (values[..., np.newaxis, np.newaxis] >= values).sum(axis=(2, 3)) / values.size


FORMULAS = {
    "magnitude": np.abs(FINAL),
    "small_magnitude": -np.abs(FINAL),
    "magnitude_at_init": np.abs(FIRST),
    "small_magnitude_at_init": -np.abs(FIRST),
    "magnitude_increase": np.abs(FINAL) - np.abs(FIRST),
    "movement": np.abs(FINAL - FIRST),
    "large_throughout": np.minimum(ranks(np.abs(FINAL)), ranks(np.abs(FIRST))),
    "small_throughout": np.minimum(ranks(-np.abs(FINAL)), ranks(-np.abs(FIRST))),
    "snip": np.abs(SLOPES * FIRST),
    "taylor": np.abs(SLOPES * FINAL),
    # What the paper removes is what -w (H g) is highest of.
    "grasp": FIRST * CURVED,
    "synflow": np.abs(FIRST) * CURVED,
    "obd": CURVED * FINAL**2 / 2,
}


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas(name):
    found = criteria.score(context(name, computed=Given()))
    assert list(found) == [NAME]
    assert found[NAME] == pytest.approx(FORMULAS[name])


@pytest.mark.parametrize("name", FORMULAS)
def test_lamp_refuses_those_with_scores_below_0_before_anything_is_trained(name):
    assert criteria.has_negative(name) is bool((FORMULAS[name] < 0).any())
    if criteria.has_negative(name):
        with pytest.raises(UserError, match=f"lamp squares scores, and some of --criterion {name}"):
            PruningSettings(criterion=name, scope="lamp")
    else:
        assert PruningSettings(criterion=name, scope="lamp").scope == "lamp"


def test_every_criterion_of_weights_has_a_formula_here():
    assert {*FORMULAS, "random"} == set(criteria.shipped("weights"))


def test_the_page_has_a_row_of_each():
    page = (ROOT / "docs" / "criteria.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert rows == list(CRITERIA) and len(rows) == len(set(rows))


def test_those_of_before_give_the_same_bits():
    weights = {NAME: FINAL}
    (magnitude,) = criteria.scores("magnitude", weights, [NAME], 3).values()
    assert magnitude.dtype == np.float32 and np.array_equal(magnitude, np.abs(FINAL))
    (drawn,) = criteria.scores("random", weights, [NAME], 3).values()
    # The draws that older runs were pruned by.
    assert drawn[0].tolist() == [0.6305048643978499, 0.5930708677362716, 0.6152599563432785]


def test_ranks_are_among_what_is_left():
    mask = np.array([[True, True, False], [False, True, True]])
    found = criteria.score(context("large_throughout", mask))[NAME]
    assert not found[~mask].any()
    # |w_f| of .6 .1 .7 .2 and |w_i| of .1 .2 .5 .0
    assert found[mask] == pytest.approx([0.5, 0.25, 1.0, 0.25])


def test_second_derivatives_are_taken_along_what_is_left():
    mask = np.array([[True, True, False], [False, True, True]])
    computed = Given()
    criteria.score(context("grasp", mask, computed))
    (weights, batches), (vector, same) = computed.asked
    assert batches == same == 16
    assert np.array_equal(vector[NAME], SLOPES * mask) and list(vector) == [NAME]
    assert not weights[NAME][~mask].any() and weights["one/bias"].all()


def test_second_derivatives_are_taken_along_biases_that_are_pruned():
    computed, bias = Given(), "one/bias"
    of_both = context("grasp", computed=computed)
    left = {**of_both.masks, bias: np.array([True, False, True])}
    criteria.score(dataclasses.replace(of_both, masks=left))
    assert computed.asked[1][0][bias].tolist() == [1, 0, 1]


def test_flow_is_of_sizes_without_biases():
    computed = Given()
    criteria.score(context("synflow", computed=computed))
    (weights, _), *_ = computed.asked
    assert np.array_equal(weights[NAME], np.abs(FIRST)) and not weights["one/bias"].any()


@pytest.mark.parametrize("odd", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["snip", "taylor"])
def test_gradients_that_are_not_finite_are_one_line(name, odd):
    computed = Given(np.where(SLOPES > 2, odd, SLOPES))
    told = f"'{name}' cannot score one/kernel: its gradient is not"
    with pytest.raises(TrainingError, match=told):
        criteria.score(context(name, computed=computed))


def test_networks_that_flow_has_no_meaning_for_are_told_before_they_are_trained():
    settings = PruningSettings(criterion="synflow")
    assert make_plan(RECIPE, settings, 1).levels
    with pytest.raises(UserError, match="lstm has layers, as gates, attention or norms"):
        make_plan(dataclasses.replace(RECIPE, model=Lstm()), settings, 1)
