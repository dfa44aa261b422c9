"""What a study's runs say, as the tables of its folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tflottery.data.look.inspection import Inspection
from tflottery.experiments.claims import over_texts
from tflottery.experiments.learnt import what_dense_learnt
from tflottery.experiments.names import AT_INIT
from tflottery.experiments.schema import DONE, FAILED
from tflottery.experiments.study import mask_rows, results
from tflottery.experiments.study.arms import Cell
from tflottery.experiments.study.design import Study
from tflottery.experiments.study.finished_runs import FinishedRuns
from tflottery.experiments.study.results import LABELS
from tflottery.files import Arrays
from tflottery.naming import short_name
from tflottery.pruning.collapse import collapsed
from tflottery.runs.encoded import load_corpus
from tflottery.runs.executors import Executor
from tflottery.runs.measures import measures, steps_until
from tflottery.runs.realise import Realiser, realise_all
from tflottery.runs.recipes import recipe_to_tables, without_places
from tflottery.runs.run import Run
from tflottery.runs.specs import ancestry
from tflottery.runs.store import Store
from tflottery.tickets import words
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
    runs = FinishedRuns(study, realise, failures)
    corpus = load_corpus(study.recipe.data, store)
    dense = runs.run(study.cells(study.seeds[0])[0])
    shapes = {} if dense is None else mask_rows.prunable(study, dense)
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
        "learnt": what_dense_learnt(runs.dense(), corpus, realise.predictions),
    }
    of_data = seen.cautions if seen else ()
    cells = _cells(runs)
    empty = list(_collapses(runs, cells))
    alike = _called_alike(runs, cells, dict(empty))
    collapses = (*words.on_collapse(empty), *words.on_alike(alike))
    known = (line for line in of_data if line != corpus.caution)
    if cautions := [*collapses, *known, *study.remarks]:
        about["cautions"] = cautions
    if seen:
        about["inspection"] = seen.findings.payload()
    rows = {
        "cells": cells,
        "timings": _timings(runs),
        "overlap": mask_rows.overlap(runs),
        "layers": mask_rows.layers(runs),
        "scopes": mask_rows.scopes(runs),
        "early_bird": mask_rows.early_bird(runs),
        "instability": _instability(runs),
        "texts": over_texts.rows(study.name, corpus.name, runs.all()),
    }
    results.write(folder, about, rows)
    return folder


def _cells(runs: FinishedRuns) -> list[dict[str, Any]]:
    cells = list(runs.all())
    # What every training of a seed has to reach: dense's last accuracy, but for the margin.
    goals = {
        cell.seed: run.history[-1]["val_accuracy"] - CONVERGED_WITHIN
        for cell, run in cells
        if run is not None and (cell.part, cell.method) == ("convergence", "dense")
    }
    return [_cell_row(runs, cell, run, goals) for cell, run in cells]


def _cell_row(
    runs: FinishedRuns, cell: Cell, run: Run | None, goals: Mapping[int, float]
) -> dict[str, Any]:
    row = {
        **{name: getattr(cell, name) for name in LABELS},
        "state": FAILED if run is None else DONE,
        "reason": runs.failures.get(cell.spec.key, ""),
        "key": cell.spec.key,
    }
    if run is None:
        return row
    # What is pruned before training needs nothing of dense but its beginning.
    needed = [cell.spec] if cell.method == AT_INIT else ancestry([cell.spec])
    behind = (runs.realise(spec) for spec in needed)
    if cell.part == "convergence" and cell.seed in goals:
        row["steps_to_dense"] = steps_until(run, goals[cell.seed])
    return {**row, **measures(run, cell.spec.recipe.model.roles(), behind)}


def _timings(runs: FinishedRuns) -> list[dict[str, Any]]:
    specs = [spec for seed in runs.study.all_seeds for spec in runs.study.specs(seed)]
    done = ancestry(spec for spec in specs if spec.key not in runs.failures)
    return [{"key": spec.key, "seconds": round(runs.realise(spec).seconds, 2)} for spec in done]


def _collapses(
    runs: FinishedRuns, rows: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[str, Sequence[str]]]:
    """What each network with a collapsed layer is called, and its layers without a weight.

    Args:
        rows: as ``_cells`` gives them.
    """
    for (cell, run), row in zip(runs.all(), rows, strict=True):
        if run is not None and row["collapsed"]:
            yield _called(cell), collapsed(run.masks())


def _called_alike(
    runs: FinishedRuns, rows: Iterable[Mapping[str, Any]], known: Collection[str]
) -> list[str]:
    """What each network is called that answers alike to every validation text; those that are
    ``known`` to have collapsed are left out.

    Args:
        rows: as ``_cells`` gives them.
    """
    named = ((_called(cell), row) for (cell, _), row in zip(runs.all(), rows, strict=True))
    return [name for name, row in named if row.get("alike") and name not in known]


def _called(cell: Cell) -> str:
    name = f"seed {cell.seed} {cell.method} {cell.mask} {cell.init} {cell.level:g}"
    return name if cell.part == "grid" else f"{name} {cell.part}"


def _instability(runs: FinishedRuns) -> list[dict[str, Any]]:
    """Validation loss and error along the line between two data orders."""
    rows = []
    for seed in runs.study.seeds:
        for point, one, other in runs.study.pairs(seed):
            if {one.key, other.key} & set(runs.failures):
                continue
            ends = [runs.realise(spec).snapshot("end") for spec in (one, other)]
            for alpha in _ALPHAS:
                result = runs.realise.evaluate(one, _between(ends, alpha))
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


def _between(ends: Sequence[Arrays], alpha: float) -> Arrays:
    one, other = ends
    return {name: ((1 - alpha) * one[name] + alpha * other[name]) for name in one}
