"""Which texts are equal to a network: those with the same normalised words.

``words_of`` is ``text.normalise`` without TensorFlow, so that equal texts can be told before that
is imported. The two are the same but for letters that one of their Unicode tables does not know.
"""

from __future__ import annotations

import hashlib
import re
import sys
import unicodedata
from collections.abc import Iterable
from functools import cache

import numpy as np

_BREAKS = re.compile(r"<br\s*/?>|\\n")
_KEPT = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789")
# Lower case, and a space for all that is neither letter nor digit; marks are set apart before.
ASCII_WORDS = bytes(
    code if code in _KEPT or code in b"!?" else 32 for code in bytes(range(128)).lower()
) + bytes(range(128, 256))


def words_of(text: bytes) -> bytes:
    """The words of a raw text as ``text.normalise`` gives them: lower case, one space apart."""
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
    kept: list[tuple[int, int]] = []
    for code in range(128, sys.maxunicode + 1):
        if unicodedata.category(chr(code))[0] in "LMN":
            if kept and kept[-1][1] == code - 1:
                kept[-1] = (kept[-1][0], code)
            else:
                kept.append((code, code))
    ranges = "".join(f"{chr(first)}-{chr(last)}" for first, last in kept)
    return re.compile(f"[^A-Za-z0-9!?{ranges}]+")


def groups_of(texts: Iterable[bytes]) -> np.ndarray:
    """int64 [texts]: a number for each text, the same for equal ones."""
    digests = [hashlib.blake2b(words_of(text), digest_size=8).digest() for text in texts]
    numbers = np.frombuffer(b"".join(digests), np.uint64)
    return np.unique(numbers, return_inverse=True)[1].reshape(-1).astype(np.int64)
