"""Pruning criteria: which weights are worth keeping.

A criterion is a function that scores each weight of a tensor; the weights with the highest scores
are kept. Add one here and to ``CRITERIA``. A criterion in ``UNIT_CRITERIA`` scores the units of a
layer instead, which are then kept or pruned whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from tflottery import seeds
from tflottery.models.units import Units

Criterion = Callable[[np.ndarray, np.random.Generator], np.ndarray]
UnitCriterion = Callable[[Units, Mapping[str, np.ndarray]], np.ndarray]


def magnitude(weight: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """|w| after training (Han et al. 2015; Frankle and Carbin 2019)."""
    del random
    return np.abs(weight)


def chance(weight: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A random number in [0, 1): the control that every criterion must beat."""
    return random.random(weight.shape)


def filters(units: Units, weights: Mapping[str, np.ndarray]) -> np.ndarray:
    """float [units]: the mean |w| of the remaining weights that compute a unit.

    This is the norm of Li et al. (2017, arXiv 1608.08710), divided by the number of weights, so
    that layers of different sizes can compete.
    """
    everyone = np.arange(units.count)
    kernels = [part for part in units.made if not part.tensor.endswith("bias")]
    entries = np.concatenate(
        [part.of(weights[part.tensor], everyone, units.count) for part in kernels], axis=1
    )
    return np.abs(entries).sum(axis=1) / np.maximum(np.count_nonzero(entries, axis=1), 1)


CRITERIA: dict[str, Criterion] = {"magnitude": magnitude, "random": chance}
UNIT_CRITERIA: dict[str, UnitCriterion] = {"filters": filters}


def scores(
    criterion: str, weights: Mapping[str, np.ndarray], names: list[str], seed: int
) -> dict[str, np.ndarray]:
    """The scores of the named tensors: float arrays of their shapes.

    Args:
        criterion: a key of ``CRITERIA``.
        weights: float32 arrays by tensor.
        names: the tensors to score.
        seed: for criteria that draw; each tensor has a random stream of its own.
    """
    return {
        name: CRITERIA[criterion](weights[name], seeds.generator("criterion", seed, name))
        for name in names
    }


def unit_scores(
    criterion: str, weights: Mapping[str, np.ndarray], layers: Iterable[Units]
) -> dict[str, np.ndarray]:
    """The scores of the units of each layer: float [units] by the layer's name.

    Args:
        criterion: a key of ``UNIT_CRITERIA``.
        weights: float32 arrays by tensor.
        layers: the units of each layer.
    """
    return {units.layer: UNIT_CRITERIA[criterion](units, weights) for units in layers}
