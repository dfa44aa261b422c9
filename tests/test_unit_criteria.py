"""Criteria of whole units in numpy alone: their formulas."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.contexts import Given, context
from tflottery.models.shipped.cnn import Cnn
from tflottery.models.units import Columns, Filters, Part, Rectified
from tflottery.pruning import criteria
from tflottery.pruning.context import Activations, PruningContext

LAYER = Rectified("one", 3, ())


def units_scored(name: str, values: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    batch = {"one": Activations(values.astype(np.float32), slopes.astype(np.float32))}
    computed = Given(batches=[batch, batch])
    return criteria.score(context(name, computed=computed, units=(LAYER,)))["one"]


def test_units_by_what_they_give():
    values = np.array([[[1.0, -2, 0], [2, -1, 0]], [[3.0, 1, 0], [0, 0, 0]]])
    slopes = np.array([[[1.0, 0, 1], [-1, 0, 1]], [[1.0, 2, 1], [1, 1, 1]]])
    # Per text: |1 - 2| + |3|, |0| + |2|, 0; twice two texts, and two batches.
    taylor = np.array([4.0, 2.0, 0.0])
    found = units_scored("taylor_units", values, slopes)
    assert found == pytest.approx(taylor / np.linalg.norm(taylor))
    norm = np.sqrt([14.0, 1.0, 0.0])
    found = units_scored("activation_norm", values, slopes)
    assert found == pytest.approx(norm / np.linalg.norm(norm))
    assert not units_scored("taylor_units", values * 0, slopes).any()


def test_units_near_the_geometric_median_go_first():
    weights = {
        "conv/kernel": np.array([[[0.0, 3, 3, 0, 9], [0, 4, 4, 0, 9]]], np.float32),
        "conv/bias": np.zeros(5, np.float32),
    }
    layer = Filters("conv", 5, (Part("head/kernel", 0),))
    weights["conv/kernel"][..., 3] = [6, 8]
    found = criteria.unit_scores("geometric_median", weights, (layer,))["conv"]
    # Filter 0 is pruned: (3, 4) twice, (6, 8) and (9, 9) are left.
    apart = [0 + 5 + np.hypot(6, 5), 0 + 5 + np.hypot(6, 5), 5 + 5 + np.hypot(3, 1)]
    assert found[1:4] == pytest.approx(np.array(apart) / (3 * np.sqrt(2)), rel=1e-6)
    assert found.argmax() == 4 and found[0] == 0
    alone = {"embedding/embeddings": np.array([[1.0, 0]], np.float32)}
    columns = Columns("embedding", 2, ())
    assert np.isfinite(
        criteria.unit_scores("geometric_median", alone, (columns,))["embedding"]
    ).all()


def test_distances_are_over_the_weights_that_are_left():
    rng = np.random.default_rng(3)
    kernel = rng.normal(size=(3, 4, 5)).astype(np.float32)
    layer = Filters("conv", 5, (Part("head/kernel", 0),))
    alive, inputs = np.array([0, 2, 3]), np.array([1, 3])
    mask = np.zeros(kernel.shape, bool)
    mask[np.ix_(range(3), inputs, alive)] = True

    def scored(weights, masks):
        weights = {"conv/kernel": weights, "conv/bias": np.zeros(weights.shape[-1], np.float32)}
        units = (dataclasses.replace(layer, count=weights["conv/bias"].size),)
        masks = {"conv/kernel": masks}
        context = PruningContext("geometric_median", weights, masks, (), units=units)
        return criteria.score(context)["conv"]

    # As if the network had never had what is pruned.
    small = kernel[np.ix_(range(3), inputs, alive)]
    found = scored(np.where(mask, kernel, 0), mask)
    assert found[alive] == pytest.approx(scored(small, np.ones(small.shape, bool)), rel=1e-6)


def test_units_by_chance_hang_on_seed_and_layer_alone():
    layers = tuple(Cnn(embedding=4, widths=(2, 3), filters=5).unit_layers())
    drawn = {
        seed: criteria.score(PruningContext("random_units", {}, {}, (), units=layers, _seed=seed))
        for seed in (1, 1, 2)
    }
    assert {name: one.shape for name, one in drawn[1].items()} == {
        one.layer: (one.count,) for one in layers
    }
    values = np.concatenate([scores for one in drawn.values() for scores in one.values()])
    assert len(set(values.tolist())) == values.size and 0 <= values.min() <= values.max() < 1


def test_which_criteria_score_units():
    names = [
        "filters", "random_units", "geometric_median", "taylor_units", "activation_norm",
        "slimming", "latency",
    ]  # fmt: skip
    assert criteria.shipped("units") == names
    assert all(map(criteria.scores_units, names)) and not criteria.scores_units("magnitude")
