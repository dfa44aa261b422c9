"""What a search says to the claim ``raise-rate``, and of tickets at their best rates."""

from __future__ import annotations

from tflottery.experiments import guard
from tflottery.experiments.learning_rate.arms import DENSE, TICKET
from tflottery.experiments.learning_rate.results import (
    TuningTables,
    raising,
)
from tflottery.report import environments
from tflottery.report.answers import Answer, Said, at_levels, guarded, say
from tflottery.report.outcomes import FAILED, HELD, MISSING, UNSURE, direction, in_jumps, not_worse

_SECTION = "2.1.3"
WORDS = "experiments/learning_rate/answers.j2"


def said(tuning: TuningTables) -> list[Said]:
    """The answers in words."""
    return say(answers(tuning), WORDS)


def in_words(tuning: TuningTables) -> list[str]:
    """What is said beside a table: the rule, whether raising the rate helps, limits."""
    words = environments.plain().get_template(WORDS).module
    names = (["rule"] if tuning.has_curves else []) + ["raising", "limits"]
    lines = [" ".join(str(getattr(words, name)(tuning)).split()) for name in names]
    return [line for line in lines if line]


def answers(tuning: TuningTables) -> list[Answer]:
    """What held and what did not, by the intervals over seeds; without a verdict where dense at its
    best rate is not shown to have learnt anything."""
    gains, sooner = raising(tuning, "gain"), raising(tuning, "sooner")
    minus_dense, minus_reinit = (
        [(level, one) for level, minus, one in tuning.comparisons if minus == other]
        for other in (DENSE, "reinit")
    )
    about = {"tuning": tuning}
    found = [
        _rises(tuning),
        Answer(
            "raise-rate-accuracy",
            _SECTION,
            direction([one for _, one in gains]) if gains else MISSING,
            at_levels("gain", gains),
            about,
        ),
        Answer(
            "raise-rate-convergence",
            _SECTION,
            direction(in_jumps([one for _, one in sooner])) if sooner else MISSING,
            at_levels("sooner", sooner, "epochs"),
        ),
        Answer(
            "best-against-dense",
            _SECTION,
            not_worse([one for _, one in minus_dense], tuning.about["tolerance"])
            if minus_dense
            else MISSING,
            at_levels("minus_dense", minus_dense),
        ),
        Answer(
            "best-against-reinit",
            _SECTION,
            direction([one for _, one in minus_reinit]) if minus_reinit else MISSING,
            at_levels("minus_reinit", minus_reinit),
        ),
    ]
    return guarded(found, guard.reason(tuning.about.get("learnt")))


def _rises(tuning: TuningTables) -> Answer:
    rule = tuning.rule
    at_an_end = any(cell.peak_edge for cell in (*tuning.of(DENSE), *tuning.of(TICKET)))
    outcome = MISSING
    if rule is not None:
        outcome = HELD if rule.low > 0 else FAILED if rule.high < 0 else UNSURE
        if at_an_end:
            outcome = UNSURE
    about = {"tuning": tuning, "at_an_end": at_an_end}
    return Answer("raise-rate", _SECTION, outcome, about=about)
