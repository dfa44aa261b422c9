"""The words of many texts at once, in one buffer: what ``text.normalise`` gives, without a step a
text.

Letters are translated one by one here, which is right for those of which this is known: ASCII, and
beyond it what Unicode has had since version 3.2, with the usual emoji. Of these, Python's tables
and TensorFlow's say the same (a test compares each), and none depends on its neighbours. A text
with any other letter is given to a function that takes it as a whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

import numpy as np

from tflottery.data.words.duplicates import ASCII_WORDS

Whole = Callable[[Sequence[int], Sequence[bytes]], Sequence[bytes]]
"""The words of some texts, each taken as a whole; given their places among all, and them."""

END = b"\0"
"""Stands after each text."""

_TABLE = bytes([0]) + ASCII_WORDS[1:]
# Python's spaces, for texts in ASCII; RE2's, for others.
_BREAK = re.compile(rb"<[bB][rR][\t-\r\x1c- ]*/?>")
_NARROW_BREAK = re.compile(rb"<[bB][rR][\t\n\f\r ]*/?>")
# A break with a space that only one of the two knows: those beyond ASCII begin with these bytes.
_DOUBTFUL_BREAK = re.compile(rb"<[bB][rR][\t-\r\x1c- \xc2\xe1\xe2\xe3]")
_UNSEEN, _REFUSED, _NOTHING = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
# Their lower case depends on what is beside them, or is two letters.
_CONTEXTUAL = "Σİ"
_EMOJI = ((0x1F300, 0x1F64F), (0x1F680, 0x1F6C5), (0x1F900, 0x1F9FF))


def joined_words(texts: Sequence[bytes], whole: Whole) -> bytes:
    """The words of each text, spaces between them, and ``END`` after each text.

    Args:
        texts: raw texts in any bytes.
        whole: for texts that are not translated letter by letter.
    """
    beyond = [number for number, text in enumerate(texts) if not text.isascii()]
    if not beyond:
        return _spaced(_of_ascii(texts))
    if len(beyond) == len(texts):
        return _beyond_ascii(beyond, texts, whole)
    parts: list[bytes] = [b""] * len(texts)
    plain = [number for number, text in enumerate(texts) if text.isascii()]
    for numbers, made in (
        (plain, _spaced(_of_ascii([texts[number] for number in plain]))),
        (beyond, _beyond_ascii(beyond, [texts[number] for number in beyond], whole)),
    ):
        for number, part in zip(numbers, made.split(END), strict=False):
            parts[number] = part
    return END.join([*parts, b""])


def is_translated(letter: str) -> bool:
    """Whether a letter is translated by itself."""
    return _translated(ord(letter)) != _REFUSED


def _spaced(words: bytes) -> bytes:
    return words.replace(b"!", b" ! ").replace(b"?", b" ? ")


def _joined(texts: Sequence[bytes]) -> bytes:
    joined = END.join([*texts, b""])
    if joined.count(END) != len(texts):
        # Both are no part of any word.
        joined = END.join([*(text.replace(END, b".") for text in texts), b""])
    return joined


def _without_breaks(joined: bytes, pattern: re.Pattern[bytes]) -> bytes:
    if b"<" in joined:
        joined = pattern.sub(b" ", joined)
    if b"\\" in joined:
        joined = joined.replace(b"\\n", b" ").replace(b"\\N", b" ")
    return joined


def _of_ascii(texts: Sequence[bytes]) -> bytes:
    return _without_breaks(_joined(texts), _BREAK).translate(_TABLE, b"'")


def _beyond_ascii(places: Sequence[int], texts: Sequence[bytes], whole: Whole) -> bytes:
    # TensorFlow has its own view of what comes after a nought, too.
    refused = {n for n, text in enumerate(texts) if END in text or not _is_utf8(text)}
    sound = [b"" if number in refused else text for number, text in enumerate(texts)]
    joined = _without_breaks(_joined(sound), _NARROW_BREAK)
    letters = np.frombuffer(joined.decode().encode("utf-32-le"), "<u4")
    words = _translation(letters)
    odd = np.flatnonzero(words == _REFUSED)
    if len(odd):
        ends = np.flatnonzero(letters == 0)
        refused.update(np.unique(np.searchsorted(ends, odd)).tolist())
        words[odd] = ord(" ")
    kept = words != _NOTHING
    if not kept.all():
        words = words[kept]
    made = _spaced(words.tobytes().decode("utf-32-le").encode())
    if b"<" in joined and _DOUBTFUL_BREAK.search(joined):
        refused.update(n for n, text in enumerate(texts) if _DOUBTFUL_BREAK.search(text))
    if refused:
        parts, numbers = made.split(END), sorted(refused)
        words_of_whole = whole([places[n] for n in numbers], [texts[n] for n in numbers])
        for number, part in zip(numbers, words_of_whole, strict=True):
            parts[number] = part
        made = END.join(parts)
    return made


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


_LETTERS = np.empty(0, np.uint32)


def _translation(letters: np.ndarray) -> np.ndarray:
    """uint32 [letters]: what becomes of each."""
    global _LETTERS
    if not len(_LETTERS):
        _LETTERS = np.full(0x110000, _UNSEEN, np.uint32)
    words = _LETTERS.take(letters)
    unseen = words == _UNSEEN
    if unseen.any():
        for code in np.unique(letters[unseen]).tolist():
            _LETTERS[code] = _translated(code)
        words = _LETTERS.take(letters)
    return words


def _translated(code: int) -> int:
    letter = chr(code)
    if code < 128:
        return _NOTHING if letter == "'" else _TABLE[code]
    if letter == "’":
        return _NOTHING
    lower = letter.lower()
    if letter in _CONTEXTUAL or len(lower) != 1 or not (_is_old(letter) and _is_old(lower)):
        return _REFUSED
    return ord(lower) if unicodedata.category(letter)[0] in "LMN" else ord(" ")


def _is_old(letter: str) -> bool:
    return (
        letter.isascii()
        or unicodedata.ucd_3_2_0.category(letter) not in ("Cn", "Co", "Cs")
        or any(first <= ord(letter) <= last for first, last in _EMOJI)
    )
