"""Units by the time that they take: what the loss moves by without a unit, over its cost."""

from __future__ import annotations

from tflottery.files import Arrays
from tflottery.pruning import costs
from tflottery.pruning.context import PruningContext
from tflottery.pruning.criteria.registry import register_criterion
from tflottery.pruning.criteria.units import losses

# What their scores are divided by is a setting (``pruning.costs``).
OF_COSTS = ("latency",)


@register_criterion("latency", of="units")
def latency(context: PruningContext) -> Arrays:
    """The loss that a unit saves, over the microseconds that it takes: how far the loss moves
    without it (Molchanov et al. 2017, arXiv 1611.06440, not divided by the layer's norm), for each
    microsecond that is gained.

    As Shen et al. (2021, arXiv 2110.10811) weigh what neurons are worth against measured times,
    taken in the order of that ratio.
    """
    lost = losses(context)
    return {
        units.layer: lost[units.layer]
        / costs.of_units(units, context.costs[units.layer], context.masks)
        for units in context.units
    }
