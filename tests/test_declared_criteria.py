"""Criteria of one's own: what they may declare, what they may give, and their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tests.contexts import FINAL, NAME, Given, context, pruned
from tests.registries import put_back
from tflottery.digests import digest
from tflottery.errors import UserError
from tflottery.models.units import Rectified
from tflottery.pruning import criteria
from tflottery.pruning.context import PruningContext
from tflottery.pruning.criteria import CRITERIA, register_criterion


@pytest.fixture
def own() -> Iterator[None]:
    with put_back():
        yield


def refused(function: Callable, told: str, computed: Given | None = None, **declared) -> None:
    register_criterion("mine", **declared)(function)
    with pytest.raises(UserError, match=told) as caught:
        criteria.score(context("mine", computed=computed, units=(Rectified("one", 3, ()),)))
    assert "'mine'" in str(caught.value) and "\n" not in str(caught.value)


def asks(of: Callable[[PruningContext], object]) -> Callable:
    def mine(context):
        of(context)
        return {NAME: FINAL}

    return mine


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("function", "told", "declared"),
    [
        (asks(lambda c: c.weights_at("0ep")), "asks for weights at '0ep' and declared end", {}),
        (asks(lambda c: c.weights_at("0ep")), 'declared 1ep, end; .*reads=."0ep",',
         {"reads": ("1ep",)}),
        (asks(lambda c: c.gradients()), "asks for gradients .* no training data here", {}),
        (asks(lambda c: list(c.activations())), "no training data here", {}),
        (asks(lambda c: c.nothing), "failed for this run: AttributeError", {}),
        (lambda c: FINAL, "gave a ndarray; it has to give a dict of scores by tensor", {}),
        (lambda c: {}, "gave no scores for the tensor one/kernel", {}),
        (lambda c: {NAME: FINAL + np.nan}, "gave nan among the scores of the tensor one", {}),
        (lambda c: {NAME: FINAL[0]}, r"scores of shape \(3,\) for the tensor one/kernel", {}),
        (lambda c: {"one": np.ones(2)}, r"for the layer one, whose shape is \(3,\)",
         {"of": "units"}),
        (lambda c: {NAME: FINAL}, "gave no scores for the layer one", {"of": "units"}),
    ],
)  # fmt: skip
def test_what_is_refused_is_one_line(function, told, declared):
    refused(function, told, **declared)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({"at": "later"}, "'later' names no step"),
        ({"reads": "0ep"}, "reads a tuple of steps"),
        ({"reads": (3,)}, "reads a tuple of steps"),
        ({"of": "layers"}, 'of "weights" or of "units"'),
        ({"rounds": 0}, "at least one round"),
        ({"rounds": 2, "of": "units"}, "pruned in one round"),
    ],
)
def test_what_cannot_be_declared(declared, told):
    with pytest.raises(UserError, match=told):
        register_criterion("mine", **declared)(lambda context: {})


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("declared", [{"reads": ("0ep",)}, {"of": "units"}])
def test_other_steps_and_units_need_a_context(declared):
    with pytest.raises(UserError, match="a function of one argument, a context"):
        register_criterion("mine", **declared)(lambda weight, random: weight)


@pytest.mark.usefixtures("own")
def test_keys_hold_what_one_of_ones_own_declares():
    def mine(context):
        return {name: context.weights[name] for name in context.names}

    keys = set()
    for declared in ({}, {"at": "0it"}, {"at": "1ep"}, {"reads": ("0ep",)}, {"rounds": 3}):
        register_criterion("mine", **declared)(mine)
        keys.add(pruned("mine").key)
    assert len(keys) == 5
    assert CRITERIA["mine"].rounds == 3
    register_criterion("mine", at="0ep")(mine)
    assert pruned("mine").key in keys
    # One that declares nothing has the key that it always had: the digest of its source.
    register_criterion("mine", at="end", reads=())(mine)
    assert pruned("mine").mask.computes == digest(mine)
