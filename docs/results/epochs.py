"""Writes the validation accuracy of every epoch of a study's trainings, ``epochs.csv`` here.

python docs/results/epochs.py STORE STUDY …
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

import tflottery as tfl

LABELS = ["part", "method", "mask", "init", "level", "seed"]


def epochs(store: str, study: str) -> pd.DataFrame:
    """A row an epoch: accuracies are fractions, of dropout's networks where it is training's."""
    cells = pd.read_csv(Path(store) / "studies" / study / "cells.csv")
    runs, rows = tfl.Store(store), []
    for cell in cells[cells["state"] == "done"].to_dict("records"):
        for one in runs.find(cell["key"]).history:
            labels = {name: cell[name] for name in LABELS}
            rows.append({"study": study, **labels, **one})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    store, *studies = sys.argv[1:]
    table = pd.concat([epochs(store, one) for one in studies])
    table.to_csv(Path(__file__).parent / "epochs.csv", index=False, float_format="%.6g")
