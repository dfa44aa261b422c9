"""Writes searches as bin/tune_lr would, with made-up accuracies instead of trainings."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

from tflottery.experiments.learning_rate import results
from tflottery.experiments.learning_rate.design import Values
from tflottery.experiments.learning_rate.judging import fit_rule, judge
from tflottery.files import seal

OWN: Values = {
    "learning_rate": 0.002, "warmup": 0.0, "decay": "none", "batch_size": 64, "dropout": 0.5,
}  # fmt: skip
RATES = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016)


def write_tuning_result(
    store: Path,
    name: str = "imdb-cnn-grid-12345678",
    *,
    levels: tuple[float, ...] = (0.0, 0.36, 0.738, 0.832),
    seeds: tuple[int, ...] = (1, 2, 3),
    exponent: float = 0.5,
    curvature: float = 2.0,
    reinit: float = -2.0,
    failed: tuple[tuple[str, float, float, int], ...] = (),
    **changes: Any,
) -> Path:
    """Writes ``<store>/tunings/<name>`` and gives it.

    The best rate is 0.002 * (1 - level) ** -``exponent``; accuracy falls from there by
    ``curvature`` points a squared factor of e. ``reinit``: points that arm differs by. ``failed``
    are (arm, level, rate, seed). ``changes``: keys of ``tuning.json``.
    """
    rows = []
    for arm, level in [("dense", 0.0)] + [
        (arm, level) for level in levels if level for arm in ("ticket", "reinit")
    ]:
        peak = math.log(0.002) - exponent * math.log(1 - level)
        for rate in RATES:
            for seed in seeds:
                points = 88 - curvature * (math.log(rate) - peak) ** 2 + 0.1 * seed
                points += reinit * (arm == "reinit") + 0.03 * math.sin(7 * seed + 900 * rate)
                row = _row(arm, level, rate, seed, points)
                if (arm, level, rate, seed) in failed:
                    row |= {"state": "failed", "reason": "the loss is not finite"}
                rows.append(row)
    own = {**OWN, "learning_rate": changes.get("found_learning_rate", OWN["learning_rate"])}
    cells, comparisons = judge(rows, own, len(seeds), 0.5)
    rule = fit_rule(cells)
    about = {
        "name": name,
        "dataset": "imdb",
        "model": "cnn",
        "tuner": "grid",
        "seeds": list(seeds),
        "tolerance": 0.5,
        "found_learning_rate": 0.002,
        "space": {"learning_rate": {"values": list(RATES), "own": 0.002, "is_range": False}},
        "trials_a_cell": len(RATES),
        "cells": cells,
        "comparisons": comparisons,
        "failures": [row for row in rows if row["state"] == "failed"],
        "rule": rule and dataclasses.asdict(rule),
        "config": {"model": {"name": "cnn"}, "tuning": {"learning_rate": list(RATES)}},
        "caution": "",
        "command": "bin/tune_lr --config tune_cnn --seeds 3",
        "ticket": "",
        "versions": {"tflottery": "0.1.0"},
        **changes,
    }
    folder = store / "tunings" / name
    sealed = seal({"format_version": 1, **about["rule"]}) if about["rule"] else ""
    results.write(folder, about, rows, sealed, only_known=True)
    return folder


def _row(arm: str, level: float, rate: float, seed: int, points: float) -> dict[str, Any]:
    accuracy = round(points / 100, 6)
    return {
        "arm": arm, "level": level, **OWN, "learning_rate": rate, "stages": "", "seed": seed,
        "found_learning_rate": OWN["learning_rate"], "state": "done", "reason": "",
        "key": f"{arm} {level} {rate} {seed}", "sparsity": level,
        "sparsity_without_embedding": level, "remaining": round(1_000_000 * (1 - level)),
        "total": 1_000_000, "val_accuracy": accuracy, "val_loss": 1 - accuracy,
        "test_accuracy": round(accuracy - 0.01, 6), "test_loss": 1 - accuracy, "best_epoch": 3,
        "epochs": 3, "steps_per_epoch": 100, "steps_to_best": 300, "steps_to_99": 100,
        "trainings_behind": 2, "epochs_behind": 6,
        "epochs_to_99": round(2 - (95 + 5 * seed) * rate, 6),
    }  # fmt: skip
