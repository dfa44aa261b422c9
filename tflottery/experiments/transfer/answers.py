"""What a transfer says to the question whether a ticket wins on other data (claim ``transfer``)."""

from __future__ import annotations

from collections.abc import Sequence

from tflottery.experiments import guard
from tflottery.experiments.transfer.results import Arm, TransferTables
from tflottery.report.answers import Answer, Said, at_levels, guarded, say
from tflottery.report.outcomes import MISSING, Candidate, above, direction, not_worse, winning
from tflottery.statistics import Difference

_SECTION = "2.1.5"
_WORDS = "experiments/transfer/answers.j2"


def said(transfer: TransferTables) -> list[Said]:
    """The answers in words."""
    return say(answers(transfer), _WORDS)


def answers(transfer: TransferTables) -> list[Answer]:
    """What held and what did not, by the intervals over seeds; without a verdict where the dense
    target is not shown to have learnt anything."""
    tolerance = transfer.about["tolerance"]
    tickets = [arm for arm in transfer.arms if (arm.mask, arm.init) == ("source", "source")]
    own = [(arm.level, arm.minus_target_ticket) for arm in tickets if arm.minus_target_ticket]
    data = {"source": transfer.source, "target": transfer.target}
    found = [
        _wins(transfer, tickets),
        Answer(
            "own-ticket",
            _SECTION,
            not_worse([one for _, one in own], tolerance) if own else MISSING,
            at_levels("minus_own", own),
            data,
        ),
        *(_helps(transfer, name) for name in ("source_weights", "source_mask")),
    ]
    return guarded(found, guard.reason(transfer.about.get("learnt")))


def _wins(transfer: TransferTables, tickets: Sequence[Arm]) -> Answer:
    """Does a ticket of the source match the dense target, and beat new weights there?"""
    tolerance = transfer.about["tolerance"]
    about = {"source": transfer.source, "target": transfer.target, "tolerance": tolerance}
    effects = [(arm.level, arm.minus_dense) for arm in tickets if arm.minus_dense]
    if not effects:
        return Answer("transfer", _SECTION, MISSING, about=about)
    gains = dict(_gains(transfer, "source_weights"))
    candidates = {level: Candidate(one, gains.get(level)) for level, one in effects}
    matching = [level for level, one in candidates.items() if one.matches(tolerance)]
    advantages = [gains[level] for level in matching if level in gains]
    return Answer(
        "transfer",
        _SECTION,
        winning(list(candidates.values()), tolerance),
        at_levels("minus_dense", effects),
        {
            **about,
            "levels": len(effects),
            "matching": matching,
            "better": sum(above(gain) for gain in advantages),
        },
    )


def _helps(transfer: TransferTables, name: str) -> Answer:
    """Is a part of the source's ticket worth something on the target?"""
    found = _gains(transfer, name)
    outcome = direction([one for _, one in found]) if found else MISSING
    return Answer(name.replace("_", "-"), _SECTION, outcome, at_levels(name, found))


def _gains(transfer: TransferTables, name: str) -> list[tuple[float, Difference]]:
    return [(gain.level, gain.difference) for gain in transfer.gains if gain.name == name]
