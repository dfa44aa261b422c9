"""Which held-out texts say something of their own: those that no training text is equal to, and of
equal ones the first.

Equal is what has the same ids, since a network gives that the same scores: texts that differ in
words beyond the vocabulary or beyond ``max_length`` are equal too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Protocol

import numpy as np


class Texts(Protocol):
    """See ``encoded.Encoded``."""

    @property
    def ids(self) -> np.ndarray: ...
    @property
    def offsets(self) -> np.ndarray: ...


def unseen(held_out: Texts, train: Texts) -> np.ndarray:
    """bool [texts]: which held-out texts equal no training text."""
    held = list(_digests(held_out))
    seen = set(held).intersection(_digests(train))
    return np.array([digest not in seen for digest in held], bool)


def firsts(texts: Texts) -> np.ndarray:
    """bool [texts]: which texts equal none before them."""
    known: set[bytes] = set()
    found = []
    for digest in _digests(texts):
        found.append(digest not in known)
        known.add(digest)
    return np.array(found, bool)


def _digests(texts: Texts) -> Iterator[bytes]:
    ids = texts.ids
    for start, end in pairwise(texts.offsets.tolist()):
        yield hashlib.blake2b(ids[start:end].tobytes(), digest_size=16).digest()
