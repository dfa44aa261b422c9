"""The settings of a ticket as those of a search for whole units."""

from __future__ import annotations

import dataclasses

from tflottery.errors import UserError
from tflottery.models import units
from tflottery.models.architecture import Architecture
from tflottery.models.biases import is_bias
from tflottery.models.shapes import names_of
from tflottery.pruning import rates as rates_by_name
from tflottery.pruning import scopes
from tflottery.pruning.rates import Rates
from tflottery.runs.pruned import kernels_of
from tflottery.tickets.methods import METHODS, OF_MOVES
from tflottery.tickets.settings import SLIMMING, PruningSettings

CRITERION = "filters"
_METHOD, _SCOPE = "iterative", "layerwise"


def like(
    settings: PruningSettings, model: Architecture, sparsity: float
) -> tuple[PruningSettings, str]:
    """The settings with a criterion of whole units, and a line on those that have no meaning with
    it, which become what they are by default; empty if there are none.

    Args:
        settings: of a ticket, of weights or of units.
        model: its network.
        sparsity: the fraction of units to prune.
    """
    given: dict[str, object] = {}
    changes = []
    if not METHODS[settings.method].finds_tickets:
        given |= {"method": _METHOD, **OF_MOVES}
        changes.append(f"--method {_METHOD} in place of {settings.method}")
    if settings.scope not in scopes.OF_UNITS:
        given["scope"] = _SCOPE
        changes.append(f"--scope {_SCOPE} in place of {settings.scope}")
    rates = _usable(settings, model)
    if rates != settings.rates:
        given["rates"] = rates
        left_out = sorted({name for name, _ in settings.rates} - {name for name, _ in rates})
        changes.append(f"no pruning.rates of {', '.join(left_out)}")
    if settings.slimming != SLIMMING:
        changes.append("no pruning.slimming")
    given |= {"criterion": CRITERION, "sparsity": sparsity, "costs": (), "slimming": SLIMMING}
    found: PruningSettings = dataclasses.replace(settings, **given)  # type: ignore[arg-type]
    if not changes:
        return found, ""
    listed = ", ".join(changes)
    return found, f"Whole units are pruned by --criterion {CRITERION}, which takes {listed}."


def _usable(settings: PruningSettings, model: Architecture) -> Rates:
    """The rates but those of tensors that make no units; none of them where tensors that make units
    together have different ones."""
    names = [name for name in names_of(model) if settings.biases or not is_bias(name)]
    if not settings.rates or not names:
        return settings.rates
    kernels = kernels_of(units.chosen(model.unit_layers(), settings.attention_heads))
    others = set(names) - {name for tensors in kernels.values() for name in tensors}
    for rates in (
        settings.rates,
        rates_by_name.without(settings.rates, names, model.roles(), others),
    ):
        with_rest = rates_by_name.with_rest(rates, settings.rate)
        try:
            if with_rest:
                rates_by_name.by_layer(with_rest, kernels, names, model.roles())
        except UserError:
            continue
        return rates
    return ()
