"""Pruning whole units: exact, whole, never the last one, and a smaller network that remains."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import is_prunable
from tests.exported import VOCABULARY, drawn
from tests.test_compaction import SIZES, given_scores, network
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.exports.compaction import compact
from tflottery.exports.network import Network
from tflottery.models.shipped.transformer import Transformer
from tflottery.models.units import Heads, Units
from tflottery.pruning import criteria, masks, scopes
from tflottery.pruning.context import Activations, PruningContext
from tflottery.pruning.masks import By, To
from tflottery.runs.recipes import Recipe
from tflottery.tickets import plan as plans
from tflottery.tickets.settings import PruningSettings
from tflottery.training.settings import TrainingSettings


def everything(model: str | Transformer) -> masks.Masks:
    architecture = SIZES[model] if isinstance(model, str) else model
    return {
        name: np.ones(weight.shape, bool)
        for name, weight in drawn(architecture).items()
        if is_prunable(name)
    }


def filters(model: str, current: masks.Masks, amount: By | To, **options) -> masks.Masks:
    layers = SIZES[model].unit_layers()
    weights = masks.apply(current, drawn(SIZES[model]))
    scores = criteria.unit_scores("filters", weights, layers)
    return masks.prune_units(current, layers, scores, amount, **options)


def left(units: Units, pruned: masks.Masks) -> np.ndarray:
    """bool [units]: which units are whole; fails if a unit is partly pruned."""
    everyone = np.arange(units.count)
    made = next(part for part in units.made if part.tensor.endswith(("embeddings", "/kernel")))
    alive = made.of(pruned[made.tensor], everyone, units.count).any(axis=1)
    for part in units.parts:
        if part.tensor in pruned:
            entries = part.of(pruned[part.tensor], everyone, units.count)
            assert not entries[~alive].any() and entries[alive].any(axis=1).all()
    return alive


@pytest.mark.parametrize("model", sorted(SIZES))
@settings(max_examples=8)
@given(rates=st.lists(st.floats(0.05, 0.7), min_size=1, max_size=4))
def test_rounds_are_exact_and_monotone_in_units(model, rates):
    layers, current = SIZES[model].unit_layers(), everything(model)
    for rate in rates:
        pruned = filters(model, current, By(rate))
        for units in layers:
            before, after = left(units, current), left(units, pruned)
            assert after.sum() == max(before.sum() - round(before.sum() * rate), 1)
            assert not (after & ~before).any()
        current = pruned


@pytest.mark.parametrize("model", ["cnn", "lstm", "gru"])
def test_what_is_left_is_a_smaller_dense_network(model):
    pruned = filters(model, everything(model), To(0.5))
    whole = network(model, masks.apply(pruned, drawn(SIZES[model])))
    small = compact(whole)
    for units in SIZES[model].unit_layers():
        part = units.made[0]
        assert small.weights[part.tensor].shape[part.axis] == (units.count // 2 + units.count % 2
                                                               ) * part.blocks  # fmt: skip
    kernels = [weight for name, weight in small.weights.items() if is_prunable(name)]
    assert all(np.all(kernel) for kernel in kernels)
    assert given_scores(small) == pytest.approx(given_scores(whole), abs=1e-5)


def test_the_units_of_highest_norm_stay():
    weights = drawn(SIZES["cnn"])
    weights["conv_2/kernel"][..., 1] = 0.001
    weights["embedding/embeddings"][:, 6] = 9
    layers = SIZES["cnn"].unit_layers()
    scores = criteria.unit_scores("filters", weights, layers)
    assert scores["conv_2"].argmin() == 1 and scores["embedding"].argmax() == 6
    kernel = weights["conv_3/kernel"]
    assert scores["conv_3"] == pytest.approx(np.abs(kernel).mean(axis=(0, 1)))
    # Weights that were pruned with other units do not count in the mean of those that read them.
    weights["conv_3/kernel"] = np.where(np.arange(8)[:, np.newaxis] < 4, kernel, 0)
    again = criteria.unit_scores("filters", weights, layers)["conv_3"]
    assert again == pytest.approx(np.abs(kernel[:, :4]).mean(axis=(0, 1)))


def test_the_last_unit_of_a_layer_stays():
    pruned = filters("cnn", everything("cnn"), To(0.99))
    assert [left(units, pruned).sum() for units in SIZES["cnn"].unit_layers()] == [1, 1, 1]


def test_the_embedding_can_be_excluded():
    pruned = filters("cnn", everything("cnn"), To(0.5), exclude=["embedding/embeddings"])
    assert pruned["embedding/embeddings"].all()
    assert pruned["conv_2/kernel"].any(axis=(0, 2)).all()
    assert pruned["conv_2/kernel"].any(axis=(0, 1)).sum() == 3


def test_globally_layers_compete():
    weights = drawn(SIZES["cnn"])
    weights["conv_3/kernel"] *= 100
    layers, current = SIZES["cnn"].unit_layers(), everything("cnn")
    scores = criteria.unit_scores("filters", weights, layers)
    pruned = masks.prune_units(current, layers, scores, To(0.5), scope="global")
    counts = [int(left(units, pruned).sum()) for units in layers]
    assert counts[2] == 6 and sum(counts) == 10


def test_globally_the_last_unit_of_a_layer_stays_beside_the_number_that_was_asked_for():
    layers, current = SIZES["cnn"].unit_layers(), everything("cnn")
    scores = {units.layer: np.arange(units.count) + 100.0 for units in layers}
    scores[layers[0].layer] -= 100
    pruned = masks.prune_units(current, layers, scores, To(0.5), scope="global")
    counts = [int(left(units, pruned).sum()) for units in layers]
    assert counts[0] == 1 and sum(counts) == 10 + 1
    assert left(layers[0], pruned)[-1]


def test_normalised_scores_let_layers_of_any_size_of_weights_compete():
    weights = drawn(SIZES["cnn"])
    layers, current = SIZES["cnn"].unit_layers(), everything("cnn")

    def counts(scale: float) -> list[int]:
        scaled = {**weights, "conv_3/kernel": weights["conv_3/kernel"] * scale}
        scores = criteria.unit_scores("filters", scaled, layers)
        pruned = masks.prune_units(current, layers, scores, To(0.5), scope="global:normalised")
        return [int(left(units, pruned).sum()) for units in layers]

    assert sum(counts(1)) == 10 and counts(1) == counts(64)


@pytest.mark.parametrize("scope", sorted(set(scopes.SCOPES) - set(scopes.OF_UNITS)))
def test_scopes_of_single_weights_are_refused(scope):
    with pytest.raises(UserError, match=f"scope {re.escape(scope)} is about single weights"):
        filters("cnn", everything("cnn"), To(0.5), scope=scope)


@pytest.mark.parametrize("amount", [By(0.3), To(0.45)])
def test_units_are_pruned_by_the_rates_of_their_layers(amount):
    layers = SIZES["cnn"].unit_layers()
    rates = dict(zip([units.layer for units in layers], (0.5, 0.0, 0.25), strict=True))
    pruned = filters("cnn", everything("cnn"), amount, rates=rates)
    counts = [int(left(units, pruned).sum()) for units in layers]
    assert counts[1] == layers[1].count
    if isinstance(amount, By):
        assert counts == [u.count - round(u.count * rates[u.layer]) for u in layers]
    else:
        whole = sum(units.count for units in layers)
        assert sum(counts) == whole - round(whole * 0.45)


def test_find_ticket_knows_the_criterion():
    assert PruningSettings(criterion="filters").criterion == "filters"


# Heads of attention

HEADS = Transformer(embedding=12, heads=4, feed_forward=6, layers=2, positions=12)
OF_UNITS = criteria.shipped("units")


def of_heads(count: int, pruned: masks.Masks) -> list[np.ndarray]:
    found = [left(units, pruned) for units in HEADS.unit_layers() if isinstance(units, Heads)]
    assert len(found) == HEADS.layers and all(len(alive) == count for alive in found)
    return found


@pytest.mark.parametrize("sparsity", [0.25, 0.5, 0.99])
def test_a_pruned_head_goes_whole_and_an_export_is_smaller_by_it(sparsity):
    weights = drawn(HEADS)
    current = everything(HEADS)
    layers = HEADS.unit_layers()
    scores = criteria.unit_scores("filters", weights, layers)
    pruned = masks.prune_units(current, layers, scores, To(sparsity))
    whole = Network(HEADS, len(VOCABULARY), tuple("ab"), 9, masks.apply(pruned, weights))
    small = compact(whole)
    for number, alive in enumerate(of_heads(4, pruned), start=1):
        assert alive.sum() == max(4 - round(4 * sparsity), 1)
        columns = np.repeat(alive, 3)
        for part in ("query", "key", "value"):
            kernel = small.weights[f"{part}_{number}/kernel"]
            assert np.array_equal(kernel, weights[f"{part}_{number}/kernel"][:, columns])
        assert np.array_equal(
            small.weights[f"attention_{number}/kernel"],
            weights[f"attention_{number}/kernel"][columns],
        )
    kernels = [weight for name, weight in small.weights.items() if is_prunable(name)]
    assert small.numbers < whole.numbers and all(map(np.all, kernels))
    assert given_scores(small) == pytest.approx(given_scores(whole), abs=1e-5)


def test_layers_may_keep_different_heads():
    weights = drawn(HEADS)
    weights["attention_1/kernel"][3:] = 0
    weights["value_2/kernel"][:, 6:9] = 0
    whole = Network(HEADS, len(VOCABULARY), tuple("ab"), 9, weights)
    small = compact(whole)
    assert [small.weights[f"query_{n}/kernel"].shape[1] for n in (1, 2)] == [3, 9]
    assert given_scores(small) == pytest.approx(given_scores(whole), abs=1e-5)


def test_the_weights_of_a_head():
    heads = HEADS.unit_layers()[0]
    weights = drawn(HEADS)
    found = criteria.unit_scores("filters", weights, (heads,))["heads_1"]
    kernels = [weights[f"{part}_1/kernel"] for part in ("query", "key", "value")]
    expected = [
        np.mean([np.abs(kernel[:, 3 * n : 3 * n + 3]).mean() for kernel in kernels])
        for n in range(4)
    ]
    assert found == pytest.approx(expected, rel=1e-6)


class Gives:
    """A ``Computed`` whose attention gives these numbers."""

    def __init__(self, values: np.ndarray, slopes: np.ndarray) -> None:
        self.batch = {"heads_1": Activations(values, slopes)}

    def activations(self, weights, layers, batches):
        assert list(layers) == ["heads_1"]
        yield self.batch


def test_what_a_head_gives_is_all_its_numbers_of_all_words():
    random = np.random.default_rng(0)
    values, slopes = (random.normal(size=(5, 7, 12)).astype(np.float32) for _ in range(2))

    def scored(name: str) -> np.ndarray:
        context = PruningContext(
            name, drawn(HEADS), {}, (), units=HEADS.unit_layers()[:1],
            _computed=lambda: Gives(values, slopes),
        )  # fmt: skip
        return criteria.score(context)["heads_1"]

    # Michel et al. (2019), equation 2: the mean over texts of |Att_h(x)^T dL/dAtt_h(x)|, divided
    # by the Euclidean norm of a layer's.
    apart = slice_heads(values), slice_heads(slopes)
    moved = np.abs(
        [[np.vdot(v, s) for v, s in zip(*text, strict=True)] for text in zip(*apart, strict=True)]
    )
    expected = moved.mean(axis=0)
    assert scored("taylor_units") == pytest.approx(expected / np.linalg.norm(expected), rel=1e-5)
    norms = np.linalg.norm([np.linalg.norm(text, axis=(1, 2)) for text in apart[0]], axis=0)
    assert scored("activation_norm") == pytest.approx(norms / np.linalg.norm(norms), rel=1e-5)


def slice_heads(given: np.ndarray) -> list[list[np.ndarray]]:
    """What each head gives for each text: [words, numbers]."""
    return [[text[:, 3 * n : 3 * n + 3] for n in range(4)] for text in given]


# Scales are of the run that is scored, and costs weigh layers against each other: those two decide
# otherwise how many heads of a layer go.
@pytest.mark.parametrize(
    "criterion", [one for one in OF_UNITS if one not in ("slimming", "latency")]
)
def test_heads_are_pruned_where_they_are_asked_for(criterion):
    recipe = Recipe(DataSettings(fingerprint="f"), HEADS, TrainingSettings())
    settings = PruningSettings(method="one_shot", criterion=criterion, sparsity=0.5)
    asked = dataclasses.replace(settings, attention_heads=True)
    without, heads = (plans.make_plan(recipe, one, 1).levels[0].mask for one in (settings, asked))
    assert heads == dataclasses.replace(without, attention_heads=True)
    current = {
        name: np.ones(one.shape, bool) for name, one in drawn(HEADS).items() if is_prunable(name)
    }
    random = np.random.default_rng(0)

    class Computed:
        def activations(self, weights, layers, batches):
            sizes = {units.layer: units.count * units.width for units in HEADS.unit_layers()}
            yield {
                name: Activations(*random.normal(size=(2, 3, 4, sizes[name]))) for name in layers
            }

    for mask, expected in ((without, [4, 4]), (heads, [2, 2])):
        pruned = mask.prune(current, drawn(HEADS), Computed)
        assert [alive.sum() for alive in of_heads(4, pruned)] == expected


def test_heads_have_scales_and_costs_where_they_are_asked_for():
    recipe = Recipe(DataSettings(fingerprint="f"), HEADS, TrainingSettings())

    def mask(**settings):
        made = PruningSettings(method="one_shot", sparsity=0.5, **settings)
        return plans.make_plan(recipe, made, 1).levels[0].mask

    names = [units.layer for units in HEADS.unit_layers()]
    heads = [name for name in names if name.startswith("heads")]
    assert mask(criterion="slimming", attention_heads=True).of.mask.layers == tuple(names)
    assert not set(heads) & set(mask(criterion="slimming").of.mask.layers)
    costs = tuple((name, 1.0) for name in names)
    costly = {"criterion": "latency", "scope": "global"}
    assert mask(**costly, costs=costs, attention_heads=True).costs == tuple(sorted(costs))
    assert mask(**costly, costs=costs).costs == tuple(sorted(costs))
    of_others = tuple(one for one in costs if one[0] not in heads)
    assert mask(**costly, costs=of_others).costs == tuple(sorted(of_others))
    with pytest.raises(UserError, match="gives heads_1 no cost"):
        mask(**costly, costs=of_others, attention_heads=True)


def test_heads_that_are_not_there_are_a_line():
    recipe = Recipe(DataSettings(fingerprint="f"), SIZES["cnn"], TrainingSettings())
    settings = PruningSettings(criterion="filters", attention_heads=True)
    with pytest.raises(UserError, match="the network cnn has no heads of attention"):
        plans.make_plan(recipe, settings, 1)
    with pytest.raises(UserError, match="not with magnitude, which is of single weights"):
        PruningSettings(attention_heads=True)


def test_rates_of_heads_are_those_of_what_makes_them():
    recipe = Recipe(DataSettings(fingerprint="f"), HEADS, TrainingSettings())
    given = {"attention_heads": True, "criterion": "filters", "method": "one_shot", "sparsity": 0.2}
    rates = (("[qkv]*_*", 0.5), ("units_*", 0.0))
    mask = plans.make_plan(recipe, PruningSettings(**given, rates=rates), 1).levels[0].mask
    current = {
        name: np.ones(one.shape, bool) for name, one in drawn(HEADS).items() if is_prunable(name)
    }
    pruned = mask.prune(current, drawn(HEADS))
    assert pruned["units_1/kernel"].all() and sum(map(sum, of_heads(4, pruned))) == 4
    with pytest.raises(UserError, match="the tensors of heads_1 different rates"):
        plans.make_plan(recipe, PruningSettings(**given, rates=(("query_1", 0.5),)), 1)


def test_heads_that_are_not_pruned_make_no_sparsity_reachable():
    recipe = Recipe(DataSettings(fingerprint="f"), HEADS, TrainingSettings())
    given = {"criterion": "filters", "sparsity": 0.6, "rates": (("units_1", 0.0),)}
    with pytest.raises(UserError, match=r"6 of 12 units, so that 50.0 % can be"):
        plans.make_plan(recipe, PruningSettings(**given), 1)
    plans.make_plan(recipe, PruningSettings(**given, attention_heads=True), 1)
