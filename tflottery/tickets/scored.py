"""The run whose weights, or scales, decide a mask."""

from __future__ import annotations

import dataclasses

from tflottery.models import units
from tflottery.models.shapes import names_of
from tflottery.pruning import criteria
from tflottery.pruning import rates as rates_by_name
from tflottery.pruning.shares import excluded
from tflottery.runs.pruned import kernels_of
from tflottery.runs.scaled import Scaled
from tflottery.runs.specs import RunSpec
from tflottery.tickets.settings import PruningSettings


def scored(run: RunSpec, settings: PruningSettings) -> RunSpec:
    """The run that a criterion scores in the place of a trained one: that one itself, or, where the
    criterion reads scales, the same training with a scale for each unit that may be pruned.

    Args:
        run: the dense network, or the ticket of the round before.
        settings: how it is pruned.
    """
    if not criteria.reads_scales(settings.criterion):
        return run
    model = run.recipe.model
    exclude = excluded(model.roles(), settings.embedding, settings.head)
    layers = [
        one
        for one in units.chosen(model.unit_layers(), settings.attention_heads, names_of(model))
        if not {part.tensor for part in one.made} & set(exclude)
    ]
    if settings.rates:
        kernels = kernels_of(layers)
        names = [name for tensors in kernels.values() for name in tensors]
        rates = rates_by_name.by_tensor(
            rates_by_name.with_rest(settings.rates, settings.rate), names, model.roles()
        )
        layers = [one for one in layers if any(rates[name] for name in kernels[one.layer])]
    names_of_layers = tuple(one.layer for one in layers)
    return dataclasses.replace(run, mask=Scaled(run.mask, settings.slimming, names_of_layers))
