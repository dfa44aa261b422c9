"""What makes a weight worth keeping.

A criterion is a function of a tensor and a random generator that scores each weight; the highest
scores are kept. Add one here and to ``CRITERIA``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tflottery import seeds

Criterion = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def magnitude(weight: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """|w| after training (Han et al. 2015; Frankle and Carbin 2019)."""
    del random
    return np.abs(weight)


def chance(weight: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A random number: the control that any criterion has to beat."""
    return random.random(weight.shape)


CRITERIA: dict[str, Criterion] = {"magnitude": magnitude, "random": chance}


def scores(
    criterion: str, weights: Mapping[str, np.ndarray], names: list[str], seed: int
) -> dict[str, np.ndarray]:
    """Scores of the named tensors, each tensor with a random stream of its own."""
    return {
        name: CRITERIA[criterion](weights[name], seeds.generator("criterion", seed, name))
        for name in names
    }
