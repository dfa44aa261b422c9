"""One pruning in several rounds, each with scores of what the rounds before have left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tflottery.files import Arrays
from tflottery.pruning.masks import Amount, By, Masks

Rates = Mapping[str, float] | None


@dataclass(frozen=True)
class Partly:
    """A part of the way to an amount: what is kept falls by the same factor over equal parts
    (Tanaka et al. 2020, arXiv 2006.05467). ``part`` is above 0 and at most 1, the whole way."""

    amount: Amount
    part: float

    def kept(self, alive: int, total: int) -> int:
        """How many of ``alive`` remaining weights are kept, out of ``total`` in all."""
        last = self.amount.kept(alive, total)
        if self.part == 1 or not alive:
            return last
        return max(round(alive * (max(last, 1) / alive) ** self.part), last)


def partly(amount: Amount | Partly, rates: Rates) -> tuple[Any, Rates]:
    """An amount and rates of tensors, as ``masks.prune`` takes them for a part of the way: where
    each tensor has a rate and loses it once, each goes a part of its own way.

    Args:
        amount: of all, or a part of it.
        rates: fractions in [0, 1) by tensor; None where tensors have none.
    """
    if rates is None or not isinstance(amount, Partly) or not isinstance(amount.amount, By):
        return amount, rates
    own = {name: 1 - (1 - rate) ** amount.part for name, rate in rates.items()}
    return amount.amount, own


def in_rounds(
    masks: Masks,
    amount: Amount,
    rounds: int,
    score: Callable[[Masks], Arrays],
    prune: Callable[[Arrays, Any], Masks],
    *,
    by_total: bool = False,
) -> Masks:
    """The masks after so many rounds; the last one keeps exactly what one round alone would keep.

    Args:
        masks: what is left so far.
        amount: what the rounds prune together.
        rounds: at least 1.
        score: the scores under masks: float arrays for the tensors that are pruned.
        prune: prunes ``masks`` by scores to an amount, as ``masks.prune`` does.
        by_total: whether each tensor's number follows from that of all. Rounded to whole weights
            it can rise while the total falls; then a round leaves the tensor no more than the one
            before, and no less than the last one is to keep.
    """
    left = masks
    for number in range(1, rounds + 1):
        scores = {
            name: np.where(left[name], scored, -np.inf) if rounds > 1 else scored
            for name, scored in score(left).items()
        }
        if number == rounds:
            return prune(scores, amount)
        now = prune(scores, Partly(amount, number / rounds))
        if by_total:
            last = prune(scores, amount)
            now = {name: (now[name] | last[name]) & left[name] for name in now}
        left = now
    return left
