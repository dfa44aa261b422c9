"""Writes what ``bin/find_ticket`` found with several seeds: ``rounds.csv`` and ``intervals.csv``.

python docs/results/fast/collect.py TICKET …
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd

import tflottery as tfl

HERE = Path(__file__).parent


def named(about: dict[str, Any]) -> dict[str, Any]:
    """What tells one search from another."""
    names = ("model", "method", "criterion", "scope", "init")
    return {name: about[name] for name in names}


def rounds(about: dict[str, Any]) -> list[dict[str, Any]]:
    """A row a network: dense, the levels, and the reinit of the last; accuracies are fractions."""
    rows = []
    for one in about["by_seed"]:
        for network in ("dense", "reinit"):
            rows.append(
                {
                    "seed": one["seed"],
                    "network": network,
                    "round": 0 if network == "dense" else about["rounds"][-1]["round"],
                    "sparsity": 0.0 if network == "dense" else about["rounds"][-1]["sparsity"],
                    "validation_accuracy": one[f"{network}_validation_accuracy"],
                    "test_accuracy": one[f"{network}_test_accuracy"],
                    "run_key": one[f"{network}_run_key"],
                }
            )
    wanted = ("seed", "round", "sparsity", "validation_accuracy", "test_accuracy", "run_key")
    tickets = [{name: row[name] for name in wanted} for row in about["rounds"]]
    rows += [{"network": "ticket", **row} for row in tickets]
    return [{**named(about), **row} for row in rows]


def intervals(about: dict[str, Any]) -> list[dict[str, Any]]:
    """A row an interval of what the verdict rests on; differences are points."""
    return [{**named(about), **row} for row in about["intervals"]]


if __name__ == "__main__":
    found = [tfl.load_ticket(folder).about for folder in sys.argv[1:]]
    for name, of in (("rounds", rounds), ("intervals", intervals)):
        table = pd.DataFrame([row for about in found for row in of(about)])
        table.to_csv(HERE / f"{name}.csv", index=False, float_format="%.6g")
