"""Whole units of networks of which a layer is frozen: it has no mask, and its units stay."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.conftest import SMALL, is_prunable
from tests.exported import drawn
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.pruning import criteria, masks
from tflottery.pruning.context import Activations
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import Dense, Fresh, RunSpec
from tflottery.tickets import plan as plans
from tflottery.tickets.applicable import require_roles
from tflottery.tickets.scored import scored
from tflottery.tickets.settings import PruningSettings
from tflottery.training.settings import TrainingSeeds, TrainingSettings

TABLE = "embedding/embeddings"
MODELS = ("cnn", "lstm", "gru")
HOW = (
    {"method": "one_shot"},
    {"method": "one_shot", "scope": "global"},
    {"method": "one_shot", "scope": "global:normalised"},
    {"method": "one_shot", "rates": (("head", 0.0), ("*", 0.3))},
    {"method": "one_shot", "embedding": False},
    {"method": "iterative"},
)
# Scales are of a training, and costs have a test of their own.
CRITERIA = [one for one in criteria.shipped("units") if one not in ("slimming", "latency")]


def recipe(model: str) -> Recipe:
    frozen = dataclasses.replace(SMALL[model], vectors="a.txt", vectors_frozen=True)
    return Recipe(DataSettings(fingerprint="f"), frozen, TrainingSettings())


def everything(model: str) -> masks.Masks:
    return {
        name: np.ones(weight.shape, bool)
        for name, weight in drawn(SMALL[model]).items()
        if is_prunable(name) and name != TABLE
    }


class Computed:
    """Activations by chance, of the layers that are asked for."""

    def __init__(self, model: str) -> None:
        self.sizes = {one.layer: one.count for one in SMALL[model].unit_layers()}

    def activations(self, weights, layers, batches):
        assert "embedding" not in layers
        random = np.random.default_rng(0)
        yield {
            name: Activations(*random.normal(size=(2, 3, 4, self.sizes[name]))) for name in layers
        }


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("how", HOW, ids=lambda how: " ".join(map(str, how.values())))
@pytest.mark.parametrize("criterion", CRITERIA)
def test_units_of_trained_layers_are_pruned_and_those_of_a_frozen_one_stay(criterion, how, model):
    settings = PruningSettings(criterion=criterion, sparsity=0.5, rate=0.5, **how)
    mask = plans.make_plan(recipe(model), settings, 1).levels[0].mask
    current = everything(model)
    pruned = mask.prune(current, drawn(SMALL[model]), lambda: Computed(model))
    trained = [one for one in SMALL[model].unit_layers() if one.layer != "embedding"]
    together = "scope" in how or "rates" in how
    groups = [[one] for one in trained] if not together else [trained]
    alive = masks.alive_units(pruned, trained)
    assert set(pruned) == set(current)
    for group in groups:
        whole = sum(one.count for one in group)
        left = sum(int(alive[one.layer].sum()) for one in group)
        assert left == whole - round(whole * 0.5)


def test_scales_and_costs_are_of_what_is_trained():
    run = RunSpec(recipe("lstm"), Dense(), Fresh(1), TrainingSeeds(1, 1))
    slim = scored(run, PruningSettings(criterion="slimming"))
    trained = ("lstm_forward_1", "lstm_backward_1")
    assert set(slim.mask.layers) <= set(trained) and slim.mask.layers
    costs = tuple((layer, 1.0) for layer in slim.mask.layers)
    given = {"criterion": "latency", "scope": "global"}
    require_roles(run.recipe.model, PruningSettings(**given, costs=costs))
    # A file of costs has those of all layers.
    more = (*costs, ("embedding", 2.0))
    require_roles(run.recipe.model, PruningSettings(**given, costs=more))
    with pytest.raises(UserError, match="gives embedding no cost"):
        require_roles(SMALL["lstm"], PruningSettings(**given, costs=costs))
    with pytest.raises(UserError, match="names embedding, and this network prunes no such tensor"):
        require_roles(
            run.recipe.model, PruningSettings(criterion="filters", rates=(("embedding", 0.3),))
        )


def test_a_layer_of_units_that_is_nowhere_is_a_line():
    mask = plans.make_plan(
        recipe("cnn"), PruningSettings(criterion="filters", sparsity=0.5), 1
    ).levels[0].mask  # fmt: skip
    weights = {name: one for name, one in drawn(SMALL["cnn"]).items() if "conv_2" not in name}
    with pytest.raises(UserError, match="says that conv_2/kernel computes the units of conv_2"):
        mask.prune(everything("cnn"), weights)
