"""Writes studies as bin/study would, from a seeded model of accuracies instead of trainings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tflottery.experiments.schema import MEASURED
from tflottery.experiments.study import results
from tflottery.files import seal, sha256_of_file

LEVELS = (0.36, 0.59, 0.738, 0.832, 0.972)
INITS = ("original", "rewind:1ep", "rewind:end", "random", "reinit")
DENSE = {"cnn": 0.872, "lstm": 0.861}
WEIGHTS = {"cnn": (1_038_528, 1_000_000), "lstm": (1_321_472, 1_280_000)}
GATES = ("input", "forget", "candidate", "output")
STEPS_PER_EPOCH = 313


def write_study(
    store: Path,
    name: str = "study_cnn",
    *,
    model: str = "cnn",
    seeds: tuple[int, ...] = (1, 2, 3),
    levels: tuple[float, ...] = LEVELS,
    failed: tuple[tuple[str, str, float, int], ...] = (),
    optional: bool = True,
    controls: bool = True,
    dataset: str = "imdb",
    reason: str = "the loss is not finite at step 40",
    **changes: Any,
) -> Path:
    """Writes ``<store>/studies/<name>`` and gives it.

    ``failed`` are (method, init, level, seed) of grid cells that failed, ``changes`` keys of
    ``study.json``.
    """
    folder = store / "studies" / name
    random = np.random.default_rng(len(name))
    cells = list(_rows(model, seeds, levels, controls, random))
    for row in cells:
        if (row["method"], row["init"], row["level"], row["seed"]) in failed:
            row.update(state="failed", reason=reason)
            row.update({column.name: None for column in MEASURED})
    keys = sorted({row["key"] for row in cells})
    times = random.uniform(25, 35, len(keys)).round(2)
    rows: dict[str, list[dict[str, Any]]] = {
        "cells": cells,
        "timings": [
            {"key": key, "seconds": float(time)} for key, time in zip(keys, times, strict=True)
        ],
    }
    if optional:
        rows |= _masks(model, seeds, levels, random)
        rows["instability"] = _stability(seeds, random)
    about = {**_about(name, model, seeds, dataset), **changes}
    results.write(folder, about, rows, only_known=True)
    return folder


def edit(folder: Path, name: str, change: Callable[[pd.DataFrame], pd.DataFrame | None]) -> None:
    """Changes a table of a folder and seals it again.

    Args:
        folder: of a study, a transfer or a search.
        name: of the file.
        change: gives the new table, or changes the one that it is given.
    """
    frame = pd.read_csv(folder / name)
    changed = change(frame)
    (frame if changed is None else changed).to_csv(folder / name, index=False)
    reseal(folder)


def reseal(folder: Path) -> None:
    """Makes the checksums of a folder's documents those of the files as they are."""
    for path in folder.glob("*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        document.pop("sha256")
        if "files" in document:
            document["files"] = {file: sha256_of_file(folder / file) for file in document["files"]}
            path.write_text(seal(document), encoding="utf-8")


def _about(name: str, model: str, seeds: tuple[int, ...], dataset: str) -> dict[str, Any]:
    weights, embedding = WEIGHTS[model]
    return {
        "name": name,
        "dataset": dataset,
        "model": model,
        "seeds": list(seeds),
        "config": {
            "data": {"dataset": dataset, "vocabulary_size": 20000, "max_length": 250},
            "model": {"name": model, "embedding": 50, "widths": [3], "filters": 128},
            "training": {"epochs": 3, "batch_size": 64, "learning_rate": 0.001},
        },
        "command": f"bin/study --config configs/{name}.toml --seeds {len(seeds)}",
        "versions": {"tflottery": "0.1.0", "python": "3.11.7", "tensorflow": "2.21.0"},
        "caution": "",
        "note": "The network is smaller than the note's: one branch of 128 filters.",
        "tolerance": 0.5,
        "prunable_weights": weights,
        "embedding_weights": embedding,
        "tensors": ["embedding", "conv", "output"],
    }


def _rows(
    model: str,
    seeds: tuple[int, ...],
    levels: tuple[float, ...],
    controls: bool,
    random: np.random.Generator,
) -> Iterator[dict[str, Any]]:
    for seed in seeds:
        luck = random.normal(0, 0.003)

        def row(part: str, method: str, mask: str, init: str, level: float, **more: Any) -> Any:
            return _row(model, seed, luck, random, part, method, mask, init, level, **more)  # noqa: B023

        yield row("dense", "dense", "dense", "fresh", 0.0)
        for level in levels:
            for init in INITS:
                yield row("grid", "iterative", "magnitude", init, level)
                if init != "reinit":
                    yield row("grid", "one_shot", "magnitude", init, level)
        if not controls:
            continue
        for level in [level for level in levels if level in (0.59, 0.832, 0.972)]:
            yield row("control", "iterative", "random", "original", level)
            yield row("control", "iterative", "shuffled", "original", level)
            yield row("control", "iterative", "magnitude", "signs", level)
            yield row("control", "iterative", "head_pruned", "original", level)
            yield row("control", "gradual", "gradual", "fresh", level)
            yield row("control", "dense", "dense", "fresh", level)
        for level in [level for level in levels if level in (0.59, 0.832)]:
            for method in ("one_shot", "iterative"):
                for init in ("rewind:0ep", "rewind:100it", "rewind:500it", "rewind:2ep"):
                    yield row("rewind", method, "magnitude", init, level)


def _row(
    model: str,
    seed: int,
    luck: float,
    random: np.random.Generator,
    part: str,
    method: str,
    mask: str,
    init: str,
    level: float,
) -> dict[str, Any]:
    weights, _ = WEIGHTS[model]
    rounds = round(np.log(1 - level) / np.log(0.8)) if level else 0
    harm = 0.02 * level**4 + (0.05 if method == "one_shot" else 0.02) * max(0, level - 0.9) * 14
    harm += {"random": 0.012, "reinit": 0.010, "fresh": 0.004, "signs": 0.006}.get(init, 0) * level
    harm += 0.02 * level if mask in ("random", "shuffled", "head_pruned") else 0
    harm -= 0.004 if init.startswith("rewind") and method == "iterative" else 0
    if part == "dense" or method == "dense":
        harm = -0.001 if part == "control" else 0
    test = round((DENSE[model] + luck - harm + random.normal(0, 0.002)) * 25000) / 25000
    validation = round((DENSE[model] + 0.004 + luck - harm + random.normal(0, 0.002)) * 5000) / 5000
    remaining = weights if method == "dense" else round(weights * (1 - level))
    trainings = {"iterative": rounds + 1, "one_shot": 2}.get(method, 1)
    key = hashlib.sha256(f"{model} {part} {method} {mask} {init} {level} {seed}".encode())
    best = 2 + (level > 0.7)
    return {
        "collapsed": int(mask == "random" and level > 0.9),
        "alike": int(mask == "shuffled" and level > 0.9),
        "part": part, "method": method, "mask": mask, "init": init, "level": level, "seed": seed,
        "state": "done", "reason": "", "key": key.hexdigest()[:32],
        "sparsity": 1 - remaining / weights,
        "sparsity_without_embedding": 1 - remaining / weights,
        "remaining": remaining, "total": weights, "val_accuracy": validation, "val_loss": 0.3,
        "test_accuracy": test, "test_loss": 0.31, "best_epoch": best, "epochs": 3,
        "steps_per_epoch": STEPS_PER_EPOCH, "steps_to_best": best * STEPS_PER_EPOCH,
        "steps_to_99": int(STEPS_PER_EPOCH * (1 + level) + random.integers(0, 90)),
        "trainings_behind": trainings, "epochs_behind": 3 * trainings,
    }  # fmt: skip


def _scopes(model: str, seed: int, level: float) -> Iterator[dict[str, Any]]:
    """What scopes leave of three parts: ``global`` more of the small ones."""
    middle = "gates" if model == "lstm" else "convolution"
    for scope, times in (("layerwise", 1.0), ("global", 3.0), ("uniform+", 20.0)):
        if scope == "uniform+" and level > 0.9:
            continue  # cannot be reached
        for part, total in (("embedding", 1_000_000), (middle, 19_200), ("head", 64)):
            more = 1.0 if part == "embedding" else times
            yield {
                "scope": scope, "level": level, "seed": seed, "part": part, "total": total,
                "remaining": round(total * min(1, more * (1 - level))),
            }  # fmt: skip


def _masks(
    model: str,
    seeds: tuple[int, ...],
    levels: tuple[float, ...],
    random: np.random.Generator,
) -> dict[str, list[dict[str, Any]]]:
    overlap, layers, scopes, early = [], [], [], []
    for level in levels:
        chance = (1 - level) / (1 + level)
        for seed in seeds:
            values = {"level": level, "seed_one": seed, "chance": chance}
            jaccard = min(1.0, chance + 0.4 + random.normal(0, 0.01))
            overlap.append(
                {"kind": "methods", "one": "iterative", "other": "one_shot",
                 "seed_other": seed, "jaccard": jaccard, **values}
            )  # fmt: skip
            for other in [other for other in seeds if other > seed]:
                for arm in ("iterative", "one_shot"):
                    overlap.append(
                        {"kind": "seeds", "one": arm, "other": arm, "seed_other": other,
                         "jaccard": min(1.0, chance + abs(random.normal(0.02, 0.01))), **values}
                    )  # fmt: skip
            for later in [later for later in levels if later > level]:
                overlap.append(
                    {"kind": "rounds", "one": f"{level:g}", "other": f"{later:g}",
                     "seed_other": seed, "jaccard": (1 - later) / (1 - level), **values}
                )  # fmt: skip
            tensors = [("embedding", ""), ("conv_3", ""), ("output", "")]
            if model == "lstm":
                tensors = [
                    ("embedding", ""), *(("lstm_forward/kernel", gate) for gate in GATES),
                    *(("lstm_forward/recurrent_kernel", gate) for gate in GATES), ("output", ""),
                ]  # fmt: skip
            if seed == seeds[0]:
                scopes += _scopes(model, seed, level)
            for method in ("one_shot", "iterative"):
                for tensor, gate in tensors:
                    total = 1_000_000 if tensor == "embedding" else 19_200
                    kept = (1 - level) * (1 + (0.1 * random.normal() if gate else 0))
                    layers.append(
                        {"method": method, "init": "original", "level": level, "seed": seed,
                         "tensor": tensor, "gate": gate, "remaining": round(total * min(1, kept)),
                         "total": total}
                    )  # fmt: skip
            for one in range(4):
                for other in range(one + 1, 5):
                    relative = 0.5 * np.exp(-1.1 * one) * (1 - 0.8 ** (other - one)) / 0.5
                    early.append(
                        {"seed": seed, "level": level, "epoch_one": one, "epoch_other": other,
                         "distance": relative * 2 * level * (1 - level), "relative": relative,
                         "jaccard": 1 - relative}
                    )  # fmt: skip
    return {"overlap": overlap, "layers": layers, "scopes": scopes, "early_bird": early}


def _stability(seeds: tuple[int, ...], random: np.random.Generator) -> list[dict[str, Any]]:
    return [
        {
            "seed": seed, "point": point, "alpha": round(alpha, 2),
            "val_loss": 0.32 + height * alpha * (1 - alpha),
            "val_error": 0.13 + height * alpha * (1 - alpha) + random.normal(0, 0.001),
        }
        for seed in seeds
        for point, height in (("0ep", 0.9), ("100it", 0.5), ("1ep", 0.1), ("end", 0.02))
        for alpha in np.linspace(0, 1, 11)
    ]  # fmt: skip
