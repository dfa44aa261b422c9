"""What a study gave, as tables on disk: the only thing that a report reads.

``<store>/studies/<name>/`` holds ``study.json`` (what was asked, sealed) and CSV files. All but
``timings.csv`` are the same, byte for byte, however often the study was interrupted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tflottery.configuration import Configuration
from tflottery.files import Arrays, new_folder, seal
from tflottery.models.architecture import Architecture
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.masks import Masks, To
from tflottery.runs.encoded import load_corpus
from tflottery.runs.executors import Executor
from tflottery.runs.measures import MEASURED, measures
from tflottery.runs.realise import Realiser, realise_all
from tflottery.runs.recipes import Recipe, recipe_to_tables, without_places
from tflottery.runs.specs import EMBEDDING, RunSpec, ancestry, excluded
from tflottery.runs.store import Run, Store
from tflottery.study import (
    Cell,
    StudySettings,
    early_bird_specs,
    instability_pair,
    make_cells,
)
from tflottery.tickets.plan import PruningSettings
from tflottery.training import steps
from tflottery.versions import versions

FORMAT_VERSION = 1
_LABELS = ("part", "method", "mask", "init", "level", "seed")
# Said even where every training failed and there is nothing to fill in.
_CELLS = [*_LABELS, "state", "reason", "key", *MEASURED]
_ALPHAS = tuple(round(0.1 * tenth, 1) for tenth in range(11))


@dataclass(frozen=True)
class Study:
    """A configuration with its data identified, over some seeds."""

    config: Configuration
    recipe: Recipe
    seeds: tuple[int, ...]

    @property
    def settings(self) -> StudySettings:
        return self.config.study

    def cells(self, seed: int) -> list[Cell]:
        """The networks to compare for one seed."""
        return make_cells(self.recipe, self.config.pruning, self.settings, seed)

    def pairs(self, seed: int) -> list[tuple[str, RunSpec, RunSpec]]:
        """(rewind point, one data order, the other) for the instability analysis."""
        dense = self.cells(seed)[0].spec
        return [
            (point, *instability_pair(dense, point, seed))
            for point in self.settings.instability_points
        ]

    def specs(self, seed: int) -> list[RunSpec]:
        """Every training of one seed that something is read from."""
        pairs = [spec for _, one, other in self.pairs(seed) for spec in (one, other)]
        return [cell.spec for cell in self.cells(seed)] + pairs

    def wanted(self, seed: int) -> list[RunSpec]:
        """What a realiser has to know of beforehand: ``specs``, and whose snapshots they want."""
        dense = self.cells(seed)[0]
        return self.specs(seed) + early_bird_specs(dense, self.settings)


def run_study(study: Study, realise: Realiser, execute: Executor = realise_all) -> dict[str, str]:
    """Trains what is missing; gives the reasons of failures by key.

    A training that fails takes its descendants with it; the rest goes on.
    """
    return execute((spec for seed in study.seeds for spec in study.specs(seed)), realise)


def write_findings(
    study: Study, realise: Realiser, store: Store, failures: dict[str, str], command: str
) -> Path:
    """Writes the study's folder from the runs in the store, whole, in place of an older one; gives
    the folder."""
    folder = store.root / "studies" / study.config.name
    reader = _Reader(study, realise, failures)
    corpus = load_corpus(study.recipe.data, store)
    dense = reader.run(study.cells(study.seeds[0])[0])
    shapes = {} if dense is None else {name: m.shape for name, m in dense.masks().items()}
    tables = {
        "cells": pd.DataFrame(reader.cells(), columns=_CELLS),
        "timings": pd.DataFrame(reader.timings(), columns=["key", "seconds"]),
    }
    optional = {
        "overlap": reader.overlap(),
        "layers": reader.layers(study.recipe.model),
        "early_bird": reader.early_bird(),
        "instability": reader.instability(),
    }
    tables |= {name: pd.DataFrame(rows) for name, rows in optional.items() if rows}
    tables_of_config = {
        **recipe_to_tables(study.recipe),
        "pruning": dataclasses.asdict(study.config.pruning),
        "study": dataclasses.asdict(study.settings),
    }
    payload = {
        "format_version": FORMAT_VERSION,
        "name": study.config.name,
        "dataset": corpus.name,
        "model": study.recipe.model.name,
        "seeds": list(study.seeds),
        "config": without_places(tables_of_config),
        "command": command,
        "versions": versions(),
        "caution": corpus.caution,
        "note": study.settings.note,
        "tolerance": study.config.pruning.tolerance,
        "prunable_weights": sum(int(np.prod(shape)) for shape in shapes.values()),
        "embedding_weights": int(np.prod(shapes.get(EMBEDDING, (0,)))),
        "tensors": sorted(shapes),
    }
    with new_folder(folder) as staging:
        for name, table in tables.items():
            text = table.to_csv(index=False, lineterminator="\n")
            (staging / f"{name}.csv").write_text(text, encoding="utf-8")
        (staging / "study.json").write_text(seal(payload), encoding="utf-8")
    return folder


class _Reader:
    """Rows of the tables, from finished runs."""

    def __init__(self, study: Study, realise: Realiser, failures: dict[str, str]) -> None:
        self._study = study
        self._realise = realise
        self._failures = failures

    def run(self, cell: Cell) -> Run | None:
        """The cell's run, unless it failed."""
        return None if cell.spec.key in self._failures else self._realise(cell.spec)

    def _all(self) -> Iterable[tuple[Cell, Run | None]]:
        for seed in self._study.seeds:
            for cell in self._study.cells(seed):
                yield cell, self.run(cell)

    def cells(self) -> list[dict[str, Any]]:
        return [self._cell_row(cell, run) for cell, run in self._all()]

    def _cell_row(self, cell: Cell, run: Run | None) -> dict[str, Any]:
        row = {
            **{name: getattr(cell, name) for name in _LABELS},
            "state": "failed" if run is None else "done",
            "reason": self._failures.get(cell.spec.key, ""),
            "key": cell.spec.key,
        }
        if run is None:
            return row
        behind = (self._realise(spec) for spec in ancestry([cell.spec]))
        return {**row, **measures(run, behind)}

    def timings(self) -> list[dict[str, Any]]:
        specs = [spec for seed in self._study.seeds for spec in self._study.specs(seed)]
        done = ancestry(spec for spec in specs if spec.key not in self._failures)
        return [
            {"key": spec.key, "seconds": round(self._realise(spec).seconds, 2)} for spec in done
        ]

    def _tickets(self) -> dict[tuple[str, float, int], Masks]:
        """Masks of the tickets from original init, by method, level and seed."""
        return {
            (cell.method, cell.level, cell.seed): run.masks()
            for cell, run in self._all()
            if run is not None and cell.part == "grid" and cell.init == "original"
        }

    def overlap(self) -> list[dict[str, Any]]:
        found = self._tickets()
        rows = []
        for one, other in combinations(found, 2):
            same = [left == right for left, right in zip(one, other, strict=True)]
            kinds = {
                (False, True, True): "methods",
                (True, False, True): "rounds",
                (True, True, False): "seeds",
            }
            kind = kinds.get((same[0], same[1], same[2]))
            if kind is None or (kind == "rounds" and one[0] != "iterative"):
                continue
            # A curve of the report joins the levels of equal names; rounds differ by level.
            names = [f"{mask[1]:g}" if kind == "rounds" else mask[0] for mask in (one, other)]
            rows.append(
                {
                    "kind": kind,
                    "level": one[1],
                    "one": names[0],
                    "other": names[1],
                    "seed_one": one[2],
                    "seed_other": other[2],
                    "jaccard": mask_ops.overlap(found[one], found[other]),
                    "chance": mask_ops.chance_overlap(found[one], found[other]),
                }
            )
        return rows

    def layers(self, architecture: Architecture) -> list[dict[str, Any]]:
        rows = []
        for (method, level, seed), masks in self._tickets().items():
            for tensor, mask in masks.items():
                parts = {"": mask}
                if gates := architecture.gates(tensor):
                    parts |= dict(zip(gates, np.split(mask, len(gates), axis=-1), strict=True))
                for gate, part in parts.items():
                    rows.append(
                        {
                            "method": method,
                            "init": "original",
                            "level": level,
                            "seed": seed,
                            "tensor": tensor,
                            "gate": gate,
                            "remaining": int(part.sum()),
                            "total": part.size,
                        }
                    )
        return rows

    def early_bird(self) -> list[dict[str, Any]]:
        """Masks that one-shot pruning would draw at moments of the dense training, compared."""
        rows = []
        points = self._study.settings.early_bird_points
        for seed in self._study.seeds:
            run = self.run(self._study.cells(seed)[0])
            if run is None:
                continue
            names = list(run.masks())
            per_epoch = int(run.metrics["steps_per_epoch"])
            epochs = {p: round(steps.iteration(p, per_epoch) / per_epoch, 4) for p in points}
            snapshots = {point: run.snapshot(point) for point in points}
            for level in self._study.settings.levels:
                drawn = {
                    point: _draw(weights, names, level, self._study.config.pruning)
                    for point, weights in snapshots.items()
                }
                for one, other in combinations(points, 2):
                    pair = drawn[one], drawn[other]
                    distance = mask_ops.distance(*pair)
                    rows.append(
                        {
                            "seed": seed,
                            "level": level,
                            "epoch_one": epochs[one],
                            "epoch_other": epochs[other],
                            "distance": distance,
                            # Where nothing is pruned, masks differ neither here nor by chance.
                            "relative": distance / (mask_ops.chance_distance(*pair) or 1.0),
                            "jaccard": mask_ops.overlap(*pair),
                        }
                    )
        return rows

    def instability(self) -> list[dict[str, Any]]:
        """Validation loss and error along the line between two data orders."""
        rows = []
        for seed in self._study.seeds:
            for point, one, other in self._study.pairs(seed):
                if {one.key, other.key} & set(self._failures):
                    continue
                ends = [self._realise(spec).snapshot("end") for spec in (one, other)]
                for alpha in _ALPHAS:
                    result = self._realise.evaluate(one, _between(ends, alpha))
                    rows.append(
                        {
                            "seed": seed,
                            "point": point,
                            "alpha": alpha,
                            "val_loss": result["loss"],
                            "val_error": 1 - result["accuracy"],
                        }
                    )
        return rows


def _draw(weights: Arrays, names: list[str], level: float, pruning: PruningSettings) -> Masks:
    """The mask that the study would prune to by these weights."""
    return mask_ops.prune(
        mask_ops.dense({name: weights[name].shape for name in names}),
        {name: np.abs(weights[name]) for name in names},
        To(level),
        scope="global" if pruning.scope == "global" else "layerwise",
        exclude=excluded(pruning.embedding, pruning.head),
    )


def _between(ends: Sequence[Arrays], alpha: float) -> Arrays:
    one, other = ends
    return {name: ((1 - alpha) * one[name] + alpha * other[name]) for name in one}
