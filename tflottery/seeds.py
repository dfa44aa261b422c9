"""Named seeds: one number from the user, an independent stream for every source of randomness."""

from __future__ import annotations

import hashlib
import json

import numpy as np


def derive(*parts: str | int) -> int:
    """A seed in [0, 2^31) that depends on every part, the same on every machine.

    ``derive("order", 3, epoch)`` and ``derive("dropout", 3)`` share nothing but the 3, so a
    control that changes one of them leaves the other as it was.
    """
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF


def generator(*parts: str | int) -> np.random.Generator:
    """A numpy generator seeded with ``derive(*parts)``."""
    return np.random.default_rng(derive(*parts))
