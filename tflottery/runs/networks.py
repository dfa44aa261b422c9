"""Which runs share a compiled model."""

from __future__ import annotations

from collections.abc import Hashable

from tflottery.runs.specs import RunSpec
from tflottery.training.settings import TrainingSettings

# How many compiled models, and how many encoded data sets, a process keeps for its next run. A
# transfer needs two of each: it alternates between a source and a target.
CACHED = 2


def network(spec: RunSpec) -> Hashable:
    """A value that is equal for runs that can share a compiled model."""
    recipe = spec.recipe
    gradual = spec.mask.gradual(recipe.training.epochs, recipe.model.roles())
    mask = spec.mask
    scales = mask.scales(recipe.model.unit_layers())
    how = (gradual, mask.biases, mask.reads, scales)
    return recipe.model, recipe.data, compiled(recipe.training), *how


def compiled(training: TrainingSettings) -> TrainingSettings:
    """Only the settings that are compiled into a model; learning rate, epochs and the rest come
    with each run."""
    return TrainingSettings(
        optimizer=training.optimizer,
        epsilon=training.epsilon,
        weight_decay=training.weight_decay,
    )
