"""Judges contrasts by the seeds that were planned for them, and by no others.

While a planned seed is missing a contrast has no outcome, as looking early and going on until it
suits would find what is not there. Its numbers so far, and those of seeds that were not planned,
are given apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tflottery import statistics
from tflottery.estimates import Estimate
from tflottery.experiments.claims.contrast import (
    ABOVE,
    ABOVE_ELSE,
    EQUIVALENT,
    NOT_WORSE,
    Contrast,
    Contrasts,
)
from tflottery.experiments.claims.contrasted import Judged, measure
from tflottery.experiments.claims.found import Found, pool
from tflottery.report.numbers import seeds_in_words, span
from tflottery.report.outcomes import (
    FAILED,
    HELD,
    IN_PART,
    MISSING,
    NO_VERDICT,
    SIGNIFICANT,
    UNSURE,
    equivalent_within,
    is_equivalent,
)
from tflottery.statistics import Difference

__all__ = ["Judged", "judge", "overall", "pool", "rows"]


def judge(contrasts: Contrasts, found: Found) -> list[Judged]:
    """Every contrast that nothing replaces, in their order.

    Args:
        contrasts: what was fixed beforehand.
        found: what there is, as ``pool`` gives it.
    """
    measured = {one.name: measure(one, found) for one in contrasts.current}
    judged: list[Judged] = []
    for claim in dict.fromkeys(one.claim for one in contrasts.current):
        family = [measured[one.name] for one in contrasts.family(claim)]
        judged += _judge_family(family)
    order = [one.name for one in contrasts.current]
    return sorted(judged, key=lambda one: order.index(one.contrast.name))


def overall(judged: Sequence[Judged], *, all_needed: bool) -> str:
    """The outcome of a claim for one network, by its contrasts but for those beside it.

    Args:
        judged: at least one that is not beside the claim.
        all_needed: whether the claim says all of them at once; else each is an instance of it.
    """
    needed = [one for one in judged if not one.contrast.beside]
    outcomes = [one.outcome for one in needed]
    for word in (NO_VERDICT, MISSING):
        if word in outcomes:
            return word
    if len(set(outcomes)) == 1:
        return outcomes[0]
    if all(map(is_equivalent, outcomes)):
        # Every difference lies within the widest of the margins.
        return equivalent_within(max(one.within or 0.0 for one in needed))
    if all_needed:
        return FAILED if FAILED in outcomes else UNSURE
    if HELD in outcomes:
        return IN_PART
    return FAILED if FAILED in outcomes else UNSURE


def _judge_family(family: Sequence[Judged]) -> list[Judged]:
    """The outcomes of a claim's contrasts. One whose seeds are missing counts in the correction as
    if it said nothing, so that its seeds can take no outcome back."""
    asked = _adjusted(family, _asked)
    against = _adjusted(family, _against)
    found = []
    for place, one in enumerate(family):
        if one.why and one.estimate:
            found.append(replace(one, outcome=NO_VERDICT))
            continue
        if not one.is_final or one.estimate is None:
            found.append(one)
            continue
        within = _within(family, place)
        outcome = _outcome(one, asked[place], against[place], within)
        p = _asked(one.contrast, one.estimate)
        found.append(
            replace(one, outcome=outcome, p=p, adjusted=min(1.0, asked[place]), within=within)
        )
    return found


def _adjusted(family: Sequence[Judged], p_of: Callable[[Contrast, Estimate], float]) -> list[float]:
    ps = [
        p_of(one.contrast, one.estimate) if one.is_final and one.estimate else 1.0 for one in family
    ]
    return [1.0 if p is None else p for p in statistics.holm(ps)]


def _asked(contrast: Contrast, estimate: Estimate) -> float:
    """The p value of what the contrast asks."""
    if contrast.asked == NOT_WORSE:
        return estimate.p_above(-contrast.margins[0])
    if contrast.asked == EQUIVALENT:
        return estimate.p_within(contrast.margins[0])
    return estimate.p_differs()


def _against(contrast: Contrast, estimate: Estimate) -> float:
    """The p value of its opposite, two-sided as the interval is."""
    if contrast.asked == NOT_WORSE:
        return min(1.0, 2 * estimate.p_below(-contrast.margins[0]))
    if contrast.asked == EQUIVALENT:
        margin = contrast.margins[0]
        return min(1.0, 2 * min(estimate.p_above(margin), estimate.p_below(-margin)))
    return estimate.p_differs()


def _within(family: Sequence[Judged], place: int) -> float | None:
    """The narrowest margin of a contrast within which it is equivalent to 0. The widest is tested
    first, and a narrower one where that is passed, so that the number of margins needs no
    correction; over the family there is one for each margin."""
    found = None
    if family[place].contrast.asked not in (EQUIVALENT, ABOVE_ELSE):
        return None
    for margin in family[place].contrast.margins:

        def p_of(contrast: Contrast, estimate: Estimate, margin: float = margin) -> float:
            return estimate.p_within(margin) if margin in contrast.margins else 1.0

        if _adjusted(family, p_of)[place] >= SIGNIFICANT:
            break
        found = margin
    return found


def _outcome(one: Judged, asked: float, against: float, within: float | None) -> str:
    assert one.estimate is not None  # who asks has looked
    kind = one.contrast.asked
    if kind in (ABOVE, ABOVE_ELSE) and asked < SIGNIFICANT:
        return HELD if one.estimate.mean > 0 else FAILED
    if kind == NOT_WORSE and asked < SIGNIFICANT:
        return HELD
    if kind in (NOT_WORSE, EQUIVALENT) and against < SIGNIFICANT:
        return FAILED
    return UNSURE if within is None else equivalent_within(within)


def rows(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """The contrasts as rows of numbers, for a table."""
    found = []
    for one in judged:
        shown, seen = (
            None if estimate is None else estimate.difference
            for estimate in (one.estimate, one.seen)
        )
        found.append(
            {
                "contrast": one.contrast.name,
                "claim": one.contrast.claim,
                "says": one.contrast.says,
                "outcome": one.in_words,
                "n": one.estimate.n if one.estimate else 0,
                **_numbers("", "estimate", shown),
                "p": one.p,
                "p_holm": one.adjusted,
                "seen_seeds": seeds_in_words(one.seen_seeds) or None,
                **_numbers("seen_", "seen", seen),
                "missing": "; ".join(one.missing) or None,
            }
        )
    return found


def _numbers(before: str, name: str, difference: Difference | None) -> dict[str, Any]:
    if difference is None:
        return {}
    return {
        name: difference.mean,
        f"{before}interval": span(difference),
        f"{before}low": difference.low,
        f"{before}high": difference.high,
    }
