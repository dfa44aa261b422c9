"""Whether a file holds a ticket's tensors, as a fresh process finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflottery.errors import TflotteryError
from tflottery.exports.formats.format import Format, digest

if TYPE_CHECKING:
    from tflottery.exports.session import Process
    from tflottery.tickets.ticket import Ticket

TENSORS = "tensors"


def require_same(served: Process, form: Format, ticket: Ticket) -> None:
    """Compares the tensors of a loaded file with the ticket's, bit for bit; of a format that does
    not hold them, nothing.

    Raises:
        TflotteryError: they differ.
    """
    if tensors := form.tensors(ticket):
        found = served.run(TENSORS, {})
        same = dict(zip(found["names"], found["digests"], strict=True))
        if same != {name.encode(): digest(tensor) for name, tensor in tensors.items()}:
            raise TflotteryError(f"{form.file} does not hold the ticket's tensors bit for bit")
