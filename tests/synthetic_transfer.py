"""Writes transfers as bin/transfer would, with made-up accuracies instead of trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tflottery.experiments.transfer import results
from tflottery.experiments.transfer.arms import DEFAULT_ARMS, DENSE_ARM, FULL_ARMS
from tflottery.experiments.transfer.judging import judge, mean_overlap

# Points that an arm loses at full sparsity, before chance.
HARM = {
    ("target", "target"): 2.0, ("source", "source"): 2.0, ("source", "reinit"): 5.0,
    ("random", "reinit"): 9.0,
}  # fmt: skip
TENSORS = ("all", "embedding/embeddings", "conv_3/kernel", "head/kernel")


def write_transfer_result(
    store: Path,
    name: str = "imdb-to-yelp_polarity_sample-cnn-reuse-12345678",
    *,
    levels: tuple[float, ...] = (0.36, 0.59, 0.832),
    seeds: tuple[int, ...] = (1, 2, 3),
    full: bool = False,
    shifts: dict[tuple[str, str], float] | None = None,
    noise: float = 0.05,
    **changes: Any,
) -> Path:
    """Writes ``<store>/transfers/<name>`` and gives it.

    ``shifts``: points of an arm minus dense at every level, instead of those that ``HARM`` makes;
    ``noise``: how far neighbouring arms swing apart from seed to seed, in points; ``changes``: keys
    of ``result.json``.
    """
    rows = []
    for seed in seeds:
        dense = 92 + 0.1 * seed
        rows.append(_row(*DENSE_ARM, 0.0, seed, dense))
        for level in levels:
            for place, arm in enumerate(FULL_ARMS if full else DEFAULT_ARMS):
                shift = -HARM.get(arm, 4.0) * level**2 if shifts is None else shifts[arm]
                swing = noise * (-1) ** (seed + place)
                rows.append(_row(*arm, level, seed, dense + shift + swing))
    arms, gains = judge(rows)
    overlap = [
        {
            "level": level, "seed": seed, "tensor": tensor, "jaccard": 0.5,
            "chance": (1 - level) / (1 + level), "remaining_source": 100, "remaining_target": 100,
            "total": 1_000,
        }
        for level in levels
        for seed in seeds
        for tensor in TENSORS
    ]  # fmt: skip
    about = {
        "name": name,
        "source": _data("imdb", 20_000, 25_000),
        "target": _data("yelp_polarity_sample", 22_268, 7_114),
        "model": "cnn",
        "vocabulary": "reuse",
        "vocabulary_size": 20_000,
        "words": {
            "source_unknown": 0.03, "target_unknown": 0.06, "target_unknown_own": 0.01,
            "divergence": 0.2,
        },
        "same_classes": True,
        "grid": "full" if full else "default",
        "levels": list(levels),
        "seeds": list(seeds),
        "tolerance": 0.5,
        "arms": arms,
        "gains": gains,
        "overlap": mean_overlap(overlap),
        "failures": [],
        "config": {"model": {"name": "cnn"}, "pruning": {"rate": 0.2}},
        "caution": "",
        "command": "bin/transfer --to yelp_polarity",
        "versions": {"tflottery": "0.1.0"},
        **changes,
    }  # fmt: skip
    folder = store / "transfers" / name
    results.write(folder, about, {"cells": rows, "overlap": overlap}, only_known=True)
    return folder


def _data(name: str, train: int, test: int) -> dict[str, Any]:
    return {
        "dataset": name, "classes": ["neg", "pos"], "train": train, "validation": train // 4,
        "test": test,
    }  # fmt: skip


def _row(mask: str, init: str, level: float, seed: int, points: float) -> dict[str, Any]:
    return {
        "mask": mask, "init": init, "level": level, "seed": seed, "state": "done", "reason": "",
        "key": f"{mask} {init} {level} {seed}", "sparsity": level,
        "sparsity_without_embedding": level, "remaining": round(1_000_000 * (1 - level)),
        "total": 1_000_000, "val_accuracy": 0.9, "val_loss": 0.3,
        "test_accuracy": round(min(points, 100) / 100, 6), "test_loss": 0.3, "best_epoch": 2,
        "epochs": 3,
        "steps_per_epoch": 100, "steps_to_best": 200, "steps_to_99": round(100 * (1 + level)),
        "trainings_behind": 2, "epochs_behind": 6, "epochs_to_99": 1 + level,
    }  # fmt: skip
