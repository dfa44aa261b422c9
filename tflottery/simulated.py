"""What ``--simulate`` prints: a plan's time on many workers, and what bounds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from tflottery.progress import clock
from tflottery.runs.simulation import Simulation, recorded_seconds
from tflottery.runs.specs import RunSpec
from tflottery.runs.store import Store


def show_simulation(
    console: Console,
    specs: Sequence[RunSpec],
    store: Store,
    labels: Mapping[str, str],
    workers: Sequence[int],
) -> None:
    """Prints a line for each number of workers, the longest chain, and where more do not help.

    Raises:
        UserError: the store tells no times.
    """
    seconds, recorded = recorded_seconds(specs, store)
    plan = Simulation(specs, seconds)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("workers", "time", "speed-up", "busy\n%"):
        table.add_column(heading, justify="right", no_wrap=True)
    for number in workers:
        timing = plan.on(number)
        row = (clock(timing.seconds), f"{timing.speed_up:.1f}", f"{100 * timing.busy:.0f}")
        table.add_row(str(number), *row)
    chain, enough = plan.longest_chain(), plan.saturation()
    console.print(
        f"{len(plan.runs)} trainings, {clock(plan.work)} of work; {recorded} times are recorded, "
        "the others drawn from them.",
        soft_wrap=True,
    )
    console.print(table)
    console.print(
        f"Longest chain: {clock(plan.longest())} in {len(chain)} trainings, up to "
        f"{labels.get(chain[-1].key, 'an ancestor')}; no number of workers is faster.",
        soft_wrap=True,
    )
    console.print(
        f"Saturates:     at {enough.workers} workers, {enough.speed_up:.1f} times as fast as one; "
        "with more it gains less than 5 %."
    )
