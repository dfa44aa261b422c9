"""Which runs share a compiled model."""

from __future__ import annotations

from collections.abc import Hashable

from tflottery.runs.specs import RunSpec
from tflottery.training.settings import TrainingSettings

# Compiled models and encoded data that a process keeps for its next run. Two of each: a transfer
# goes back and forth between a source and a target.
CACHED = 2


def network(spec: RunSpec) -> Hashable:
    """Equal for runs that can share a compiled model."""
    recipe = spec.recipe
    gradual = spec.mask.gradual(recipe.training.epochs)
    return recipe.model, recipe.data, compiled(recipe.training), gradual


def compiled(training: TrainingSettings) -> TrainingSettings:
    """Only the settings that are compiled in: learning rates and epochs share a model."""
    return TrainingSettings(
        optimizer=training.optimizer,
        epsilon=training.epsilon,
        weight_decay=training.weight_decay,
    )
