"""What a study's runs say, as the tables of its folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from tflottery import steps
from tflottery.data.look.inspection import Inspection
from tflottery.experiments.claims import over_texts
from tflottery.experiments.learnt import what_dense_learnt
from tflottery.experiments.names import AT_INIT
from tflottery.experiments.schema import DONE, FAILED
from tflottery.experiments.study import controls, results, sharing
from tflottery.experiments.study.arms import Cell
from tflottery.experiments.study.design import Study
from tflottery.experiments.study.results import LABELS
from tflottery.files import Arrays
from tflottery.models.architecture import Architecture
from tflottery.models.biases import biases_beside
from tflottery.naming import short_name
from tflottery.pruning import criteria, likeness
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.collapse import collapsed
from tflottery.pruning.masks import Masks
from tflottery.runs.encoded import load_corpus
from tflottery.runs.executors import Executor
from tflottery.runs.measures import measures, steps_until
from tflottery.runs.pruned import Pruned
from tflottery.runs.realise import Realiser, realise_all
from tflottery.runs.recipes import Recipe, recipe_to_tables, without_places
from tflottery.runs.run import Run
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.runs.store import Store
from tflottery.tickets import plan as plans
from tflottery.tickets import words
from tflottery.tickets.plan import PruningSettings
from tflottery.versions import versions

# Of dense's last validation accuracy, a fraction: so near counts as converged.
CONVERGED_WITHIN = 0.005
_ALPHAS = tuple(round(0.1 * tenth, 1) for tenth in range(11))


def run_study(study: Study, realise: Realiser, execute: Executor = realise_all) -> dict[str, str]:
    """Trains what is missing; gives the reasons of failures by key.

    A training that fails takes its descendants with it; the rest goes on.
    """
    return execute((spec for seed in study.all_seeds for spec in study.specs(seed)), realise)


def write_study(
    study: Study,
    realise: Realiser,
    store: Store,
    failures: Mapping[str, str],
    command: str,
    seen: Inspection | None = None,
) -> Path:
    """Writes the study's folder from the runs in the store, in place of an older one.

    Args:
        study: what was asked.
        realise: gives the finished runs.
        store: where they are.
        failures: reasons by key of runs that failed.
        command: what was typed.
        seen: the look at the data before the trainings.

    Returns:
        The folder.
    """
    folder = store.root / results.STUDIES / short_name(study.name, 150)
    measured = _Measured(study, realise, failures)
    corpus = load_corpus(study.recipe.data, store)
    dense = measured.run(study.cells(study.seeds[0])[0])
    shapes = {} if dense is None else _prunable(study, dense)
    settings = {
        **recipe_to_tables(study.recipe),
        "pruning": study.pruning.table(),
        "study": dataclasses.asdict(study.settings),
    }
    about = {
        "name": study.name,
        "dataset": corpus.name,
        "model": study.recipe.model.name,
        "seeds": list(study.seeds),
        "config": without_places(settings),
        "command": command,
        "versions": versions(),
        "caution": corpus.caution,
        "note": study.settings.note,
        "tolerance": study.pruning.tolerance,
        "prunable_weights": sum(int(np.prod(shape)) for shape in shapes.values()),
        "embedding_weights": sum(
            int(np.prod(shapes[name]))
            for name in study.recipe.model.roles().embedding
            if name in shapes
        ),
        "tensors": sorted(shapes),
        "learnt": what_dense_learnt(measured.dense(), corpus, realise.predictions),
    }
    of_data = seen.cautions if seen else ()
    cells = measured.cells()
    collapses = words.on_collapse(measured.collapses(cells))
    known = (line for line in of_data if line != corpus.caution)
    if cautions := [*collapses, *known, *study.left_out]:
        about["cautions"] = cautions
    if seen:
        about["inspection"] = seen.findings.payload()
    rows = {
        "cells": cells,
        "timings": measured.timings(),
        "overlap": measured.overlap(),
        "layers": measured.layers(study.recipe.model),
        "scopes": measured.scopes(),
        "early_bird": measured.early_bird(),
        "instability": measured.instability(),
        "texts": over_texts.rows(study.name, corpus.name, measured.all()),
    }
    results.write(folder, about, rows)
    return folder


def _prunable(study: Study, dense: Run) -> dict[str, tuple[int, ...]]:
    """Shapes of all tensors that the study prunes; the dense network has no masks of biases."""
    shapes: dict[str, tuple[int, ...]] = {n: mask.shape for n, mask in dense.masks().items()}
    if study.pruning.biases:
        weights = dense.snapshot(steps.END)
        shapes |= {name: weights[name].shape for name in biases_beside(shapes, weights)}
    return shapes


class _Measured:
    """Rows of the tables, from finished runs."""

    def __init__(self, study: Study, realise: Realiser, failures: Mapping[str, str]) -> None:
        self._study = study
        self._realise = realise
        self._failures = failures

    def run(self, cell: Cell) -> Run | None:
        """The cell's run, unless it failed."""
        return None if cell.spec.key in self._failures else self._realise(cell.spec)

    def dense(self) -> list[RunSpec]:
        """The dense networks that finished, one a seed."""
        specs = [self._study.cells(seed)[0].spec for seed in self._study.all_seeds]
        return [spec for spec in specs if spec.key not in self._failures]

    def all(self) -> Iterable[tuple[Cell, Run | None]]:
        for seed in self._study.all_seeds:
            for cell in self._study.cells(seed):
                yield cell, self.run(cell)

    def cells(self) -> list[dict[str, Any]]:
        cells = list(self.all())
        # What every training of a seed has to reach: dense's last accuracy, but for the margin.
        goals = {
            cell.seed: run.history[-1]["val_accuracy"] - CONVERGED_WITHIN
            for cell, run in cells
            if run is not None and (cell.part, cell.method) == ("convergence", "dense")
        }
        return [self._cell_row(cell, run, goals) for cell, run in cells]

    def _cell_row(self, cell: Cell, run: Run | None, goals: Mapping[int, float]) -> dict[str, Any]:
        row = {
            **{name: getattr(cell, name) for name in LABELS},
            "state": FAILED if run is None else DONE,
            "reason": self._failures.get(cell.spec.key, ""),
            "key": cell.spec.key,
        }
        if run is None:
            return row
        # What is pruned before training needs nothing of dense but its beginning.
        needed = [cell.spec] if cell.method == AT_INIT else ancestry([cell.spec])
        behind = (self._realise(spec) for spec in needed)
        if cell.part == "convergence" and cell.seed in goals:
            row["steps_to_dense"] = steps_until(run, goals[cell.seed])
        return {**row, **measures(run, cell.spec.recipe.model.roles(), behind)}

    def timings(self) -> list[dict[str, Any]]:
        specs = [spec for seed in self._study.all_seeds for spec in self._study.specs(seed)]
        done = ancestry(spec for spec in specs if spec.key not in self._failures)
        return [
            {"key": spec.key, "seconds": round(self._realise(spec).seconds, 2)} for spec in done
        ]

    def _tickets(self) -> dict[tuple[str, float, int], Masks]:
        """Masks of the tickets from original init, by method, level and seed."""
        return {
            (cell.method, cell.level, cell.seed): run.masks()
            for cell, run in self.all()
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
                    "jaccard": likeness.overlap(found[one], found[other]),
                    "chance": likeness.chance_overlap(found[one], found[other]),
                }
            )
        return [*rows, *self._overlap_with_start(found)]

    def _overlap_with_start(
        self, tickets: Mapping[tuple[str, float, int], Masks]
    ) -> Iterator[dict[str, Any]]:
        """Each ticket's mask beside the one that the sizes of the initial weights would give: how
        far the mask was fixed before anything was learnt."""
        study = self._study
        if study.pruning.criterion != "magnitude":
            return
        for seed in study.seeds:
            dense = self.run(study.cells(seed)[0])
            if dense is None:
                continue
            masks, start = dense.masks(), dense.snapshot(steps.BEGINNING)
            for (method, level, own), mask in tickets.items():
                if own != seed:
                    continue
                pruning = one_shot_mask(study.recipe, study.pruning, level, seed)
                before = pruning.prune(masks, start)
                yield {
                    "kind": "start",
                    "level": level,
                    "one": method,
                    "other": "initial sizes",
                    "seed_one": seed,
                    "seed_other": seed,
                    "jaccard": likeness.overlap(mask, before),
                    "chance": likeness.chance_overlap(mask, before),
                }

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

    def scopes(self) -> list[dict[str, Any]]:
        """What every scope would leave of the parts of the first dense network that finished; none
        where whole units are pruned, which have no weights to compete."""
        study, pruning = self._study, self._study.pruning
        if criteria.scores_units(pruning.criterion):
            return []
        for seed in study.seeds:
            dense = self.run(study.cells(seed)[0])
            if dense is not None:
                masks = mask_ops.dense(_prunable(study, dense))
                given = sharing.shares(
                    study.recipe.model, masks, dense.snapshot(steps.END), study.settings.levels,
                    embedding=pruning.embedding, head=pruning.head,
                )  # fmt: skip
                return [{**row, "seed": seed} for row in given]
        return []

    def collapses(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Sequence[str]]]:
        """What each network with a collapsed layer is called, and its layers without a weight.

        Args:
            rows: as ``cells`` gives them.
        """
        for (cell, run), row in zip(self.all(), rows, strict=True):
            if run is not None and row["collapsed"]:
                name = f"seed {cell.seed} {cell.method} {cell.mask} {cell.init} {cell.level:g}"
                yield (
                    (name if cell.part == "grid" else f"{name} {cell.part}"),
                    collapsed(run.masks()),
                )

    def early_bird(self) -> list[dict[str, Any]]:
        """Masks that one-shot pruning would draw at moments of the dense training, compared."""
        rows: list[dict[str, Any]] = []
        study = self._study
        points = study.settings.early_bird_points
        if not controls.follows_moments(study.pruning):
            return rows
        for seed in study.seeds:
            run = self.run(study.cells(seed)[0])
            if run is None:
                continue
            per_epoch = int(run.metrics["steps_per_epoch"])
            epochs = {p: round(steps.iteration(p, per_epoch) / per_epoch, 4) for p in points}
            snapshots = {point: run.snapshot(point) for point in points}
            for level in study.settings.levels:
                pruning = one_shot_mask(study.recipe, study.pruning, level, seed)
                drawn = {
                    point: pruning.prune(
                        run.masks(), weights, partial(self._realise.computed, pruning.of)
                    )
                    for point, weights in snapshots.items()
                }
                for one, other in combinations(points, 2):
                    pair = drawn[one], drawn[other]
                    distance = likeness.distance(*pair)
                    rows.append(
                        {
                            "seed": seed,
                            "level": level,
                            "epoch_one": epochs[one],
                            "epoch_other": epochs[other],
                            "distance": distance,
                            # Where nothing is pruned, masks differ neither here nor by chance.
                            "relative": distance / (likeness.chance_distance(*pair) or 1.0),
                            "jaccard": likeness.overlap(*pair),
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


def one_shot_mask(recipe: Recipe, pruning: PruningSettings, level: float, seed: int) -> Pruned:
    """How one-shot pruning to a level draws its mask: by the study's own criterion and scope."""
    settings = dataclasses.replace(pruning, method="one_shot", sparsity=level, init="original")
    mask = plans.make_plan(recipe, settings, seed).levels[-1].mask
    assert isinstance(mask, Pruned)
    return mask


def _between(ends: Sequence[Arrays], alpha: float) -> Arrays:
    one, other = ends
    return {name: ((1 - alpha) * one[name] + alpha * other[name]) for name in one}
