"""Tickets of whole units for an export: one with a ticket's own settings, or the best within a
budget."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tflottery import startup
from tflottery.exports.fast import candidates, of_units, unit_costs
from tflottery.exports.fast.budget import Budget
from tflottery.exports.fast.candidates import Chain
from tflottery.exports.fast.shown import SAVED_MODEL
from tflottery.exports.formats import tflite
from tflottery.runs.encoded import load_corpus
from tflottery.runs.realise import Realiser
from tflottery.runs.resources import LOCAL
from tflottery.runs.store import Store
from tflottery.tickets import plan as plans
from tflottery.tickets.given import level_of, located
from tflottery.tickets.ticket import Ticket

# Of TFLite, where none is asked for, in the order in which they are tried; the frontier's too.
PRECISIONS = ("TFLite", "TFLite int8", "TFLite int8-full")

if TYPE_CHECKING:
    from tflottery.experiments.driver import Driver
    from tflottery.experiments.ticket.result import FoundTicket
    from tflottery.exports.fast.chosen import Chosen
    from tflottery.exports.formats.asked import Asked
    from tflottery.models.architecture import Architecture
    from tflottery.progress.reporter import Reporter
    from tflottery.runs.recipes import Recipe
    from tflottery.runs.specs import RunSpec


def search_like(
    ticket: Ticket,
    sparsity: float | None,
    data_dir: str | Path | None,
    store: Store,
    reporter: Reporter,
) -> FoundTicket:
    """Searches for a ticket of whole units with the settings of the given one; writes it beside
    that one."""
    level = level_of(ticket).sparsity if sparsity is None else sparsity
    settings, changed = of_units.like(ticket.pruning, ticket.recipe.model, level)
    reporter.say(changed)
    recipe = _recipe(ticket, data_dir)
    plan = plans.make_plan(recipe, settings, ticket.about["seed"])
    if rule := ticket.rule:
        plan = plans.at_rates(plan, rule)
    return _written(plan, recipe, ticket, _driver(store, reporter))


def planned(ticket: Ticket, data_dir: str | Path | None, store: Store) -> list[Chain]:
    """What a budget may choose from, without anything being measured: costs that the store does not
    keep count as 1 each, and no run in the store was pruned by such."""
    known = unit_costs.kept(ticket, store)
    layers = unit_costs.require_units(ticket)
    costs = known.costs if known else dict.fromkeys((units.layer for units in layers), 1.0)
    return candidates.chains(ticket, _recipe(ticket, data_dir), costs)


def search_within(
    ticket: Ticket,
    budget: Budget,
    forms: Sequence[str],
    data_dir: str | Path | None,
    store: Store,
    reporter: Reporter,
) -> tuple[Chosen, FoundTicket | None]:
    """Searches for the network that a budget asks for, and writes its ticket beside the given
    one; there is none to write where a ticket was chosen as it is.

    Raises:
        UserError: the network does not tell its units, or its data cannot be read.
        TrainingError: no candidate could be trained.
    """
    unit_costs.require_units(ticket)
    recipe, driver = _recipe(ticket, data_dir), _driver(store, reporter)
    # First, since the rest takes minutes and hours.
    driver.look(recipe)
    corpus = load_corpus(recipe.data, store)
    startup.start_tensorflow()
    from tflottery.exports.fast.choosing import Choosing
    from tflottery.exports.formats.checking import examples

    costs = unit_costs.unit_costs(ticket, store)
    reporter.say(costs.sentence)
    chains = candidates.chains(ticket, recipe, costs.costs)
    halves = candidates.halves(chains, budget, ticket)
    names = _names(chains, halves)
    view, observer = driver.watch(
        lambda spec: names.get(spec.key, spec.key[:12]),
        len(candidates.trainings(chains)) + len(halves),
        may_end_early=True,
    )
    with view:
        wanted = [spec for chain in chains for spec in chain.plan.specs()]
        wanted += [spec for some in halves.values() for spec in some]
        realise = Realiser(store, wanted, observer)
        given = Choosing(ticket, budget, tuple(forms), corpus, examples(corpus, ticket), realise)
        chosen = given.choose(chains, candidates.as_they_are(ticket, budget))
    best = chosen.best
    if best.of is None or best.level is None:
        return chosen, None
    found = _written(best.of.to(best.level, recipe, ticket), recipe, ticket, driver)
    return chosen, found


def forms_of(asked_for: Asked, model: Architecture) -> tuple[str, ...]:
    """The forms that have to reach a budget: the SavedModel, or the TFLite file, in the precision
    that was asked for or in any of those, of three, that the network can be stored in."""
    if "tflite" not in [one.name for one in asked_for.formats]:
        return (SAVED_MODEL,)
    if asked_for.quantize:
        return tuple(name for name, one in tflite.NAMES.items() if one == asked_for.quantize)
    return precisions_of(model)


def precisions_of(model: Architecture) -> tuple[str, ...]:
    """Those of ``PRECISIONS`` that are known to take a network; of others that shows when they are
    written."""
    return tuple(one for one in PRECISIONS if tflite.takes(tflite.NAMES[one], model))


def asked_as(chosen: Chosen, asked_for: Asked) -> Asked:
    """What to write, now that the precision is chosen; where that was left open, any difference of
    scores goes, since accuracy decided."""
    quantize = tflite.NAMES.get(chosen.best.form, "")
    if not quantize or asked_for.quantize:
        return asked_for
    return dataclasses.replace(asked_for, quantize=quantize, max_score_difference=1.0)


def _recipe(ticket: Ticket, data_dir: str | Path | None) -> Recipe:
    return dataclasses.replace(ticket.recipe, data=located(ticket.recipe.data, data_dir))


def _driver(store: Store, reporter: Reporter) -> Driver:
    from tflottery.experiments.driver import Driver

    return Driver(store, LOCAL, None, None, "auto", "", reporter)


def _written(plan: plans.Plan, recipe: Recipe, ticket: Ticket, driver: Driver) -> FoundTicket:
    from tflottery.experiments.ticket.run import search_and_write

    output = ticket.folder.absolute().parent
    return search_and_write([plan], recipe, ticket.rule, driver, output)


def _names(chains: Sequence[Chain], halves: Mapping[str, Sequence[RunSpec]]) -> Mapping[str, str]:
    """What each run is called, by key."""
    names = {chains[0].plan.dense.key: "dense"}
    for chain in chains:
        for level in chain.plan.levels:
            names.setdefault(level.ticket.key, f"{chain.name}, round {level.number}")
    for name, some in halves.items():
        for number, spec in enumerate(some, start=1):
            names.setdefault(spec.key, f"{name}, half of round {number}")
    return names
