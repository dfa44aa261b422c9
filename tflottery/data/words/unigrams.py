"""How often words occur, and how far two data sets are apart by that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tflottery.data.words.vocabulary import Vocabulary


@dataclass(frozen=True)
class Unigrams:
    """Distinct words, and how often each occurs: int64 [words], all above 0."""

    words: tuple[str, ...]
    counts: np.ndarray

    def vocabulary(self, size: int) -> Vocabulary:
        """The most frequent of the words."""
        return Vocabulary.from_counts(self.words, self.counts, size)

    def unknown_to(self, vocabulary: Vocabulary) -> float:
        """The fraction of running words that a vocabulary does not hold."""
        known = set(vocabulary.words)
        unknown = [word not in known for word in self.words]
        return float(self.counts[unknown].sum() / max(self.counts.sum(), 1))


def merge(parts: Iterable[Unigrams]) -> Unigrams:
    """The counts of several data sets together."""
    total: Counter[str] = Counter()
    for part in parts:
        total.update(dict(zip(part.words, part.counts.tolist(), strict=True)))
    return Unigrams(tuple(total), np.array(list(total.values()), np.int64))


def divergence(one: Unigrams, other: Unigrams) -> float:
    """Jensen-Shannon divergence of two unigram distributions, in bits: 0 where they are equal, 1
    where they share no word (Lin 1991; for data sets, Desai et al. 2019)."""
    together = merge([one, other])
    place = {word: number for number, word in enumerate(together.words)}
    rows = np.zeros((2, len(together.words)))
    for row, part in zip(rows, (one, other), strict=True):
        row[[place[word] for word in part.words]] = part.counts / part.counts.sum()
    middle = rows.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(rows > 0, rows * np.log2(rows / middle), 0.0)
    return float(terms.sum() / 2)
