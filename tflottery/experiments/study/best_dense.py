"""The control of equal cost: the best of as many dense networks as a ticket took trainings."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from tflottery.experiments.schema import FAILED
from tflottery.experiments.study.cells import BySeed


def best_dense(
    cells: pd.DataFrame, trainings: Mapping[int, float]
) -> tuple[BySeed, frozenset[int]]:
    """Test accuracy in points by seed of the best dense network by validation accuracy: of the
    seed's own and those that were trained again, in their order.

    Args:
        cells: of a study, a row a network and seed.
        trainings: how many networks to take, by seed. Seeds that have fewer are left out.

    Returns:
        The accuracies, and the seeds of which one of those networks failed.
    """
    dense = cells[cells["part"].isin(["dense", "again"])]
    if "repeat" not in dense:
        dense = dense.assign(repeat=0)
    best: BySeed = {}
    failed: set[int] = set()
    for seed, every in dense.groupby("seed"):
        number = int(str(seed))
        wanted = trainings.get(number, float("inf"))
        rows = every[every["repeat"] < wanted].sort_values("repeat")
        if len(rows) < wanted:
            continue
        if (rows["state"] == FAILED).any():
            failed.add(number)
        else:
            best[number] = 100 * float(rows.loc[rows["val_accuracy"].idxmax(), "test_accuracy"])
    return best, frozenset(failed)
