"""Criteria in numpy alone: formulas, what they read, what they are given, and what is refused."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chains import RECIPE, chain, dense
from tests.conftest import ROOT
from tests.registries import put_back
from tflottery.digests import digest
from tflottery.errors import TrainingError, UserError
from tflottery.models.shipped.cnn import Cnn
from tflottery.models.shipped.lstm import Lstm
from tflottery.models.units import Columns, Filters, Part, Rectified
from tflottery.pruning import criteria, masks
from tflottery.pruning.context import Activations, PruningContext
from tflottery.pruning.criteria import CRITERIA, register_criterion
from tflottery.pruning.masks import By, To
from tflottery.pruning.rounds import in_rounds, partly
from tflottery.pruning.scopes import SCOPES
from tflottery.runs.inits import Snapshot, drawn_in
from tflottery.runs.pruned import Pruned
from tflottery.runs.specs import Fresh, RunSpec, snapshots_wanted
from tflottery.tickets.plan import make_plan
from tflottery.tickets.settings import PruningSettings

NAME = "one/kernel"
FIRST = np.array([[0.1, -0.2, 0.3], [-0.4, 0.5, 0.0]], np.float32)
FINAL = np.array([[-0.6, 0.1, 0.3], [0.0, 0.7, -0.2]], np.float32)
SLOPES = np.array([[1.0, -2.0, 0.5], [3.0, 0.1, -1.0]])
CURVED = np.array([[0.2, 0.4, 0.1], [2.0, 0.3, 1.0]])


class Given:
    """A ``Computed`` whose answers are given."""

    def __init__(self, slopes: np.ndarray = SLOPES, batches: list | None = None) -> None:
        self.slopes, self.batches, self.asked = slopes, batches or [], []

    def gradients(self, weights, batches):
        self.asked.append((weights, batches))
        return {NAME: self.slopes, "one/bias": np.ones(3)}

    def hessian_product(self, weights, vector, batches):
        self.asked.append((vector, batches))
        return {NAME: CURVED}

    def curvature(self, weights, batches):
        self.asked.append((weights, batches))
        return {NAME: CURVED}

    def flow(self, weights):
        self.asked.append((weights, 0))
        return {NAME: CURVED}

    def activations(self, weights, layers, batches):
        yield from self.batches


def context(
    criterion: str, mask: np.ndarray | None = None, computed: Given | None = None, units=()
) -> PruningContext:
    left = {NAME: np.ones(FIRST.shape, bool) if mask is None else mask}
    kept = {
        step: {NAME: weight, "one/bias": np.ones(3, np.float32)}
        for step, weight in (("0ep", FIRST), ("end", FINAL))
    }
    chosen = criteria.CRITERIA.find(criterion)
    return PruningContext(
        criterion,
        masks.apply(left, kept[chosen.at]),
        left,
        (NAME,),
        units=units,
        _steps={step: lambda step=step: kept[step] for step in chosen.steps},
        _computed=(lambda: computed) if computed else None,
    )


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


# Units

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


# Rounds


@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=3),
    amount=st.one_of(
        st.floats(0, 0.99).map(By), st.floats(0.5, 0.99).map(To),
    ),
    rounds=st.integers(1, 7),
    scope=st.sampled_from(SCOPES),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_rounds_keep_as_many_as_one_and_revive_nothing(sizes, amount, rounds, scope, seed):
    random = np.random.default_rng(seed)
    start = {f"t{n}": random.random(size) < 0.9 for n, size in enumerate(sizes)}
    if isinstance(amount, To):
        start = {name: np.ones_like(mask) for name, mask in start.items()}
    seen = []

    def score(left: masks.Masks) -> dict[str, np.ndarray]:
        seen.append(left)
        return {name: random.random(mask.shape) for name, mask in left.items()}

    def prune(scores, amount):
        return masks.prune(start, scores, amount, scope=scope)

    found = in_rounds(start, amount, rounds, score, prune)
    once = prune({name: random.random(mask.shape) for name, mask in start.items()}, amount)
    assert len(seen) == rounds and masks.count(found) == masks.count(once)
    if scope == "layerwise":
        assert [m.sum() for m in found.values()] == [m.sum() for m in once.values()]
    for before, after in zip(seen, [*seen[1:], found], strict=True):
        assert not any((after[name] & ~before[name]).any() for name in start)


@given(
    rates=st.lists(st.floats(0, 0.9), min_size=2, max_size=3),
    amount=st.sampled_from([By(0.2), By(0.01), By(0.9)]),
    rounds=st.integers(2, 6),
)
def test_rounds_follow_rates_of_tensors(rates, amount, rounds):
    random = np.random.default_rng(1)
    start = {f"t{n}": np.ones(20 * (n + 1), bool) for n in range(len(rates))}
    own = dict(zip(start, rates, strict=True))
    seen = []

    def score(left: masks.Masks) -> dict[str, np.ndarray]:
        seen.append(left)
        return {name: random.normal(size=mask.shape) for name, mask in left.items()}

    def prune(scores, amount):
        at, now = partly(amount, own)
        return masks.prune(start, scores, at, rates=now)

    found = in_rounds(start, amount, rounds, score, prune)
    once = masks.prune(start, {n: random.random(m.shape) for n, m in start.items()}, amount,
                       rates=own)  # fmt: skip
    assert [mask.sum() for mask in found.values()] == [mask.sum() for mask in once.values()]
    for before, after in zip(seen, [*seen[1:], found], strict=True):
        assert not any((after[name] & ~before[name]).any() for name in start)


def test_density_falls_by_the_same_factor():
    kept = []

    def score(left):
        kept.append(int(left["a"].sum()))
        return {"a": np.arange(1000.0)}

    start = {"a": np.ones(1000, bool)}
    found = in_rounds(start, To(0.999), 3, score, lambda s, a: masks.prune(start, s, a))
    assert [*kept, int(found["a"].sum())] == [1000, 100, 10, 1]


# What runs need


RUNS = chain(RECIPE, 1, 2)


def pruned(criterion: str, of: RunSpec = RUNS[0]) -> RunSpec:
    return dataclasses.replace(of, mask=Pruned(of, To(0.5), criterion=criterion))


@pytest.mark.parametrize(
    ("criterion", "of", "needs"),
    [
        ("magnitude", 0, [(0, "end")]),
        ("filters", 2, [(2, "end")]),
        ("taylor", 2, [(2, "end")]),
        ("snip", 0, [(0, "0ep"), (0, "end")]),
        ("snip", 2, [(0, "0ep"), (2, "end")]),
        ("movement", 2, [(2, "end"), (0, "0ep")]),
    ],
)
def test_needs_follow_what_is_read(criterion, of, needs):
    mask = pruned(criterion, RUNS[of]).mask
    assert [(run.key, step) for run, step in mask.needs()] == [
        (RUNS[number].key, step) for number, step in needs
    ]
    wanted = snapshots_wanted([pruned(criterion, RUNS[of])])
    for number, step in needs:
        assert step in wanted[RUNS[number].key]


def test_weights_at_a_step_are_those_of_the_run_that_drew_them():
    first, second, third = RUNS
    tuned = dataclasses.replace(third, init=Snapshot(second, "end"))
    late = dataclasses.replace(third, init=Snapshot(first, "1ep"))
    assert [drawn_in(run) for run in (first, third, tuned, late)] == [first] * 4
    anew = dataclasses.replace(second, init=Fresh(9))
    assert drawn_in(anew) is anew
    assert list(pruned("movement", anew).mask.needs()) == [(anew, "end"), (anew, "0ep")]


class Kept:
    """``Ancestors`` of given arrays; says what is read."""

    def __init__(self, arrays: dict[str, dict[str, np.ndarray]], computed: Given) -> None:
        self.arrays, self._computed, self.read = arrays, computed, []

    def masks(self, run):
        return {NAME: np.ones(FIRST.shape, bool)}

    def snapshot(self, run, step):
        self.read.append((run.key, step))
        return self.arrays[step]

    def computed(self, run):
        return self._computed


def test_a_mask_is_made_of_what_it_needs():
    arrays = {step: {NAME: weight, "one/bias": np.ones(3)}
              for step, weight in (("0ep", FIRST), ("end", FINAL))}  # fmt: skip
    for name in criteria.shipped("weights"):
        mask = pruned(name, RUNS[2]).mask
        kept = Kept(arrays, Given())
        made = mask.make(kept)
        assert made[NAME].sum() == 3
        assert set(kept.read) <= {(run.key, step) for run, step in mask.needs()}


# One's own


@pytest.fixture
def own() -> Iterator[None]:
    with put_back():
        yield


def refused(function: Callable, told: str, computed: Given | None = None, **declared) -> None:
    register_criterion("mine", **declared)(function)
    with pytest.raises(UserError, match=told) as caught:
        criteria.score(context("mine", computed=computed, units=(LAYER,)))
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
@pytest.mark.parametrize("odd", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["snip", "taylor"])
def test_gradients_that_are_not_finite_are_one_line(name, odd):
    computed = Given(np.where(SLOPES > 2, odd, SLOPES))
    told = f"'{name}' cannot score one/kernel: its gradient is not"
    with pytest.raises(TrainingError, match=told):
        criteria.score(context(name, computed=computed))


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


def test_networks_that_flow_has_no_meaning_for_are_told_before_they_are_trained():
    settings = PruningSettings(criterion="synflow")
    assert make_plan(RECIPE, settings, 1).levels
    with pytest.raises(UserError, match="lstm has layers, as gates, attention or norms"):
        make_plan(dataclasses.replace(RECIPE, model=Lstm()), settings, 1)


def test_early_moments_are_no_moments_of_one_that_reads_its_own():
    run = dense(RECIPE)
    mask = Pruned(run, To(0.5), criterion="snip")
    with pytest.raises(UserError, match="'snip' reads 0ep, which is not this moment"):
        mask.prune({NAME: np.ones(FIRST.shape, bool)}, {NAME: FINAL})
