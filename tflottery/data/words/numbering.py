"""Words as numbers, in order of first sight, many texts at once.

A word is taken as one to four pieces of eight bytes. Tables with a slot for a hash hold the pieces
of words that were met; a word whose pieces do not stand in its slot (it is new, longer than four
pieces, or another word took the slot) is looked up in a dictionary. What is a word's number never
depends on a hash.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tflottery.data.words.joined_words import END, Whole, joined_words

NO_WORD = b"[UNK]"
"""A text without words is this one, which no vocabulary holds."""

_PIECE = 8
_MOST_PIECES = 4
_BITS = (20, 18, 16, 14)
_FACTORS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], np.uint64
)
# Words that are met before the tables are asked again.
_AT_ONCE = 4_096


class Numbering:
    """Distinct words and their numbers."""

    def __init__(self, bits: Sequence[int] = _BITS) -> None:
        """``bits``: of the slots for words of one piece, two, three and four; above 4."""
        self._numbers: dict[bytes, int] = {}
        self._tables = [_Table(pieces + 1, count) for pieces, count in enumerate(bits)]

    @property
    def words(self) -> list[str]:
        """The words by number."""
        return [word.decode() for word in self._numbers]

    def __len__(self) -> int:
        return len(self._numbers)

    def is_no_word(self, number: int) -> bool:
        """Whether a number is that of texts without words."""
        return self._numbers.get(NO_WORD) == number

    def number(self, texts: Sequence[bytes], whole: Whole) -> tuple[np.ndarray, np.ndarray]:
        """int32 [words] and int64 [texts]: the words of raw texts as numbers, and how many each
        text has; one at the least.

        Args:
            texts: raw texts.
            whole: see ``joined_words``.
        """
        return self.number_words(joined_words(texts, whole), len(texts))

    def number_words(self, words: bytes, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The same for so many texts as ``joined_words`` gives them."""
        # Room before the first word, and for a piece that is read beyond the last one.
        joined = END + words + bytes(_PIECE * _MOST_PIECES)
        letters = np.frombuffer(joined, np.uint8)
        is_word = letters > ord(" ")
        edges = np.flatnonzero(is_word[1:] != is_word[:-1])
        starts = edges[0::2] + 1
        numbers = self._numbered(joined, starts, edges[1::2] + 1 - starts)
        ends = np.flatnonzero(letters == 0)[1 : count + 1]
        counts = np.diff(np.searchsorted(starts, ends), prepend=0)
        if not counts.all():
            empty = np.flatnonzero(counts == 0)
            unknown = self._numbers.setdefault(NO_WORD, len(self._numbers))
            numbers = np.insert(numbers, np.cumsum(counts)[empty], unknown)
            counts[empty] = 1
        return numbers, counts

    def _numbered(self, joined: bytes, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        numbers = self._looked_up(joined, starts, sizes)
        missed = np.flatnonzero(numbers < 0)
        while len(missed):
            now, missed = missed[:_AT_ONCE], missed[_AT_ONCE:]
            numbers[now] = self._met(joined, starts[now], sizes[now])
            numbers[missed] = self._looked_up(joined, starts[missed], sizes[missed])
            missed = missed[numbers[missed] < 0]
        return numbers

    def _looked_up(self, joined: bytes, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """int32 [words]: numbers from the tables, -1 for words that are not there."""
        # Most words are short: longer ones are looked up twice.
        numbers = self._tables[0].find(_pieces(joined, starts, sizes, 1))
        longer = np.flatnonzero(sizes > _PIECE)
        if len(longer):
            needed = -(-sizes[longer] // _PIECE)
            numbers[longer[needed > _MOST_PIECES]] = -1
            for table in self._tables[1:]:
                chosen = longer[needed == table.pieces]
                if len(chosen):
                    pieces = _pieces(joined, starts[chosen], sizes[chosen], table.pieces)
                    numbers[chosen] = table.find(pieces)
        return numbers

    def _met(self, joined: bytes, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        known = self._numbers
        numbers = np.array(
            [
                known.setdefault(joined[start : start + size], len(known))
                for start, size in zip(starts.tolist(), sizes.tolist(), strict=True)
            ],
            np.int32,
        )
        needed = -(-sizes // _PIECE)
        for table in self._tables:
            chosen = np.flatnonzero(needed == table.pieces)
            if len(chosen):
                pieces = _pieces(joined, starts[chosen], sizes[chosen], table.pieces)
                table.keep(pieces, numbers[chosen])
        return numbers


class _Table:
    """Numbers of words of so many pieces, each in the slot of one of two hashes if that was
    free."""

    def __init__(self, pieces: int, bits: int) -> None:
        self.pieces = pieces
        self._ways = [_Way(pieces, bits - 4), _Way(pieces, bits - 1)]

    def find(self, pieces: Sequence[np.ndarray]) -> np.ndarray:
        """int32 [words]: -1 for a word that has no slot."""
        mixed = self._mixed(pieces)
        numbers = self._ways[0].find(mixed, pieces)
        missed = np.flatnonzero(numbers < 0)
        if len(missed):
            some = [piece[missed] for piece in pieces]
            numbers[missed] = self._ways[1].find(mixed[missed] * _FACTORS[1], some)
        return numbers

    def keep(self, pieces: Sequence[np.ndarray], numbers: np.ndarray) -> None:
        """Keeps words that were not found, some of them perhaps more than once."""
        mixed = self._mixed(pieces)
        left = self._ways[0].keep(mixed, pieces, numbers)
        if len(left):
            some = [piece[left] for piece in pieces]
            self._ways[1].keep(mixed[left] * _FACTORS[1], some, numbers[left])

    @staticmethod
    def _mixed(pieces: Sequence[np.ndarray]) -> np.ndarray:
        mixed = pieces[0] * _FACTORS[0]
        for piece, factor in zip(pieces[1:], _FACTORS[1:], strict=False):
            mixed = (mixed ^ (mixed >> np.uint64(29))) * _FACTORS[0] + piece * factor
        return mixed


class _Way:
    """Slots: the pieces of a word and its number, -1 in a free one."""

    def __init__(self, pieces: int, bits: int) -> None:
        self._shift = np.uint64(64 - bits)
        self._keys = np.zeros((pieces, 1 << bits), np.uint64)
        self._numbers = np.full(1 << bits, -1, np.int32)

    def find(self, mixed: np.ndarray, pieces: Sequence[np.ndarray]) -> np.ndarray:
        slots = self._slots(mixed)
        numbers = self._numbers.take(slots)
        for keys, piece in zip(self._keys, pieces, strict=True):
            numbers[keys.take(slots) != piece] = -1
        return numbers

    def keep(
        self, mixed: np.ndarray, pieces: Sequence[np.ndarray], numbers: np.ndarray
    ) -> np.ndarray:
        """int [words]: those that found no free slot."""
        slots = self._slots(mixed)
        # One word for a slot: whichever is written last.
        free = self._numbers.take(slots) < 0
        self._numbers[slots[free]] = numbers[free]
        is_kept = self._numbers.take(slots) == numbers
        for keys, piece in zip(self._keys, pieces, strict=True):
            keys[slots[is_kept]] = piece[is_kept]
        return np.flatnonzero(~is_kept)

    def _slots(self, mixed: np.ndarray) -> np.ndarray:
        slots: np.ndarray = (mixed >> self._shift).view(np.int64)
        return slots


def _pieces(joined: bytes, starts: np.ndarray, sizes: np.ndarray, count: int) -> list[np.ndarray]:
    """uint64 [words] each: the first bytes of words, eight in a piece; the last piece of a word is
    moved up, so that noughts stand where it has no letters."""
    made = []
    for number in range(count):
        # Any place in the buffer can begin a piece: bytes know no alignment.
        every = np.ndarray((len(joined) - _PIECE + 1,), f"S{_PIECE}", joined, strides=(1,))
        piece = every[starts + _PIECE * number if number else starts].view("<u8")
        if number == count - 1:
            left = np.minimum(sizes - _PIECE * number, _PIECE)
            piece = piece << (8 * (_PIECE - left)).astype(np.uint64)
        made.append(piece)
    return made
