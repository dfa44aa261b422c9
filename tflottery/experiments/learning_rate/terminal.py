"""The networks of a search for a terminal."""

from __future__ import annotations

import rich.table

from tflottery.experiments.learning_rate.results import TunedCell, TuningTables
from tflottery.report.numbers import ACCURACY, EPOCHS, NOTHING, POINTS, rate, with_half
from tflottery.report.terminal import plain_table


def terminal(tuning: TuningTables) -> rich.table.Table:
    """The networks for a terminal, each at its best rate and at the configuration's."""
    count = len(tuning.about["seeds"])
    table = plain_table(
        f"Best learning rates by {tuning.metric}, and what they gain over "
        f"{rate(tuning.found)} on test data, n = {count}"
    )
    table.add_column("pruned\n%", justify="right", no_wrap=True)
    table.add_column("\nnetwork", no_wrap=True)
    for heading in ("best\nrate", "as good\n", "valid.\n%", "test\n%", "gain\npoints",
                    "epochs\nto 99 %"):  # fmt: skip
        table.add_column(heading, justify="right", no_wrap=True)
    above = None
    for cell in tuning.cells:
        pruned = "" if cell.level == above else f"{100 * cell.level:.1f}"
        table.add_row(pruned, cell.network, *_shown(cell))
        above = cell.level
    return table


def _shown(cell: TunedCell) -> list[str]:
    if not cell.best or not cell.as_good:
        return ["failed", *[NOTHING] * 5]
    low, high = cell.as_good
    epochs = EPOCHS(cell.best.epochs_to_99)
    return [
        rate(cell.best.rate),
        f"{rate(low)}-{rate(high)}",
        ACCURACY(cell.best.median),
        ACCURACY(cell.best.test.mean),
        NOTHING if cell.gain is None else with_half(cell.gain, POINTS),
        epochs if cell.own is None else f"{EPOCHS(cell.own.epochs_to_99)} > {epochs}",
    ]
