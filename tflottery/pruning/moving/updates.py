"""How one tensor's mask moves, and how far, as the papers have it. Pure numpy.

Among equals the first weights are kept, and grown, as everywhere in ``pruning``.
"""

from __future__ import annotations

import math

import numpy as np


def cubic(sparsity: float, step: int, last: int) -> float:
    """The sparsity at a step of gradual pruning that begins dense (Zhu and Gupta 2017, arXiv
    1710.01878, equation 1): s (1 - (1 - step / last)^3).

    Args:
        sparsity: a fraction, that of step ``last`` and after it.
        step, last: in optimizer steps.
    """
    left = max(0.0, 1 - step / last)
    return sparsity * (1 - left**3)


def cosine(share: float, step: int, until: int) -> float:
    """The part of the weights that RigL moves at a step (Evci et al. 2020, arXiv 1911.11134):
    share / 2 (1 + cos(pi step / until))."""
    return share / 2 * (1 + math.cos(math.pi * step / until))


def rigl(mask: np.ndarray, weight: np.ndarray, gradient: np.ndarray, part: float) -> np.ndarray:
    """Drops the smallest weights, and grows as many where the gradient is largest (Evci et al.
    2020, arXiv 1911.11134, algorithm 1).

    Whatever is not kept may grow, so a weight that is dropped can come back at once; it has then
    not moved.

    Args:
        mask: bool: the weights that are kept so far.
        weight: float, zero where it is pruned.
        gradient: float: of the loss by every weight, pruned ones among them.
        part: a fraction of the kept weights, rounded down to a whole number.

    Returns:
        bool, with as many weights as before.
    """
    count = int(part * np.count_nonzero(mask))
    kept = highest(np.abs(weight), mask, np.count_nonzero(mask) - count)
    return kept | highest(np.abs(gradient), ~kept, count)


def evolve(
    mask: np.ndarray, weight: np.ndarray, part: float, random: np.random.Generator
) -> np.ndarray:
    """Drops the smallest positive and the largest negative weights, and grows as many by chance
    (SET: Mocanu et al. 2018, arXiv 1707.04780, algorithm 1).

    Weights that are kept and still exactly zero have neither sign; they go first. Whatever is not
    kept may grow.

    Args:
        mask, weight: as in ``rigl``.
        part: a fraction of the positive weights, and of the negative ones, each rounded down.
        random: chooses what grows.

    Returns:
        bool, with as many weights as before.
    """
    kept = np.zeros_like(mask)
    for side in (mask & (weight > 0), mask & (weight < 0)):
        there = np.count_nonzero(side)
        kept |= highest(np.abs(weight), side, there - int(part * there))
    grown = np.count_nonzero(mask) - np.count_nonzero(kept)
    return kept | highest(random.random(mask.shape), ~kept, grown)


def highest(scores: np.ndarray, among: np.ndarray, count: int) -> np.ndarray:
    """bool: the ``count`` highest scores among some, of equals the first.

    Args:
        scores: float.
        among: bool, of the same shape.
        count: from 0 to as many as there are.
    """
    candidates = np.flatnonzero(among)
    order = np.argsort(-scores.ravel()[candidates], kind="stable")
    chosen = np.zeros(among.size, bool)
    chosen[candidates[order[:count]]] = True
    return chosen.reshape(among.shape)
