"""How an outcome follows from differences: the rules of every exploratory answer.

One family of tests is one answer's: each p value goes through Holm's correction before it decides,
whether the answer is held, held in part, did not hold, or equivalent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tflottery import estimates, statistics
from tflottery.estimates import Estimate
from tflottery.statistics import Difference, Summary

HELD, IN_PART, FAILED, UNSURE, MISSING, NO_VERDICT = (
    "held", "held in part", "did not hold", "cannot tell", "not measured", "no verdict",
)  # fmt: skip
SIGNIFICANT = 0.05
# Margins of equivalence in points that are looked at, the widest first.
MARGINS = (0.5, 0.25)


def equivalent_within(margin: float) -> str:
    """The outcome where a difference is shown to lie within a margin of 0, in points."""
    return f"equivalent within {margin:g}"


def is_equivalent(outcome: str) -> bool:
    """Whether an outcome is that of ``equivalent_within`` some margin."""
    return outcome.startswith("equivalent")


def kind(outcome: str) -> str:
    """What an outcome amounts to, for its look: held, equivalent, failed or unsure."""
    if is_equivalent(outcome):
        return "equivalent"
    return {HELD: "held", IN_PART: "held", FAILED: "failed"}.get(outcome, "unsure")


def above(difference: Summary | None) -> bool:
    return difference is not None and difference.low is not None and difference.low > 0


def below(difference: Summary | None) -> bool:
    return difference is not None and difference.high is not None and difference.high < 0


def sure(difference: Difference | None, adjusted: float | None) -> bool:
    return above(difference) and adjusted is not None and adjusted < SIGNIFICANT


def surely_below(difference: Difference | None, adjusted: float | None) -> bool:
    return below(difference) and adjusted is not None and adjusted < SIGNIFICANT


def direction(gains: Sequence[Difference], margins: Sequence[float] = ()) -> str:
    """The answer to "are they above 0": all, some, none and some below, or open.

    Args:
        gains: at least one.
        margins: in points, the widest first: where the answer is open, whether all are equivalent
            to 0 within one of them.
    """
    adjusted = statistics.holm([gain.p for gain in gains])
    upward = [sure(*pair) for pair in zip(gains, adjusted, strict=True)]
    if all(upward):
        return HELD
    if any(upward):
        return IN_PART
    if any(surely_below(*pair) for pair in zip(gains, adjusted, strict=True)):
        return FAILED
    return no_difference(gains, margins, only_within=True)


def no_difference(
    gains: Sequence[Difference], margins: Sequence[float], *, only_within: bool = False
) -> str:
    """The answer to "is it 0", give or take a margin: equivalent within the narrowest one that all
    are within, and refuted where one lies wholly beyond the widest.

    Args:
        gains: at least one, paired by seed.
        margins: in points, the widest first.
        only_within: whether to leave out the second.
    """
    outcome = equivalent([estimates.of_difference(gain) for gain in gains], margins)
    if only_within or outcome != UNSURE:
        return outcome
    widest = margins[0]
    beyond = _shown(gains, lambda one: 2 * min(one.p_above(widest), one.p_below(-widest)))
    return FAILED if any(beyond) else UNSURE


def equivalent(found: Sequence[Estimate], margins: Sequence[float]) -> str:
    """Equivalent within the narrowest of the margins (the widest first) that all are within, after
    Holm's correction over them; else open."""
    outcome = UNSURE
    for margin in margins:
        adjusted = statistics.holm([one.p_within(margin) for one in found])
        if not all(p is not None and p < SIGNIFICANT for p in adjusted):
            break
        outcome = equivalent_within(margin)
    return outcome


def within(gains: Sequence[Difference | None], margins: Sequence[float]) -> list[float | None]:
    """The narrowest of the margins (the widest first) that each difference is shown to lie within,
    after Holm's correction over all of them; None where there is none, or no difference."""
    found: list[float | None] = [None] * len(gains)
    known = [None if gain is None else estimates.of_difference(gain) for gain in gains]
    for place, margin in enumerate(margins):
        adjusted = statistics.holm([None if one is None else one.p_within(margin) for one in known])
        wider = margins[place - 1] if place else None
        for row, p in enumerate(adjusted):
            if p is not None and p < SIGNIFICANT and found[row] == wider:
                found[row] = margin
    return found


def not_worse(gains: Sequence[Difference], tolerance: float) -> str:
    """The answer to "are they above 0, or below by the tolerance at most"."""
    within = _shown(gains, lambda one: one.p_above(-tolerance))
    if all(within):
        return HELD
    if any(within):
        return IN_PART
    worse = _shown(gains, lambda one: 2 * one.p_below(-tolerance))
    return FAILED if any(worse) else UNSURE


def _shown(gains: Sequence[Difference], p_of: Callable[[Estimate], float]) -> list[bool]:
    """Which of the gains a test shows something of, after Holm's correction."""
    adjusted = statistics.holm([p_of(estimates.of_difference(gain)) for gain in gains])
    return [p is not None and p < SIGNIFICANT for p in adjusted]


def in_jumps(gains: Sequence[Difference]) -> list[Difference]:
    """Of what is measured at validations only: where all seeds jump alike, the interval has no
    width, which is no certainty, so it decides nothing."""
    return [
        dataclasses.replace(gain, low=None, high=None) if gain.low == gain.high else gain
        for gain in gains
    ]


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
    """The answer to "does one of them win": not worse than dense, and a gain over new weights.

    It did not hold where every one of them is ruled out; a mean below the tolerance alone rules out
    nothing, as its interval may hold matching.
    """
    close = _shown([one.minus_dense for one in candidates], lambda gain: gain.p_above(-tolerance))
    gaining = winners(candidates)
    if any(one in gaining for one, is_close in zip(candidates, close, strict=True) if is_close):
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
