"""What a unit of each layer costs: the time that a network without it saves.

Measured times differ from run to run, so a criterion never measures: costs are settings, and part
of the key of what was pruned by them (``exports/fast/unit_costs.py`` measures them).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from tflottery.errors import UserError, suggest
from tflottery.models.units import Units
from tflottery.settings import NumbersByName, in_one_form

Costs = NumbersByName
"""Pairs of a layer and the microseconds, above 0, by which a batch of 32 texts takes less time for
each unit that the layer has fewer."""

KEY = "pruning.costs"


def checked(costs: Costs) -> Costs:
    """The costs in their one form, sorted by layer, so that their order is no part of a key.

    Raises:
        UserError: a cost is no number above 0, or a layer stands there twice.
    """
    for layer, cost in costs:
        if not layer.strip() or not 0 < cost < math.inf:
            raise UserError(
                f"{KEY} holds {layer} = {cost:g}; a cost is the microseconds that a unit of the "
                "layer takes, above 0."
            )
    return in_one_form(KEY, costs)


def require_named(costs: Costs, layers: Iterable[Units], all_layers: Iterable[Units]) -> None:
    """Makes sure that every layer whose units are pruned has a cost, and nothing but layers of
    units has one.

    Args:
        costs: what units cost.
        layers: whose units are pruned.
        all_layers: those and others of the network, which may have a cost too.

    Raises:
        UserError: one has none, or a name is of no such layer.
    """
    known, named = [units.layer for units in all_layers], [layer for layer, _ in costs]
    for layer in named:
        if layer not in known:
            raise UserError(
                f"{KEY} names {layer}, and this network has no such layer of units. "
                f"{suggest(layer, known)}"
            )
    if missing := [units.layer for units in layers if units.layer not in named]:
        raise UserError(
            f"{KEY} gives {missing[0]} no cost; bin/export --unit_costs measures that of each "
            "layer."
        )


def of_units(units: Units, cost: float, masks: Mapping[str, np.ndarray]) -> np.ndarray:
    """float64 [units]: the microseconds that each unit of a layer takes in a pruned network.

    A unit takes time by the weights that its values are multiplied with. One that has lost a part
    of these, since units that it reads or that read it are gone, has lost that part of its cost. An
    embedding multiplies nothing: its rows are looked up.

    Args:
        units: of one layer.
        cost: of a unit of the whole network.
        masks: bool arrays by tensor: what is left.
    """
    everyone, left, all_ = np.arange(units.count), np.zeros(units.count), 0
    for part in units.parts:
        is_multiplied = not part.tensor.endswith(("embeddings", "bias"))
        if is_multiplied and part.tensor in masks:
            entries = part.of(masks[part.tensor], everyone, units.count)
            left += entries.sum(axis=1)
            all_ += entries.shape[1]
    if not all_:
        return np.full(units.count, cost)
    # Never 0: what is scored by loss over cost has a finite score.
    return cost * np.maximum(left, 1) / all_
