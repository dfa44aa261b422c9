"""The frontier's page: its table and figures, and what they mean."""

from __future__ import annotations

from tflottery.exports.fast import frontier_tables
from tflottery.exports.fast.frontier import Frontier
from tflottery.exports.fast.shown import BATCH, THREADS
from tflottery.report.escaping import escaped, fenced


def markdown(frontier: Frontier, command: str) -> str:
    """The table, the figures, and what they mean.

    Args:
        frontier: what was measured.
        command: the command line that measured it.
    """
    return f"""# {escaped(frontier.title)}: accuracy against throughput and size

{fenced(command)}

![Accuracy against throughput](frontier-throughput.svg)

![Accuracy against size](frontier-size.svg)

{frontier_tables.markdown(frontier.shown)}

*pruned*: nothing (dense), single weights, or whole units, and how; every pruned network is without
what pruning made useless. *points to dense*: test accuracy minus that of dense as a SavedModel, on
{frontier.shown[0].test.texts:,} test texts that are in neither train nor validation, with its 95 %
interval of this one training each. *x dense*: throughput with {BATCH} texts at a time of
{frontier.words} words, ids in, {THREADS} thread, all models in turns in one run on one
machine ({frontier.machine}). *gzip*: the files in one .tar.gz, with the vocabulary, which a
SavedModel holds and a TFLite file has beside it. *fastest*, *smallest*: no other that was measured
is as accurate on the test texts and faster, or smaller. That line is drawn with the test texts in
sight: it says what there is; whoever chooses by it has chosen on test data (`--budget` chooses by
validation data).{_left_out(frontier)}
"""


def _left_out(frontier: Frontier) -> str:
    """What is not in the table, and why; empty if nothing."""
    forms = "".join(f" {escaped(line)}" for line in frontier.refused)
    if not frontier.left_out:
        return forms
    beaten, why = frontier.left_out - frontier.thinned, []
    if beaten:
        why.append(
            f"{beaten} because others are at least as accurate on validation data and no larger, "
            "neither in numbers stored nor in those that are not zero"
        )
    if frontier.thinned:
        why.append(
            f"{frontier.thinned} that no other beats so, since more would not fit: the rest lie "
            "evenly between the smallest and the largest"
        )
    return f" {frontier.left_out} networks more are left out: {'; '.join(why)}.{forms}"
