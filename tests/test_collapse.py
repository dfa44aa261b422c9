"""Layers without a weight: which, and that a search says so and ends where it can prune no more."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.test_plan import RECIPE, Results, plan
from tflottery.pruning.collapse import collapsed
from tflottery.tickets import search as searching
from tflottery.tickets import words


@pytest.mark.parametrize(
    ("kept", "found"),
    [
        ({"conv/kernel": [1, 0], "head/kernel": [1]}, ()),
        ({"conv/kernel": [0, 0], "head/kernel": [1]}, ("conv",)),
        ({"conv/kernel": [0], "conv/bias": [1], "head/kernel": [0]}, ("conv", "head")),
        # Of a layer with weights left, its tensors; biases are nothing that a text goes through.
        ({"lstm/kernel": [0, 0], "lstm/recurrent_kernel": [1]}, ("lstm/kernel",)),
        ({"lstm/kernel": [0], "lstm/recurrent_kernel": [0]}, ("lstm",)),
        ({"conv/kernel": [1], "conv/bias": [0, 0]}, ()),
        ({"a/b/kernel": [0], "a/c/kernel": [1]}, ("a/b",)),
        ({"table": [0, 0], "none/kernel": []}, ("table",)),
    ],
)
def test_collapsed_layers_and_tensors(kept, found):
    assert collapsed({name: np.array(mask, bool) for name, mask in kept.items()}) == found


@dataclasses.dataclass
class Masked:
    """A stand-in for a run with masks of its own."""

    metrics: dict[str, float]
    kept: dict[str, np.ndarray]

    def masks(self):
        return self.kept


class Collapsing(Results):
    """Gives runs whose head has no weight left."""

    def __call__(self, spec):
        run = super().__call__(spec)
        return Masked(run.metrics, {**run.masks(), "head/kernel": np.zeros(2, bool)})


def test_a_search_knows_the_layers_that_collapsed():
    made = plan(sparsity=0.36)
    (outcome,) = searching.search([made], Collapsing(made, 0.88, [0.88, 0.87], 0.8))
    assert [judged.collapsed for judged in outcome.rounds] == [("head",), ("head",)]
    (outcome,) = searching.search([made], Results(made, 0.88, [0.88, 0.87], 0.8))
    assert [judged.collapsed for judged in outcome.rounds] == [(), ()]


def test_a_caution_names_layers_and_networks():
    rounds = [("round 1", ()), ("round 2", ("conv_3",)), ("round 3", ("conv_3", "head"))]
    (line,) = words.on_collapse(rounds)
    assert "no weight is left in conv_3 (round 2, round 3); head (round 3)." in line
    assert "\n" not in line and words.on_collapse(rounds[:1]) == ()


class Pruned(Results):
    """Gives runs with the masks that a CNN of a convolution of 60 and a table of 40 would have."""

    def __call__(self, spec):
        run = super().__call__(spec)
        self.kept = getattr(self, "kept", {})
        shapes = {
            "embedding/embeddings": (20, 2), "conv_3/kernel": (3, 2, 10), "head/kernel": (10, 1),
        }  # fmt: skip
        masks = {name: np.ones(shape, bool) for name, shape in shapes.items()}
        if spec.mask.needs():
            weights = {
                name: np.arange(mask.size).reshape(mask.shape) for name, mask in masks.items()
            }
            masks = spec.mask.prune(self.kept[spec.mask.of.key], weights)
        self.kept[spec.key] = masks
        return Masked(run.metrics, masks)


@pytest.mark.parametrize(
    ("settings", "rounds"),
    [
        # 62 of 110 stay: after 22, 40 and 53 % no further one is possible.
        ({"scope": "uniform+"}, 2),
        ({"scope": "uniform+", "method": "one_shot"}, 2),
        ({"rates": (("conv_*", 0.0),), "method": "one_shot"}, 2),
        ({"scope": "erk"}, 5),
    ],
)
def test_an_open_search_ends_where_no_more_can_be_pruned(settings, rounds):
    made = plan(**settings)
    (outcome,) = searching.search([made], Pruned(made, 0.88, [0.88] * 3 + [0.5] * 50, 0.8))
    assert len(outcome.rounds) == rounds
    assert outcome.plan.dense.recipe == RECIPE
