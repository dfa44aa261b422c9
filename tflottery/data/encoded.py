"""Texts as ids in memory, and all that a training reads of a data set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from tflottery.data import overlap
from tflottery.data.findings import Findings
from tflottery.data.words.unigrams import Unigrams
from tflottery.data.words.vocabulary import UNKNOWN, Vocabulary
from tflottery.data.words.wording import PLAIN, Wording

SPLITS = ("train", "validation", "test")
# Texts that are looked at together.
TOGETHER = 1_024


@dataclass(frozen=True)
class Encoded:
    """Texts as ids, one after the other.

    ``ids``: int32 [words]; ``offsets``: int64 [texts + 1], text i is
    ``ids[offsets[i]:offsets[i + 1]]``; ``labels``: int32 [texts].
    """

    ids: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> np.ndarray:
        """int64 [texts]: words in each text."""
        return np.diff(self.offsets)

    def steps_per_epoch(self, batch_size: int) -> int:
        """Batches in one pass; the last one may be smaller."""
        return -(-len(self) // batch_size)

    def take(
        self, rows: np.ndarray, max_length: int | None = None, wording: Wording = PLAIN
    ) -> Encoded:
        """The given texts in the given order, each cut to ``max_length`` words as the wording
        says."""
        whole = self.lengths[rows]
        lengths = whole if max_length is None else np.minimum(whole, max_length)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        # Position in the new order + where its text begins in the old - where in the new.
        shift = np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        source = np.arange(offsets[-1]) + shift
        if max_length is not None and wording.keep != "head":
            first, _ = wording.ends(max_length)
            position = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
            source += np.where(position < first, 0, np.repeat(whole - lengths, lengths))
        return Encoded(self.ids[source], offsets, self.labels[rows])


@dataclass(frozen=True)
class Corpus:
    """Everything a training reads. ``unigrams`` counts the words of the training texts, those that
    the vocabulary does not hold among them. ``findings``: what was counted where they are encoded
    now; None where they are read from a cache."""

    name: str
    train: Encoded
    validation: Encoded
    test: Encoded
    vocabulary: Vocabulary
    unigrams: Unigrams
    classes: tuple[str, ...]
    caution: str = ""
    findings: Findings | None = field(default=None, compare=False, repr=False)

    def unseen(self, split: str) -> np.ndarray:
        """bool [texts]: the texts of ``validation`` or ``test`` whose known words are no training
        text's (``overlap``)."""
        return overlap.unseen(getattr(self, split), self.train, self.indistinct)

    @property
    def indistinct(self) -> tuple[int, ...]:
        """Ids by which no two texts are told apart: of unknown words, of ``!`` and ``?``."""
        return (
            UNKNOWN,
            *(id_ for mark in "!?" if (id_ := self.vocabulary.id_of(mark)) is not None),
        )


def take_ascending(
    part: Encoded,
    rows: np.ndarray,
    max_length: int | None = None,
    ids_of_numbers: np.ndarray | None = None,
) -> Encoded:
    """What ``part.take`` gives for rows in ascending order, the words as ids."""
    sizes = part.lengths
    kept = np.zeros(len(sizes), np.int64)
    kept[rows] = sizes[rows] if max_length is None else np.minimum(sizes[rows], max_length)
    offsets = np.concatenate([[0], np.cumsum(kept[rows])]).astype(np.int64)
    ids = np.empty(offsets[-1], np.int32)
    at = 0
    for start, stop, first, last in stretches(part):
        some = part.ids[first:last]
        # Words that are kept of each text, and words that are not, in turn.
        turns = np.stack([kept[start:stop], sizes[start:stop] - kept[start:stop]], axis=1)
        is_kept = np.repeat(np.tile([True, False], stop - start), turns.reshape(-1))
        some = some[is_kept]
        ids[at : at + len(some)] = some if ids_of_numbers is None else ids_of_numbers.take(some)
        at += len(some)
    labels = part.labels[rows] if len(part.labels) else part.labels
    return Encoded(ids, offsets, labels)


def stretches(part: Encoded) -> Iterator[tuple[int, int, int, int]]:
    """Texts that are looked at together: the first and the end, and where their words are."""
    for start in range(0, len(part.offsets) - 1, TOGETHER):
        stop = min(start + TOGETHER, len(part.offsets) - 1)
        yield start, stop, int(part.offsets[start]), int(part.offsets[stop])
