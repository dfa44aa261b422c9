"""What can be gone on with from a ticket, by its verdict, its rounds and its data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflottery.tickets.methods import METHODS

if TYPE_CHECKING:
    from tflottery.experiments.ticket.result import FoundTicket

# Data of two classes about liking something, in English.
_OF_A_KIND = {"imdb": "yelp_polarity", "yelp_polarity": "imdb"}


def next_steps(found: FoundTicket) -> dict[str, dict[str, str]]:
    """Commands that go on from a ticket, in the order in which they are of use, each with the flags
    that say from where and whereto.

    Nothing is tuned, moved or shipped of what was not shown to be worth it; a transfer is named
    where other data of the same kind are known; rounds by rates have no sparsity, which all but an
    export ask for; and a sparse training's mask is not found before it is tuned.
    """
    if not found.judged.recommends:
        return {}
    ticket = {"ticket": str(found.ticket.folder)}
    plan = found.outcome.plan
    if plan.is_open and plan.settings.rates:
        return {"export": ticket}
    finds_tickets = METHODS[plan.settings.method].finds_tickets
    steps = {"tune_lr": ticket} if finds_tickets else {}
    if other := _of_the_same_kind(found.ticket.about["dataset"]):
        steps["transfer"] = {**ticket, "to": other}
    return {**steps, "export": ticket}


def _of_the_same_kind(dataset: str) -> str | None:
    from tflottery.data.reading.tfds_source import ALIASES

    pairs = {ALIASES[one]: other for one, other in _OF_A_KIND.items()}
    return pairs.get(ALIASES.get(dataset, dataset))
