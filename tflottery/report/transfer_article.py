"""The article of a transfer (question 2.1.5): what held, the arms, words and masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tflottery import statistics
from tflottery.report import names, transfer_figures
from tflottery.report.article import Article
from tflottery.report.chapters import Chapter, some
from tflottery.report.findings import (
    MISSING,
    Candidate,
    Finding,
    above,
    at_levels,
    count_of,
    direction,
    levels_in_words,
    not_worse,
    winning,
)
from tflottery.report.table import (
    ACCURACY,
    EPOCHS,
    PERCENT,
    POINTS,
    Column,
    Table,
    number,
    probability,
)
from tflottery.report.tables import span
from tflottery.report.transfers import Arm, Transfer
from tflottery.statistics import Difference

_QUESTION = "2.1.5"
_SHARE = number(3)


def transfer_article(transfer: Transfer) -> Article:
    """All that the report says of a transfer."""
    about = transfer.about
    model = names.model(about["model"])
    return Article(
        title=f"{model}: from {transfer.source} to {transfer.target}",
        name=about["name"],
        folder=transfer.folder,
        files=("result.json", "cells.csv", "overlap.csv"),
        command=about["command"],
        config=about["config"],
        versions=about["versions"],
        tolerance=about["tolerance"],
        remarks=[about["caution"]] if about["caution"] else [],
        facts=_facts(transfer),
        opening=_opening(transfer),
        findings=answers(transfer),
        chapters=_chapters(transfer),
    )


def _facts(transfer: Transfer) -> dict[str, str]:
    about, dense = transfer.about, transfer.dense
    half = dense.accuracy.half if dense else None
    return {
        "seeds": f"{len(about['seeds'])}",
        "dense test accuracy": (
            f"{dense.accuracy.mean:.2f} %{'' if half is None else f' ± {half:.2f}'}"
            if dense
            else "failed"
        ),
        "vocabulary": f"{about['vocabulary']}, {about['vocabulary_size']:,}",
        "unknown words": f"{100 * about['words']['target_unknown']:.1f} %",
        "texts, source and target": f"{_size(about['source'])}, {_size(about['target'])}",
    }


def _size(data: dict[str, Any]) -> str:
    return f"{data['train'] + data['validation']:,}"


def _opening(transfer: Transfer) -> list[str]:
    about = transfer.about
    source, target = about["source"], about["target"]
    lines = [
        f"Tickets found on {transfer.source} ({_size(source)} texts to train and validate on) are "
        f"trained on {transfer.target} ({_size(target)}; {target['test']:,} to test), beside "
        f"the tickets found there. {_VOCABULARIES[about['vocabulary']]}"
    ]
    if not about["same_classes"]:
        lines.append(
            f"{transfer.target} has {len(target['classes'])} classes, {transfer.source} "
            f"{len(source['classes'])}: the head is initialised anew and is not pruned in arms "
            "with the source's mask."
        )
    if len(about["seeds"]) == 1:
        lines.append(
            "There is one seed, so no interval can be given; nothing here is more than one "
            "observation."
        )
    if failures := about["failures"]:
        listed = "; ".join(
            f"{names.transfer_arm(one['mask'], one['init'])}, {100 * one['level']:.1f} % pruned, "
            f"seed {one['seed']} ({one['reason']})"
            for one in failures
        )
        lines.append(f"{count_of(len(failures), 'run')} failed and count in no mean: {listed}.")
    return lines


def answers(transfer: Transfer) -> list[Finding]:
    """What held and what did not, by the intervals over seeds."""
    tolerance = transfer.about["tolerance"]
    tickets = [arm for arm in transfer.arms if (arm.mask, arm.init) == ("source", "source")]
    own = [(arm.level, arm.minus_target_ticket) for arm in tickets if arm.minus_target_ticket]
    return [
        _wins(transfer, tickets),
        Finding(
            _QUESTION,
            f"A ticket from {transfer.source} is no worse than one found on {transfer.target}.",
            not_worse([one for _, one in own], tolerance) if own else MISSING,
            at_levels("source ticket minus own ticket", own),
        ),
        *(_helps(transfer, name) for name in _GAINS),
    ]


def _wins(transfer: Transfer, tickets: Sequence[Arm]) -> Finding:
    """Does a ticket of the source match the dense target, and beat new weights there?"""
    tolerance = transfer.about["tolerance"]
    claim = f"A ticket found on {transfer.source} wins on {transfer.target}."
    effects = [(arm.level, arm.minus_dense) for arm in tickets if arm.minus_dense]
    if not effects:
        return Finding(_QUESTION, claim, MISSING)
    gains = dict(_gains(transfer, "source_weights"))
    candidates = {level: Candidate(one, gains.get(level)) for level, one in effects}
    matching = [level for level, one in candidates.items() if one.matches(tolerance)]
    advantages = [gains[level] for level in matching if level in gains]
    outcome = winning(list(candidates.values()), tolerance)
    matched = f" ({levels_in_words(matching)})" if matching else ""
    remarks = (
        f"Within {tolerance:g} points of the dense target at {len(matching)} of "
        f"{count_of(len(effects), 'level')}{matched}; there better than new weights, by the "
        f"interval, at {sum(above(gain) for gain in advantages)}.",
        "Held means: at some level it is within the tolerance of the dense target, and what it "
        "gains over new weights is above 0 after Holm's correction over all levels. Did not hold "
        "means: at every level one of the two is ruled out by its interval.",
    )
    shown = at_levels("source ticket minus dense", effects)
    return Finding(_QUESTION, claim, outcome, shown, remarks)


def _helps(transfer: Transfer, name: str) -> Finding:
    """Is a part of the source's ticket worth something on the target?"""
    claim, label = _GAINS[name]
    found = _gains(transfer, name)
    outcome = direction([one for _, one in found]) if found else MISSING
    return Finding(_QUESTION, claim, outcome, at_levels(label, found))


def _gains(transfer: Transfer, name: str) -> list[tuple[float, Difference]]:
    return [(gain.level, gain.difference) for gain in transfer.gains if gain.name == name]


def _chapters(transfer: Transfer) -> list[Chapter]:
    return [
        Chapter(
            "accuracy",
            "Accuracy on the target",
            (_ARMS,),
            some(
                transfer_figures.accuracy(transfer), transfer_figures.against_own_ticket(transfer)
            ),
            folded=[_arms(transfer)],
            unfolded=True,
        ),
        Chapter("words", "Words in common", (_WORDS,), tables=[_words(transfer)]),
        Chapter(
            "masks",
            "Masks of source and target",
            () if transfer.about["overlap"] else ("No level has both tickets.",),
            some(transfer_figures.overlap(transfer)),
        ),
    ]


def _arms(transfer: Transfer) -> Table:
    arms = [arm for arm in transfer.arms if arm.is_dense]
    arms += [arm for level in transfer.levels for arm in transfer.at(level)]
    keys = ("minus_dense", "minus_target_ticket")
    adjusted = {
        key: statistics.holm([one.p if (one := getattr(arm, key)) else None for arm in arms])
        for key in keys
    }
    rows = []
    for place, arm in enumerate(arms):
        row = {
            "pruned": 100 * arm.sparsity,
            "left": 100 * (1 - arm.sparsity),
            "elsewhere": 100 * arm.elsewhere,
            "mask": arm.mask,
            "weights": names.weights(arm.init) or None,
            "n": arm.accuracy.n,
            "mean": arm.accuracy.mean,
            "half": arm.accuracy.half,
            "best": arm.best_epoch,
            "to_99": arm.epochs_to_99,
            "init": arm.init,
            "level": arm.level,
            "deviation": arm.accuracy.deviation,
        }
        for key in keys:
            difference: Difference | None = getattr(arm, key)
            if difference:
                row |= {
                    key: difference.mean,
                    f"{key}_interval": span(difference),
                    f"{key}_holm": adjusted[key][place],
                    f"{key}_p": difference.p,
                    f"{key}_low": difference.low,
                    f"{key}_high": difference.high,
                }
        rows.append(row)
    columns = [
        Column("pruned", "pruned %", PERCENT),
        Column("mask", "mask", is_text=True),
        Column("weights", "weights", is_text=True),
        Column("left", "left %", PERCENT),
        Column("elsewhere", "no emb. %", PERCENT),
        Column("n", "n"),
        Column("mean", "mean", ACCURACY, "test accuracy %"),
        Column("half", "±\u00a095\u00a0%", ACCURACY, "test accuracy %"),
    ]
    for key, group in zip(keys, ("minus dense", "minus own ticket"), strict=True):
        columns += [
            Column(key, "points", POINTS, group),
            Column(f"{key}_interval", "95 % interval", group=group),
            Column(f"{key}_holm", "p, Holm", probability, group),
        ]
    columns += [
        Column("best", "best", EPOCHS, "epochs"),
        Column("to_99", "to 99 %", EPOCHS, "epochs"),
    ]
    caption = (
        f"Every arm: test accuracy on {transfer.target}, its differences to the dense network and "
        "to the target's own ticket over the same seeds, and epochs to the best validation and to "
        "99 % of the final validation accuracy."
    )
    extra = [f"{key}_{part}" for key in keys for part in ("p", "low", "high")]
    extra += ["init", "level", "deviation"]
    return Table("arms", caption, columns, rows, headers=3, extra=extra)


def _words(transfer: Transfer) -> Table:
    words = transfer.about["words"]
    both = f"{transfer.source} and {transfer.target}"
    given = both if transfer.about["vocabulary"] == "shared" else transfer.source
    rows = [
        {"text": text, "vocabulary": vocabulary, "unknown": 100 * words[key]}
        for text, vocabulary, key in (
            (transfer.source, given, "source_unknown"),
            (transfer.target, given, "target_unknown"),
            (transfer.target, transfer.target, "target_unknown_own"),
        )
    ]
    columns = [
        Column("text", "words of", is_text=True),
        Column("vocabulary", "vocabulary of", is_text=True),
        Column("unknown", "unknown %", number(2)),
    ]
    caption = (
        "Running words of the training texts that a vocabulary does not hold, in %. "
        f"Jensen-Shannon divergence of the two unigram distributions: "
        f"{_SHARE(words['divergence'])} bits (0 where they are equal, 1 where no word is shared)."
    )
    return Table("words", caption, columns, rows, headers=2)


_GAINS = {
    "source_weights": (
        "On the target the source's mask does better with the weights it was found with than with "
        "new ones.",
        "source ticket minus source mask, new",
    ),
    "source_mask": (
        "With new weights the source's mask does better than a random one.",
        "source mask, new minus random mask, new",
    ),
}
_VOCABULARIES = {
    "reuse": "The source's vocabulary encodes the target's texts, so every embedding row keeps its "
    "word.",
    "remap": "The target has its own vocabulary; embedding rows and their masks are carried over "
    "word by word, rows of words that the source lacks are new and keep as large a part of their "
    "weights.",
    "drop": "The target has its own vocabulary; the embedding is neither carried over nor pruned.",
    "shared": "Both are encoded with one vocabulary, counted on the training texts of both.",
}
_ARMS = (
    "own ticket: mask and weights of the ticket found on the target. source ticket: mask and "
    "weights of the one found on the source. new weights are drawn anew, the same for every mask "
    "of a seed. A random mask keeps as many weights of each tensor as the source's, by chance; a "
    "shuffled one is the source's with its entries permuted within each tensor, so the two are "
    "draws of one distribution. source 1 ep: the source's weights after one epoch there. The "
    "target's own network begins with other weights than the source's."
)
_WORDS = (
    "An embedding row belongs to a word. Where the target has words that the vocabulary does not "
    "hold, they all share one row."
)
