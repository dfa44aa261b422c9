"""Criteria of whole units: filters, recurrent units, columns of embeddings, feed-forward units,
heads of attention."""

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


@register_criterion("random_units", of="units")
def random_units(context: PruningContext) -> Arrays:
    """A random number in [0, 1) for each unit: the control that every criterion of units must
    beat. It reads nothing, so that it prunes before training as well as after."""
    return {units.layer: context.random(units.layer).random(units.count) for units in context.units}


@register_criterion("geometric_median", of="units")
def geometric_median(context: PruningContext) -> Arrays:
    """The mean distance between a unit's weights and those of the layer's other units (He et al.
    2019, arXiv 1811.00250): a unit near their geometric median can be replaced by the others.

    Distances are divided by the root of the number of weights that a unit has left, so that layers
    of different sizes can compete; units that are pruned already do not count.
    """
    from scipy.spatial.distance import cdist

    whole = {name: np.ones(weight.shape, bool) for name, weight in context.weights.items()}
    left = {**whole, **context.masks}
    scores = {}
    for units in context.units:
        entries = _entries(units, context.weights).astype(np.float64)
        alive = entries.any(axis=1)
        places = max(int(_entries(units, left)[alive].any(axis=0).sum()), 1)
        distances = cdist(entries, entries[alive]).sum(axis=1) * alive
        scores[units.layer] = distances / (max(alive.sum() - 1, 1) * np.sqrt(places))
    return scores


@register_criterion("taylor_units", of="units")
def taylor_units(context: PruningContext) -> Arrays:
    """The mean over texts of |sum of activation x gradient| over a text's words: how far the loss
    moves without the unit, to first order (Molchanov et al. 2017, arXiv 1611.06440).

    As in the paper, scores are divided by the root of their squares' sum in a layer. A ReLU after
    the layer changes nothing: where it gives 0, so does the gradient before it. Of a head of
    attention the sum is over its numbers too, which is the importance of Michel et al. (2019, arXiv
    1905.10650, equation 2).
    """
    return {name: _in_layer(total) for name, total in losses(context).items()}


def losses(context: PruningContext) -> Arrays:
    """What the loss of each unit's texts moves by without it, to first order, in all: float64
    [units] by layer (see ``taylor_units``)."""
    sums = {units.layer: np.zeros(units.count) for units in context.units}
    for batch in context.activations():
        for name, (values, slopes) in batch.items():
            moved = (values.astype(np.float64) * slopes).sum(axis=1)
            # Gradients are of the mean loss of the batch; batches may differ in size.
            sums[name] += len(values) * np.abs(moved).sum(axis=0)
    return sums


@register_criterion("activation_norm", of="units")
def activation_norm(context: PruningContext) -> Arrays:
    """The root of the sum of a unit's squared activations over all words of all texts, after its
    ReLU if it has one, divided as in ``taylor_units``. Of a layer that gives one number a text, as
    the maximum over words, the sum is over texts. A baseline: those of Molchanov et al. (2017,
    arXiv 1611.06440) are the mean of the activations and their standard deviation."""
    rectified = {units.layer for units in context.units if units.rectified}
    sums = {units.layer: np.zeros(units.count) for units in context.units}
    for batch in context.activations():
        for name, (values, _) in batch.items():
            given = np.maximum(values, 0) if name in rectified else values
            sums[name] += np.square(given, dtype=np.float64).sum(axis=(0, 1))
    return {name: _in_layer(np.sqrt(total)) for name, total in sums.items()}


@register_criterion("slimming", of="units", scales=True)
def slimming(context: PruningContext) -> Arrays:
    """The scale of a unit, trained along with a penalty on the sum of all |scale| (network
    slimming: Liu et al. 2017, arXiv 1708.06519; see ``tflottery.pruning.slimming``). Scales are 0
    or above, so this is the paper's |scale|."""
    return context.scales()


def _in_layer(scores: np.ndarray) -> np.ndarray:
    """Scores over the root of the sum of their squares."""
    size = np.linalg.norm(scores)
    return scores / size if size > 0 else scores


def _entries(units: Units, weights: Arrays) -> np.ndarray:
    """[units, entries]: the weights that compute each unit, without biases."""
    everyone = np.arange(units.count)
    kernels = [part for part in units.made if not part.tensor.endswith("bias")]
    return np.concatenate(
        [part.of(weights[part.tensor], everyone, units.count) for part in kernels], axis=1
    )
