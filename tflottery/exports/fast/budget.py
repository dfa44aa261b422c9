"""Budgets: what an exported network has to reach, as ``throughput 3x`` or ``accuracy -0.3``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal, cast

from tflottery.errors import UserError

Of = Literal["throughput", "accuracy", "size"]
_TIMES = re.compile(r"(throughput|size) +([0-9]+(?:\.[0-9]+)?) *x")
_POINTS = re.compile(r"accuracy +([+-]?[0-9]+(?:\.[0-9]+)?)")
_FORMS = (
    'write "throughput 3x" (times dense), "size 15x" (times smaller, compressed) or '
    '"accuracy -0.3" (points to dense)'
)


@dataclass(frozen=True)
class Reached:
    """What a network reaches beside dense: ``accuracy`` in points of validation accuracy to it,
    ``throughput`` and ``size`` as multiples, higher being better in all three."""

    accuracy: float
    throughput: float
    size: float


@dataclass(frozen=True)
class Budget:
    """``of``: what has to be reached; ``amount``: how much of it, times dense or points to it."""

    of: Of
    amount: float

    def is_met(self, reached: Reached) -> bool:
        """Whether a network reaches it; accuracies are counts over texts, so a tie is a tie."""
        return bool(round(getattr(reached, self.of), 6) >= self.amount)

    def rank(self, reached: Reached) -> tuple[bool, float, float]:
        """By what networks are chosen, the highest first: those that meet it before all others.

        Of those that meet a budget of throughput or size it is the one that loses least, of those
        that meet one of accuracy the fastest. Where none does, it is the one that comes nearest.
        """
        others = {
            "throughput": (reached.accuracy, reached.throughput),
            "size": (reached.accuracy, reached.size),
            "accuracy": (reached.throughput, reached.accuracy),
        }
        if self.is_met(reached):
            return True, *others[self.of]
        return False, getattr(reached, self.of), others[self.of][0]

    def __str__(self) -> str:
        amount = f"{self.amount:g}" if self.of == "accuracy" else f"{self.amount:g}x"
        return f"{self.of} {amount}"


def parse(text: str) -> Budget:
    """A budget from its text.

    >>> parse("throughput 3x")
    Budget(of='throughput', amount=3.0)
    >>> str(parse("accuracy  -0.30"))
    'accuracy -0.3'

    Raises:
        UserError: it is none, or asks for nothing, or for what nothing can give.
    """
    given = text.strip().lower()
    if found := _TIMES.fullmatch(given):
        amount = float(found[2])
        if not 1 <= amount < math.inf:
            raise UserError(f"--budget {text[:80]!r}: dense has 1x; give as much, or more.")
        return Budget(cast(Of, found[1]), amount)
    if found := _POINTS.fullmatch(given):
        points = float(found[1])
        if not -100 < points <= 0:
            raise UserError(
                f"--budget {text[:80]!r}: points to dense that may be lost, from 0 down, as -0.3."
            )
        return Budget("accuracy", points)
    raise UserError(f"--budget {text[:80]!r} is no budget; {_FORMS}.")
