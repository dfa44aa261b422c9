"""Costs of units: what they are of, how they weigh units, and how they are measured by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.chains import RECIPE, dense
from tests.conftest import SMALL, is_prunable
from tests.exported import drawn, make_ticket
from tflottery.errors import DamagedFileError, UserError
from tflottery.exports.fast import unit_costs
from tflottery.exports.fast.unit_costs import UnitCosts, per_unit
from tflottery.models.shipped.cnn import Cnn
from tflottery.models.units import Columns, Filters, Part
from tflottery.pruning import costs, criteria, masks
from tflottery.pruning.context import Activations, PruningContext
from tflottery.pruning.masks import By, To
from tflottery.runs.pruned import Pruned
from tflottery.runs.store import Store
from tflottery.tickets.plan import make_plan
from tflottery.tickets.settings import PruningSettings

LAYERS = SMALL["cnn"].unit_layers()
GIVEN = {"embedding": 8.0, "conv_2": 2.0, "conv_3": 5.0}


def everything() -> masks.Masks:
    return {
        name: np.ones(weight.shape, bool)
        for name, weight in drawn(SMALL["cnn"]).items()
        if is_prunable(name)
    }


def of(layer: str, left: masks.Masks) -> np.ndarray:
    (units,) = [one for one in LAYERS if one.layer == layer]
    return costs.of_units(units, GIVEN[layer], left)


def test_a_unit_costs_as_much_as_is_left_of_its_products():
    left = everything()
    assert [of(layer, left)[0] for layer in GIVEN] == [8.0, 2.0, 5.0]
    scores = {one.layer: -np.arange(one.count, dtype=float) for one in LAYERS}
    # Half of the columns and a third of the filters go: a filter has lost half of its inputs, but
    # not its weight in the head; a column a third of the filters that read it.
    pruned = masks.prune_units(left, LAYERS[:1], scores, To(0.5))
    assert of("embedding", pruned)[:4] == pytest.approx([8.0] * 4)
    for layer, width in (("conv_2", 2), ("conv_3", 3)):
        share = (width * 4 + 1) / (width * 8 + 1)
        assert of(layer, pruned) == pytest.approx([GIVEN[layer] * share] * 6)
    pruned = masks.prune_units(left, LAYERS[1:], scores, To(1 / 3))
    assert of("embedding", pruned) == pytest.approx([8.0 * 2 / 3] * 8)
    # Those that are gone cost something all the same, so that no score is infinite.
    assert np.isfinite(1 / of("conv_2", pruned)).all()


class Computed:
    """Activations and gradients of two batches, drawn."""

    def __init__(self) -> None:
        random = np.random.default_rng(4)
        self.batches = [
            {
                one.layer: Activations(
                    *random.normal(size=(2, texts, 1 if one.rectified else 7, one.count))
                )
                for one in LAYERS
            }
            for texts in (3, 2)
        ]

    def activations(self, weights, layers, batches):
        yield from self.batches


def test_latency_is_loss_over_time():
    computed = Computed()
    left = everything()
    scored = {one.layer: np.arange(one.count, dtype=float) for one in LAYERS}
    left = masks.prune_units(left, LAYERS, scored, To(0.25))
    context = PruningContext(
        "latency", masks.apply(left, drawn(SMALL["cnn"])), left, (), units=LAYERS, costs=GIVEN,
        _computed=lambda: computed,
    )  # fmt: skip
    found = criteria.score(context)
    for one in LAYERS:
        lost = np.zeros(one.count)
        for batch in computed.batches:
            values, slopes = batch[one.layer]
            for text in range(len(values)):
                for unit in range(one.count):
                    moved = float(values[text, :, unit] @ slopes[text, :, unit])
                    lost[unit] += len(values) * abs(moved)
        assert found[one.layer] == pytest.approx(lost / of(one.layer, left))


def test_dear_units_go_first():
    """With equal losses, the layer whose units take longest loses most."""
    units = (
        Columns("embedding", 4, (Part("conv/kernel", 1),)),
        Filters("conv", 4, (Part("head/kernel", 0),)),
    )
    left = {
        "embedding/embeddings": np.ones((9, 4), bool), "conv/kernel": np.ones((2, 4, 4), bool),
        "head/kernel": np.ones((4, 1), bool),
    }  # fmt: skip

    class Equal:
        def activations(self, weights, layers, batches):
            ones = np.ones((1, 1, 4), np.float32)
            yield dict.fromkeys(("embedding", "conv"), Activations(ones, ones))

    def kept(**given: float) -> list[int]:
        weights = {name: mask.astype(np.float32) for name, mask in left.items()}
        context = PruningContext(
            "latency", weights, left, (), units=units, costs=given, _computed=Equal
        )
        pruned = masks.prune_units(left, units, criteria.score(context), To(0.25), scope="global")
        alive = masks.alive_units(pruned, units)
        return [int(alive[layer].sum()) for layer in ("embedding", "conv")]

    assert kept(embedding=2.0, conv=1.0) == [2, 4]
    assert kept(embedding=1.0, conv=2.0) == [4, 2]


# Settings and keys


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"criterion": "latency", "scope": "global"}, "bin/export --unit_costs measures them"),
        ({"criterion": "latency", "costs": (("a", 1.0),)}, "give --scope global"),
        ({"criterion": "magnitude", "costs": (("a", 1.0),)}, "give --criterion latency"),
        ({"criterion": "filters", "costs": (("a", 0.0),)}, "a = 0; a cost is the microseconds"),
        ({"criterion": "filters", "costs": (("a", -1.0),)}, "above 0"),
        ({"criterion": "filters", "costs": (("a", float("nan")),)}, "above 0"),
        ({"criterion": "filters", "costs": (("a", float("inf")),)}, "above 0"),
        ({"criterion": "filters", "costs": (("a", 1.0), ("a", 2.0))}, "holds a twice"),
    ],
)
def test_costs_that_make_no_sense(settings, message):
    with pytest.raises(UserError, match=message) as caught:
        PruningSettings(**settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"embeding": 1.0}, "names embeding.*Did you mean 'embedding'"),
        ({"embedding": 1.0, "conv_3": 1.0}, "gives conv_4 no cost"),
    ],
)
def test_costs_are_of_every_layer_of_units(given, message):
    settings = PruningSettings(criterion="latency", scope="global", costs=tuple(given.items()))
    with pytest.raises(UserError, match=message):
        make_plan(RECIPE, settings, 1)


def test_costs_are_part_of_the_key_and_their_order_is_not():
    first = dense(RECIPE)
    layers = [one.layer for one in RECIPE.model.unit_layers()]

    def key(given: dict[str, float]) -> str:
        settings = PruningSettings(
            criterion="latency", scope="global", sparsity=0.2, costs=tuple(given.items())
        )
        return make_plan(RECIPE, settings, 1).levels[0].ticket.key

    rising = {layer: 1.0 + place for place, layer in enumerate(layers)}
    turned = dict(reversed(rising.items()))
    assert key(rising) == key(turned) != key(rising | {layers[0]: 1.5})
    without = dataclasses.replace(first, mask=Pruned(first, By(0.2), criterion="taylor_units"))
    assert "costs" not in without.canonical["mask"]


def test_records_have_costs_by_layer_where_there_are_some():
    assert "costs" not in PruningSettings().table()
    given = PruningSettings(criterion="latency", scope="global", costs=(("b", 2.0), ("a", 1.0)))
    assert given.table()["costs"] == {"a": 1.0, "b": 2.0}


# Measuring


def test_a_cost_is_the_slope_of_what_was_saved():
    saved = {("embedding", 2): 20.0, ("embedding", 4): 40.0, ("conv", 1): -3.0, ("conv", 2): 1.0}
    found = per_unit({"embedding": 8, "conv": 4, "alone": 1}, saved, whole=4_000.0)
    # (1 x -3 + 2 x 1) / (1 + 4) is below 0, so conv counts for a thousandth of the whole.
    assert found == {"embedding": 10.0, "conv": 1.0, "alone": 4.0}
    assert per_unit({"a": 4}, {("a", 1): 1.23456}, 1.0) == {"a": 1.23}


def test_what_was_measured_is_kept_and_taken_as_it_is(tmp_path, monkeypatch):
    ticket = make_ticket(tmp_path / "ticket", "cnn")
    store = Store(tmp_path / "runs")
    times = iter([(GIVEN, 900.0), ({}, 1.0)])
    monkeypatch.setattr(unit_costs, "_measure", lambda *_: next(times))
    assert unit_costs.kept(ticket, store) is None
    first = unit_costs.unit_costs(ticket, store)
    again = unit_costs.unit_costs(ticket, store)
    assert first.measured_now and not again.measured_now
    assert again.costs == first.costs == GIVEN and again.whole == 900.0
    assert first.setting == "pruning.costs={conv_2=2, conv_3=5, embedding=8}"
    assert "delete the file" in again.sentence and str(first.file) in again.sentence
    first.file.write_text(first.file.read_text().replace("8.0", "9.0"))
    with pytest.raises(DamagedFileError):
        unit_costs.kept(ticket, store)


def test_kept_costs_of_layers_that_have_no_units_here_are_left_out(tmp_path, monkeypatch):
    ticket = make_ticket(tmp_path / "ticket", "cnn")
    store = Store(tmp_path / "runs")
    monkeypatch.setattr(unit_costs, "_measure", lambda *_: ({**GIVEN, "gone": 1.0}, 900.0))
    unit_costs.unit_costs(ticket, store)
    assert unit_costs.unit_costs(ticket, store).costs == GIVEN


def test_the_setting_is_what_set_takes():
    from tflottery.toml import parse_assignment

    made = UnitCosts({"embedding": 0.25, "conv_2": 1e-4, "block.1": 3.2}, 1.0, "", None)  # type: ignore[arg-type]
    key, value = parse_assignment(made.setting)
    assert key == costs.KEY and value == made.costs


@pytest.mark.long
def test_costs_are_measured(tmp_path):
    wide = Cnn(embedding=64, widths=(2, 3), filters=64)
    ticket = make_ticket(tmp_path / "ticket", "cnn")
    recipe = dataclasses.replace(
        ticket.recipe,
        model=wide,
        data=dataclasses.replace(ticket.recipe.data, max_length=200),
    )
    object.__setattr__(ticket, "recipe", recipe)
    found = unit_costs.unit_costs(ticket, Store(tmp_path / "runs"))
    assert set(found.costs) == {"embedding", "conv_2", "conv_3"}
    # All three take time, and all units of a layer together no more than the network.
    assert all(0 < 64 * cost < 2 * found.whole for cost in found.costs.values())
