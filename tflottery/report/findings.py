"""What an answer to a claim is made of: effects, an outcome, and how one follows from the other.

A claim is answered by intervals alone: where one holds 0 the answer is that we cannot tell. No word
is chosen by hand for a result, so a null result reads like any other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from tflottery import statistics
from tflottery.report.table import POINTS, number
from tflottery.statistics import Difference, Summary

HELD, IN_PART, FAILED, UNSURE, MISSING = (
    "held", "held in part", "did not hold", "cannot tell", "not measured",
)  # fmt: skip
_STEPS = number(0, signed=True)
_SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Effect:
    """A difference and what it is the difference of."""

    label: str
    difference: Difference
    unit: str = "points"

    @property
    def shown(self) -> str:
        """``+0.42 [+0.10, +0.74] points, n = 3``."""
        show = _STEPS if self.unit == "steps" else POINTS
        one = self.difference
        if one.low is None or one.high is None:
            return f"{show(one.mean)} {self.unit}, n = {one.n}"
        return f"{show(one.mean)} [{show(one.low)}, {show(one.high)}] {self.unit}, n = {one.n}"

    @property
    def words(self) -> str:
        return f"{self.label}: {effect(self.difference, self.unit)}."


def at_levels(
    label: str, found: Sequence[tuple[float, Difference]], unit: str = "points"
) -> tuple[Effect, ...]:
    """One effect at several levels."""
    return tuple(Effect(f"{100 * level:.1f} % pruned: {label}", one, unit) for level, one in found)


@dataclass(frozen=True)
class Finding:
    """A claim of the note (``question`` is its section), our answer and what it rests on."""

    question: str
    claim: str
    outcome: str
    effects: tuple[Effect, ...] = ()
    remarks: tuple[str, ...] = ()


def effect(difference: Difference, unit: str = "points") -> str:
    """``+0.42 points (95 % interval +0.10 to +0.74, n = 3)``."""
    show = _STEPS if unit == "steps" else POINTS
    if difference.low is None or difference.high is None:
        return f"{show(difference.mean)} {unit} (n = {difference.n}, no interval)"
    return (
        f"{show(difference.mean)} {unit} (95 % interval {show(difference.low)} to "
        f"{show(difference.high)}, n = {difference.n})"
    )


def above(difference: Summary | None) -> bool:
    return difference is not None and difference.low is not None and difference.low > 0


def below(difference: Summary | None) -> bool:
    return difference is not None and difference.high is not None and difference.high < 0


def sure(difference: Difference | None, adjusted: float | None) -> bool:
    return above(difference) and adjusted is not None and adjusted < _SIGNIFICANT


@dataclass(frozen=True)
class Candidate:
    """A ticket at one level: what it is minus dense, and minus its mask with new weights."""

    minus_dense: Difference
    minus_new: Difference | None

    def matches(self, tolerance: float) -> bool:
        """By its mean, as Ma et al. (2021) have it."""
        return self.minus_dense.mean >= -tolerance

    def ruled_out(self, tolerance: float) -> bool:
        """Whether it surely does not match dense, or surely gains nothing over new weights."""
        high = self.minus_dense.high
        return (high is not None and high < -tolerance) or below(self.minus_new)


def winning(candidates: Sequence[Candidate], tolerance: float) -> str:
    """The answer to "does one of them win": match dense, and gain over new weights.

    It did not hold where every one of them is ruled out; a mean below the tolerance alone rules out
    nothing, as its interval may hold matching.
    """
    if any(one.matches(tolerance) for one in winners(candidates)):
        return HELD
    out = [one.ruled_out(tolerance) for one in candidates]
    return FAILED if all(out) else UNSURE


def winners(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that gain over new weights, after Holm's correction over all.

    Over all, as which ones match is seen on the same test data, and one of many is above 0 by luck.
    """
    known = [(one, one.minus_new) for one in candidates if one.minus_new]
    adjusted = statistics.holm([gain.p for _, gain in known])
    return [one for (one, gain), p in zip(known, adjusted, strict=True) if sure(gain, p)]


def direction(gains: Sequence[Summary]) -> str:
    """The answer to "are they above 0": all, some, none and some below, or open."""
    upward = [above(gain) for gain in gains]
    if all(upward):
        return HELD
    if any(upward):
        return IN_PART
    return FAILED if any(below(gain) for gain in gains) else UNSURE


def in_jumps(gains: Sequence[Difference]) -> list[Difference]:
    """Of what is measured at validations only: where all seeds jump alike, the interval has no
    width, which is no certainty, so it decides nothing."""
    return [
        dataclasses.replace(gain, low=None, high=None) if gain.low == gain.high else gain
        for gain in gains
    ]


def no_difference(gains: Sequence[Summary], tolerance: float) -> str:
    """The answer to "is it 0", give or take the tolerance."""
    within = [
        gain.low is not None and gain.high is not None and -tolerance <= gain.low
        and gain.high <= tolerance
        for gain in gains
    ]  # fmt: skip
    if all(within):
        return HELD
    if any(above(gain) or below(gain) for gain in gains):
        return FAILED
    return UNSURE


def not_worse(gains: Sequence[Summary], tolerance: float) -> str:
    """The answer to "are they above 0, or below by the tolerance at most"."""
    within = [gain.low is not None and gain.low >= -tolerance for gain in gains]
    if all(within):
        return HELD
    if any(within):
        return IN_PART
    worse = any(gain.high is not None and gain.high < -tolerance for gain in gains)
    return FAILED if worse else UNSURE


def levels_in_words(levels: Sequence[float]) -> str:
    shown = [f"{100 * level:.1f}" for level in levels]
    return f"{shown[0]} %" if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]} %"


def over(levels: Sequence[float]) -> str:
    """``at 83.2 % pruned``, or ``mean over 59.0 and 83.2 % pruned``."""
    return f"{'at' if len(levels) == 1 else 'mean over'} {levels_in_words(levels)} pruned"


def from_to(values: Sequence[float]) -> str:
    low, high = (f"{value:.3g}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def count_of(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
