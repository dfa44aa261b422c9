"""Networks that users bring keep all invariants: exact zeros, the bits of plain Keras, seeds."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from tests.conftest import ROOT, same_arrays, user_environment
from tests.networks import (
    NETWORKS,
    SEEDS,
    SETTINGS,
    Brought,
    fingerprint,
    some_mask,
    trained,
    trainer_of,
)
from tflottery.data import batches
from tflottery.data.encoded import Corpus
from tflottery.models import streams, weights
from tflottery.models.architecture import Initializers
from tflottery.pruning import masks
from tflottery.pruning.masked_model import masked_model
from tflottery.training.determinism import deterministic
from tflottery.training.listener import Listener
from tflottery.training.losses import accuracy, loss
from tflottery.training.optimizers import optimizer
from tflottery.training.trainer import Trainer

WORDS = 40
IDS = np.random.default_rng(0).integers(0, WORDS, (6, 9)).astype(np.int32)
IDS[:, 0] = 1


@dataclass
class Made:
    """A network with what all tests of it need."""

    name: str
    trainer: Trainer
    corpus: Corpus
    mask: masks.Masks


# Layers within layers, and both directions, take longest to trace.
KINDS = [pytest.param(one, marks=pytest.mark.long) if one in ("cells", "both_ways") else one
         for one in sorted(NETWORKS)]  # fmt: skip


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest, small_corpus: Corpus) -> Made:
    trainer = trainer_of(request.param, small_corpus)
    return Made(request.param, trainer, small_corpus, some_mask(trainer))


class ZerosAfterEachStep(Listener):
    def __init__(self, made: Made) -> None:
        self.made, self.checked = made, 0

    def _check(self) -> None:
        now = self.made.trainer._masked.weights()
        assert all(not now[name][~kept].any() for name, kept in self.made.mask.items())
        self.checked += 1

    def step_ended(self, *_: object) -> None:
        self._check()

    def validated(self, *_: object) -> None:
        self._check()

    def testing(self) -> None:
        self._check()


def test_pruned_weights_are_zero_after_every_step_and_seeds_decide_all_bits(made):
    check = ZerosAfterEachStep(made)
    start = made.trainer.fresh_weights(1)
    run = (made.corpus, made.mask, start, SETTINGS, SEEDS, ["0ep", "1it", "2ep"])
    first = made.trainer.train(*run, check)
    assert check.checked > 4
    assert same_arrays(first.masks, made.mask)
    assert same_arrays(first.snapshots["0ep"], masks.apply(made.mask, start))
    trained(made.trainer, made.corpus, masks.dense(made.trainer.prunable))
    again = made.trainer.train(*run)
    assert again.history == first.history
    assert all(
        same_arrays(again.snapshots[step], first.snapshots[step]) for step in again.snapshots
    )


@deterministic()
def by_plain_keras(made: Made) -> dict[str, np.ndarray]:
    """The weights that Keras' own ``fit`` gives without any masks."""
    plain = Brought(made.name).build(len(made.corpus.vocabulary), 2, Initializers(1))
    plain.compile(optimizer(SETTINGS), loss(2), metrics=[accuracy(2)])
    streams.restart(plain, SEEDS.dropout)
    plain.fit(
        batches.training_batches(made.corpus.train, SETTINGS.batch_size, SEEDS.order),
        epochs=SETTINGS.epochs,
        steps_per_epoch=made.corpus.train.steps_per_epoch(SETTINGS.batch_size),
        verbose=0,
    )
    return weights.get(plain)


def test_all_ones_masks_train_bit_identically_to_plain_keras(made):
    end = trained(made.trainer, made.corpus, masks.dense(made.trainer.prunable))
    assert same_arrays(end, by_plain_keras(made))
    start = made.trainer.fresh_weights(1)
    moved = {name for name in end if not np.array_equal(end[name], start[name])}
    assert set(made.trainer.prunable) <= moved
    assert not set(made.trainer.held_dense) & moved


@pytest.fixture(scope="module")
def plain(request: pytest.FixtureRequest) -> keras.Model:
    return Brought(request.param).build(WORDS, 2, Initializers(1))


each = pytest.mark.parametrize("plain", KINDS, indirect=True)


@each
def test_wrapped_and_stripped_are_one_and_zeros_outlive_stripping(plain):
    masked = masked_model(plain)
    rng = np.random.default_rng(1)
    mask = {name: rng.random(shape) < 0.5 for name, shape in masked.prunable.items()}
    masked.load(mask, weights.get(plain))
    stripped = masked.strip()
    assert np.array_equal(masked.model(IDS).numpy(), stripped(IDS).numpy())
    assert [layer.name for layer in stripped.layers] == [layer.name for layer in plain.layers]
    assert same_arrays(weights.get(stripped), masks.apply(mask, weights.get(plain)))
    adam = keras.optimizers.Adam(0.1)
    for _ in range(2):
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(tf.sin(stripped(IDS, training=True)))
        gradients = tape.gradient(value, stripped.trainable_variables)
        adam.apply_gradients(zip(gradients, stripped.trainable_variables, strict=True))
    now = weights.get(stripped)
    assert all(not now[name][~kept].any() for name, kept in mask.items())
    assert any(now[name][kept].any() for name, kept in mask.items())


@each
def test_names_and_weights_are_the_same_at_each_build(plain, request):
    name = request.node.callspec.params["plain"]
    keras.layers.Dense(1), keras.layers.Embedding(2, 2)  # these count automatic names on
    again = Brought(name).build(WORDS, 2, Initializers(1))
    other = Brought(name).build(WORDS, 2, Initializers(2))
    assert same_arrays(weights.get(plain), weights.get(again))
    assert again.get_config() == plain.get_config()
    now, then = weights.get(plain), weights.get(other)
    drawn = [one for one in masked_model(plain).prunable if np.ptp(now[one])]
    assert drawn and not any(np.array_equal(now[one], then[one]) for one in drawn)


@pytest.mark.long
def test_each_network_has_the_same_bits_in_a_fresh_process(small_corpus):
    names = ["convolutions", "gru"]
    command = [sys.executable, "-m", "tests.networks", *names]
    run = subprocess.run(
        command, cwd=ROOT, env=user_environment(), capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    for name, bits in json.loads(run.stdout.splitlines()[-1]).items():
        trainer = trainer_of(name, small_corpus)
        assert fingerprint(trained(trainer, small_corpus, some_mask(trainer))) == bits, name
