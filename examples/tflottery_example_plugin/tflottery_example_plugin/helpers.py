"""What the criterion uses; its content is part of the keys of runs too."""

from __future__ import annotations

import numpy as np


def centred(weight: np.ndarray) -> np.ndarray:
    """The weights minus the mean of their column."""
    return weight - weight.mean(axis=0)
