"""How the arms of a transfer compare: what its runs say, in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from tflottery import statistics
from tflottery.experiments.transfer.arms import DENSE_ARM, TARGET_TICKET

_ARM = ["mask", "init", "level"]
_MEANS = (
    "sparsity",
    "sparsity_without_embedding",
    "remaining",
    "best_epoch",
    "epochs_to_99",
    "epochs",
)
# Pairs of arms that differ in one factor; the gap between their accuracies is its effect.
GAINS = {
    "source_weights": (("source", "source"), ("source", "reinit")),
    "source_mask": (("source", "reinit"), ("random", "reinit")),
}


def judge(rows: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Each arm at each level over its seeds, and ``GAINS`` at each level.

    Accuracies are test accuracies in %; differences, to dense and to the target's own ticket, are
    in points and paired by seed. Nothing is chosen by them.

    Args:
        rows: one a finished run, with ``mask``, ``init``, ``level``, ``seed``, ``epochs_to_99`` and
            the columns of ``runs.measures``.
    """
    if not rows:
        return [], []
    groups = pd.DataFrame(list(rows)).groupby(_ARM, sort=False)
    accuracies = {
        arm: dict(zip(of["seed"], 100 * of["test_accuracy"], strict=True)) for arm, of in groups
    }

    def minus(one: tuple[Any, ...], other: tuple[Any, ...]) -> dict[str, Any] | None:
        if one == other:
            return None
        difference = statistics.compare(accuracies.get(one, {}), accuracies.get(other, {}))
        return statistics.plain(difference)

    arms = [
        {
            **dict(zip(_ARM, arm, strict=True)),
            **{name: round(float(of[name].mean()), 6) for name in _MEANS},
            "test_accuracy": statistics.plain(statistics.summarise(list(accuracies[arm].values()))),
            "minus_dense": minus(arm, (*DENSE_ARM, 0.0)),
            "minus_target_ticket": minus(arm, (*TARGET_TICKET, arm[2])),
        }
        for arm, of in groups
    ]
    gains = [
        {"gain": name, "level": level, "difference": difference}
        for level in sorted({arm["level"] for arm in arms} - {0.0})
        for name, (one, other) in GAINS.items()
        if (difference := minus((*one, level), (*other, level)))
    ]
    return arms, gains


def mean_overlap(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The overlap of masks at each level and tensor, averaged over seeds."""
    if not rows:
        return []
    groups = pd.DataFrame(list(rows)).groupby(["level", "tensor"], sort=False)
    means = groups[["jaccard", "chance"]].mean().reset_index()
    return [{str(key): value for key, value in row.items()} for row in means.to_dict("records")]
