"""Layers without a weight: which, and that a search says so and ends where it can prune no more."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_plan import RECIPE, Results, plan
from tflottery.cli.find_ticket import _befell
from tflottery.experiments.study import measuring
from tflottery.experiments.ticket import emptied
from tflottery.experiments.transfer.design import Cell
from tflottery.experiments.transfer.measuring import cautions_on
from tflottery.pruning.collapse import collapsed
from tflottery.runs.measures import answers_alike
from tflottery.runs.predictions import Predictions
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


@given(st.integers(2, 9), st.integers(1, 4), st.floats(-50, 50, width=32), st.booleans())
def test_scores_are_alike_where_no_text_differs(texts, units, value, differs):
    logits = np.full((texts, units), value, np.float32)
    if differs:
        logits[-1, -1] += 1
    assert Predictions(np.zeros(texts, np.int32), logits).are_alike != differs
    assert not Predictions(np.zeros(1, np.int32), logits[:1]).are_alike  # of one text: who knows


class Answering(Collapsing):
    """Its second round has lost its head; of the first no text reaches the scores either, and its
    weights do not tell."""

    def __call__(self, spec):
        run = Results.__call__(self, spec)
        if spec.key == self.made.levels[1].ticket.key:
            run = super().__call__(spec)
        alike = spec.key != self.made.dense.key
        logits = np.zeros((5, 1), np.float32) if alike else np.arange(5.0)[:, np.newaxis]
        said = {"validation": Predictions(np.zeros(5, np.int32), logits)}
        return Saying(run.metrics, run.masks(), said)


@dataclasses.dataclass
class Saying(Masked):
    said: dict[str, Predictions] | None

    def predictions(self):
        return self.said


def test_a_search_says_which_networks_answer_alike_to_every_text():
    made = plan(sparsity=0.36)
    results = Answering(made, 0.88, [0.5, 0.5], 0.8)
    results.made = made
    (outcome,) = searching.search([made], results)
    collapse, alike = emptied.cautions([outcome])
    assert "no weight is left in head (round 2)" in collapse
    assert alike.startswith("Alike to every text: the scores of round 1. ") and "\n" not in alike
    unsaid = [dataclasses.replace(one, run=Saying({}, {}, None)) for one in outcome.rounds[:1]]
    assert emptied.cautions([dataclasses.replace(outcome, rounds=tuple(unsaid))]) == ()


def test_a_transfer_says_it_too():
    made = plan(sparsity=0.36)
    results = Answering(made, 0.88, [0.5, 0.5], 0.8)
    results.made = made
    first, second = (level.ticket for level in made.levels)
    cells = [
        Cell("dense", "fresh", 0.0, 1, made.dense),
        Cell("source", "source", 0.2, 1, first),
        Cell("source", "source", 0.36, 1, second),
    ]
    collapse, alike = cautions_on(cells, results, {})
    assert "no weight is left in head (seed 1 source mask of 36.0 % on source weights)" in collapse
    assert "the scores of seed 1 source mask of 20.0 % on source weights." in alike
    assert cautions_on(cells, results, dict.fromkeys((first.key, second.key), "lost")) == ()


@pytest.mark.parametrize(
    ("said", "found"),
    [(None, None), (np.zeros((3, 1)), True), (np.arange(3.0)[:, np.newaxis], False)],
)
def test_a_run_answers_alike_or_not_or_nobody_knows(said, found):
    known = said is None or {"validation": Predictions(np.zeros(3, np.int32), said)}
    assert answers_alike(Saying({}, {}, None if said is None else known)) is found


@pytest.mark.parametrize(
    ("lost", "is_alike", "said"),
    [("", False, ""), ("", True, ", alike"), ("head", False, ", collapsed"),
     ("head", True, ", collapsed")],
)  # fmt: skip
def test_the_terminal_marks_both(lost, is_alike, said):
    assert _befell(SimpleNamespace(collapsed=lost, alike=is_alike)) == said


def test_a_study_says_it_too():
    cells = [
        SimpleNamespace(seed=1, method="one_shot", mask="magnitude", init=init, level=0.972,
                        part=part)
        for init, part in (("original", "grid"), ("random", "control"), ("reinit", "grid"))
    ]  # fmt: skip
    runs = SimpleNamespace(all=lambda: [(cell, None) for cell in [*cells, *cells[:2]]])
    rows = [{"alike": 1}, {"alike": 1}, {"alike": 1}, {}, {"alike": 0}]
    known = ["seed 1 one_shot magnitude reinit 0.972"]
    assert measuring._called_alike(runs, rows, known) == [
        "seed 1 one_shot magnitude original 0.972", "seed 1 one_shot magnitude random 0.972 control"
    ]  # fmt: skip
