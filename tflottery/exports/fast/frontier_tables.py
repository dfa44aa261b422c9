"""The frontier as a table: Markdown for readers, CSV for pandas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tflottery.exports.fast.shown import BATCH, THREADS, Shown
from tflottery.report.escaping import escaped, fenced
from tflottery.report.numbers import number, yes_no
from tflottery.report.rendering import markdown_table
from tflottery.report.table import Column, Table

if TYPE_CHECKING:
    from tflottery.exports.fast.frontier import Frontier

_POINTS = number(2)


def _percent(value: float) -> str:
    return number(1)(100 * value)


def _kilobytes(value: float) -> str:
    return number(0)(value / 1000)


_COLUMNS = (
    Column("number", "no.", str),
    Column("pruned", "pruned", is_text=True),
    Column("form", "form", is_text=True),
    Column("sparsity", "weights pruned %", _percent),
    Column("test_accuracy", "test %", lambda value: number(2)(100 * value)),
    Column("difference", "points to dense", number(2)),
    Column("interval", "95 % interval", is_text=True),
    Column("times_dense", "x dense", number(2)),
    Column("gzip_bytes", "gzip kB", _kilobytes),
    Column("times_smaller", "times smaller", number(1)),
    Column("fastest", "fastest", yes_no),
    Column("smallest", "smallest", yes_no),
)
_EXTRA = ("numbers", "texts_per_second", "raw_bytes", "low", "high")


def rows(shown: Sequence[Shown]) -> list[dict[str, Any]]:
    """A row for each that was measured; accuracies are fractions, differences points."""
    return [_row(place, one, shown[0]) for place, one in enumerate(shown, start=1)]


def _row(place: int, one: Shown, dense: Shown) -> dict[str, Any]:
    test = one.test
    return {
        "number": place,
        "pruned": one.pruned,
        "form": one.form,
        "sparsity": one.sparsity,
        "test_accuracy": one.accuracy,
        "difference": test.difference,
        "interval": f"{_POINTS(test.low)} to {_POINTS(test.high)}",
        "times_dense": one.throughput,
        "gzip_bytes": one.gzipped,
        "times_smaller": dense.gzipped / one.gzipped,
        "fastest": one.fastest,
        "smallest": one.smallest,
        "numbers": one.numbers,
        "texts_per_second": one.texts_per_second,
        "raw_bytes": one.raw,
        "low": test.low,
        "high": test.high,
    }


def csv(shown: Sequence[Shown]) -> str:
    """Every number, a line for each that was measured."""
    return Table("frontier", _COLUMNS, rows(shown), extra=_EXTRA).csv()


def markdown(frontier: Frontier, command: str) -> str:
    """The table, the figures, and what they mean.

    Args:
        frontier: what was measured.
        command: the command line that measured it.
    """
    left_out = _left_out(frontier)
    return f"""# {escaped(frontier.title)}: accuracy against throughput and size

{fenced(command)}

![Accuracy against throughput](frontier-throughput.svg)

![Accuracy against size](frontier-size.svg)

{markdown_table(Table("frontier", _COLUMNS, rows(frontier.shown)))}

*pruned*: nothing (dense), single weights, or whole units, and how; every pruned network is without
what pruning made useless. *points to dense*: test accuracy minus that of dense as a SavedModel, on
{frontier.shown[0].test.texts:,} test texts that are in neither train nor validation, with its 95 %
interval of this one training each. *x dense*: throughput with {BATCH} texts at a time of
{frontier.words} words, ids in, {THREADS} thread, all models in turns in one run on one
machine ({frontier.machine}). *gzip*: the files in one .tar.gz, with the vocabulary, which a
SavedModel holds and a TFLite file has beside it. *fastest*, *smallest*: no other that was measured
is as accurate on the test texts and faster, or smaller. That line is drawn with the test texts in
sight: it says what there is; whoever chooses by it has chosen on test data (`--budget` chooses by
validation data).{left_out}
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
