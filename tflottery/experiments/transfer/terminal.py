"""The arms of a transfer for a terminal."""

from __future__ import annotations

import rich.table

from tflottery.experiments import names
from tflottery.experiments.transfer.results import Arm, TransferTables
from tflottery.report.numbers import ACCURACY, EPOCHS, POINTS, with_half
from tflottery.report.terminal import plain_table


def terminal(transfer: TransferTables) -> rich.table.Table:
    """The arms for a terminal, each with its differences, ± half of the 95 % interval.

    Below it stand the arms that lack seeds.
    """
    count = len(transfer.about["seeds"])
    table = plain_table(
        f"{transfer.source} to {transfer.target}: test accuracy in % and differences in "
        f"points, mean{' ± 95 % t interval' * (count > 1)}, n = {count}"
    )
    table.add_column("pruned\n(left) %", justify="right", no_wrap=True)
    table.add_column("\nmask", no_wrap=True)
    table.add_column("\nweights", no_wrap=True)
    for heading in ("test\n%", "minus\ndense", "minus its\nown ticket", "epochs\nto 99 %"):
        table.add_column(heading, justify="right", no_wrap=True)
    if transfer.dense:
        table.add_row("0.0 (100.0)", "dense", "", *_numbers(transfer.dense))
    for level in transfer.levels:
        pruned = 100 * transfer.pruned_at(level)
        for place, arm in enumerate(transfer.at(level)):
            size = "" if place else f"{pruned:.1f} ({100 - pruned:.1f})"
            table.add_row(size, arm.mask, names.weights(arm.init), *_numbers(arm))
    if lacking := [arm for arm in transfer.arms if arm.accuracy.n < count]:
        listed = "; ".join(
            f"{arm.label}, {100 * arm.level:.1f} % pruned ({arm.accuracy.n})" for arm in lacking
        )
        table.caption = f"Of fewer seeds: {listed}"
    return table


def _numbers(arm: Arm) -> list[str]:
    differences = [arm.minus_dense, arm.minus_target_ticket]
    return [
        with_half(arm.accuracy, ACCURACY),
        *("" if one is None else with_half(one, POINTS) for one in differences),
        EPOCHS(arm.epochs_to_99),
    ]
