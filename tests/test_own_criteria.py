"""Criteria of one's own: checked when they are used, and part of the keys of what they pruned."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

import tflottery as tfl
from tests.chains import RECIPE, dense
from tests.registries import put_back
from tflottery.errors import TrainingError, UserError
from tflottery.pruning import criteria
from tflottery.pruning.context import PruningContext
from tflottery.pruning.criteria import CRITERIA, register_criterion
from tflottery.pruning.masks import To
from tflottery.runs.pruned import Pruned
from tflottery.runs.specs import RunSpec
from tflottery.tickets.settings import PruningSettings

SMALL = {
    "model.filters": 4, "model.embedding": 6, "model.widths": [2], "training.epochs": 1,
    "training.batch_size": 16,
}  # fmt: skip
WEIGHTS = {"one/kernel": np.arange(-3, 3, dtype=np.float32).reshape(2, 3)}


@pytest.fixture(autouse=True)
def registries() -> Iterator[None]:
    with put_back():
        yield


def pruned(criterion: str) -> RunSpec:
    run = dense(RECIPE)
    return dataclasses.replace(run, mask=Pruned(run, To(0.5), criterion=criterion))


def scored(function) -> np.ndarray:
    register_criterion("mine")(function)
    return criteria.scores("mine", WEIGHTS, ["one/kernel"], seed=1)["one/kernel"]


@pytest.mark.parametrize(
    "function",
    [
        lambda weight, random: weight**2,
        lambda weight, random: (weight**2).tolist(),
        lambda weight, random: (weight**2).astype(np.int32),
        lambda weight, random: np.multiply(weight, weight, out=weight),
    ],
)
def test_scores_are_taken_as_they_are_given(function):
    before = WEIGHTS["one/kernel"].copy()
    assert np.array_equal(scored(function), before**2)
    assert np.array_equal(WEIGHTS["one/kernel"], before)  # a copy was given


def test_random_numbers_are_those_of_the_tensor_and_seed():
    def mine(weight, random):
        return random.random(weight.shape)

    own = criteria.scores("random", WEIGHTS, ["one/kernel"], seed=1)["one/kernel"]
    assert np.array_equal(scored(mine), own)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (
            lambda weight, random: weight[0],
            r"gave scores of shape \(3,\) .* whose shape is \(2, 3\)",
        ),
        (lambda weight, random: weight.sum(), r"gave scores of shape \(\)"),
        (lambda weight, random: None, "gave a NoneType"),
        (lambda weight, random: "much", "gave a str"),
        (lambda weight, random: weight.astype(complex), "gave a ndarray"),
        (lambda weight, random: [[1], [1, 2]], "gave a list"),
        (lambda weight, random: weight + np.nan, "gave nan among the scores"),
        (lambda weight, random: np.where(weight > 1, np.inf, weight), "gave inf among the scores"),
        (lambda weight, random: weight.nothing(), "failed .*: AttributeError: "),
        (lambda weight, random, more: weight, "failed .*: TypeError: "),
    ],
)  # fmt: skip
def test_what_is_no_score_names_criterion_and_tensor(function, told):
    with pytest.raises(UserError, match=f"^The criterion 'mine' {told}") as caught:
        scored(function)
    assert "tensor one/kernel" in str(caught.value) and "\n" not in str(caught.value)


def test_what_it_asks_for_and_is_not_finite_fails_that_run_alone():
    register_criterion("mine")(lambda context: context.gradients())

    class Endless:
        def gradients(self, weights, batches):
            return {name: one * np.nan for name, one in weights.items()}

    masks = {name: np.ones(one.shape, bool) for name, one in WEIGHTS.items()}
    context = PruningContext("mine", WEIGHTS, masks, tuple(WEIGHTS), _computed=Endless)
    told = "^The criterion 'mine' cannot score one/kernel: its gradient is not finite"
    with pytest.raises(TrainingError, match=told):
        criteria.score(context)


@pytest.mark.parametrize("name", ["magnitude", "random", "filters", "My own", ""])
def test_names_that_it_may_not_have(name):
    with pytest.raises(UserError, match=r"already, of tflottery itself|A criterion is not called"):
        register_criterion(name)(lambda weight, random: weight)


@pytest.mark.parametrize(
    "reads", [("0ep", "1ep"), ["0ep", "1ep"], {"0ep": 1, "1ep": 2}, {"1ep", "0ep"},
              iter(["0ep", "1ep"]), (one for one in ("0ep", "01ep"))],
)  # fmt: skip
def test_steps_that_it_reads_may_be_listed_in_any_way(reads):
    register_criterion("mine", reads=reads)(lambda context: {})
    assert CRITERIA["mine"].reads == ("0ep", "1ep")


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        *(({"reads": reads}, "reads a tuple of steps") for reads in (None, 5, "0ep", [5], b"a")),
        ({"at": None}, "reads a tuple of steps"),
        ({"at": 3}, "reads a tuple of steps"),
        ({"of": None}, 'of "weights" or of "units", not of None'),
        ({"of": ["units"]}, 'of "weights" or of "units"'),
        ({"rounds": None}, "at least one round, not None"),
        ({"rounds": 2.0}, "at least one round, not 2.0"),
        ({"scales": "no", "of": "units"}, "scales of the criterion 'mine' is True or False, not a"),
        ({"signed": None}, "signed of the criterion 'mine' is True or False, not a NoneType"),
    ],
)
def test_what_it_declares_is_checked_where_it_is_registered(declared, told):
    with pytest.raises(UserError, match=told) as caught:
        register_criterion("mine", **declared)
    assert "'mine'" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "register",
    [
        register_criterion,
        tfl.register_source,
        tfl.register_architecture,
        lambda name: tfl.register_metric(name, higher_is_better=True),
    ],
)
@pytest.mark.parametrize("thing", [5, "a function", None])
def test_what_is_no_function_is_refused_where_it_is_registered(register, thing):
    with pytest.raises(UserError, match="'mine'") as caught:
        register("mine")(thing)
    assert "function" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["no", None, 2, np.ones(2)])
def test_the_direction_of_a_metric_is_true_or_false(value):
    with pytest.raises(UserError, match="higher_is_better of the metric 'mine' is True or False"):
        tfl.register_metric("mine", higher_is_better=value)


def test_one_that_is_not_there_is_told_with_the_nearest():
    register_criterion("spread")(lambda weight, random: weight)
    with pytest.raises(UserError, match=r"not 'spred'. Did you mean 'spread'.* with --plugin"):
        PruningSettings(criterion="spred")


def test_keys_hold_what_it_computes_and_names_of_ours_alone():
    assert pruned("magnitude").mask.computes == pruned("filters").mask.computes == ""

    @register_criterion("mine")
    def mine(weight, random):
        return abs(weight)

    first = pruned("mine")
    assert len(first.mask.computes) == 64 and "computes" in str(first.canonical)
    assert pruned("mine").key == first.key

    @register_criterion("mine")
    def mine(weight, random):  # noqa: F811
        """The same, with more words."""
        return abs(weight)

    assert pruned("mine").key == first.key

    @register_criterion("mine")
    def mine(weight, random):  # noqa: F811
        return abs(weight) + 1

    assert pruned("mine").key != first.key
    # What was planned with the other one is not made with this one.
    with pytest.raises(UserError, match="'mine' is not what it was when its runs were planned"):
        first.mask.make(None)


def test_what_says_that_scores_are_signed_is_in_no_key():
    def mine(weight, random):
        return -abs(weight)

    register_criterion("mine")(mine)
    before = pruned("mine").key
    assert PruningSettings(criterion="mine", scope="lamp").scope == "lamp"
    register_criterion("mine", signed=True)(mine)
    assert pruned("mine").key == before
    with pytest.raises(UserError, match="lamp squares scores, and some of --criterion mine are"):
        PruningSettings(criterion="mine", scope="lamp")


def test_a_function_in_which_something_cannot_be_told():
    generator = iter([1])

    @register_criterion("mine")
    def mine(weight, random):
        return weight * next(generator)

    with pytest.raises(UserError, match="'mine' uses generator, a list_iterator, whose content"):
        pruned("mine")


def test_one_that_counts_its_calls_is_refused():
    calls = []

    @register_criterion("mine")
    def mine(weight, random):
        calls.append(1)
        return abs(weight)

    run = pruned("mine")
    CRITERIA["mine"].function(WEIGHTS["one/kernel"], None)
    with pytest.raises(UserError, match="it changes what it uses"):
        run.mask.make(None)


def _revives(context):
    for mask in context.masks.values():
        mask[...] = True
    return {name: context.weights[name] for name in context.names}


def _shifts(context):
    context.weights["one/kernel"][...] += 1
    return dict(context.weights)


def _shifts_what_has_no_mask(context):
    context.weights["one/bias"][...] += 1
    return dict(context.weights)


def _shifts_those_of_before(context):
    first = context.weights_at("0ep")
    first["one/bias"] += 1
    return first


def _insists(context):
    for mask in context.masks.values():
        mask.setflags(write=True)
        mask[...] = True
    context.masks.clear()
    return {name: context.weights[name] for name in context.names}


@pytest.mark.parametrize(
    "function", [_revives, _shifts, _shifts_what_has_no_mask, _shifts_those_of_before]
)
@pytest.mark.parametrize("rounds", [1, 2])
def test_one_that_writes_to_what_it_is_given_is_a_line(function, rounds):
    register_criterion("mine", reads=("0ep",), rounds=rounds)(function)
    kept = {**WEIGHTS, "one/bias": np.ones(3, np.float32)}
    before = {name: weight.copy() for name, weight in kept.items()}
    left = {"one/kernel": np.array([[True, True, False], [False, True, True]])}

    class Ancestors:
        def masks(self, run):
            return left

        def snapshot(self, run, step):
            return kept

    with pytest.raises(UserError, match=r"'mine' failed for this run: ValueError: .*read-only"):
        pruned("mine").mask.make(Ancestors())
    assert left["one/kernel"].sum() == 4
    assert all(np.array_equal(kept[name], before[name]) for name in kept)


def test_no_weight_comes_back_whatever_a_criterion_does():
    register_criterion("mine")(_insists)
    left = {"one/kernel": np.array([[True, True, False], [False, True, True]])}
    found = pruned("mine").mask.prune(left, WEIGHTS)["one/kernel"]
    assert found.sum() == 3 and not (found & ~left["one/kernel"]).any()


def test_an_edited_one_finds_another_ticket_and_the_same_one_trains_nothing(tmp_path):
    words = {"pos": ["fine", "warm"], "neg": ["dull", "cold"]}
    rows = [(f"text {n} is {words[one][n % 2]}", one) for n in range(40) for one in words]
    data = [text for text, _ in rows], [label for _, label in rows]

    def find() -> tfl.FoundTicket:
        return tfl.find_ticket(
            data, config="defaults", set=SMALL, criterion="mine", sparsity=0.3, progress=False,
            store=tmp_path / "runs", output=tmp_path / "tickets", method="one_shot",
        )  # fmt: skip

    @register_criterion("mine")
    def mine(weight, random):
        return abs(weight)

    first = find()
    assert first.trained == 3 and find().trained == 0
    assert first.ticket.pruning.criterion == "mine"

    @register_criterion("mine")
    def mine(weight, random):  # noqa: F811
        return -abs(weight)

    second = find()
    assert second.trained == 2  # dense is the same
    masks = first.ticket.masks["head/kernel"], second.ticket.masks["head/kernel"]
    assert not np.array_equal(*masks) and masks[0].sum() == masks[1].sum()
    # The first ticket is there, and is not taken for one of the new function.
    with pytest.raises(UserError, match="would not do the same way"):
        tfl.transfer(first.ticket, to="toy", store=tmp_path / "runs", dry_run=True, progress=False)
