"""Which held-out texts say something of their own: those whose words are no training text's, and of
texts with equal words the first.

What is compared is a text's known words, without their order and without ``!`` and ``?``: a copy
that was shouted, cut in another place or spelled with one new word has been seen all the same, and
what was learnt by heart of the one gives the other its class.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import Protocol

import numpy as np

_NOTHING = b""


class Texts(Protocol):
    """See ``encoded.Encoded``."""

    @property
    def ids(self) -> np.ndarray: ...
    @property
    def offsets(self) -> np.ndarray: ...


def unseen(held_out: Texts, train: Texts, ignored: Collection[int]) -> np.ndarray:
    """bool [texts]: which held-out texts hold known words, and no training text's.

    Args:
        held_out, train: texts as ids.
        ignored: ids that make no difference: of unknown words, of ``!`` and ``?``.
    """
    held = list(_digests(held_out, ignored))
    seen = set(held).intersection(_digests(train, ignored)) | {_NOTHING}
    return np.array([digest not in seen for digest in held], bool)


def firsts(texts: Texts, ignored: Collection[int]) -> np.ndarray:
    """bool [texts]: which texts have not the words of one before them."""
    known: set[bytes] = set()
    found = []
    for digest in _digests(texts, ignored):
        found.append(digest not in known)
        known.add(digest)
    return np.array(found, bool)


def _digests(texts: Texts, ignored: Collection[int]) -> Iterator[bytes]:
    ids = np.asarray(texts.ids)
    is_kept = ~np.isin(ids, list(ignored))
    for start, end in pairwise(np.asarray(texts.offsets).tolist()):
        words = np.sort(ids[start:end][is_kept[start:end]])
        yield hashlib.blake2b(words.tobytes(), digest_size=16).digest() if len(words) else _NOTHING
