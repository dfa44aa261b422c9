"""Criteria of whole units: filters, recurrent units, columns of embeddings, feed-forward units."""

from __future__ import annotations

import numpy as np

from tflottery.files import Arrays
from tflottery.models.units import Units
from tflottery.pruning.context import PruningContext
from tflottery.pruning.criteria.registry import register_criterion


@register_criterion("filters", of="units")
def filters(context: PruningContext) -> Arrays:
    """The mean |w| of the remaining weights that compute a unit.

    This is the norm of Li et al. (2017, arXiv 1608.08710), divided by the number of weights, so
    that layers of different sizes can compete.
    """
    scores = {}
    for units in context.units:
        entries = _entries(units, context.weights)
        alive = np.maximum(np.count_nonzero(entries, axis=1), 1)
        scores[units.layer] = np.abs(entries).sum(axis=1) / alive
    return scores


def _entries(units: Units, weights: Arrays) -> np.ndarray:
    """[units, entries]: the weights that compute each unit, without biases."""
    everyone = np.arange(units.count)
    kernels = [part for part in units.made if not part.tensor.endswith("bias")]
    return np.concatenate(
        [part.of(weights[part.tensor], everyone, units.count) for part in kernels], axis=1
    )
