"""What a study's report says of the contrasts that were fixed beforehand: answers, and a table.

``contrasts.j2`` has the words, docs/claims.md the rules.
"""

from __future__ import annotations

from collections.abc import Sequence

from tflottery.experiments.study import judging
from tflottery.experiments.study.judging import Judged
from tflottery.report.answers import Answer, Effect, Said, say
from tflottery.report.numbers import POINTS, probability
from tflottery.report.outcomes import MISSING
from tflottery.report.table import Column, Table

WORDS = "experiments/study/contrasts.j2"
_SECTIONS = {
    "cnn-ticket": "2.1.1",
    "lstm-ticket": "2.1.2",
    "lstm-clearer": "2.1.2",
    "one-shot-middle": "2.1.3",
    "random-when-sparse": "2.1.3",
    "sparse-slower": "2.1.3",
    "raise-rate": "2.1.3",
    "rewinding-iterative": "2.1.4",
    "rewinding-one-shot": "2.1.4",
    "transfer": "2.1.5",
}
# Claims that say all of their contrasts at once.
_ALL_NEEDED = ("cnn-ticket", "lstm-ticket")


def said(judged: Sequence[Judged], model: str) -> list[Said]:
    """The answers in words, one a claim.

    Args:
        judged: the contrasts of one study.
        model: its network.
    """
    return say(answers(judged, model), WORDS)


def answers(judged: Sequence[Judged], model: str) -> list[Answer]:
    """One answer for each claim that has a contrast among those; empty where no planned seed is
    there, as there is nothing to say then."""
    if not any(one.have for one in judged):
        return []
    claims = dict.fromkeys(one.contrast.claim for one in judged)
    return [
        _answer(claim, [one for one in judged if one.contrast.claim == claim], model)
        for claim in claims
    ]


def _answer(claim: str, judged: Sequence[Judged], model: str) -> Answer:
    outcome = judging.overall(judged, all_needed=claim in _ALL_NEEDED)
    if outcome == MISSING:
        # By the contrast that is furthest from its outcome.
        outcome = min(judged, key=lambda one: (one.is_final, one.have / one.planned)).in_words
    effects = tuple(
        Effect(
            "contrast",
            one.estimate.difference,
            one.contrast.unit,
            {"judged": one},
            one.contrast.margins,
        )
        for one in judged
        if one.estimate
    )
    section = "2.1.2" if claim == "beats-dense" and model == "lstm" else ""
    section = section or _SECTIONS.get(claim, "2.1.1" if claim == "beats-dense" else "")
    why = next((one.why for one in judged if one.why), "")
    about = {"judged": judged, "model": model}
    return Answer(claim, section, outcome, effects, about, macro="contrast", caution=why)


def table(judged: Sequence[Judged]) -> Table | None:
    """Every contrast with its numbers; None where there is none."""
    if not judged:
        return None
    columns = [
        Column("claim", "claim", is_text=True),
        Column("says", "contrast", is_text=True),
        Column("outcome", "outcome", is_text=True),
        Column("n", "n", group="planned seeds"),
        Column("estimate", "mean", POINTS, "planned seeds"),
        Column("interval", "95 % interval", group="planned seeds"),
        Column("p", "p", probability, "planned seeds"),
        Column("p_holm", "p, Holm", probability, "planned seeds"),
        Column("seen_seeds", "which", group="other seeds"),
        Column("seen", "mean", POINTS, "other seeds"),
        Column("seen_interval", "95 % interval", group="other seeds"),
        Column("missing", "seeds missing", is_text=True),
    ]
    extra = ["contrast", "low", "high", "seen_low", "seen_high"]
    return Table("contrasts", columns, judging.rows(judged), headers=2, extra=extra)
