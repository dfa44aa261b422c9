"""What a study's masks say: rows of the tables of overlap, layers, scopes and early masks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from tflottery import steps
from tflottery.errors import TrainingError
from tflottery.experiments.study import controls, sharing
from tflottery.experiments.study.design import Study
from tflottery.experiments.study.finished_runs import FinishedRuns
from tflottery.models.biases import biases_beside
from tflottery.pruning import criteria, likeness
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.masks import Masks
from tflottery.runs.pruned import Pruned
from tflottery.runs.recipes import Recipe
from tflottery.runs.run import Run
from tflottery.tickets import plan as plans
from tflottery.tickets.settings import PruningSettings


def overlap(runs: FinishedRuns) -> list[dict[str, Any]]:
    """Pairs of tickets' masks, and each mask beside that of the initial weights' sizes: how alike
    they are, and how alike by chance."""
    found = _tickets(runs)
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
    return [*rows, *_overlap_with_start(runs, found)]


def _overlap_with_start(
    runs: FinishedRuns, tickets: Mapping[tuple[str, float, int], Masks]
) -> Iterator[dict[str, Any]]:
    """Each ticket's mask beside the one that the sizes of the initial weights would give: how
    far the mask was fixed before anything was learnt."""
    study = runs.study
    if study.pruning.criterion != "magnitude":
        return
    for seed in study.seeds:
        dense = runs.run(study.cells(seed)[0])
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


def layers(runs: FinishedRuns) -> list[dict[str, Any]]:
    """What each ticket keeps of each tensor, gate by gate."""
    rows = []
    for (method, level, seed), masks in _tickets(runs).items():
        for tensor, mask in masks.items():
            parts = {"": mask}
            if gates := runs.study.recipe.model.gates(tensor):
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


def scopes(runs: FinishedRuns) -> list[dict[str, Any]]:
    """What every scope would leave of the parts of the first dense network that finished; none
    where whole units are pruned, which have no weights to compete."""
    study, pruning = runs.study, runs.study.pruning
    if criteria.scores_units(pruning.criterion):
        return []
    for seed in study.seeds:
        dense = runs.run(study.cells(seed)[0])
        if dense is not None:
            masks = mask_ops.dense(prunable(study, dense))
            given = sharing.shares(
                study.recipe.model, masks, dense.snapshot(steps.END), study.settings.levels,
                embedding=pruning.embedding, head=pruning.head,
            )  # fmt: skip
            return [{**row, "seed": seed} for row in given]
    return []


def early_bird(runs: FinishedRuns) -> list[dict[str, Any]]:
    """Masks that one-shot pruning would draw at moments of the dense training, compared, as far as
    its criterion can score them."""
    rows: list[dict[str, Any]] = []
    study = runs.study
    points = study.settings.early_bird_points
    if not controls.follows_moments(study.pruning):
        return rows
    for seed in study.seeds:
        run = runs.run(study.cells(seed)[0])
        if run is None:
            continue
        per_epoch = int(run.metrics["steps_per_epoch"])
        epochs = {p: round(steps.iteration(p, per_epoch) / per_epoch, 4) for p in points}
        snapshots = {point: run.snapshot(point) for point in points}
        for level in study.settings.levels:
            pruning = one_shot_mask(study.recipe, study.pruning, level, seed)
            drawn: dict[str, Masks] = {}
            for point, weights in snapshots.items():
                # A moment whose gradients are not finite has no mask; the others have theirs.
                with suppress(TrainingError):
                    drawn[point] = pruning.prune(
                        run.masks(), weights, partial(runs.realise.computed, pruning.of)
                    )
            for one, other in combinations(drawn, 2):
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


def _tickets(runs: FinishedRuns) -> dict[tuple[str, float, int], Masks]:
    """Masks of the tickets from original init, by method, level and seed."""
    return {
        (cell.method, cell.level, cell.seed): run.masks()
        for cell, run in runs.all()
        if run is not None and cell.part == "grid" and cell.init == "original"
    }


def prunable(study: Study, dense: Run) -> dict[str, tuple[int, ...]]:
    """Shapes of all tensors that the study prunes; the dense network has no masks of biases."""
    shapes: dict[str, tuple[int, ...]] = {n: mask.shape for n, mask in dense.masks().items()}
    if study.pruning.biases:
        weights = dense.snapshot(steps.END)
        shapes |= {name: weights[name].shape for name in biases_beside(shapes, weights)}
    return shapes


def one_shot_mask(recipe: Recipe, pruning: PruningSettings, level: float, seed: int) -> Pruned:
    """How one-shot pruning to a level draws its mask: by the study's own criterion and scope."""
    settings = dataclasses.replace(pruning, method="one_shot", sparsity=level, init="original")
    mask = plans.make_plan(recipe, settings, seed).levels[-1].mask
    assert isinstance(mask, Pruned)
    return mask
