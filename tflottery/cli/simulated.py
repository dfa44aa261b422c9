"""What ``--simulate`` prints: a plan's time on many workers, and what bounds it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from tflottery.cli import experiments

if TYPE_CHECKING:
    from tflottery.experiments.driver import PlannedTrainings


def show_simulation(planned: PlannedTrainings, workers: Sequence[int]) -> None:
    """Prints a line for each number of workers, the longest chain, and where more do not help.

    Raises:
        UserError: the store tells no times.
    """
    from tflottery.progress.watch import clock
    from tflottery.report.terminal import plain_table

    simulated = planned.simulate(workers)
    table = plain_table()
    for heading in ("workers", "time", "speed-up", "busy\n%"):
        table.add_column(heading, justify="right", no_wrap=True)
    rows: Iterable[Any] = simulated.itertuples(index=False)
    for row in rows:
        shown = (clock(row.seconds), f"{row.speed_up:.1f}", f"{100 * row.busy:.0f}")
        table.add_row(str(row.workers), *shown)
    experiments.say(simulated.sentence)
    experiments.show(table)
    experiments.say(*simulated.bounds)
