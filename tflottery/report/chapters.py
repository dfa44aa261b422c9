"""A study's chapters: what stands in a report, whichever form it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tflottery.report import costs, figures, mask_figures, summary, tables
from tflottery.report.cells import Results
from tflottery.report.drawing import Drawing
from tflottery.report.table import Table

_Thing = TypeVar("_Thing", Drawing, Table)


@dataclass(frozen=True)
class Chapter:
    """A heading with its paragraphs, then figures, then tables.

    ``folded`` tables are long; Markdown leaves them to the CSV, and the page shows them on demand
    unless they are ``unfolded`` there.
    """

    name: str
    title: str
    text: Sequence[str] = ()
    figures: Sequence[Drawing] = ()
    tables: Sequence[Table] = ()
    folded: Sequence[Table] = field(default=())
    unfolded: bool = False


def chapters(results: Results) -> list[Chapter]:
    """Every chapter after the summary. Where a study did not measure something, a sentence says
    so in the chapter's place."""
    return [
        Chapter(
            "accuracy",
            "Accuracy against what is left",
            (_ARMS,),
            some(figures.accuracy(results)),
            [tables.sparsest_matches(results)],
        ),
        _note(results),
        _cells(results),
        _controls(results),
        Chapter(
            "convergence",
            "How fast they converge",
            () if (convergence := figures.convergence(results)) else ("No steps were recorded.",),
            some(convergence),
            folded=some(tables.convergence(results)),
        ),
        _rewinding(results),
        _masks(results),
        _early_bird(results),
        _instability(results),
        Chapter(
            "cost",
            "What it costs",
            (_COST, summary.time_spent(results)),
            (),
            [costs.cost_of_arms(results)],
            [costs.cost(results)],
        ),
    ]


def _note(results: Results) -> Chapter:
    table = tables.beside_note(results)
    text = [_NOTE] if table else ["The note has no numbers for this network at these levels."]
    if table and results.study.dataset != "imdb":
        text.append("The note's numbers are of IMDB; this study is of other data.")
    if table and results.study.model == "lstm":
        text.append("The note's LSTM numbers were read off a figure and are good to about 0.1.")
    return Chapter("note", "Beside the note's own numbers", text, tables=some(table))


def _cells(results: Results) -> Chapter:
    return Chapter(
        "cells",
        "Every cell of the grid",
        (_VERDICTS.format(tolerance=f"{results.study.tolerance:g}"),),
        folded=[tables.every_cell(results, "grid")],
        unfolded=True,
    )


def _controls(results: Results) -> Chapter:
    table = tables.controls(results)
    if table is None:
        return Chapter("controls", "Controls", ("This study has no controls.",))
    return Chapter(
        "controls",
        "Controls",
        (_CONTROLS,),
        some(figures.controls(results)),
        [table],
        [tables.every_cell(results, "control")],
    )


def _rewinding(results: Results) -> Chapter:
    drawing = figures.rewinding(results)
    if drawing is None:
        return Chapter("rewind", "Rewinding", ("This study has no rewind sweep.",))
    sweep = [tables.every_cell(results, "rewind")]
    return Chapter("rewind", "Rewinding", (_REWINDING,), [drawing], folded=sweep)


def _masks(results: Results) -> Chapter:
    drawings = some(mask_figures.overlap(results), mask_figures.layers(results))
    text = [] if drawings else ["This study did not compare masks."]
    return Chapter("masks", "Masks", text, drawings)


def _early_bird(results: Results) -> Chapter:
    sentences = summary.early_bird(results)
    if not sentences:
        return Chapter("early-bird", "Early-bird tickets", ("Masks of epochs were not compared.",))
    text = [_EARLY_BIRD, *sentences]
    return Chapter("early-bird", "Early-bird tickets", text, some(mask_figures.early_bird(results)))


def _instability(results: Results) -> Chapter:
    drawing = mask_figures.instability(results)
    text = (_INSTABILITY if drawing else "Instability was not measured.",)
    return Chapter("instability", "Instability", text, some(drawing))


def some(*things: _Thing | None) -> list[_Thing]:
    """Those that are there."""
    return [thing for thing in things if thing is not None]


_ARMS = (
    "A ticket is a mask and the weights it starts from. original are the weights the dense network "
    "began with; rewind 1 ep and rewind end those it had after its first epoch and at its best "
    "one. random are newly drawn weights: in iterative pruning such a chain prunes itself, as in "
    "the founding note. reinit is the mask of the original ticket with newly drawn weights, as in "
    "Frankle and Carbin (2019); one-shot, the two coincide."
)
_NOTE = (
    "The note's numbers are single runs on another split of the data with another network, so the "
    "differences of whole rows say little; what can be compared is which start and which method "
    "comes out ahead. The note's random kept the first weights of the embedding; ours draws those "
    "anew too. Our intervals are of the mean over seeds."
)
_VERDICTS = (
    "Differences to dense are paired by seed. A cell matches dense when its mean difference is not "
    "below minus one standard deviation of dense (1 sd; Chen et al. 2020), not below 0 (≥ mean), "
    "or not below −{tolerance} points (Ma et al. 2021). p is of the paired t test; Holm's "
    "correction is over the cells of this table."
)
_CONTROLS = (
    "random mask: as many weights in each layer, chosen by chance. shuffled mask: the ticket's "
    "mask, shuffled within each layer. signs only: the ticket's mask, each weight the sign of its "
    "original times one size a layer. head pruned too, or spared: a chain of its own that treats "
    "the output layer the other way. gradual pruning: TF-MOT's polynomial schedule within one "
    "training of as many epochs. dense, same compute: the dense network trained once, for as many "
    "epochs as all trainings of the ticket of that level may have together."
)
_REWINDING = (
    "Whatever moment the weights are rewound to, the training that follows has the full number of "
    "epochs and goes through the whole schedule of learning rates, so a later moment "
    "leaves no less of it; Frankle et al. (2019) train only the steps that are left."
)
_INSTABILITY = (
    "From each common start, both networks train for the full number of epochs; Frankle et al. "
    "(2020) train only the steps that are left, and call a network stable whose barrier is below 2 "
    "points."
)
_EARLY_BIRD = (
    "A ticket could have been drawn from the first epoch whose mask no later epoch's differs from "
    "by more than 0.1 of the distance by chance (after You et al. 2020, who do not divide by it; "
    "undivided distances shrink with sparsity until every mask passes). No network was trained "
    "with such a mask here, so what it would score is open."
)
_COST = (
    "An arm is made alone here: an iterative ticket needs the dense network and every round "
    "before it. A study shares them, and trains each network once."
)
