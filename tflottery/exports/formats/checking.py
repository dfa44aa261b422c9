"""Files of other formats, and what a device reads texts with: written, and loaded in a fresh
process to be compared with the Python model, before a version appears."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tflottery import activity
from tflottery.data.encoded import Corpus, Encoded
from tflottery.errors import TflotteryError
from tflottery.exports.formats import device, tensors
from tflottery.exports.formats.asked import Asked
from tflottery.exports.formats.beside import Beside
from tflottery.exports.formats.format import Format, Given, Quantize
from tflottery.exports.saved_model import IDS
from tflottery.exports.session import Process
from tflottery.exports.verification import (
    Scorer,
    as_served,
    batches,
    padded,
    per_class,
    sentences,
)
from tflottery.tickets.ticket import Ticket

_EXAMPLES = 200


@dataclass(frozen=True)
class Also:
    """The formats to write beside the SavedModel.

    ``test``: the test texts; None where the ticket's data cannot be had. ``quantize``,
    ``examples``: as of ``Given``. ``max_score_difference``: the most by which a score of a
    quantised file may differ from the Python model's.
    """

    formats: Sequence[Format]
    test: Encoded | None
    quantize: Quantize = ""
    max_score_difference: float = 0.05
    examples: np.ndarray | None = None

    @classmethod
    def of(cls, asked: Asked, corpus: Corpus | None, ticket: Ticket) -> Also:
        """What was asked for, with the texts of the ticket's data where they can be had."""
        return cls(
            asked.formats,
            corpus.test if corpus else None,
            asked.quantize,
            asked.max_score_difference,
            examples(corpus, ticket) if corpus else None,
        )

    def bound(self, of: Format) -> float:
        """The most by which a score of a format may differ from the Python model's."""
        is_quantised = self.quantize and of.name == "tflite"
        return self.max_score_difference if is_quantised else of.tolerance


def examples(corpus: Corpus, ticket: Ticket) -> np.ndarray:
    """int32 [texts, max_length]: training texts, whose activations set the scales of int8."""
    train = corpus.train.take(np.arange(min(len(corpus.train), _EXAMPLES)))
    return padded(np.split(train.ids, train.offsets[1:-1]), ticket.recipe.data.max_length)


def write(also: Also, given: Given, python_model: Scorer, folder: Path) -> tuple[Beside, ...]:
    """Writes and checks a file of each format.

    Args:
        also: which formats, and what they are compared on.
        given: what is written.
        python_model: the scorer of the ticket's own model.
        folder: where the files go.

    Raises:
        TflotteryError: a file is not what it should be.
    """
    made = []
    if any(one.for_devices for one in also.formats):
        (folder / device.FOLDER).mkdir()
        device.write(folder / device.FOLDER, given.ticket)
    for one in also.formats:
        with activity.doing(f"writing {one.file}"):
            one.write(given, folder / one.file)
        texts = len(also.test) if also.test else 0
        with activity.doing(f"testing {one.file} in a fresh process", texts):
            made.append(check(one, folder / one.file, given, python_model, also))
    return tuple(made)


def check(one: Format, file: Path, given: Given, python_model: Scorer, also: Also) -> Beside:
    """Loads a file in a fresh process, by its format's own runtime, and compares tensors and scores
    with the Python model's.

    Raises:
        TflotteryError: they differ.
    """
    made = Beside(one.name, one.file, file.stat().st_size)
    with Process(file) as served:
        tensors.require_same(served, one, given.ticket)
        if not one.scores:
            return made
        texts = also.test if also.test is not None else _sentences(given)
        return _scored(
            made, served, given.served.max_length, python_model, also, also.bound(one), texts
        )


def _sentences(given: Given) -> Encoded:
    """The texts that every SavedModel is compared on, whose labels nobody knows."""
    data, vocabulary = given.ticket.recipe.data, given.ticket.vocabulary
    ids = vocabulary.encode(sentences(data.wording), data.max_length, data.wording)
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in ids])])
    unknown = np.full(len(ids), -1, np.int32)
    return Encoded(np.concatenate(ids).astype(np.int32), offsets.astype(np.int64), unknown)


def _scored(
    made: Beside,
    served: Process,
    width: int,
    python_model: Scorer,
    also: Also,
    most: float,
    texts: Encoded,
) -> Beside:
    largest, hits, python_hits = 0.0, 0, 0
    for ids, labels in batches(texts):
        answer = served.run(IDS, {IDS: padded(ids, width)})
        found, expected = per_class(answer["score"]), python_model(as_served(ids))
        difference = float(np.abs(found - expected).max())
        if not difference <= most:
            flag = "; --max_score_difference bounds them" if also.quantize else ""
            raise TflotteryError(
                f"{made.file}: its scores differ from the Python model's by {difference:.1e}, more "
                f"than {most:g}{flag}; nothing was written"
            )
        largest = max(largest, difference)
        chosen = answer["label"]
        # Of classes that are alike, a file may name the other one.
        missed = expected.max(axis=1) - expected[np.arange(len(expected)), chosen]
        if (missed > 2 * most).any():
            raise TflotteryError(f"{made.file}: its labels are not the Python model's")
        hits += int((chosen == labels).sum())
        python_hits += int((expected.argmax(axis=1) == labels).sum())
        activity.advance(len(ids))
    count = len(texts)
    made = dataclasses.replace(made, texts=count, difference=largest)
    if also.test is None:
        return made
    return dataclasses.replace(made, accuracy=hits / count, python_accuracy=python_hits / count)
