"""What each word of a text did; by default its occlusion, the log-odds with it minus those without.

Without a word means: the words that the model reads, but for this one. Its neighbours move
together, as in the text that somebody would have written without it; no word beyond the end of what
is read comes in. The sum over a linear bag of words is its log-odds, but for its bias; of any other
network, words that do their work together (``not bad``) each count for it in full.

Erasing words is Li et al.'s (2016, arXiv 1612.08220) measure; occlusion is Zeiler and Fergus'
(2014).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tflottery.data.words.vocabulary import UNKNOWN
from tflottery.reasons.coloured import html

if TYPE_CHECKING:
    import pandas as pd

Ask = Callable[[Sequence[Sequence[int]]], np.ndarray]
"""Ids of texts → float [texts, classes], probabilities."""

LEAST = 1e-7
"""Probabilities are 32-bit: beyond that, they are 0 or 1."""


@dataclass(frozen=True, repr=False)
class Explanation:
    """A text, and what its words did.

    ``words``: those that the model read, as it read them (normalised); ``known``: which of them it
    knows; ``unread``: words beyond ``max_length``. ``label``: the model's, and ``score``, that
    class's probability. ``effects``: float [words, classes], by how much each word raises the
    log-odds of each class; ``changes``: float [words], by how much it raises ``score``.
    """

    text: str
    label: str
    score: float
    classes: tuple[str, ...]
    words: tuple[str, ...]
    known: tuple[bool, ...]
    effects: np.ndarray
    changes: np.ndarray
    unread: int = 0

    @cached_property
    def for_label(self) -> np.ndarray:
        """float [words]: the effects on the label's log-odds."""
        found: np.ndarray = self.effects[:, self.classes.index(self.label)]
        return found

    @property
    def table(self) -> pd.DataFrame:
        """A row a word, in the text's order: ``word``, ``known``, ``effect`` on the log-odds of the
        label, ``change`` of its probability."""
        import pandas as pd

        return pd.DataFrame(
            {
                "word": self.words, "known": self.known,
                "effect": self.for_label, "change": self.changes,
            }
        )  # fmt: skip

    def strongest(self, most: int) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
        """The words that speak most for the label, and those that speak most against it, each with
        its effect, the strongest first; a word that stands several times, by the strongest."""
        sides: list[list[tuple[str, float]]] = []
        for sign in (1, -1):
            best: dict[str, float] = {}
            for place in np.argsort(-sign * self.for_label, kind="stable").tolist():
                effect = float(self.for_label[place])
                if sign * effect > 0:
                    best.setdefault(self.words[place], effect)
            sides.append(list(best.items())[:most])
        return sides[0], sides[1]

    def __repr__(self) -> str:
        most = ", ".join(f"{word} {effect:+.2f}" for word, effect in self.strongest(3)[0])
        return f"<Explanation: {self.label} {self.score:.4f}; {most}>"

    def _repr_html_(self) -> str:
        return html([self])


Effects = Callable[[Sequence[Sequence[int]]], list[tuple[np.ndarray, np.ndarray]]]
"""Ids of texts → of each float [words, classes], by how much each word raises the log-odds of each
class, and by how much its probability."""


def explanations(
    texts: Sequence[str],
    words: Sequence[Sequence[str]],
    ids: Sequence[Sequence[int]],
    unread: Sequence[int],
    labels: Sequence[str],
    scores: np.ndarray,
    classes: tuple[str, ...],
    effects: Effects,
) -> list[Explanation]:
    """Explains texts together.

    Args:
        texts, words, unread, labels: of each text, as ``Explanation`` has them.
        ids: of each text's words; one unknown word where it has none.
        scores: float [texts, classes], probabilities.
        classes: names in the order of the scores.
        effects: gives what words of ids do.
    """
    found = []
    each = zip(texts, words, ids, unread, labels, scores, effects(ids), strict=True)
    for text, own, numbers, left, label, score, (on_odds, on_scores) in each:
        count = len(own)  # none of a text without words, which is one unknown word
        side = classes.index(label)
        known = tuple(number != UNKNOWN for number in numbers)[:count]
        found.append(
            Explanation(
                text, label, float(score[side]), classes, tuple(own), known,
                on_odds[:count], on_scores[:count, side], left,
            )
        )  # fmt: skip
    return found


def occlusions(ask: Ask) -> Effects:
    """What words do by the scores with and without each of them."""

    def effects(ids: Sequence[Sequence[int]]) -> list[tuple[np.ndarray, np.ndarray]]:
        asked: list[Sequence[int]] = []
        for one in ids:
            asked += [one, *without_each(one)]
        scores = ask(asked)
        odds, exact = log_odds(scores), scores.astype(np.float64)
        found, first = [], 0
        for one in ids:
            rest = slice(first + 1, first + 1 + len(one))
            found.append((odds[first] - odds[rest], exact[first] - exact[rest]))
            first = rest.stop
        return found

    return effects


def without_each(ids: Sequence[int]) -> list[list[int]]:
    """The ids without each of them; without the only one, a text without words: one unknown."""
    return [[*ids[:place], *ids[place + 1 :]] or [UNKNOWN] for place in range(len(ids))]


def log_odds(scores: np.ndarray) -> np.ndarray:
    """float64 [texts, classes]: log(p / (1 - p)) of probabilities, which end at 1e-7 and what is
    left to 1."""
    exact = np.clip(scores.astype(np.float64), LEAST, 1 - LEAST)
    if exact.shape[1] == 2:
        # Of two classes, the second's probability is what a model gives.
        second = np.log(exact[:, 1]) - np.log1p(-exact[:, 1])
        return np.stack([-second, second], axis=1)
    odds: np.ndarray = np.log(exact) - np.log1p(-exact)
    return odds
