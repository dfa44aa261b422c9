"""Masked models: exact zeros at all times, and no other effect."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras as keras

from tests.conftest import SMALL, is_prunable, same_arrays
from tflottery.errors import UserError
from tflottery.models import weights
from tflottery.models.architecture import Initializers
from tflottery.models.shipped.layers import SeededDropout
from tflottery.pruning import masks
from tflottery.pruning.masks import To
from tflottery.pruning.schedules import EachUse, HoldSparsity, PruneOnce
from tflottery.pruning.tfmot_model import TfmotModel

WORDS = 40
RANDOM = np.random.default_rng(0)
IDS = np.where(
    np.arange(14) < RANDOM.integers(1, 15, (48, 1)), RANDOM.integers(2, WORDS, (48, 14)), 0
)
LABELS = RANDOM.integers(0, 2, 48)


@pytest.fixture(
    params=[
        pytest.param(one, marks=pytest.mark.long) if one == "gru" else one for one in sorted(SMALL)
    ]
)
def plain(request: pytest.FixtureRequest) -> keras.Model:
    return SMALL[request.param].build(WORDS, 2, Initializers(1))


def pruned(masked: TfmotModel, sparsity: float) -> masks.Masks:
    scores = {name: np.abs(value) for name, value in masked.weights().items()}
    return masks.prune(masks.dense(masked.prunable), scores, To(sparsity))


def fit(model: keras.Model, callbacks: list, epochs: int = 2, optimizer: str = "adam") -> None:
    for layer in model.layers:
        if isinstance(layer, SeededDropout):
            layer.reseed(5)
    model.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(
        IDS, LABELS, batch_size=8, shuffle=False, epochs=epochs, verbose=0, callbacks=callbacks
    )


class ZerosAfterEveryBatch(keras.callbacks.Callback):
    def __init__(self, masked: TfmotModel, mask: masks.Masks) -> None:
        super().__init__()
        self.masked, self.mask, self.checked = masked, mask, 0

    def on_train_batch_end(self, batch, logs=None):
        now = self.masked.weights()
        assert all(not now[name][~kept].any() for name, kept in self.mask.items())
        self.checked += 1


def test_every_kernel_has_a_mask_and_no_bias_or_norm(plain):
    masked = TfmotModel(plain)
    named = weights.variables(plain)
    assert set(masked.prunable) == {name for name in named if is_prunable(name)}
    assert all(masked.prunable[name] == tuple(named[name].shape) for name in masked.prunable)


def test_biases_have_masks_where_they_are_prunable(plain):
    masked, named = TfmotModel(plain, biases=True), weights.variables(plain)
    biases = {name for name in named if name.endswith("bias")}
    assert biases and set(masked.prunable) == {n for n in named if is_prunable(n)} | biases
    assert all(masked.prunable[name] == tuple(named[name].shape) for name in biases)


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_pruned_weights_are_zero_after_every_batch(plain, optimizer, biases):
    masked = TfmotModel(plain, biases=biases)
    mask = pruned(masked, 0.7)
    masked.load(mask, masked.weights())
    check = ZerosAfterEveryBatch(masked, mask)
    fit(masked.model, [*masked.callbacks(), check], optimizer=optimizer)
    assert check.checked == 12
    assert all(np.array_equal(masked.masks()[name], mask[name]) for name in mask)


@pytest.mark.parametrize("biases", [False, True])
def test_an_all_ones_mask_trains_bit_identically_to_plain_keras(plain, biases):
    masked = TfmotModel(plain, biases=biases)
    fit(masked.model, masked.callbacks(), epochs=3)
    fit(plain, [], epochs=3)
    assert same_arrays(masked.weights(), weights.get(plain))


def test_loading_gives_mask_times_weights_bit_for_bit_and_leaves_the_plain_model_alone(plain):
    before = weights.get(plain)
    masked = TfmotModel(plain)
    mask = pruned(masked, 0.5)
    drawn = weights.get(SMALL[plain.name].build(WORDS, 2, Initializers(9)))
    masked.load(mask, drawn)
    assert same_arrays(masked.weights(), masks.apply(mask, drawn))
    assert same_arrays(weights.get(plain), before)


def test_a_second_load_leaves_nothing_of_the_first(plain):
    masked = TfmotModel(plain)
    start = masked.weights()
    masked.load(pruned(masked, 0.8), start)
    fit(masked.model, masked.callbacks())
    masked.load(masks.dense(masked.prunable), start)
    fit(masked.model, masked.callbacks())
    fresh = TfmotModel(plain)
    fit(fresh.model, fresh.callbacks())
    assert same_arrays(masked.weights(), fresh.weights())


@pytest.mark.parametrize("biases", [False, True])
def test_wrapped_and_stripped_agree_bit_for_bit_and_zeros_outlive_stripping(plain, biases):
    masked = TfmotModel(plain, biases=biases)
    mask = pruned(masked, 0.7)
    masked.load(mask, masked.weights())
    stripped = masked.strip()
    assert np.array_equal(masked.model(IDS).numpy(), stripped(IDS).numpy())
    assert not any(isinstance(layer, keras.layers.Wrapper) for layer in stripped.layers)
    fit(stripped, [])
    now = weights.get(stripped)
    assert all(not now[name][~kept].any() for name, kept in mask.items())
    assert any(now[name][kept].any() for name, kept in mask.items())


def test_scores_are_the_same_alone_and_padded_once_wrapped(plain):
    masked = TfmotModel(plain)
    masked.load(pruned(masked, 0.5), masked.weights())
    batch = masked.model(IDS).numpy()
    for row in range(4):
        alone = masked.model(IDS[row : row + 1, : (IDS[row] > 0).sum()]).numpy()
        assert batch[row] == pytest.approx(alone[0], abs=1e-6)


def test_masks_of_another_network_are_refused(plain):
    masked = TfmotModel(plain)
    with pytest.raises(ValueError, match="not those of this model"):
        masked.load({"other/kernel": np.ones(3, bool)}, masked.weights())


def test_hold_sparsity_never_fires_where_tfmots_constant_schedule_moves_the_mask(plain):
    stock = tfmot.sparsity.keras.ConstantSparsity(0.5, begin_step=0, frequency=1)
    for schedule, holds in ((HoldSparsity(), True), (stock, False)):
        masked = TfmotModel(plain, schedule)
        mask = pruned(masked, 0.7)
        masked.load(mask, masked.weights())
        fit(masked.model, masked.callbacks())
        same = all(np.array_equal(masked.masks()[name], mask[name]) for name in mask)
        assert same is holds


class MaskCounts(keras.callbacks.Callback):
    def __init__(self, masked: TfmotModel) -> None:
        super().__init__()
        self.masked, self.sparsities = masked, []

    def on_train_batch_end(self, batch, logs=None):
        self.sparsities.append(round(masks.count(self.masked.masks()).sparsity, 1))


def test_prune_once_fires_at_its_step_and_at_no_other(plain):
    masked = TfmotModel(plain, PruneOnce(0.5, step=3))
    counts = MaskCounts(masked)
    fit(masked.model, [*masked.callbacks(), counts], epochs=1)
    assert counts.sparsities == [0, 0, 0.5, 0.5, 0.5, 0.5]
    now, mask = masked.weights(), masked.masks()
    assert all(not now[name][~mask[name]].any() for name in mask)


@pytest.mark.parametrize("schedule", [HoldSparsity(), PruneOnce(0.25, 7)])
def test_schedules_have_a_configuration(schedule):
    saved = schedule.get_config()
    assert saved["class_name"] == type(schedule).__name__
    assert type(schedule).from_config(saved["config"]).get_config() == saved


@pytest.mark.parametrize(("sparsity", "step"), [(1.0, 3), (-0.1, 3), (0.5, 0)])
def test_prune_once_refuses_what_it_cannot_do(sparsity, step):
    with pytest.raises(UserError):
        PruneOnce(sparsity, step)


def test_a_schedule_of_a_layer_that_is_used_twice_counts_steps_and_not_uses():
    schedule = EachUse(PruneOnce(0.5, step=3), uses=2)
    fired = [bool(schedule(tf.constant(use, tf.int64))[0]) for use in range(1, 11)]
    assert fired == [use == 5 for use in range(1, 11)]
