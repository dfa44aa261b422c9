"""The words and n-grams that decide a class, over many texts; asking the network a few thousand
times, however many texts and words there are.

Of the words of some texts, those are tried whose texts score highest for a class; each of them is
taken out of some of its texts, and what the class's log-odds lose is its effect. So the choice is a
correlation and costs nothing, and the effect is an intervention.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tflottery import seeds
from tflottery.data.words.vocabulary import RESERVED, UNKNOWN
from tflottery.reasons import filters
from tflottery.reasons.words import Ask, log_odds
from tflottery.reasons.written import FORMAT_VERSION

if TYPE_CHECKING:
    import pandas as pd

TEXTS = 500
"""Texts that are looked at."""
_TRIED, _EACH = 160, 12
_AT_LEAST = 2
COLUMNS = ("class", "word", "effect", "texts")


@dataclass(frozen=True)
class Deciding:
    """What decides a class in ``texts`` of the ``of`` texts of a ``split``: ``words``
    (``deciding_words``) and, of a CNN, ``ngrams`` (``filters.strongest``)."""

    split: str
    texts: int
    of: int
    words: pd.DataFrame
    ngrams: pd.DataFrame

    def document(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "format_version": FORMAT_VERSION,
            "split": self.split,
            "texts": self.texts,
            "of": self.of,
            "words": self.words.to_dict("records"),
            "ngrams": self.ngrams.to_dict("records"),
        }


def drawn(count: int, few: int = TEXTS) -> np.ndarray:
    """int64 [few or less]: which of so many texts are looked at, in ascending order; always the
    same ones."""
    random = seeds.generator("texts to explain", count)
    return np.sort(random.permutation(count)[:few])


def decide(
    ids: Sequence[Sequence[int]],
    ask: Ask,
    names: Sequence[str],
    classes: Sequence[str],
    weights: Mapping[str, np.ndarray],
    rows: np.ndarray,
    split: str,
    of: int,
    texts: Sequence[Sequence[str]] | None = None,
) -> Deciding:
    """The words and n-grams that decide a class in some texts.

    Args:
        ids: of the words of each text, at least one.
        ask: gives the network's scores.
        names: words by id.
        classes: names in the order of the scores.
        weights: of the network, by tensor.
        rows: int32 [words], the embedding row of each id.
        split, of: as of ``Deciding``.
        texts: the words of each text; by default as their ids name them.
    """
    scores = ask(ids) if ids else np.empty((0, len(classes)))
    read = [[names[number] for number in one] for one in ids] if texts is None else texts
    words = deciding_words(ids, scores, ask, names, classes)
    ngrams = filters.strongest(weights, rows, read, ids, scores, classes)
    return Deciding(split, len(ids), of, words, ngrams)


def deciding_words(
    ids: Sequence[Sequence[int]],
    scores: np.ndarray,
    ask: Ask,
    names: Sequence[str],
    classes: Sequence[str],
    most: int = 10,
) -> pd.DataFrame:
    """A row a class and word, the strongest first: ``class``, ``word``, ``effect`` (by how much the
    class's log-odds fall where the word is taken out of a text wherever it stands, the mean over
    some of its texts) and ``texts`` (how many it was taken out of).

    160 words are tried at most, as many for each class: those whose texts have, for so many texts,
    the most unusual log-odds; each in the first 12 of its texts. So at most 1,920 scores are asked
    for, up to 160 classes. A word has to stand in two texts.

    Args:
        ids: of the words of each text.
        scores: float [texts, classes], the network's of each.
        ask: gives the network's scores.
        names: words by id.
        classes: names in the order of the scores.
        most: words of a class.
    """
    import pandas as pd

    holding = _holding(ids)
    words = _tried(holding, log_odds(scores)) if holding else []
    places = [(word, text) for word in words for text in holding[word][:_EACH]]
    without = [[one for one in ids[text] if one != word] or [UNKNOWN] for word, text in places]
    found = []
    if places:
        texts = np.array([text for _, text in places])
        effects = log_odds(scores[texts]) - log_odds(ask(without))
        of = np.array([word for word, _ in places])
        means = np.array([effects[of == word].mean(axis=0) for word in words])
        for number, name in enumerate(classes):
            order = sorted(
                range(len(words)), key=lambda place: (-means[place, number], names[words[place]])
            )
            found += [
                (
                    name,
                    names[words[place]],
                    float(means[place, number]),
                    int((of == words[place]).sum()),
                )
                for place in order[:most]
                if means[place, number] > 0
            ]
    return pd.DataFrame(found, columns=list(COLUMNS))


def _holding(ids: Sequence[Sequence[int]]) -> dict[int, list[int]]:
    """The texts in which each word stands, of known words that stand in more than one."""
    holding: dict[int, list[int]] = {}
    for text, one in enumerate(ids):
        for word in sorted({*one}):
            holding.setdefault(word, []).append(text)
    return {
        word: holding[word]
        for word in sorted(holding)
        if word >= len(RESERVED) and len(holding[word]) >= _AT_LEAST
    }


def _tried(holding: Mapping[int, Sequence[int]], odds: np.ndarray) -> list[int]:
    """The words that are tried: of each class those whose texts have the highest log-odds, in
    standard errors of so many texts' mean.

    Args:
        holding: the texts of each word.
        odds: float [texts, classes].
    """
    words = np.array([*holding])
    unusual = odds - odds.mean(axis=0)
    unusual /= np.maximum(odds.std(axis=0), np.finfo(float).tiny)
    strength = np.array(
        [unusual[texts].sum(axis=0) / np.sqrt(len(texts)) for texts in holding.values()]
    )
    share = max(_TRIED // odds.shape[1], 1)
    order = np.argsort(-strength, axis=0, kind="stable")[:share]
    return np.unique(words[order]).tolist()
