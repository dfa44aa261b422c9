"""What ``--structured`` makes of the settings of a ticket, of whichever kind it is."""

from __future__ import annotations

import pytest

from tests.conftest import SMALL
from tflottery.data.settings import DataSettings
from tflottery.exports.fast.of_units import like
from tflottery.pruning.scopes import OF_UNITS, SCOPES
from tflottery.runs.recipes import Recipe
from tflottery.tickets import plan as plans
from tflottery.tickets.settings import PruningSettings
from tflottery.training.settings import TrainingSettings


def planned(model: str, **settings):
    """The settings of units, and the line on them; they can be planned with."""
    given = PruningSettings(**settings)
    found, line = like(given, SMALL[model], 0.5)
    recipe = Recipe(DataSettings(fingerprint="f"), SMALL[model], TrainingSettings())
    plan = plans.make_plan(recipe, found, 1)
    assert (found.criterion, found.sparsity) == ("filters", 0.5)
    assert plan.levels[-1].sparsity == pytest.approx(0.5)
    return found, line


@pytest.mark.parametrize("scope", SCOPES)
def test_scopes_of_weights_alone_are_no_dead_end(scope):
    found, line = planned("cnn", scope=scope)
    if scope in OF_UNITS:
        assert found.scope == scope and not line
    else:
        assert found.scope == "layerwise" and f"--scope layerwise in place of {scope}" in line


def test_a_pull_on_scales_goes_with_its_criterion():
    found, line = planned("cnn", criterion="slimming", slimming=0.01)
    assert "no pruning.slimming" in line and found.slimming == PruningSettings().slimming
    assert planned("cnn", criterion="slimming")[1] == ""


@pytest.mark.parametrize("method", ["gradual", "movement", "rigl", "set"])
def test_masks_that_moved_are_found_in_rounds(method):
    found, line = planned("gru", method=method, sparsity=0.6, move_every=0.5)
    assert found.method == "iterative" and f"--method iterative in place of {method}" in line
    assert found.move_every == "auto"


def test_rates_of_what_has_no_units_go_and_others_stay():
    of_units = (("conv_2", 0.4), ("head", 0.0))
    assert planned("cnn", rates=of_units)[0].rates == of_units
    found, line = planned("cnn", rates=(("conv_2", 0.4), ("head", 0.1)))
    assert found.rates == (("conv_2", 0.4),) and "no pruning.rates of head" in line
    found, line = planned("transformer", rates=(("embedding", 0.3), ("units_*", 0.2)))
    assert found.rates == (("units_*", 0.2),) and "no pruning.rates of embedding" in line
    kernels = (("lstm*/kernel", 0.4), ("lstm*/recurrent_kernel", 0.1))
    found, line = planned("lstm", rates=kernels)
    assert found.rates == () and "no pruning.rates of lstm" in line


def test_settings_that_are_of_units_too_stay_as_they_are():
    given = {"method": "one_shot", "rate": 0.3, "init": "rewind:1ep", "embedding": False}
    found, line = planned("cnn", **given)
    assert not line and {name: getattr(found, name) for name in given} == given
