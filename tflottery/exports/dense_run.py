"""The dense network that a ticket was found in, as the store holds it."""

from __future__ import annotations

from tflottery.errors import UserError
from tflottery.runs.run import Run
from tflottery.runs.store import Store
from tflottery.tickets.ticket import Ticket


def dense_run(ticket: Ticket, store: Store) -> Run:
    """The training of the dense network that the ticket was found in.

    Raises:
        UserError: the store does not hold it.
    """
    run = store.find(ticket.about["dense_run_key"])
    if run is None:
        raise UserError(
            f"The dense network of {ticket.folder} is not in {store.root}/; give --store the one "
            "that the ticket was found in."
        )
    return run
