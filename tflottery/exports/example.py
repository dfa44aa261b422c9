"""A text of a ticket's own data, to ask its export about."""

from __future__ import annotations

from itertools import takewhile

from tflottery.data.encoded import Corpus
from tflottery.data.words.vocabulary import RESERVED
from tflottery.errors import UserError
from tflottery.runs.encoded import find_corpus
from tflottery.runs.store import Store
from tflottery.tickets.ticket import Ticket

# Where the store does not hold the data: the ticket has no texts.
ANY = "a text to ask about"
_MOST_WORDS = 10
_ENOUGH = 4
_TEXTS = 200


def example_text(ticket: Ticket, store: Store) -> str:
    """The beginning of a test text, as the network reads it, where the store holds the data."""
    try:
        corpus = find_corpus(ticket.recipe.data, store)
    except UserError:  # damaged; asking for an example is no time to say so
        corpus = None
    return beginning(corpus) if corpus else ANY


def beginning(corpus: Corpus) -> str:
    """The first words of the first test text that begins with known ones; else the longest
    beginning of known words there is."""
    best: list[str] = []
    test, known = corpus.test, corpus.vocabulary.words
    for number in range(min(len(test), _TEXTS)):
        ids = test.ids[test.offsets[number] : test.offsets[number + 1]][:_MOST_WORDS]
        words = [known[one] for one in takewhile(lambda one: one >= len(RESERVED), ids.tolist())]
        if len(words) == len(ids) >= _ENOUGH:
            return " ".join(words)
        best = max(best, words, key=len)
    return " ".join(best) or ANY
