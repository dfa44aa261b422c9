"""Named seeds: from the user's one number, an independent seed for each source of randomness."""

from __future__ import annotations

import hashlib
import json

import numpy as np


def derive(*parts: str | int) -> int:
    """A seed in [0, 2^31) that depends on every part, the same on every machine.

    ``derive("order", 3, epoch)`` and ``derive("dropout", 3)`` are independent, so an experiment can
    change one of them and leave the other alone.

    >>> derive("dropout", 3)
    2099692552
    """
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF


def generator(*parts: str | int) -> np.random.Generator:
    """A numpy generator seeded with ``derive(*parts)``."""
    return np.random.default_rng(derive(*parts))
