"""The ticket of a search on disk: what it is, how it was found, and how it was judged."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflottery import steps
from tflottery.data.encoded import Corpus
from tflottery.experiments.ticket import measured
from tflottery.experiments.ticket.result import rate
from tflottery.naming import short_name
from tflottery.runs.realise import Realiser
from tflottery.runs.recipes import Recipe
from tflottery.runs.run import Run
from tflottery.tickets import words
from tflottery.tickets.folder import write_ticket
from tflottery.tickets.search import Outcome, Round
from tflottery.tickets.ticket import Ticket, load_ticket
from tflottery.tickets.verdict import CONSTANT, TEST, VALIDATION, Verdict

if TYPE_CHECKING:
    from tflottery.tickets.rule import Rule


def write_found(
    output: Path,
    outcomes: Sequence[Outcome],
    verdict: Verdict,
    recipe: Recipe,
    rule: Rule | None,
    realise: Realiser,
    corpus: Corpus,
    cautions: Iterable[str] = (),
) -> Ticket:
    """Writes the reported ticket of a search into a folder of its own in ``output``.

    Of several seeds it is that of the first: one that was chosen for its accuracy would be better
    than what the verdict says of all.
    """
    outcome = outcomes[0]
    settings, reported = outcome.plan.settings, outcome.reported
    seeds = f"seed{outcome.seed}" + (f"of{len(outcomes)}" if len(outcomes) > 1 else "")
    method = f"{settings.method}-{settings.init.replace(':', '_')}"
    name = (
        f"{short_name(corpus.name)}-{short_name(recipe.model.name)}-{method}"
        f"-{reported.counted.sparsity:.3f}-{seeds}-{reported.run.key[:8]}"
    )
    judged = _judged(outcome)
    about = {
        "dataset": recipe.data.dataset,
        "model": recipe.model.name,
        **settings.table(),
        "goal": settings.sparsity,
        "seed": outcome.seed,
        "seeds": [one.seed for one in outcomes],
        "learning_rate": rate(reported.level.ticket),
        "found_learning_rate": rate(reported.level.mask.of),
        "learning_rate_rule": rule and dataclasses.asdict(rule),
        **_verdict(
            verdict,
            words.sentence(verdict, reported.counted, corpus.classes, reported.collapsed),
            corpus,
        ),
        "collapsed": list(reported.collapsed),
        "cautions": list(cautions),
        **{f"{name}_test_accuracy": run.metrics["test_accuracy"] for name, run in judged.items()},
        **{
            f"{name}_validation_accuracy": run.metrics["val_accuracy"]
            for name, run in judged.items()
        },
        "metrics": measured.recorded(outcome, realise.predictions, corpus.classes),
        "by_seed": [_of_seed(one) for one in outcomes],
        "rounds": [
            {"seed": one.seed, **_record(judged)} for one in outcomes for judged in one.rounds
        ],
        "run_key": reported.run.key,
        "dense_run_key": outcome.dense.key,
        "reinit_run_key": outcome.reinit.key,
    }
    weights = realise.initial_weights(reported.level.ticket)
    with realise.store.lock(name):  # another process may be writing the same ticket
        written = write_ticket(
            output / name,
            about,
            recipe,
            corpus.classes,
            corpus.vocabulary,
            reported.run.masks(),
            weights,
            reported.run.snapshot(steps.END),
        )
        return load_ticket(written)


def _verdict(verdict: Verdict, sentence: str, corpus: Corpus) -> dict[str, Any]:
    """What ticket.json says of the verdict."""
    return {
        "verdict": verdict.outcome,
        "sentence": sentence,
        "intervals": [one.plain() for one in verdict.comparisons],
        "texts": {
            split: {"judged": verdict.texts[split], "left_out": verdict.left_out[split]}
            for split in (VALIDATION, TEST)
        },
        "baseline": {
            "class": corpus.classes[verdict.larger],
            "metric": verdict.terms.metric,
            **{split: verdict.value(CONSTANT, split) for split in (VALIDATION, TEST)},
        },
        "more": verdict.more and dataclasses.asdict(verdict.more),
    }


def _judged(outcome: Outcome) -> dict[str, Run]:
    return {"dense": outcome.dense, "ticket": outcome.reported.run, "reinit": outcome.reinit}


def _of_seed(outcome: Outcome) -> dict[str, Any]:
    """The networks of one seed that the verdict is on."""
    row: dict[str, Any] = {"seed": outcome.seed}
    for name, run in _judged(outcome).items():
        row |= {
            f"{name}_validation_accuracy": run.metrics["val_accuracy"],
            f"{name}_test_accuracy": run.metrics["test_accuracy"],
            f"{name}_run_key": run.key,
        }
    return row


def _record(judged: Round) -> dict[str, Any]:
    return {
        "round": judged.level.number,
        "sparsity": judged.counted.sparsity,
        "sparsity_without_embedding": judged.non_embedding.sparsity,
        "validation_accuracy": judged.run.metrics["val_accuracy"],
        "test_accuracy": judged.run.metrics["test_accuracy"],
        "matches": judged.matches,
        "collapsed": list(judged.collapsed),
        "learning_rate": rate(judged.level.ticket),
        "run_key": judged.run.key,
    }
