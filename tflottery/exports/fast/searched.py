"""What a search for a budget measured: a page for readers, CSV for pandas."""

from __future__ import annotations

from tflottery.exports.fast import frontier_tables
from tflottery.exports.fast.chosen import Chosen
from tflottery.exports.fast.shown import BATCH, THREADS
from tflottery.report.escaping import escaped, fenced
from tflottery.report.numbers import POINTS, number, yes_no
from tflottery.report.rendering import markdown_table
from tflottery.report.table import Column, Table

_COLUMNS = (
    Column("pruned", "pruned", is_text=True),
    Column("form", "form", is_text=True),
    Column("sparsity", "pruned %", frontier_tables.percent),
    Column("accuracy", "points to dense", POINTS),
    Column("throughput", "x dense", number(2)),
    Column("size", "times smaller", number(1)),
    Column("meets", "meets it", yes_no),
    Column("chosen", "chosen", yes_no),
)


def csv(chosen: Chosen) -> str:
    """Every number, a line for each that was measured."""
    return _table(chosen).csv()


def table(chosen: Chosen) -> str:
    """All that was measured, in Markdown."""
    return markdown_table(_table(chosen))


def markdown(chosen: Chosen, title: str, command: str) -> str:
    """What was chosen, all that was measured, and what the columns mean.

    Args:
        chosen: what the search ended with.
        title: whose search it is.
        command: the command line that made it.
    """
    return f"""# {escaped(title)}: {chosen.budget}

{fenced(command)}

{escaped(chosen.sentence)}

{table(chosen)}

*pruned %*: of the units; of a ticket that is taken as it is, of all its weights. *points to dense*:
accuracy on validation data, by which networks are chosen. *x dense*: throughput with {BATCH} texts
at a time, ids in, {THREADS} thread, in turns with dense as a SavedModel; what was chosen is
measured longer than the others, which may be too good or too bad by a tenth. *times
smaller*: all files in one .tar.gz, with the vocabulary, beside that SavedModel.
"""


def _table(chosen: Chosen) -> Table:
    return Table("budget", _COLUMNS, chosen.rows)
