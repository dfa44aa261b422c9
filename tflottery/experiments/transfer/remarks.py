"""What is said of a transfer before its trainings begin: the ticket, words, classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflottery.data.encoded import Corpus
from tflottery.experiments.transfer.design import Transfer
from tflottery.tickets.ticket import Ticket

if TYPE_CHECKING:
    from tflottery.experiments.transfer.measuring import Words

# From this fraction of unknown words on, little of the embedding can carry over.
_MANY_UNKNOWN = 0.5


def headline(ticket: Ticket) -> str:
    """The ticket in a line."""
    about = ticket.about
    parts = {"test": "ticket_test_accuracy", "dense": "dense_test_accuracy"}
    # Of one that was trained on after the search nothing was measured since.
    known = [f"{name} {_percent(about[key])}" for name, key in parts.items() if key in about]
    measured = f" ({', '.join(known)})" if known else ""
    return (
        f"Ticket: {ticket.folder.name}, {100 * about['sparsity']:.1f} % pruned, "
        f"{ticket.verdict} on {about['dataset']}{measured}"
    )


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f} %"


def on_data(transfer: Transfer, source: Corpus, target: Corpus, words: Words) -> list[str]:
    """What is to be known before the trainings begin."""
    lines = [
        f"Words:  {_percent(words.target_unknown)} of the words of {target.name} are unknown to "
        f"the vocabulary of {source.name}, {_percent(words.target_unknown_own)} to one of its own; "
        f"Jensen-Shannon divergence {words.divergence:.3f} bits"
    ]
    if words.target_unknown > _MANY_UNKNOWN and (transfer.vocabulary == "reuse" or transfer.remaps):
        lines.append(
            f"Warning: the vocabulary of {source.name} covers only "
            f"{_percent(1 - words.target_unknown)} of {target.name}; little of the embedding can "
            "carry over. Try --vocabulary drop, or shared."
        )
    if not transfer.same_classes:
        lines.append(
            f"Classes: {target.name} has {len(target.classes)}, {source.name} "
            f"{len(source.classes)}; the head is initialised anew and the ticket's mask of the "
            "head is dropped."
        )
    elif source.classes != target.classes:
        pairs = zip(source.classes, target.classes, strict=True)
        matched = ", ".join(f"{one} is {other}" for one, other in pairs)
        lines.append(f"Classes: by their order, {matched}")
    return lines
