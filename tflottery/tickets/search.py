"""The search: train a plan's levels one after the other until the question is answered."""

from __future__ import annotations

from collections.abc import Callable

from tflottery.runs.run import Run
from tflottery.runs.specs import RunSpec
from tflottery.tickets.plan import Plan
from tflottery.tickets.verdict import Outcome, Round, judge, sparsest_match


def search(
    plan: Plan,
    realise: Callable[[RunSpec], Run],
    on_round: Callable[[Round], None] = lambda judged: None,
) -> Outcome:
    """Walks a plan: dense, level after level, and the reinit of the level to report.

    Accuracies that decide anything are on validation data. An open plan ends when two levels in a
    row no longer match.
    """
    dense = realise(plan.dense)
    rounds: list[Round] = []
    for level in plan.levels:
        rounds.append(judge(level, realise(level.ticket), dense, plan.settings.tolerance))
        on_round(rounds[-1])
        if plan.is_open and len(rounds) > 1 and not (rounds[-1].matches or rounds[-2].matches):
            break
    reported = sparsest_match(rounds) if plan.is_open else rounds[-1]
    return Outcome(plan, dense, tuple(rounds), reported, realise(reported.level.reinit))
