"""Which networks a budget may choose from: chains of whole units, in the order in which they are
tried."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tflottery.errors import UserError
from tflottery.exports.fast.budget import Budget
from tflottery.models.architecture import Architecture
from tflottery.models.shapes import names_of
from tflottery.pruning import criteria
from tflottery.pruning.criteria.latency import OF_COSTS
from tflottery.pruning.rates import Rates
from tflottery.pruning.scopes import Scope
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import RunSpec
from tflottery.tickets import plan as plans
from tflottery.tickets.plan import Plan
from tflottery.tickets.settings import AUTO, PruningSettings
from tflottery.tickets.ticket import Ticket, load_ticket

RATE = 0.2
DEEPEST = 0.79
INIT = "rewind:1ep"


@dataclass(frozen=True)
class Row:
    """One way to prune whole units in rounds: ``name`` is what it is called."""

    name: str
    criterion: str
    scope: Scope = "layerwise"
    rates: Rates = ()


ROWS = (
    Row("taylor, layerwise", "taylor_units"),
    Row("taylor, embedding spared", "taylor_units", rates=(("embedding", 0.05),)),
    Row("taylor, global", "taylor_units", "global"),
    Row("latency", "latency", "global"),
)
"""Tried in this order; docs/export.md has them as a table."""


@dataclass(frozen=True)
class Chain:
    """Levels to try, the least sparse first. ``is_known``: it comes from a ticket on disk, and only
    what the store holds of it is looked at."""

    name: str
    plan: Plan
    is_known: bool = False

    def to(self, level: plans.Level, recipe: Recipe, ticket: Ticket) -> Plan:
        """The plan that ends with one of its levels, whose networks are the same."""
        settings = replace(self.plan.settings, sparsity=level.sparsity)
        return _planned(recipe, settings, ticket)

    def halfway(self, number: int, ticket: Ticket) -> Chain:
        """The chain that ends halfway between the level of this number, from 1 on, and the one
        before it (dense before the first): what is left is the geometric mean of both."""
        ends = [0.0, *(level.sparsity for level in self.plan.levels)]
        left = math.sqrt((1 - ends[number - 1]) * (1 - ends[number]))
        settings = replace(self.plan.settings, sparsity=round(1 - left, 3))
        return replace(self, plan=_planned(self.plan.dense.recipe, settings, ticket))


def chains(ticket: Ticket, recipe: Recipe, costs: Mapping[str, float]) -> list[Chain]:
    """What a budget may choose from.

    Args:
        ticket: whose data, network, seed and excluded parts all of them have.
        recipe: the ticket's, with the data where they lie now.
        costs: microseconds a unit by layer, for the criteria that weigh units by them.
    """
    found = []
    for row in ROWS:
        if row.rates and not (ticket.pruning.embedding and _has_columns(recipe.model)):
            continue
        given = tuple(sorted(costs.items())) if row.criterion in OF_COSTS else ()
        settings = PruningSettings(
            rate=RATE, sparsity=DEEPEST, init=INIT, scope=row.scope, criterion=row.criterion,
            rates=row.rates, costs=given, **_kept(ticket.pruning),
        )  # fmt: skip
        found.append(Chain(row.name, _planned(recipe, settings, ticket)))
    met = {level.ticket.key for chain in found for level in chain.plan.levels}
    for other in beside(ticket):
        settings = other.pruning
        has_goals = not settings.rates or settings.sparsity != AUTO
        if not criteria.scores_units(settings.criterion) or not has_goals:
            continue
        plan = _planned(recipe, settings, ticket)
        keys = {level.ticket.key for level in plan.levels}
        if not keys <= met:
            met |= keys
            scope = "rates" if settings.rates else settings.scope
            name = f"{settings.criterion}, {scope}, {settings.method}, {settings.init}"
            found.append(Chain(name, plan, is_known=True))
    return found


def halves(chains: Iterable[Chain], budget: Budget, ticket: Ticket) -> dict[str, list[RunSpec]]:
    """The networks halfway between levels, of which a search trains at most one a chain, by the
    chain's name; none for a budget of accuracy."""
    if budget.of == "accuracy":
        return {}
    return {
        chain.name: [
            chain.halfway(level.number, ticket).plan.levels[-1].ticket
            for level in chain.plan.levels
        ]
        for chain in chains
        if not chain.is_known
    }


def trainings(chains: Iterable[Chain]) -> list[RunSpec]:
    """All that a search may train, each once, but for those halfway between levels, and for the
    last one, of the ticket's reinit."""
    specs = [
        spec
        for chain in chains
        if not chain.is_known
        for spec in (chain.plan.dense, *(level.ticket for level in chain.plan.levels))
    ]
    return list(dict.fromkeys(specs))


def as_they_are(ticket: Ticket, budget: Budget) -> list[Ticket]:
    """The tickets that may meet a budget without a training: for one of size the given ticket, and
    those of single weights beside it, whose zeros take hardly any bytes once they are compressed.
    They make nothing faster. Those without trained weights are passed over."""
    if budget.of != "size":
        return []
    others = [one for one in beside(ticket) if not criteria.scores_units(one.pruning.criterion)]
    by_key: dict[str, Ticket] = {}
    for one in (ticket, *others):
        if one.is_trained:
            by_key.setdefault(str(one.about["run_key"]), one)
    return list(by_key.values())


def beside(ticket: Ticket) -> Iterator[Ticket]:
    """The tickets in the same folder that were found in the same dense network, by name; those that
    cannot be read are passed over."""
    here = ticket.folder.absolute()
    for document in sorted(here.parent.glob("[!.]*/ticket.json")):
        try:
            other = ticket if document.parent == here else load_ticket(Path(document.parent))
            is_like = other.about["dense_run_key"] == ticket.about["dense_run_key"]
            other.pruning  # noqa: B018 - of a criterion that nobody registered here it cannot be
        except (UserError, KeyError):
            continue
        if is_like:
            yield other


def _has_columns(model: Architecture) -> bool:
    """Whether the columns of the embedding are units that can be pruned, so that a rate of theirs
    has a meaning: a transformer's are none, and a frozen embedding has no mask."""
    made = {part.tensor for units in model.unit_layers() for part in units.made}
    known = names_of(model) or made  # where names are unknown, units tell
    return bool(made & set(known) & set(model.roles().embedding))


def _kept(settings: PruningSettings) -> dict[str, Any]:
    """What candidates take over from a ticket."""
    names = ("embedding", "head", "biases", "tolerance", "metric", "attention_heads")
    return {name: getattr(settings, name) for name in names}


def _planned(recipe: Recipe, settings: PruningSettings, ticket: Ticket) -> Plan:
    plan = plans.make_plan(recipe, settings, int(ticket.about["seed"]))
    return plans.at_rates(plan, ticket.rule) if ticket.rule else plan
