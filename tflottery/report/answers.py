"""What an answer to a claim is made of: effects, an outcome, and how one follows from the other.

A claim is answered by intervals alone: where one holds 0 the answer is that we cannot tell. No word
is chosen by hand for a result, so a null result reads like any other. What is said of an answer
stands in a template with a macro for each claim (``say``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tflottery import statistics
from tflottery.report import environments
from tflottery.report.numbers import POINTS, STEPS
from tflottery.statistics import Difference, Summary

HELD, IN_PART, FAILED, UNSURE, MISSING, NO_VERDICT = (
    "held", "held in part", "did not hold", "cannot tell", "not measured", "no verdict",
)  # fmt: skip
_SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Effect:
    """A difference; ``name`` and ``about`` say what of, for the template that has the words."""

    name: str
    difference: Difference
    unit: str = "points"
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """``+0.42 [+0.10, +0.74] points, n = 3``."""
        show, one = self._show, self.difference
        if one.low is None or one.high is None:
            return f"{show(one.mean)} {self.unit}, n = {one.n}"
        return f"{show(one.mean)} [{show(one.low)}, {show(one.high)}] {self.unit}, n = {one.n}"

    @property
    def in_words(self) -> str:
        """``+0.42 points (95 % interval +0.10 to +0.74, n = 3)``."""
        show, one = self._show, self.difference
        if one.low is None or one.high is None:
            return f"{show(one.mean)} {self.unit} (n = {one.n}, no interval)"
        return (
            f"{show(one.mean)} {self.unit} (95 % interval {show(one.low)} to {show(one.high)}, "
            f"n = {one.n})"
        )

    @property
    def _show(self) -> Callable[[Any], str]:
        return STEPS if self.unit == "steps" else POINTS


def at_levels(
    name: str, found: Sequence[tuple[float, Difference]], unit: str = "points"
) -> tuple[Effect, ...]:
    """One effect at several levels, which ``about`` holds."""
    return tuple(Effect(name, one, unit, {"level": level}) for level, one in found)


@dataclass(frozen=True)
class Answer:
    """The answer to a claim and what it rests on.

    ``name`` is the claim's (docs/claims.md), ``section`` where the founding note makes it;
    ``about`` has the numbers that the template fills in; ``macro`` has the words, and is called
    like the claim where nothing else is said. ``caution`` is said before anything else.
    """

    name: str
    section: str
    outcome: str
    effects: tuple[Effect, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    macro: str = ""
    caution: str = ""


@dataclass(frozen=True)
class Said:
    """An answer in words: the claim, a label for each effect, and remarks."""

    answer: Answer
    claim: str
    labels: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def outcome(self) -> str:
        return self.answer.outcome

    @property
    def effects(self) -> list[tuple[str, Effect]]:
        """Each effect with its label."""
        return list(zip(self.labels, self.answer.effects, strict=True))

    @property
    def on_a_line(self) -> str:
        """``Held: Some tickets beat the dense network.``"""
        return f"{self.outcome.capitalize()}: {self.claim}"


class _Saying:
    """What a macro is given to say an answer with: ``{% call say.claim() %}…{% endcall %}``."""

    def __init__(self) -> None:
        self.claims: list[str] = []
        self.labels: list[str] = []
        self.remarks: list[str] = []

    def claim(self, caller: Callable[[], str]) -> str:
        return self._kept(self.claims, caller)

    def label(self, caller: Callable[[], str]) -> str:
        return self._kept(self.labels, caller)

    def remark(self, caller: Callable[[], str]) -> str:
        return self._kept(self.remarks, caller)

    def _kept(self, place: list[str], caller: Callable[[], str]) -> str:
        place.append(" ".join(str(caller()).split()))
        return ""


def say(answers: Sequence[Answer], template: str) -> list[Said]:
    """The answers in the words of a template, which has a macro for each claim:
    ``{% macro beats_dense(answer, say) %}``."""
    words = environments.plain().get_template(template).module
    said = []
    for answer in answers:
        saying = _Saying()
        getattr(words, answer.macro or answer.name.replace("-", "_"))(answer, saying)
        (claim,) = saying.claims
        remarks = tuple(filter(None, (answer.caution, *saying.remarks)))
        said.append(Said(answer, claim, tuple(saying.labels), remarks))
    return said


def guarded(answers: Sequence[Answer], why: str) -> list[Answer]:
    """The answers, without a verdict where there is a reason against any."""
    if not why:
        return list(answers)
    return [
        dataclasses.replace(answer, outcome=NO_VERDICT, caution=why)
        if answer.outcome != MISSING
        else answer
        for answer in answers
    ]


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
