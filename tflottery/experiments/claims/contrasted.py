"""The numbers of a contrast, from the tables that it needs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tflottery import estimates
from tflottery.estimates import Estimate
from tflottery.experiments import guard
from tflottery.experiments.claims.contrast import Contrast
from tflottery.experiments.claims.evidence import Side
from tflottery.experiments.claims.found import Found
from tflottery.experiments.study.cells import minus
from tflottery.report.numbers import seeds_in_words
from tflottery.report.outcomes import MISSING


@dataclass(frozen=True)
class Judged:
    """A contrast and what its seeds say.

    ``estimate``: of the planned seeds, all there or not; ``seen``: of the other seeds, which decide
    nothing. ``p``: of what was asked, and ``adjusted`` by Holm's correction over the claim's
    contrasts; None while seeds are missing. ``within``: the narrowest margin within which
    equivalence is shown. ``have`` of ``planned`` seeds were trained, ``missing`` says which were
    not, ``left_out`` those that failed, ``never`` those that never reached the accuracy that steps
    are counted to, and count with all the steps they took. ``why``: the reason against any verdict.
    """

    contrast: Contrast
    outcome: str
    estimate: Estimate | None = None
    seen: Estimate | None = None
    seen_seeds: tuple[int, ...] = ()
    p: float | None = None
    adjusted: float | None = None
    within: float | None = None
    have: int = 0
    planned: int = 0
    missing: tuple[str, ...] = ()
    left_out: tuple[int, ...] = ()
    never: tuple[int, ...] = ()
    why: str = ""

    @property
    def is_final(self) -> bool:
        """Whether every planned seed was trained, or tried."""
        return not self.missing and self.have > 0

    @property
    def in_words(self) -> str:
        """The outcome, or how far it is from one: ``not measured yet: 3 of 10 seeds``."""
        if self.outcome != MISSING:
            return self.outcome
        return f"{MISSING} yet: {self.have} of {self.planned} seeds"


def measure(contrast: Contrast, found: Found) -> Judged:
    """The contrast's numbers, without an outcome."""
    sides = _sides(contrast, found)
    seeds, second = contrast.seeds, contrast.second_seeds
    missing: list[str] = []
    for gain, (first_side, second_side) in zip(contrast.gains, sides, strict=True):
        where = f" in {gain.study}" if contrast.minus_study else ""
        one, other = first_side.lacks(seeds), second_side.lacks(second)
        # Of two gains in one place the arms are named, since both would have "both".
        if one == other and one and not contrast.minus:
            missing.append(f"both arms{where}: {seeds_in_words(one)}")
        else:
            arms = ((gain.first, one), (gain.second, other))
            missing += [
                f"{arm.in_words}{where}: {seeds_in_words(some)}" for arm, some in arms if some
            ]
    trained = [
        seed
        for seed in seeds
        if all(
            not one.lacks([seed]) and (second != seeds or not other.lacks([seed]))
            for one, other in sides
        )
    ]
    failed = set().union(*(one.failed & {*seeds} for one, _ in sides))
    failed |= set().union(*(other.failed & {*second} for _, other in sides))
    never = frozenset().union(*(side.never for pair in sides for side in pair))
    seen = {
        seed
        for one, other in sides
        for seed in {*one.values, *other.values}
        if seed not in {*seeds, *second}
    }
    known = [evidence for place in contrast.places if (evidence := found.at(place))]
    why = next(filter(None, (guard.reason(evidence.learnt) for evidence in known)), "")
    return Judged(
        contrast,
        MISSING,
        _estimate(contrast, sides, {*seeds}, {*second}),
        _estimate(contrast, sides, seen, seen),
        tuple(sorted(seen)),
        have=len(trained),
        planned=len(seeds),
        missing=tuple(missing),
        left_out=tuple(sorted(failed)),
        never=tuple(sorted(never & {*seeds, *second})),
        why=why,
    )


def everything(contrast: Contrast, found: Found) -> Estimate | None:
    """The contrast over all seeds that there are, planned or not: for its spread alone."""
    sides = _sides(contrast, found)
    every = {seed for pair in sides for side in pair for seed in side.values}
    return _estimate(contrast, sides, every, every)


def _sides(contrast: Contrast, found: Found) -> list[tuple[Side, Side]]:
    """Both arms of each gain; empty ones where there is nothing of it."""
    sides = []
    for gain in contrast.gains:
        one = found.at(contrast.place(gain.study))
        arms = (gain.first, gain.second)
        first, second = (one.side(contrast, arm) if one else Side({}) for arm in arms)
        sides.append((first, second))
    return sides


def _estimate(
    contrast: Contrast,
    sides: Sequence[tuple[Side, Side]],
    seeds: Collection[int],
    second: Collection[int],
) -> Estimate | None:
    (one, other), *less = sides
    if less:
        gains = [minus(first.of(seeds), then.of(seeds)) for first, then in sides]
        return estimates.welch(*(list(gain.values()) for gain in gains))
    if contrast.is_paired:
        return estimates.paired(one.of(seeds), other.of(seeds))
    return estimates.welch(list(one.of(seeds).values()), list(other.of(second).values()))
