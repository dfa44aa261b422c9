"""Network slimming: scales trained along, folded into the weights, and masks by them."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from tests.conftest import SMALL, is_prunable, same_arrays
from tests.exported import VOCABULARY, drawn
from tests.registries import put_back
from tests.test_compaction import IDS, SIZES
from tests.test_probe import COUNTS, LABELS, TINY, of_cnn, slope
from tests.test_probe import IDS as TINY_IDS
from tests.test_probe import VOCABULARY as TINY_WORDS
from tests.test_probe import drawn as drawn_of
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.models import weights as named_weights
from tflottery.models.architecture import Initializers
from tflottery.pruning import criteria
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.context import PruningContext
from tflottery.pruning.scaled_model import ScaledModel
from tflottery.pruning.slimming import Scales
from tflottery.runs.inits import Snapshot
from tflottery.runs.networks import network
from tflottery.runs.realise import Realiser
from tflottery.runs.recipes import Recipe
from tflottery.runs.scaled import Scaled
from tflottery.runs.specs import Dense
from tflottery.runs.store import Store
from tflottery.tickets import plan as plans
from tflottery.tickets.settings import PruningSettings
from tflottery.training.losses import loss
from tflottery.training.settings import TrainingSettings


@pytest.mark.parametrize("name", sorted(SIZES))
def test_weights_are_those_of_the_network_without_scales(name):
    model, random = SIZES[name], np.random.default_rng(1)
    scales = Scales(0.1, model.unit_layers())
    plain = model.build(len(VOCABULARY), 2, Initializers(1))
    scaled, weights = ScaledModel(plain, scales), drawn(model)
    scaled.load(mask_ops.dense(scaled.prunable), weights)
    named_weights.put(plain, weights)
    # At 1 nothing is scaled, to the bit.
    assert same_arrays(scaled.weights(), weights)
    assert np.array_equal(scaled.model(IDS), plain(IDS))
    variables = named_weights.variables(scaled.model)
    for units in scales.layers:
        numbers = random.uniform(0, 2, units.count) * (random.random(units.count) < 0.7)
        variables[f"{units.layer}_scale/gamma"].assign(numbers)
    found = scaled.scales()
    assert {layer: one.shape for layer, one in found.items()} == {
        units.layer: (units.count,) for units in scales.layers
    }
    named_weights.put(plain, scaled.weights())
    assert scaled.model(IDS).numpy() == pytest.approx(plain(IDS).numpy(), abs=1e-5)
    assert plain(IDS).numpy() != pytest.approx(drawn_logits(model, weights), abs=1e-3)
    assert all(map(is_prunable, scaled.prunable))  # no mask is of a scale


def drawn_logits(model, weights) -> np.ndarray:
    plain = model.build(len(VOCABULARY), 2, Initializers(1))
    named_weights.put(plain, weights)
    return plain(IDS).numpy()


def test_the_gradient_is_that_of_the_loss_and_of_its_penalty():
    """Equation 1 of the paper: the loss, and lambda times the sum of |scale|, by differences of a
    network in numpy whose weights have the scales folded in."""
    layers, strength = TINY.unit_layers(), 0.25
    plain = TINY.build(TINY_WORDS, 2, Initializers(1))
    scaled = ScaledModel(plain, Scales(strength, layers))
    weights = drawn_of(plain)
    scaled.load(mask_ops.dense(scaled.prunable), weights)
    at = {"embedding": np.array([0.5, 1.5]), "conv_2": np.array([1.2, 0.3])}
    variables = named_weights.variables(scaled.model)
    for layer, numbers in at.items():
        variables[f"{layer}_scale/gamma"].assign(numbers)

    def total(scales: dict[str, np.ndarray]) -> float:
        # By hand: filters read the columns of words, the head reads the filters.
        kernel = weights["conv_2/kernel"] * scales["embedding"][:, np.newaxis]
        head = weights["head/kernel"] * scales["conv_2"][:, np.newaxis]
        penalty = strength * sum(np.abs(one).sum() for one in scales.values())
        return of_cnn({**weights, "conv_2/kernel": kernel, "head/kernel": head}) + penalty

    with tf.GradientTape() as tape:
        logits = scaled.model(TINY_IDS, training=False)
        mean = loss(2)(LABELS[:, np.newaxis], logits, sample_weight=COUNTS)
    wanted = [variables[f"{layer}_scale/gamma"] for layer in at]
    found = tape.gradient(mean, wanted)
    expected = slope(total, at)
    for one, layer in zip(found, at, strict=True):
        assert one.numpy() == pytest.approx(expected[layer], abs=1e-4)
    # No loss that is reported holds the penalty.
    assert float(mean) == pytest.approx(total(at) - strength * 3.5, abs=1e-5)
    # A step goes down that gradient, and no scale below 0.
    keras.optimizers.SGD(1.5).apply_gradients(zip(found, wanted, strict=True))
    after = scaled.scales()
    for layer, before in at.items():
        assert after[layer] == pytest.approx(
            np.maximum(before - 1.5 * expected[layer], 0), abs=1e-3
        )
    assert sum((one == 0).sum() for one in after.values()) > 0


RECIPE = Recipe(DataSettings(fingerprint="f"), SMALL["cnn"], TrainingSettings())


def plan(recipe=RECIPE, **settings) -> plans.Plan:
    given = {"criterion": "slimming", "method": "one_shot", "sparsity": 0.5, **settings}
    return plans.make_plan(recipe, PruningSettings(**given), 1)


def test_scores_are_of_a_training_of_its_own():
    built = plan()
    (level,) = built.levels
    slim = level.mask.of
    assert built.dense.mask == Dense()  # what a ticket is compared with has no scales
    everything = ("embedding", "conv_2", "conv_3")
    assert slim == dataclasses.replace(built.dense, mask=Scaled(Dense(), 1e-3, everything))
    assert level.ticket.init == Snapshot(built.dense, "0ep")
    assert plan(init="rewind:1ep").levels[0].ticket.init == Snapshot(built.dense, "1ep")
    # What goes on from trained weights goes on from those that were pruned.
    for init in ("fine_tuning", "learning_rate_rewinding"):
        assert plan(init=init).levels[0].ticket.init == Snapshot(slim, "end")
    assert slim.mask.scales(RECIPE.model.unit_layers()).layers == RECIPE.model.unit_layers()
    assert network(slim) != network(built.dense)
    assert plan(slimming=0.01).levels[0].ticket.key != level.ticket.key


def test_in_rounds_each_ticket_is_slimmed_under_its_mask():
    built = plan(method="iterative", sparsity="auto")
    first, second = built.levels[:2]
    assert second.mask.of == dataclasses.replace(
        first.ticket, mask=Scaled(first.ticket.mask, 1e-3, first.mask.of.mask.layers)
    )


def test_only_units_that_may_be_pruned_have_a_scale():
    def scaled(recipe=RECIPE, **settings):
        return plan(recipe, **settings).levels[0].mask.of.mask.layers

    assert scaled(embedding=False) == ("conv_2", "conv_3")
    assert scaled(rates=(("conv_2", 0.0), ("*", 0.3))) == ("embedding", "conv_3")
    transformer = dataclasses.replace(RECIPE, model=SMALL["transformer"])
    assert scaled(transformer) == ("units_1",)
    assert scaled(transformer, attention_heads=True) == ("heads_1", "units_1")


def test_what_makes_no_sense_is_a_line():
    for settings, told in (
        ({"criterion": "filters", "slimming": 0.1}, "--criterion slimming reads, and not filters"),
        ({"criterion": "slimming", "slimming": 0.0}, "pruning.slimming is above 0, not 0"),
        ({"criterion": "slimming", "slimming": float("nan")}, "pruning.slimming is above 0"),
        ({"criterion": "slimming", "method": "gradual"}, "leave out --criterion slimming"),
    ):
        with pytest.raises(UserError, match=re.escape(told)):
            PruningSettings(**settings)
    mask = plan().levels[0].mask
    weights = drawn(SMALL["cnn"])
    with pytest.raises(UserError, match="reads scales of units, and the run that it"):
        mask.prune({name: np.ones(one.shape, bool) for name, one in weights.items()}, weights)
    with pytest.raises(UserError, match='so it is of="units"'):
        criteria.register_criterion("mine", scales=True)
    assert "slimming" not in PruningSettings().table()


def test_a_criterion_of_ones_own_reads_scales():
    def squared(context):
        return {layer: np.square(scales) for layer, scales in context.scales().items()}

    with put_back():
        criteria.register_criterion("squared", of="units", scales=True)(squared)
        told = criteria.computes("squared")
        (level,) = plan(criterion="squared", slimming=0.2).levels
        assert level.mask.of.mask == Scaled(Dense(), 0.2, ("embedding", "conv_2", "conv_3"))
        assert level.mask.computes == told
        layers = SMALL["cnn"].unit_layers()
        given = {"conv_2": np.arange(6.0)}
        context = PruningContext("squared", {}, {}, (), units=layers, _scales=lambda: given)
        found = criteria.score(context)
        assert np.array_equal(found["conv_2"], np.arange(6.0) ** 2)
        assert (found["conv_3"] == 1).all()  # of units that had none
        criteria.register_criterion("squared", of="units")(squared)
        assert criteria.computes("squared") != told


def test_a_ticket_of_the_units_whose_scales_stayed_large(small_settings, tmp_path):
    training = TrainingSettings(learning_rate=0.05, batch_size=16, epochs=2, patience=2)
    built = plan(Recipe(small_settings, SMALL["cnn"], training), slimming=0.05)
    (level,) = built.levels
    realise = Realiser(Store(tmp_path), built.specs())
    ticket, slim = realise(level.ticket), realise(level.mask.of)
    scales, masks = slim.scales(), ticket.masks()
    assert ticket.scales() == {} and all(slim.masks()[name].all() for name in masks)
    for units in SMALL["cnn"].unit_layers():
        numbers = scales[units.layer]
        assert (numbers >= 0).all() and len(set(numbers)) > 1 and numbers.mean() < 1
        part = units.made[0]
        alive = part.of(masks[part.tensor], np.arange(units.count), units.count).any(axis=1)
        assert alive.sum() == units.count // 2
        assert numbers[alive].min() >= numbers[~alive].max()
    # The weights that are kept have the scales in them: the plain network scores as it did.
    again = realise.evaluate(built.dense, slim.snapshot("end"))
    assert again["accuracy"] == slim.metrics["val_accuracy"]
    assert again["loss"] == pytest.approx(slim.metrics["val_loss"], abs=1e-5)
    # It begins where dense begins.
    start = realise(built.dense).snapshot("0ep")
    assert same_arrays(realise.initial_weights(level.mask.of), start)
