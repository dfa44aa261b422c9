"""The texts of a table as numbers of words, made while the table is judged: it is read once."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence

import numpy as np

from tflottery.data.words.duplicates import words_of
from tflottery.data.words.joined_words import END
from tflottery.data.words.numbering import Numbering

Normalise = Callable[[Sequence[bytes]], Sequence[bytes]]

# Bytes of texts that are numbered together, and of texts that wait for TensorFlow.
_TOGETHER = 1 << 18
_MOST_WAITING = 1 << 26


class NumberedTexts:
    """Texts as numbers of their words, four bytes a word.

    Texts with letters that only TensorFlow knows for certain are numbered by what Python knows, and
    kept: ``settle`` asks TensorFlow. Where these are many, all is given up, and the texts are to be
    read again.
    """

    def __init__(self) -> None:
        self._numbering = Numbering()
        self._ids, self._counts = array("i"), array("q")
        self._pending: list[bytes] = []
        self._size = 0
        self._waiting: dict[int, bytes] = {}
        self._waiting_size = 0
        self.is_given_up = False

    def add(self, texts: Sequence[bytes]) -> None:
        """More texts."""
        self._pending.extend(texts)
        self._size += sum(map(len, texts))
        if self._size >= _TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Numbers what was added."""
        pending, self._pending, self._size = self._pending, [], 0
        if not pending or self.is_given_up:
            return
        first = len(self._counts)

        def as_python_knows(places: Sequence[int], texts: Sequence[bytes]) -> list[bytes]:
            at = [first + place for place in places]
            self._waiting.update(zip(at, texts, strict=True))
            self._waiting_size += sum(map(len, texts))
            return [words_of(text) for text in texts]

        ids, counts = self._numbering.number(pending, as_python_knows)
        self._ids.frombytes(ids.tobytes())
        self._counts.frombytes(counts.tobytes())
        if self._waiting_size > _MOST_WAITING:
            self.is_given_up = True
            self._ids, self._counts, self._waiting = array("i"), array("q"), {}

    @property
    def ids(self) -> np.ndarray:
        """int32 [words]"""
        return np.asarray(self._ids)

    @property
    def offsets(self) -> np.ndarray:
        """int64 [texts + 1]: text i is ``ids[offsets[i]:offsets[i + 1]]``."""
        return np.concatenate([[0], np.cumsum(np.asarray(self._counts))]).astype(np.int64)

    @property
    def words(self) -> list[str]:
        """The words by number."""
        return self._numbering.words

    def is_wordless(self, text: int) -> bool:
        """Whether a text has no words."""
        start, end = self.offsets[text : text + 2].tolist()
        return end - start == 1 and self._numbering.is_no_word(self._ids[start])

    def groups(self) -> np.ndarray:
        """int64 [texts]: for each text the first that is equal to it."""
        ids, offsets = self.ids, self.offsets
        groups = np.arange(len(offsets) - 1)
        # Texts whose words have other sums are not equal; the others are compared.
        weights = _scattered(len(self._numbering))
        sums = np.empty(len(groups), np.uint64)
        for start in range(0, len(groups), 4_096):
            bounds = offsets[start : start + 4_097]
            some = weights.take(ids[bounds[0] : bounds[-1]])
            sums[start : start + 4_096] = np.add.reduceat(some, bounds[:-1] - bounds[0])
        order = np.argsort(sums, kind="stable")
        alike = sums[order[1:]] == sums[order[:-1]]
        doubtful = np.zeros(len(groups), bool)
        doubtful[order[1:][alike]] = doubtful[order[:-1][alike]] = True
        firsts: dict[bytes, int] = {}
        for text in np.flatnonzero(doubtful).tolist():
            content = ids[offsets[text] : offsets[text + 1]].tobytes()
            groups[text] = firsts.setdefault(content, text)
        return groups

    def settle(self, normalise: Normalise) -> bool:
        """Puts in what TensorFlow says of the texts that wait; whether that changes anything. If it
        does, words are no longer in order of first sight, and some may be in no text.

        Args:
            normalise: the words of texts.
        """
        waiting, self._waiting = self._waiting, {}
        words = normalise(list(waiting.values())) if waiting else []
        changed = {
            place: made
            for (place, text), made in zip(waiting.items(), words, strict=True)
            if made != words_of(text)
        }
        if not changed:
            return False
        offsets, ids = self.offsets, self.ids
        pieces, counts, last = [], np.asarray(self._counts).copy(), 0
        for place, made in changed.items():
            one, count = self._numbering.number_words(made + END, 1)
            pieces += [ids[offsets[last] : offsets[place]], one]
            counts[place], last = count[0], place + 1
        pieces.append(ids[offsets[last] :])
        self._ids = array("i", np.concatenate(pieces).tobytes())
        self._counts = array("q", counts.tobytes())
        return True


def _scattered(count: int) -> np.ndarray:
    """uint64 [count]: a number for each word, as if drawn (the finaliser of splitmix64)."""
    mixed = (np.arange(count, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))
