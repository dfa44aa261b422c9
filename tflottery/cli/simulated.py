"""What ``--simulate`` prints: a plan's time on many workers, and what bounds it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
    from tflottery.runs.simulation import Simulation, recorded_seconds

    seconds, recorded = recorded_seconds(planned.trainings.all, planned.store)
    plan = Simulation(planned.trainings.all, seconds)
    table = plain_table()
    for heading in ("workers", "time", "speed-up", "busy\n%"):
        table.add_column(heading, justify="right", no_wrap=True)
    for number in workers:
        timing = plan.on(number)
        row = (clock(timing.seconds), f"{timing.speed_up:.1f}", f"{100 * timing.busy:.0f}")
        table.add_row(str(number), *row)
    chain, enough = plan.longest_chain(), plan.saturation()
    experiments.say(
        f"{len(plan.runs)} trainings, {clock(plan.work)} of work; {recorded} times are recorded, "
        "the others drawn from them."
    )
    experiments.show(table)
    experiments.say(
        f"Longest chain: {clock(plan.longest())} in {len(chain)} trainings, up to "
        f"{planned.trainings.label(chain[-1])}; no number of workers is faster.",
        f"Saturates:     at {enough.workers} workers, {enough.speed_up:.1f} times as fast as one; "
        "with more it gains less than 5 %.",
    )
