"""How alike two masks are, and how alike they would be by chance."""

from __future__ import annotations

from tflottery.pruning.masks import Masks, count


def overlap(one: Masks, other: Masks) -> float:
    """The Jaccard index of two masks: weights kept by both / weights kept by either; 1 if neither
    keeps any."""
    both = sum(int((one[name] & other[name]).sum()) for name in one)
    either = sum(int((one[name] | other[name]).sum()) for name in one)
    return both / either if either else 1.0


def chance_overlap(one: Masks, other: Masks) -> float:
    """The Jaccard index that random masks with the same counts in each tensor have."""
    both = sum(one[name].mean() * other[name].mean() * one[name].size for name in one)
    kept = sum(int(one[name].sum()) + int(other[name].sum()) for name in one)
    return float(both / (kept - both)) if kept else 1.0


def distance(one: Masks, other: Masks) -> float:
    """The normalised Hamming distance: the fraction of weights on which the masks differ (You et
    al. 2020, arXiv 1909.11957)."""
    return sum(int((one[name] != other[name]).sum()) for name in one) / count(one).total


def chance_distance(one: Masks, other: Masks) -> float:
    """The distance that random masks with the same counts in each tensor have."""
    shares = {name: (one[name].mean(), other[name].mean(), one[name].size) for name in one}
    differ = sum(size * (p * (1 - q) + q * (1 - p)) for p, q, size in shares.values())
    return float(differ / count(one).total)
