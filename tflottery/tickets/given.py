"""A ticket as a call is given it: which one, its place in its chain, whether the store has it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.runs.encoded import load_corpus
from tflottery.runs.realise import Realiser
from tflottery.runs.specs import RunSpec
from tflottery.runs.store import Store
from tflottery.settings import place
from tflottery.tickets import plan as plans
from tflottery.tickets.plan import Level
from tflottery.tickets.ticket import Ticket, load_ticket


def open_ticket(ticket: str | Path | Ticket, model: str = "") -> Ticket:
    """A ticket itself, the one in a folder, or the newest of a folder of tickets.

    Raises:
        UserError: there is none, or it is of another architecture than ``model`` says.
    """
    if isinstance(ticket, Ticket):
        return ticket
    path = place("ticket", ticket)
    if (path / "ticket.json").exists():
        ticket = load_ticket(path)
        if model and ticket.recipe.model.name != model:
            raise UserError(
                f"The ticket {path} is of a {ticket.recipe.model.name}, not of a {model}; masks "
                "fit their own architecture only."
            )
        return ticket
    # A folder that is being written has a name that begins with a dot.
    documents = path.glob("[!.]*/ticket.json")
    for document in sorted(documents, key=lambda file: file.stat().st_mtime_ns, reverse=True):
        ticket = load_ticket(document.parent)
        if model in ("", ticket.recipe.model.name):
            return ticket
    kind = f" of a {model}" if model else ""
    raise UserError(
        f"{path} holds no ticket{kind}; find one with bin/find_ticket --dataset imdb"
        f"{f' --model {model}' if model else ''}, or give its folder with --ticket."
    )


def ticket_asked_for(
    ticket: str | Path | Ticket | None,
    dataset: object | None,
    model: str | None,
    config: str | Path,
) -> Ticket | None:
    """The ticket that an experiment is of, or None where it is of data or of a configuration. By
    default it is the newest one in ``tickets``.

    Raises:
        UserError: there is none, or data or a network stand beside it.
    """
    if ticket is None and (dataset is not None or model is not None or config):
        return None
    for name, value in (("dataset", dataset), ("model", model)):
        if value is not None:
            raise UserError(f"The ticket brings its own data and network; leave out --{name}.")
    return open_ticket("tickets" if ticket is None else ticket)


def level_of(ticket: Ticket) -> Level:
    """Where the ticket stands in the chain that it comes from.

    Raises:
        UserError: it comes from no chain that this tflottery would make.
    """
    plan = plans.make_plan(ticket.recipe, ticket.pruning, int(ticket.about["seed"]))
    if rule := ticket.rule:
        plan = plans.at_rates(plan, rule)
    for level in plan.levels:
        if level.ticket.key == ticket.about["run_key"]:
            return level
    raise UserError(
        f"The ticket {ticket.folder} comes from a training that this tflottery would not do the "
        "same way; find it anew with bin/find_ticket."
    )


def located(data: DataSettings, data_dir: str | Path | None) -> DataSettings:
    """The same data where they lie now."""
    others = tuple(located(other, data_dir) for other in data.vocabulary_from)
    return dataclasses.replace(
        data, data_dir=str(data_dir or data.data_dir), vocabulary_from=others
    )


def require_same(ticket: Ticket, realise: Realiser, spec: RunSpec, store: Store) -> None:
    """Makes sure that the store's run of the ticket is the ticket, bit for bit.

    Raises:
        UserError: it is not.
    """
    masks = realise(spec).masks()
    weights = realise.initial_weights(spec)
    vocabulary = load_corpus(spec.recipe.data, store).vocabulary
    same = (
        vocabulary.words == ticket.vocabulary.words
        and all(np.array_equal(masks[name], mask) for name, mask in ticket.masks.items())
        and all(np.array_equal(weights[name], one) for name, one in ticket.rewind_weights.items())
    )
    if not same:
        raise UserError(
            f"The training of the ticket {ticket.folder.name} in {store.root}/ has other words, "
            "masks or weights than the ticket (another machine or TensorFlow?); find it anew with "
            "this --store."
        )
