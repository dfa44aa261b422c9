"""The words a network knows; embedding row i belongs to ``words[i]``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from tflottery import startup
from tflottery.data.words.wording import PLAIN, Wording
from tflottery.errors import DamagedFileError

PADDING, UNKNOWN = 0, 1
RESERVED = ("[PAD]", "[UNK]")


@dataclass(frozen=True)
class Vocabulary:
    """Words by id. Ids 0 and 1 are padding and unknown; no normalised text contains their names."""

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.words[: len(RESERVED)] != RESERVED or len(set(self.words)) != len(self.words):
            raise DamagedFileError("This vocabulary is damaged: reserved or repeated words.")

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def _ids(self) -> dict[bytes, int]:
        return {word.encode(): number for number, word in enumerate(self.words)}

    @classmethod
    def from_counts(cls, words: Sequence[str], counts: np.ndarray, size: int) -> Vocabulary:
        """The ``size - 2`` words counted most often; equal counts go by the alphabet.

        Args:
            words: distinct words.
            counts: int [len(words)], how often each occurs; words with 0 are left out.
            size: number of ids, the two reserved ones among them.
        """
        seen, room = np.flatnonzero(counts), size - len(RESERVED)
        if len(seen) > room > 0:
            # Of the rarest that may have a place, all; those that are rarer have none.
            rarest = np.partition(counts[seen], len(seen) - room)[len(seen) - room]
            seen = seen[counts[seen] >= rarest]
        by_word = np.array(sorted(seen.tolist(), key=words.__getitem__), np.int64)
        order = by_word[np.argsort(-counts[by_word], kind="stable")][:room]
        return cls(RESERVED + tuple(words[number] for number in order.tolist()))

    def id_of(self, word: str) -> int | None:
        """The id of a word; None where it is not known."""
        return self._ids.get(word.encode())

    def rows_in(self, other: Vocabulary) -> np.ndarray:
        """int64 [len(self)]: the id of each word in another vocabulary, -1 where it has none."""
        ids = other._ids
        return np.array([ids.get(word, -1) for word in self._ids], np.int64)

    def encode(
        self, texts: Iterable[str | bytes], max_length: int, wording: Wording = PLAIN
    ) -> list[list[int]]:
        """Ids of at most ``max_length`` words of each raw text, by default the first; a text
        without words is one unknown word, so that every text has a score.

        Args:
            texts: in UTF-8; broken parts become spaces.
            max_length: words.
            wording: what the vocabulary's words are; a ticket's is ``recipe.data.wording``.
        """
        startup.start_tensorflow()
        from tflottery.data.words.text import normaliser

        normalised = normaliser(wording)(list(texts)).numpy()
        ids = self._ids
        return [
            [ids.get(word, UNKNOWN) for word in wording.cut(text.split(), max_length)] or [UNKNOWN]
            for text in normalised
        ]

    def to_text(self) -> str:
        return "".join(f"{word}\n" for word in self.words)

    @classmethod
    def from_file(cls, path: Path) -> Vocabulary:
        return cls(tuple(path.read_text(encoding="utf-8").split("\n")[:-1]))
