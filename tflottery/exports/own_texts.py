"""The texts that a ticket was trained and judged on, where they can still be had."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tflottery.data.encoded import Corpus
from tflottery.errors import UserError
from tflottery.runs.encoded import load_corpus
from tflottery.runs.store import Store
from tflottery.tickets.given import located
from tflottery.tickets.ticket import Ticket


@dataclass(frozen=True)
class OwnTexts:
    """``corpus``: the encoded data; None where they cannot be had, and ``why``, a sentence."""

    corpus: Corpus | None
    why: str = ""

    def remark(self, consequence: str) -> str:
        """A line on what is not done without the data; empty where they are there.

        Args:
            consequence: what that is.
        """
        return f"{consequence}, as the ticket's data cannot be had: {self.why}" if self.why else ""


def of(
    ticket: Ticket, data_dir: str | Path | None, store: Store, *, needed: bool = False
) -> OwnTexts:
    """Reads the ticket's data, from the store where they are kept.

    Args:
        ticket: names them.
        data_dir: where prepared TFDS data lie now.
        store: where encoded data are kept.
        needed: whether nothing can be done without them.

    Raises:
        UserError: they are needed, and cannot be had.
    """
    try:
        corpus = load_corpus(located(ticket.recipe.data, data_dir), store)
        if corpus.vocabulary.words != ticket.vocabulary.words:
            raise UserError("Their vocabulary is not the ticket's, which another version made.")
    except UserError as error:
        if needed:
            raise
        return OwnTexts(None, str(error))
    return OwnTexts(corpus)
