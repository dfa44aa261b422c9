"""The cells of a study for a terminal."""

from __future__ import annotations

import rich.table

from tflottery.experiments import names
from tflottery.experiments.study.cells import Results
from tflottery.experiments.study.results import StudyTables
from tflottery.report.numbers import ACCURACY, NOTHING, with_half
from tflottery.report.terminal import plain_table
from tflottery.statistics import Summary


def terminal(study: StudyTables) -> rich.table.Table:
    """The grid for a terminal of 80 columns: test accuracy in %, ± half of the 95 % interval.

    A cell that lacks seeds says how many it has.
    """
    results = Results(study)
    count = len(study.seeds)
    table = plain_table(
        f"Test accuracy in %, mean{' ± 95 % t interval' * (count > 1)}, n = {count}"
    )
    table.add_column("pruned\n%", justify="right", no_wrap=True)
    table.add_column("left\n%", justify="right", no_wrap=True)
    table.add_column("\nstart", no_wrap=True)
    methods = results.methods("grid")
    for method in methods:
        table.add_column(f"\n{names.method(method)}", justify="right", no_wrap=True)
    seeds = len(results.study.seeds)
    dense = _short(results.dense, seeds)
    table.add_row("0.0", "100.0", "dense", *[dense] * len(methods))
    cells = {(cell.level, cell.arm.init, cell.arm.method): cell for cell in results.of("grid")}
    for level in results.levels("grid"):
        inits = {init for cell_level, init, _ in cells if cell_level == level}
        for place, init in enumerate(sorted(inits, key=names.init_order)):
            found = [cells.get((level, init, method)) for method in methods]
            sizes = [f"{100 * level:.1f}", f"{100 * (1 - level):.1f}"] if not place else ["", ""]
            shown = [_short(cell.accuracy, seeds) if cell else "" for cell in found]
            table.add_row(*sizes, names.init(init), *shown)
    return table


def _short(summary: Summary | None, seeds: int) -> str:
    if summary is None:
        return f"{NOTHING} (0 of {seeds})"
    fewer = f" ({summary.n} of {seeds})" if summary.n < seeds else ""
    return with_half(summary, ACCURACY) + fewer
