"""Pruning whole units: exact, whole, never the last one, and a smaller network that remains."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import is_prunable
from tests.exported import drawn
from tests.test_compaction import SIZES, given_scores, network
from tflottery.errors import UserError
from tflottery.exports.compaction import compact
from tflottery.models.units import Units
from tflottery.pruning import criteria, masks, scopes
from tflottery.pruning.masks import By, To
from tflottery.tickets.plan import PruningSettings


def everything(model: str) -> masks.Masks:
    return {
        name: np.ones(weight.shape, bool)
        for name, weight in drawn(SIZES[model]).items()
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
    (made,) = [part for part in units.made if part.tensor.endswith(("embeddings", "/kernel"))]
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
