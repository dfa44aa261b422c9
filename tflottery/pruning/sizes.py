"""The sizes of scores, which some scopes compare between tensors, and not their order alone."""

from __future__ import annotations

import numpy as np

from tflottery.errors import UserError

# Norms below it are of squares that a float does not hold exactly.
_SMALLEST = 1e-150


def competing(name: str, mask: np.ndarray, scores: np.ndarray, scope: str) -> np.ndarray:
    """float64 [competing]: the scores of what is left of a tensor, but for those of minus infinity,
    which an earlier round of the same pruning has left out (``rounds.in_rounds``).

    Args:
        name: of the tensor, for messages.
        mask: bool: what is left of it.
        scores: float, of the same shape.
        scope: that compares them, for messages.

    Raises:
        UserError: one is infinite.
    """
    left = scores[mask]
    left = left[left > -np.inf].astype(np.float64)
    if not np.isfinite(left).all():
        raise UserError(
            f"pruning.scope {scope} compares the sizes of scores, and some of the tensor {name} "
            "are infinite; choose global, which compares their order."
        )
    return left


def norm_of(values: np.ndarray) -> float:
    """The Euclidean norm, also of numbers whose squares are too large or too small for a float.

    Args:
        values: float64, finite.
    """
    with np.errstate(over="ignore"):
        norm = float(np.linalg.norm(values))
    if _SMALLEST < norm < np.inf or not values.any():
        return norm
    largest = float(np.abs(values).max())
    return largest * float(np.linalg.norm(values / largest))
