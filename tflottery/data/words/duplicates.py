"""Which texts are equal to a network: those with the same normalised words.

``words_of`` is ``text.normaliser`` without TensorFlow, so that equal texts can be told before that
is imported. The two are the same but for letters that one of their Unicode tables does not know.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cache

import numpy as np

from tflottery.data.words.characters import in_category
from tflottery.data.words.wording import PLAIN, Wording

_BREAKS = re.compile(r"<br\s*/?>|\\n")
_KEPT = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789")
# Lower case, and a space for all that is neither letter nor digit; marks are set apart before.
ASCII_WORDS = bytes(
    code if code in _KEPT or code in b"!?" else 32 for code in bytes(range(128)).lower()
) + bytes(range(128, 256))


def words_of(text: bytes, wording: Wording = PLAIN) -> bytes:
    """The words of a raw text as ``text.normaliser`` gives them: lower case, one space apart."""
    if wording.splits(text):
        return _split_words(text.decode("utf-8", "replace"), wording)
    if b"<" in text or b"\\" in text:
        text = _BREAKS.sub(" ", text.decode("utf-8", "replace").lower()).encode()
    if not text.isascii():
        return _words_beyond_ascii(text.decode("utf-8", "replace"))
    text = text.replace(b"'", b"").replace(b"!", b" ! ").replace(b"?", b" ? ")
    return b" ".join(text.translate(ASCII_WORDS).split())


def _words_beyond_ascii(text: str) -> bytes:
    text = _BREAKS.sub(" ", text.lower()).replace("'", "").replace("’", "")
    text = text.replace("!", " ! ").replace("?", " ? ")
    return " ".join(_others().sub(" ", text).split(" ")).strip().encode()


@cache
def _others() -> re.Pattern[str]:
    """All that is no letter, mark, number, ``!`` or ``?``."""
    return re.compile(f"[^!?{''.join(map(in_category, 'LMN'))}]+")


def _split_words(text: str, wording: Wording) -> bytes:
    text = text.lower()
    for pattern, replacement in _compiled(wording):
        text = pattern.sub(replacement, text)
    return text.strip(" ").encode()


@cache
def _compiled(wording: Wording) -> tuple[tuple[re.Pattern[str], str], ...]:
    compiled = []
    for pattern, replacement in wording.rules():
        for letter in "LMN":
            pattern = pattern.replace(rf"\p{letter}", in_category(letter))
        # RE2 takes ASCII letters alone for the inside of a word, too.
        compiled.append((re.compile(pattern, re.ASCII), replacement))
    return tuple(compiled)


def groups_of(texts: Iterable[bytes], wording: Wording = PLAIN) -> np.ndarray:
    """int64 [texts]: a number for each text, the same for equal ones."""
    digests = [hashlib.blake2b(words_of(text, wording), digest_size=8).digest() for text in texts]
    numbers = np.frombuffer(b"".join(digests), np.uint64)
    return np.unique(numbers, return_inverse=True)[1].reshape(-1).astype(np.int64)
