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

from tflottery.report import environments
from tflottery.report.numbers import POINTS, STEPS
from tflottery.report.outcomes import (
    FAILED,
    HELD,
    IN_PART,
    MISSING,
    NO_VERDICT,
    UNSURE,
    above,
    below,
    is_equivalent,
    kind,
)
from tflottery.statistics import Difference


@dataclass(frozen=True)
class Effect:
    """A difference; ``name`` and ``about`` say what of, for the template that has the words.

    ``margins`` are those that it is judged by, in its unit; without any, the study's tolerance.
    ``outcome`` is its own, where it was judged by itself; ``within`` the narrowest margin in points
    that it was shown to lie within. ``groups``: the seeds of both sides, where they are groups of
    unlike sizes.
    """

    name: str
    difference: Difference
    unit: str = "points"
    about: Mapping[str, Any] = field(default_factory=dict)
    margins: tuple[float, ...] = ()
    outcome: str = ""
    within: float | None = None
    groups: tuple[int, ...] = ()

    @property
    def _count(self) -> str:
        """``n = 10``, or ``n = 10 and 20``."""
        counts = self.groups if len(set(self.groups)) > 1 else (self.difference.n,)
        return f"n = {' and '.join(map(str, counts))}"

    @property
    def shown(self) -> str:
        """``+0.42 [+0.10, +0.74] points, n = 3``."""
        show, one = self._show, self.difference
        if one.low is None or one.high is None:
            return f"{show(one.mean)} {self.unit}, {self._count}"
        return f"{show(one.mean)} [{show(one.low)}, {show(one.high)}] {self.unit}, {self._count}"

    @property
    def in_words(self) -> str:
        """``+0.42 points (95 % interval +0.10 to +0.74, n = 3)``."""
        show, one = self._show, self.difference
        if one.low is None or one.high is None:
            return f"{show(one.mean)} {self.unit} ({self._count}, no interval)"
        return (
            f"{show(one.mean)} {self.unit} (95 % interval {show(one.low)} to {show(one.high)}, "
            f"{self._count})"
        )

    @property
    def _show(self) -> Callable[[Any], str]:
        return STEPS if self.unit == "steps" else POINTS


def at_levels(
    name: str, found: Sequence[tuple[float, Difference]], unit: str = "points"
) -> tuple[Effect, ...]:
    """One effect at several levels, which ``about`` holds."""
    return tuple(Effect(name, one, unit, {"level": level}) for level, one in found)


# What the sections of the note are about.
_SECTIONS = {
    "2.1.1": "tickets of a CNN",
    "2.1.2": "tickets of an LSTM",
    "2.1.3": "one-shot or iterative",
    "2.1.4": "late rewinding",
    "2.1.5": "transfer",
}
_SHORT = {
    HELD: "Yes.",
    IN_PART: "In part: of some of these comparisons, not of all.",
    FAILED: "No.",
    UNSURE: "These seeds cannot tell.",
    MISSING: "Not measured.",
    NO_VERDICT: "Nothing can be said.",
}


def _in_short(outcome: str) -> str:
    if outcome in _SHORT:
        return _SHORT[outcome]
    if is_equivalent(outcome):
        margin = outcome.rpartition(" ")[2]
        return f"No difference to speak of: less than {margin} points either way."
    return f"Not answered yet. {outcome.capitalize()}."


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

    @property
    def source(self) -> str:
        """Where the note makes the claim, in words: ``one-shot or iterative, 2.1.3``."""
        return f"{_SECTIONS[self.section]}, {self.section}" if self.section else ""

    @property
    def in_short(self) -> str:
        """The answer to a question, for who reads nothing else."""
        within = [one.within for one in self.effects if one.within is not None]
        if self.outcome == HELD and within and len(within) == len(self.effects):
            return f"Yes, by less than {max(within):g} points."
        if is_equivalent(self.outcome) and self.effects:
            margin = self.outcome.rpartition(" ")[2]
            if all(above(one.difference) for one in self.effects):
                return f"A little: by less than {margin} points."
            if all(below(one.difference) for one in self.effects):
                return f"A little the other way: by less than {margin} points."
        return _in_short(self.outcome)


@dataclass(frozen=True)
class Said:
    """An answer in words: the claim, a label for each effect, remarks, and what is asked, for who
    has never heard of tickets (empty where the claim says it)."""

    answer: Answer
    claim: str
    labels: tuple[str, ...]
    remarks: tuple[str, ...]
    question: str = ""

    @property
    def outcome(self) -> str:
        return self.answer.outcome

    @property
    def kind(self) -> str:
        """Held, equivalent, failed or unsure: how it looks."""
        return kind(self.answer.outcome)

    @property
    def effects(self) -> list[tuple[str, Effect]]:
        """Each effect with its label."""
        return list(zip(self.labels, self.answer.effects, strict=True))

    @property
    def found(self) -> str:
        """All effects on a line, each with its label where there are several."""
        shown = [effect.shown for effect in self.answer.effects]
        if len(shown) > 1:
            shown = [f"{one} ({label})" for one, label in zip(shown, self.labels, strict=True)]
        return "; ".join(shown)

    @property
    def on_a_line(self) -> str:
        """``Held: Some tickets beat the dense network.``"""
        return f"{self.outcome.capitalize()}: {self.claim}"


class _Saying:
    """What a macro is given to say an answer with: ``{% call say.claim() %}…{% endcall %}``."""

    def __init__(self) -> None:
        self.claims: list[str] = []
        self.questions: list[str] = []
        self.labels: list[str] = []
        self.remarks: list[str] = []

    def claim(self, caller: Callable[[], str]) -> str:
        return self._kept(self.claims, caller)

    def question(self, caller: Callable[[], str]) -> str:
        return self._kept(self.questions, caller)

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
        question = " ".join(saying.questions)
        said.append(Said(answer, claim, tuple(saying.labels), remarks, question))
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
