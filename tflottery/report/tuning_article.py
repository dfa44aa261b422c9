"""The article of a search: whether sparse networks want a higher learning rate (note 2.1.3)."""

from __future__ import annotations

from typing import Any

from tflottery.report import names, tuning_figures
from tflottery.report.article import Article
from tflottery.report.chapters import Chapter, some
from tflottery.report.findings import (
    FAILED,
    HELD,
    MISSING,
    UNSURE,
    Finding,
    at_levels,
    count_of,
    direction,
    in_jumps,
    not_worse,
)
from tflottery.report.table import ACCURACY, EPOCHS, PERCENT, POINTS, Column, Table
from tflottery.report.tables import span
from tflottery.report.tunings import (
    DENSE,
    TICKET,
    TunedCell,
    Tuning,
    limits_in_words,
    raising,
    raising_in_words,
    rate,
    rates,
    rule_in_words,
)

_QUESTION = "2.1.3"
_OTHERS = ("warmup", "decay", "batch_size", "dropout")


def tuning_article(tuning: Tuning) -> Article:
    """All that the report says of a search."""
    about = tuning.about
    files = ["tuning.json", "trials.csv"] + ["rule.json"] * (tuning.rule is not None)
    return Article(
        title=f"{names.model(about['model'])} on {names.dataset(about['dataset'])}: learning rates",
        name=about["name"],
        folder=tuning.folder,
        files=files,
        command=about["command"],
        config=about["config"],
        versions=about["versions"],
        tolerance=about["tolerance"],
        remarks=[about["caution"]] if about["caution"] else [],
        facts=_facts(tuning),
        opening=_opening(tuning),
        findings=answers(tuning),
        chapters=_chapters(tuning),
    )


def _facts(tuning: Tuning) -> dict[str, str]:
    dense = next(iter(tuning.of(DENSE)), None)
    return {
        "seeds": f"{len(tuning.about['seeds'])}",
        "networks": f"{len(tuning.cells)}",
        "trials of each": f"{tuning.about['trials_a_cell']}",
        "masks found at": rate(tuning.found),
        "best for dense": rate(dense.best.rate) if dense and dense.best else "not tuned",
    }


def _opening(tuning: Tuning) -> list[str]:
    about = tuning.about
    searched = ", ".join(about["space"])
    lines = [
        f"A {about['tuner']} search over {searched.replace('_', ' ')} tunes every network alike: "
        "the same space, as many trials. A trial is judged by the median of its validation "
        f"accuracies over {count_of(len(about['seeds']), 'seed')}; test data are looked at "
        f"afterwards. Masks are always found at {rate(tuning.found)}, the configuration's rate, "
        "whatever the rate that they are then trained at."
    ]
    if not tuning.has_curves:
        lines.append(_NO_CURVE)
    if len(about["seeds"]) == 1:
        lines.append(
            "There is one seed, so no interval over seeds can be given; nothing here is more than "
            "one observation."
        )
    if failures := about["failures"]:
        listed = "; ".join(
            f"{names.tuned_arm(one['arm'])}, {100 * one['level']:.1f} % pruned, rate "
            f"{rate(one['learning_rate'])}, seed {one['seed']} ({one['reason']})"
            for one in failures
        )
        lines.append(f"{count_of(len(failures), 'training')} failed and cannot be best: {listed}.")
    return [*lines, *limits_in_words(tuning)]


def answers(tuning: Tuning) -> list[Finding]:
    """What the search says of the note's suggestion, and of tickets at their best rates."""
    gains, sooner = raising(tuning, "gain"), raising(tuning, "sooner")
    against = {
        other: [(level, one) for level, minus, one in tuning.comparisons if minus == other]
        for other in (DENSE, "reinit")
    }
    return [
        _rises(tuning),
        Finding(
            _QUESTION,
            "A higher learning rate makes sparse networks more accurate.",
            direction([one for _, one in gains]) if gains else MISSING,
            at_levels("best higher rate minus configured", gains),
            (raising_in_words(tuning),),
        ),
        Finding(
            _QUESTION,
            "A higher learning rate makes sparse networks converge sooner.",
            direction(in_jumps([one for _, one in sooner])) if sooner else MISSING,
            at_levels("epochs to 99 % saved at the best higher rate", sooner, "epochs"),
            (
                "Epochs are those of the validations; where all seeds agree, the interval has no "
                "width and decides nothing.",
            ),
        ),
        Finding(
            _QUESTION,
            "Each at its best rate, tickets are no worse than the dense network.",
            not_worse([one for _, one in against[DENSE]], tuning.about["tolerance"])
            if against[DENSE]
            else MISSING,
            at_levels("ticket minus dense", against[DENSE]),
        ),
        Finding(
            _QUESTION,
            "Each at its best rate, tickets do better than their masks with new weights.",
            direction([one for _, one in against["reinit"]]) if against["reinit"] else MISSING,
            at_levels("ticket minus reinit", against["reinit"]),
        ),
    ]


def _rises(tuning: Tuning) -> Finding:
    claim = "The sparser the network, the higher its best learning rate."
    rule = tuning.rule
    if rule is None:
        return Finding(_QUESTION, claim, MISSING, remarks=(rule_in_words(tuning),))
    outcome = HELD if rule.low > 0 else FAILED if rule.high < 0 else UNSURE
    remarks = [rule_in_words(tuning), _RULE]
    if any(cell.peak_edge for cell in (*tuning.of(DENSE), *tuning.of(TICKET))):
        outcome = UNSURE
        remarks.append("Where a best rate is an end of those tried, the slope is not known.")
    return Finding(_QUESTION, claim, outcome, remarks=tuple(remarks))


def _chapters(tuning: Tuning) -> list[Chapter]:
    curves = tuning_figures.against_rate(tuning) if tuning.has_curves else None
    return [
        Chapter(
            "rates",
            "Accuracy against the learning rate",
            () if curves else (_NO_CURVE,),
            some(curves),
            folded=[_every_rate(tuning)],
        ),
        Chapter(
            "best",
            "The best rate against sparsity",
            (_TUNED,),
            some(tuning_figures.against_sparsity(tuning)),
            folded=[_networks(tuning)],
            unfolded=True,
        ),
    ]


def _others(tuning: Tuning) -> list[str]:
    """What was searched beside the rate."""
    return [name for name in _OTHERS if name in tuning.about["space"]]


def _size(cell: TunedCell) -> dict[str, Any]:
    return {
        "pruned": 100 * cell.sparsity,
        "left": 100 * (1 - cell.sparsity),
        "network": names.tuned_arm(cell.arm),
        "level": cell.level,
    }


_SIZE = (
    Column("pruned", "pruned %", PERCENT),
    Column("network", "network", is_text=True),
    Column("left", "left %", PERCENT),
)


def _networks(tuning: Tuning) -> Table:
    rows = []
    for cell in tuning.cells:
        row = {**_size(cell), "trials": cell.trials, "failed": cell.failed, "edge": cell.edge}
        if cell.best and cell.as_good:
            row |= {
                "rate": cell.best.rate,
                "peak": cell.peak,
                "as_good": rates(cell.as_good),
                **{name: cell.best.values[name] for name in _others(tuning)},
                "validation": cell.best.median,
                "test": cell.best.test.mean,
                "half": cell.best.test.half,
                "epochs_to_99": cell.best.epochs_to_99,
            }
        if cell.own:
            row |= {
                "own_validation": cell.own.median,
                "own_test": cell.own.test.mean,
                "own_epochs_to_99": cell.own.epochs_to_99,
            }
        if cell.gain:
            row |= {
                "gain": cell.gain.mean,
                "gain_interval": span(cell.gain),
                "gain_low": cell.gain.low,
                "gain_high": cell.gain.high,
            }
        rows.append(row)
    columns = [
        *_SIZE,
        Column("rate", "rate", rate, "best"),
        Column("peak", "peak", rate, "best"),
        Column("as_good", "as good", group="best", is_text=True),
        *(Column(name, name.replace("_", " "), group="best") for name in _others(tuning)),
        Column("validation", "valid. %", ACCURACY, "best"),
        Column("test", "test %", ACCURACY, "best"),
        Column("half", "±\u00a095\u00a0%", ACCURACY, "best"),
        Column("own_validation", "valid. %", ACCURACY, f"at {rate(tuning.found)}"),
        Column("own_test", "test %", ACCURACY, f"at {rate(tuning.found)}"),
        Column("gain", "points", POINTS, "gain on test"),
        Column("gain_interval", "95 % interval", group="gain on test"),
        Column("own_epochs_to_99", f"at {rate(tuning.found)}", EPOCHS, "epochs to 99 %"),
        Column("epochs_to_99", "best", EPOCHS, "epochs to 99 %"),
        Column("trials", "tried", group="trials"),
        Column("failed", "failed", group="trials"),
    ]
    caption = (
        "Networks at their best: the rate with the highest median validation accuracy, the rates "
        f"within {tuning.about['tolerance']:g} points of it, and what it gains over the "
        "configuration's values on test data. peak is the top of a parabola through the best rate "
        "and its neighbours, which the rule is fitted to."
    )
    extra = ["level", "edge", "gain_low", "gain_high"]
    return Table("networks", caption, columns, rows, headers=2, extra=extra)


def _every_rate(tuning: Tuning) -> Table:
    rows = [
        {
            **_size(cell),
            "rate": tried.rate,
            **{name: tried.values[name] for name in _others(tuning)},
            "median": tried.median,
            "validation": tried.validation.mean,
            "validation_half": tried.validation.half,
            "test": tried.test.mean,
            "test_half": tried.test.half,
            "n": tried.test.n,
            "epochs_to_99": tried.epochs_to_99,
            "best_epoch": tried.best_epoch,
        }
        for cell in tuning.cells
        for tried in cell.curve
    ]
    columns = [
        *_SIZE,
        Column("rate", "rate", rate),
        *(Column(name, name.replace("_", " ")) for name in _others(tuning)),
        Column("n", "n"),
        Column("median", "median", ACCURACY, "validation accuracy %"),
        Column("validation", "mean", ACCURACY, "validation accuracy %"),
        Column("validation_half", "±\u00a095\u00a0%", ACCURACY, "validation accuracy %"),
        Column("test", "mean", ACCURACY, "test accuracy %"),
        Column("test_half", "±\u00a095\u00a0%", ACCURACY, "test accuracy %"),
        Column("epochs_to_99", "to 99 %", EPOCHS, "epochs"),
        Column("best_epoch", "best", EPOCHS, "epochs"),
    ]
    caption = "Every rate: accuracy of each network at each learning rate that was tried."
    return Table("rates", caption, columns, rows, headers=2, extra=["level"])


_NO_CURVE = (
    "Hyperband goes on from the weights of shorter trainings, so its trials are no curve and no "
    "rule is fitted to them."
)
_RULE = (
    "Held means: the 95 % interval of the exponent lies on the side of higher rates. A line is "
    "fitted to the logarithms of peak and remaining fraction, one point a sparsity (dense and "
    "tickets), so the interval holds what seeds, the spacing of the rates and the form of the rule "
    "add."
)
_TUNED = (
    "ticket: mask and weights of the pruning method. reinit: its mask with new weights. rewind 1 "
    "ep: a ticket found and trained from weights after one epoch. The gain is on test data, which "
    "chose nothing; there is none where the configured rate, which is among those tried, is the "
    "best."
)
