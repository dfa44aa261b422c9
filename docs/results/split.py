"""Writes the accuracies of dense networks by the split they were trained on, ``split.csv`` here.

python docs/results/split.py STORE …
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd


def dense(folder: Path) -> pd.DataFrame:
    """A row a dense network of a study; accuracies are fractions."""
    about = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    cells = pd.read_csv(folder / "cells.csv")
    cells = cells[(cells["part"] == "dense") & (cells["state"] == "done")]
    kept = cells[["seed", "epochs", "best_epoch", "val_accuracy", "test_accuracy"]].copy()
    kept.insert(0, "split", about["config"]["data"]["split"])
    kept.insert(0, "study", about["name"])
    return kept


if __name__ == "__main__":
    folders = [one for store in sys.argv[1:] for one in sorted(Path(store, "studies").iterdir())]
    table = pd.concat(map(dense, folders))
    table.to_csv(Path(__file__).parent / "split.csv", index=False)
