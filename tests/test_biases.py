"""Biases that are pruned: counted, each a tensor of its own, zero from then on."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chains import dense
from tests.conftest import SMALL
from tflottery.data.settings import DataSettings
from tflottery.models.roles import Roles
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.masks import By
from tflottery.runs.pruned import GraduallyPruned, Pruned
from tflottery.runs.realise import Realiser
from tflottery.runs.recipes import Recipe
from tflottery.runs.shuffled import Shuffled
from tflottery.runs.store import Store
from tflottery.tickets import plan as plans
from tflottery.tickets.settings import PruningSettings
from tflottery.training.settings import TrainingSettings

SHAPES = {
    "embedding/embeddings": (7, 3), "conv_2/kernel": (2, 3, 5), "conv_2/bias": (5,),
    "head/kernel": (5, 1), "head/bias": (1,),
}  # fmt: skip
KERNELS = {name: shape for name, shape in SHAPES.items() if not name.endswith("bias")}


@dataclasses.dataclass(frozen=True)
class Finished:
    """``Ancestors`` of one finished run: its masks, and weights by a seed."""

    of_run: dict[str, np.ndarray]
    seed: int

    prunable = SHAPES
    roles = Roles(("embedding/embeddings",), ("head/kernel",))

    def masks(self, run):
        return self.of_run

    def snapshot(self, run, step):
        random = np.random.default_rng(self.seed)
        drawn = {name: random.normal(size=shape) for name, shape in SHAPES.items()}
        return mask_ops.apply(self.of_run, drawn)


def spec_with(**options):
    recipe = Recipe(DataSettings(fingerprint="f"), SMALL["cnn"], TrainingSettings())
    return Pruned(dense(recipe), By(0.4), biases=True, **options)


@given(st.integers(0, 1000), st.integers(1, 4))
def test_each_bias_loses_its_part_in_every_round(seed, rounds):
    spec, masks = spec_with(), mask_ops.dense(KERNELS)
    for _ in range(rounds):
        ancestors = Finished(masks, seed)
        before = {**mask_ops.dense(SHAPES), **masks}
        masks = spec.make(ancestors)
        assert {name: mask.shape for name, mask in masks.items()} == SHAPES
        for name, mask in masks.items():
            alive = int(before[name].sum())
            assert int(mask.sum()) == alive - round(0.4 * alive)
            assert not (mask & ~before[name]).any()
            sizes = np.abs(ancestors.snapshot(None, "end")[name])
            if mask.any() and (before[name] & ~mask).any():
                assert sizes[before[name] & ~mask].max() <= sizes[mask].min()


def test_without_the_setting_nothing_has_changed():
    plain = dataclasses.replace(spec_with(), biases=False)
    assert set(plain.make(Finished(mask_ops.dense(KERNELS), 1))) == set(KERNELS)
    assert not plain.biases and Shuffled(spec_with(), 1).biases


@pytest.mark.parametrize("key", ["head", "embedding"])
def test_what_is_excluded_keeps_its_bias(key):
    made = spec_with(**{key: False}).make(Finished(mask_ops.dense(KERNELS), 1))
    kept = {"head": ["head/kernel", "head/bias"], "embedding": ["embedding/embeddings"]}[key]
    assert all(made[name].all() for name in kept)
    assert not made["conv_2/bias"].all()


@pytest.mark.parametrize("model", ["cnn", pytest.param("lstm", marks=pytest.mark.long)])
def test_a_chain_counts_its_biases_and_holds_their_zeros(model, small_settings, tmp_path):
    training = TrainingSettings(learning_rate=0.05, batch_size=16, epochs=2, patience=2)
    recipe = Recipe(small_settings, SMALL[model], training)
    settings = PruningSettings(sparsity=0.488, biases=True)
    made = plans.make_plan(recipe, settings, seed=1)
    realise = Realiser(Store(tmp_path / "runs"), made.specs())
    run = realise(made.levels[-1].ticket)
    masks, final = run.masks(), run.snapshot("end")
    assert set(masks) == set(final)  # every tensor of these networks has a mask
    total = sum(weight.size for weight in final.values())
    assert mask_ops.count(masks).total == total
    for name, mask in masks.items():
        alive = mask.size
        for _ in made.levels:
            alive -= round(0.2 * alive)
        assert int(mask.sum()) == alive
        assert not final[name][~mask].any()
    assert set(realise(made.dense).masks()) < set(masks)
    other = plans.make_plan(recipe, dataclasses.replace(settings, biases=False), seed=1)
    assert other.dense.key == made.dense.key
    assert other.levels[0].ticket.key != made.levels[0].ticket.key


def test_gradual_pruning_prunes_and_holds_them_too(small_settings, tmp_path):
    training = TrainingSettings(learning_rate=0.05, batch_size=8, epochs=3, patience=3)
    model = dataclasses.replace(SMALL["cnn"], embedding_init="normal", embedding_scale=1.0)
    start = dense(Recipe(small_settings, model, training))
    spec = dataclasses.replace(start, mask=GraduallyPruned(0.5, biases=True))
    run = Realiser(Store(tmp_path / "runs"), [spec])(spec)
    masks, final = run.masks(), run.snapshot("end")
    for name in ("conv_2/bias", "conv_3/bias", "conv_2/kernel"):
        assert int(masks[name].sum()) == masks[name].size // 2
        assert not final[name][~masks[name]].any() and final[name][masks[name]].all()
    # Padding began as zeros, and is never read.
    assert not final["embedding/embeddings"][0].any()
