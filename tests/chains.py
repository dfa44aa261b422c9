"""Chains of specs: dense networks, and rounds of pruning that follow one another."""

from __future__ import annotations

import dataclasses

from tflottery.data.settings import DataSettings
from tflottery.models.shipped.cnn import Cnn
from tflottery.pruning.masks import By
from tflottery.runs.inits import Snapshot
from tflottery.runs.pruned import Pruned
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import Dense, Fresh, RunSpec
from tflottery.training.settings import TrainingSeeds, TrainingSettings

RECIPE = Recipe(DataSettings(fingerprint="f"), Cnn(), TrainingSettings(epochs=3))


def dense(recipe: Recipe, seed: int = 1) -> RunSpec:
    return RunSpec(recipe, Dense(), Fresh(seed), TrainingSeeds(seed, seed))


def pruned(parent: RunSpec, root: RunSpec, at: str = "0ep") -> RunSpec:
    """A round: the parent's mask with 30 % less, from the root's weights at a step."""
    return dataclasses.replace(root, mask=Pruned(parent, By(0.3)), init=Snapshot(root, at))


def chain(recipe: Recipe, seed: int, rounds: int) -> list[RunSpec]:
    specs = [dense(recipe, seed)]
    for _ in range(rounds):
        specs.append(pruned(specs[-1], specs[0]))
    return specs
