"""What a report says of the contrasts that were fixed beforehand: answers, and tables.

``contrasts.j2`` has the words, ``chapter.md.j2`` the chapter, docs/claims.md the rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from tflottery.experiments.claims import contrasts, judging, planning, seeds_plan
from tflottery.experiments.claims.found import Found, pool
from tflottery.experiments.claims.judging import Judged
from tflottery.experiments.claims.planning import Need
from tflottery.report.answers import Answer, Effect, Said, say
from tflottery.report.numbers import POINTS, probability
from tflottery.report.outcomes import MISSING
from tflottery.report.table import Column, Table

if TYPE_CHECKING:
    import pandas as pd

    from tflottery.experiments.learning_rate.results import TuningTables
    from tflottery.experiments.study.results import StudyTables
    from tflottery.experiments.transfer.results import TransferTables

WORDS = "experiments/claims/contrasts.j2"
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
    "note-random": "2.1.3",
    "note-lstm": "2.1.2",
}
# Claims that say all of their contrasts at once.
_ALL_NEEDED = (
    "cnn-ticket", "lstm-ticket", "news-ticket", "transfer", "transfer-again", "news-transfer",
    "glove-cnn", "glove-lstm", "note-embedding",
)  # fmt: skip


@dataclass(frozen=True)
class Own:
    """The contrasts of one article, and the seeds that they need."""

    judged: tuple[Judged, ...]
    needs: tuple[Need, ...]

    def said(self, model: str) -> list[Said]:
        """The answers in words, one a claim; ``model``: the network."""
        return say(answers(self.judged, model), WORDS)

    def tables(self, texts: Sequence[pd.DataFrame | None] = ()) -> dict[str, Table | None]:
        """Every contrast (``contrasts``; ``texts`` as ``table`` takes them), and the seeds that
        they need (``seeds``)."""
        return {"contrasts": table(self.judged, texts), "seeds": seeds_plan.table(self.needs)}


class Shares:
    """All contrasts by all tables of a report, shared out to its articles: each is told once, in
    the article of the tables that it looks at first."""

    def __init__(
        self,
        studies: Sequence[StudyTables] = (),
        transfers: Sequence[TransferTables] = (),
        tunings: Sequence[TuningTables] = (),
    ) -> None:
        self._found: Found = pool(studies, transfers, tunings)
        self._judged = judging.judge(contrasts.load(), self._found)
        self._told: set[str] = set()

    def of(self, tables: StudyTables | TransferTables | TuningTables) -> Own:
        """The contrasts that are of some tables, but for those that were told before."""
        own = []
        for one in self._judged:
            evidence = self._found.at(one.contrast.place())
            if evidence and evidence.holds(tables) and one.contrast.name not in self._told:
                own.append(one)
        self._told |= {one.contrast.name for one in own}
        needs = planning.needs_of([one.contrast for one in own], self._found)
        return Own(tuple(own), tuple(needs))

    def place(self, claims: Sequence[str]) -> int:
        """Where an article stands that answers these claims: by the first one's place among all."""
        order = list(dict.fromkeys(one.contrast.claim for one in self._judged))
        return min((order.index(one) for one in claims), default=len(order))


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
        needed = [one for one in judged if not one.contrast.beside]
        outcome = min(needed, key=lambda one: (one.is_final, one.have / one.planned)).in_words
    effects = tuple(
        Effect(
            "contrast",
            one.estimate.difference,
            one.contrast.unit,
            {"judged": one},
            one.contrast.margins,
            one.in_words,
            one.within,
            one.estimate.counts,
        )
        for one in judged
        if one.estimate
    )
    section = "2.1.2" if claim == "beats-dense" and model == "lstm" else ""
    section = section or _SECTIONS.get(claim, "2.1.1" if claim == "beats-dense" else "")
    why = next((one.why for one in judged if one.why), "")
    about = {"judged": judged, "model": model}
    return Answer(claim, section, outcome, effects, about, macro="contrast", caution=why)


def table(judged: Sequence[Judged], texts: Sequence[pd.DataFrame | None] = ()) -> Table | None:
    """Every contrast with its numbers; None where there is none.

    Args:
        judged: the contrasts.
        texts: their intervals over seeds and texts, where they were measured (``over_texts``), of
            each folder of the study; of two intervals the one of more seeds is shown.
    """
    if not judged:
        return None
    measured = [one for some in texts if some is not None for one in some.itertuples()]
    known = {(one.contrast, one.which): one for one in sorted(measured, key=attrgetter("seeds"))}
    rows = [
        {
            **row,
            **{
                key: f"{POINTS(one.low)} to {POINTS(one.high)}{_fewer(one.seeds, row, which)}"
                for key, which in (("texts", "planned"), ("seen_texts", "others"))
                if (one := known.get((row["contrast"], which)))
            },
        }
        for row in judging.rows(judged)
    ]
    columns = [
        Column("claim", "claim", is_text=True),
        Column("says", "contrast", is_text=True),
        Column("outcome", "outcome", is_text=True),
        Column("n", "n", group="planned seeds"),
        Column("estimate", "mean", POINTS, "planned seeds"),
        Column("interval", "95 % interval", group="planned seeds"),
        *_over_texts("texts", "planned seeds", rows),
        Column("p", "p", probability, "planned seeds"),
        Column("p_holm", "p, Holm", probability, "planned seeds"),
        Column("seen_seeds", "which", group="other seeds"),
        Column("seen", "mean", POINTS, "other seeds"),
        Column("seen_interval", "95 % interval", group="other seeds"),
        *_over_texts("seen_texts", "other seeds", rows),
        Column("missing", "seeds missing", is_text=True),
    ]
    extra = ["contrast", "low", "high", "seen_low", "seen_high"]
    return Table("contrasts", columns, rows, headers=2, extra=extra)


def _fewer(seeds: Any, row: Mapping[str, Any], which: str) -> str:
    """Of how many planned seeds an interval over texts is, where predictions of some were not
    kept."""
    return f" ({seeds} of {row['n']} seeds)" if which == "planned" and seeds < row["n"] else ""


def _over_texts(key: str, group: str, rows: Sequence[Mapping[str, Any]]) -> list[Column]:
    """The column of intervals over texts too, where there is one."""
    return [Column(key, "over texts too", group=group)] if any(key in row for row in rows) else []
