"""A criterion: which weights are worth keeping."""

from __future__ import annotations

import numpy as np

import tflottery as tfl
from tflottery_example_plugin.helpers import centred


@tfl.register_criterion("example_spread")
def spread(weight: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """How far a weight is from the mean of its column."""
    del random  # this one draws nothing
    return np.abs(centred(weight))
