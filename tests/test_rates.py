"""Rates by layer: names and patterns, what they come to in rounds and goals, and bad ones."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from tests.conftest import SMALL
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.experiments import configuration
from tflottery.models.architecture import Initializers
from tflottery.models.shipped.cnn import Cnn
from tflottery.models.shipped.gru import Gru
from tflottery.models.shipped.lstm import Lstm
from tflottery.models.shipped.transformer import Transformer
from tflottery.pruning import masks, rates
from tflottery.pruning.masks import By, To
from tflottery.runs.pruned import Pruned
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import Dense, Fresh, RunSpec
from tflottery.settings import from_table
from tflottery.tickets.applicable import excluding
from tflottery.tickets.plan import make_plan
from tflottery.tickets.rules import how_pruned
from tflottery.tickets.settings import PruningSettings
from tflottery.training.settings import TrainingSeeds, TrainingSettings

NAMES = (
    "embedding/embeddings", "conv_2/kernel", "conv_2/bias", "conv_3/kernel", "head/kernel",
    "head/bias",
)  # fmt: skip
ISSUE = (("embedding", 0.3), ("conv_*", 0.2), ("head", 0.0))
RECIPE = Recipe(DataSettings(fingerprint="f", vocabulary_size=500), Cnn(), TrainingSettings())


def of(*given: tuple[str, float], rest: float = 0.5) -> dict[str, float]:
    return rates.by_tensor(rates.with_rest(rates.checked(given), rest), NAMES, Cnn().roles())


def test_roles_layers_tensors_and_patterns_name_tensors():
    found = of(*ISSUE)
    assert found == dict(zip(NAMES, (0.3, 0.2, 0.2, 0.2, 0.0, 0.0), strict=True))
    assert of(("conv_2", 0.1))["conv_2/bias"] == 0.1
    assert of(("conv_2/kernel", 0.1))["conv_2/bias"] == 0.5
    assert of(("*/bias", 0.0))["head/bias"] == 0.0
    assert of(("*", 0.25)) == dict.fromkeys(NAMES, 0.25)


def test_the_name_that_says_most_wins_whatever_the_order():
    given = (("conv_*", 0.2), ("conv_2/bias", 0.0), ("conv_2", 0.1), ("*", 0.4))
    for order in (given, given[::-1]):
        assert of(*order) == dict(zip(NAMES, (0.4, 0.1, 0.0, 0.2, 0.4, 0.4), strict=True))
    assert of(("conv_*", 0.2), ("conv_2/*", 0.3))["conv_2/kernel"] == 0.3


def test_two_rates_in_the_same_right_are_refused():
    with pytest.raises(UserError, match=r"gives conv_2/bias two rates, 0.3 as \*nv_2 and 0.1"):
        of(("conv*", 0.1), ("*nv_2", 0.3), rest=0.2)
    assert of(("conv*", 0.1), ("*nv_2", 0.1))["conv_2/kernel"] == 0.1


@pytest.mark.parametrize("pattern", ["[c]*", "?*", "??*", "[a-z]*", "**"])
def test_patterns_that_spell_nothing_out_come_before_the_rest(pattern):
    assert of((pattern, 0.1), rest=0.2)["conv_2/kernel"] == 0.1
    assert of((pattern, 0.1), ("*", 0.2))["conv_2/kernel"] == 0.1
    assert of((pattern, 0.1), ("conv_2", 0.3))["conv_2/kernel"] == 0.3


def test_roles_are_told_by_the_network_and_not_by_names():
    roles = dataclasses.replace(Cnn().roles(), embedding=("words/table",), head=("out/kernel",))
    found = rates.by_tensor(
        rates.with_rest((("embedding", 0.3), ("head", 0.0)), 0.5),
        ("words/table", "out/kernel", "out/bias", "embedding/kernel"),
        roles,
    )
    assert found == {
        "words/table": 0.3, "out/kernel": 0.0, "out/bias": 0.0, "embedding/kernel": 0.5
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(SMALL))
@pytest.mark.parametrize("classes", [2, 3])
def test_the_shapes_of_shipped_networks_are_known_before_they_are_built(name, classes):
    from tflottery.pruning.masked_model import masked_model

    model = SMALL[name]
    built = masked_model(model.build(17, classes, Initializers(0)), biases=True)
    assert model.shapes(17, classes) == built.prunable


@pytest.mark.parametrize(
    "model",
    [
        Lstm(embedding=4, units=3, layers=2, bidirectional=False, pooling="max"),
        Gru(embedding=4, units=3, layers=2),
        Transformer(embedding=4, heads=2, feed_forward=3, layers=2, positions=5),
        Cnn(embedding=4, widths=(2,), filters=3, vectors_hash="v", vectors_frozen=True),
    ],
    ids=lambda model: model.name,
)
def test_so_are_those_of_other_sizes(model):
    from tflottery.pruning.masked_model import masked_model

    built = masked_model(model.build(9, 2, Initializers(0)), biases=True)
    assert model.shapes(9, 2) == built.prunable


def mask(amount, **changes) -> Pruned:
    dense = RunSpec(RECIPE, Dense(), Fresh(1), TrainingSeeds(1, 1))
    chosen = rates.with_rest(rates.checked(ISSUE), 0.2)
    return Pruned(dense, amount, rates=chosen, **changes)


def drawn(biases: bool = False) -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    shapes = RECIPE.model.shapes(500, 2)
    return {
        name: random.normal(size=shape).astype(np.float32)
        for name, shape in shapes.items()
        if biases or not name.endswith("bias")
    }


def left(made: masks.Masks) -> dict[str, float]:
    return {name: float(mask.mean()) for name, mask in made.items()}


def test_a_round_prunes_each_tensor_by_its_rate():
    weights = drawn()
    once = mask(By(0.2)).prune(masks.dense({n: w.shape for n, w in weights.items()}), weights)
    twice = mask(By(0.2)).prune(once, masks.apply(once, weights))
    found = left(twice)
    assert found["embedding/embeddings"] == pytest.approx(0.49)
    assert found["conv_4/kernel"] == pytest.approx(0.64)
    assert found["head/kernel"] == 1


def test_a_goal_is_shared_out_by_rates_and_exact():
    weights = drawn()
    made = mask(To(0.832)).prune(masks.dense({n: w.shape for n, w in weights.items()}), weights)
    counted = masks.count(made)
    assert counted.remaining == counted.total - round(counted.total * 0.832)
    found = left(made)
    rounds = np.log(found["embedding/embeddings"]) / np.log(0.7)
    assert found["conv_3/kernel"] == pytest.approx(0.8**rounds, abs=1e-4)
    assert found["head/kernel"] == 1


def test_biases_and_excluded_tensors_go_by_rates_too():
    weights = drawn(biases=True)
    kernels = {n: w.shape for n, w in weights.items() if not n.endswith("bias")}
    made = mask(By(0.2), biases=True, head=False).prune(masks.dense(kernels), weights)
    assert left(made)["conv_3/bias"] == pytest.approx(0.8)
    assert left(made)["head/bias"] == 1


def test_plans_go_in_rounds_or_to_goals():
    made = make_plan(RECIPE, PruningSettings(rates=ISSUE), seed=1)
    assert {level.mask.amount for level in made.levels} == {By(0.2)}
    assert made.levels[0].mask.rates == (("*", 0.2), *sorted(ISSUE))
    with pytest.raises(UserError, match="no sparsity that is known beforehand"):
        _ = made.levels[0].sparsity
    to_goal = make_plan(RECIPE, PruningSettings(rates=ISSUE, sparsity=0.5), seed=1)
    amounts = [level.sparsity for level in to_goal.levels]
    assert amounts == pytest.approx([0.2, 0.36, 0.488, 0.5])
    assert [level.mask.of for level in to_goal.levels[1:]] == [
        level.ticket for level in to_goal.levels[:-1]
    ]
    (at_once,) = make_plan(
        RECIPE, PruningSettings(method="one_shot", rates=ISSUE, sparsity=0.5), seed=1
    ).levels
    assert at_once.mask.amount == To(0.5)


def test_records_hold_rates_by_name_and_only_where_there_are_some():
    settings = PruningSettings(rates=ISSUE, sparsity=0.5)
    table = json.loads(json.dumps(settings.table()))
    assert table["rates"] == dict(ISSUE)
    assert from_table(PruningSettings, "pruning", table) == settings
    assert "rates" not in PruningSettings().table()
    assert how_pruned(settings)["rates"] and "rates" not in how_pruned(PruningSettings())


def test_the_order_of_rates_is_in_no_key():
    one, other = (
        make_plan(RECIPE, PruningSettings(rates=given, sparsity=0.5), seed=1).levels[-1].ticket
        for given in (ISSUE, ISSUE[::-1])
    )
    assert one == other and one.key == other.key
    plain = make_plan(RECIPE, PruningSettings(sparsity=0.5), seed=1).levels[-1].ticket
    assert plain.key != one.key and "rates" not in plain.canonical["mask"]


@pytest.mark.parametrize(
    "given",
    [
        'pruning.rates={embedding=0.3, "conv_*"=0.2, head=0.0}',
        'pruning.rates={head = 0, "conv_*" = 0.2, embedding = 0.3}',
    ],
)
def test_rates_come_as_a_table(given):
    chosen = configuration.load("toy", {}, [given]).pruning
    assert chosen.rates == tuple(sorted(ISSUE))
    by_call = {"embedding": 0.3, "conv_*": np.float32(0.2).item(), "head": 0}
    assert configuration.load("toy", {}, {"pruning.rates": by_call}).pruning.rates[0][0] == "conv_*"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rates": (("embeding", 0.3),)}, "names embeding.*Did you mean 'embedding'"),
        ({"rates": (("lstm_*", 0.3),)}, r"names lstm_\*, and this network prunes no such tensor"),
        ({"rates": (("conv_3/bias", 0.3),)}, "prunes no such tensor"),
        ({"rates": (("head", 1.0),)}, r"head = 1; a rate is .* in \[0, 1\)"),
        ({"rates": (("head", -0.1),)}, r"head = -0.1"),
        ({"rates": (("head", float("nan")),)}, "head = nan"),
        ({"rates": (("head", 0.1), ("head", 0.2))}, "holds head twice"),
        ({"rates": (("head", 0.1),), "scope": "global"}, "no two compete"),
        ({"rates": (("head", 0.1),), "head": False}, "prunes head at 0.1.*excludes it"),
        ({"rates": (("conv_?", 0.1), ("conv_*", 0.2))}, "two rates"),
        (
            {"rates": (("conv_*", 0.0), ("head", 0.0)), "sparsity": 0.9},
            r"29.4 % can be pruned at most",
        ),
        ({"rates": (("*", 0.0),)}, "give no tensor a rate above 0"),
        ({"rates": (("*", 0.0), ("head", 0.1)), "head": False}, "excludes it"),
        ({"rates": (("conv_*", 0.0), ("embedding", 0.0), ("head", 0.0))}, "nothing would be"),
        ({"rates": (("*", 0.0),), "criterion": "filters"}, "no layer of units a rate above 0"),
        (
            {"rates": (("conv_*", 0.0),), "embedding": False, "head": False},
            "no tensor a rate above 0",
        ),
        ({"rates": (("head", 0.2),), "criterion": "filters"}, "whole units, of which it has none"),
        ({"scope": "uniform+", "sparsity": 0.9}, r"uniform\+ keeps the first.*29.5 % can be"),
        ({"scope": "lamp", "criterion": "filters"}, "single weights.*layerwise, global"),
        ({"scope": "erk", "criterion": "filters"}, "single weights"),
        ({"scope": "uniform+", "criterion": "filters"}, "single weights"),
        ({"scope": "globall"}, "Did you mean 'global'"),
        ({"scope": "lam"}, "Did you mean 'lamp'"),
        ({"scope": "uniform"}, r"Did you mean 'uniform\+'"),
    ],
)
def test_what_cannot_be_is_a_line_before_anything_is_trained(settings, message):
    with pytest.raises(UserError, match=message) as told:
        make_plan(RECIPE, PruningSettings(**settings), seed=1)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("value", [0.3, [0.3], {"embedding": "much"}, {"embedding": [0.1]}, "all"])
def test_rates_are_a_table_of_numbers(value):
    with pytest.raises(UserError, match=r"pruning\.rates is .*table of numbers"):
        configuration.load("toy", {}, {"pruning.rates": value})


def test_units_have_the_rate_of_their_layer():
    chosen = {"criterion": "filters", "rates": (("embedding", 0.3), ("conv_*", 0.5), ("head", 0.0))}
    for settings in (chosen, {**chosen, "sparsity": 0.4}):
        level = make_plan(RECIPE, PruningSettings(**settings), seed=1).levels[0]
        weights = drawn(biases=True)
        shapes = {n: w.shape for n, w in weights.items() if not n.endswith("bias")}
        made = level.mask.prune(masks.dense(shapes), weights)
        whole = {
            "embedding": made["embedding/embeddings"].any(axis=0).sum(),
            **{f"conv_{w}": made[f"conv_{w}/kernel"].any(axis=(0, 1)).sum() for w in (3, 4, 5)},
        }
        if "sparsity" not in settings:
            assert list(whole.values()) == [70, 50, 50, 50]
        else:
            first = round(400 * 0.2)
            assert sum(whole.values()) == 400 - first
            assert whole["embedding"] > whole["conv_3"]


def test_units_of_one_layer_have_one_rate():
    recipe = dataclasses.replace(RECIPE, model=Lstm())
    given = (("lstm_forward_1/kernel", 0.1),)
    with pytest.raises(UserError, match="tensors of lstm_forward_1 different rates"):
        make_plan(recipe, PruningSettings(criterion="filters", rates=given), seed=1)


def test_what_is_excluded_elsewhere_loses_its_rates():
    settings = PruningSettings(rates=(*ISSUE[:2], ("head", 0.1)))
    changed = excluding(settings, Cnn(), head=False)
    assert changed.rates == (("conv_*", 0.2), ("embedding", 0.3)) and not changed.head
    make_plan(RECIPE, changed, seed=1)
    assert excluding(settings, Cnn(), embedding=False).rates == (
        ("conv_*", 0.2), ("head", 0.1)
    )  # fmt: skip
