"""Criteria that read weights alone: their sizes at some steps, and how far they moved.

The masks of Zhou et al. (2019, arXiv 1905.01067, section 2) are here; they call the initial weight
w_i and the trained one w_f.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tflottery import steps
from tflottery.files import Arrays
from tflottery.pruning.context import PruningContext
from tflottery.pruning.criteria.registry import register_criterion


@register_criterion("magnitude")
def magnitude(weight: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """|w| after training (Han et al. 2015; Frankle and Carbin 2019); ``large_final`` of Zhou et
    al."""
    del random
    return np.abs(weight)


@register_criterion("random")
def chance(weight: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A random number in [0, 1): the control that every criterion must beat."""
    return random.random(weight.shape)


@register_criterion("small_magnitude", signed=True)
def small_magnitude(weight: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """-|w| after training: the inverse of ``magnitude``; ``small_final`` of Zhou et al."""
    del random
    return -np.abs(weight)


@register_criterion("magnitude_at_init", at=steps.BEGINNING)
def magnitude_at_init(weight: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """|w| before training; ``large_init`` of Zhou et al."""
    del random
    return np.abs(weight)


@register_criterion("small_magnitude_at_init", at=steps.BEGINNING, signed=True)
def small_magnitude_at_init(weight: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """-|w| before training; ``small_init`` of Zhou et al."""
    del random
    return -np.abs(weight)


@register_criterion("large_throughout", reads=(steps.BEGINNING,))
def large_throughout(context: PruningContext) -> Arrays:
    """min(a |w_f|, |w_i|), large before and after training; ``large_init_large_final`` of Zhou et
    al., whose a aligns the percentiles of both: here each is its rank among the tensor's remaining
    weights, from above 0 to 1."""
    return {
        name: np.minimum(
            _ranks(np.abs(final), context.masks[name]), _ranks(np.abs(first), context.masks[name])
        )
        for name, first, final in _pairs(context)
    }


@register_criterion("small_throughout", reads=(steps.BEGINNING,))
def small_throughout(context: PruningContext) -> Arrays:
    """-max(a |w_f|, |w_i|), small before and after training; ``small_init_small_final`` of Zhou et
    al., with ranks as in ``large_throughout``."""
    return {
        name: np.minimum(
            _ranks(-np.abs(final), context.masks[name]), _ranks(-np.abs(first), context.masks[name])
        )
        for name, first, final in _pairs(context)
    }


@register_criterion("magnitude_increase", reads=(steps.BEGINNING,), signed=True)
def magnitude_increase(context: PruningContext) -> Arrays:
    """|w_f| - |w_i|: how much larger a weight became (Zhou et al.)."""
    return {name: np.abs(final) - np.abs(first) for name, first, final in _pairs(context)}


@register_criterion("movement", reads=(steps.BEGINNING,))
def movement(context: PruningContext) -> Arrays:
    """|w_f - w_i|: how far a weight moved (Zhou et al.). Not the scores that Sanh et al. (2020,
    arXiv 2005.07683) learn within a training."""
    return {name: np.abs(final - first) for name, first, final in _pairs(context)}


def _pairs(context: PruningContext) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Each tensor's name, and its weights before and after training."""
    first = context.weights_at(steps.BEGINNING)
    for name in context.names:
        yield name, first[name], context.weights[name]


def _ranks(values: np.ndarray, alive: np.ndarray) -> np.ndarray:
    """The rank of each remaining value among those of its tensor, over their number; equal values
    share the highest of their ranks, and pruned ones have 0."""
    from scipy.stats import rankdata

    ranks = np.zeros(values.shape)
    ranks[alive] = rankdata(values[alive], method="max") / max(int(alive.sum()), 1)
    return ranks
