"""Prints how the masks of a sparse training moved, as rows of Markdown.

    python docs/moving_masks.py STORE KEY

``STORE`` is a folder of runs, which is only read; ``KEY`` are the first digits of a run whose mask
moved. A column a layer: weights that the move dropped and grew, and of those that are left the part
that was in the mask at the beginning.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from tflottery.pruning.masks import Masks
from tflottery.pruning.moving.moves import changes
from tflottery.runs import inventory


def by_layer(history: Mapping[int, Masks]) -> pd.DataFrame:
    """A row a move and layer: ``remaining``, ``dropped``, ``grown``, ``stayed`` (weights)."""
    frame = pd.DataFrame(changes(history))
    frame["layer"] = frame["tensor"].str.partition("/")[0].str.partition("_")[0]
    frame["stayed"] = (frame["from_start"] * frame["remaining"]).round().astype(int)
    counts = ["remaining", "dropped", "grown", "stayed"]
    return frame.groupby(["step", "layer"], sort=False)[counts].sum().reset_index()


def main(store: Path, key: str) -> None:
    rows = by_layer(inventory.find_one(store, key).moves())
    layers = list(rows["layer"].unique())
    print("| step |", " | ".join(f"{layer}: −, +, since the beginning" for layer in layers), "|")
    print("|---:|", "|".join("---:" for _ in layers), "|", sep="")
    for step, of_step in rows.groupby("step"):
        cells = [
            f"{row.dropped:,}, {row.grown:,}, {100 * row.stayed / max(row.remaining, 1):.1f} %"
            for row in of_step.itertuples()
        ]
        print(f"| {step} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
