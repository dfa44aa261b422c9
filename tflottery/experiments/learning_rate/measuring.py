"""What a search's trials say, as the files of its folder."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from tflottery.errors import TrainingError
from tflottery.experiments.learning_rate import results
from tflottery.experiments.learning_rate.arms import DENSE
from tflottery.experiments.learning_rate.design import HYPERBAND, Trial, Tuning, values_of
from tflottery.experiments.learning_rate.document import rule_document
from tflottery.experiments.learning_rate.judging import fit_rule, judge
from tflottery.experiments.learnt import what_dense_learnt
from tflottery.experiments.schema import DONE, FAILED
from tflottery.files import canonical_json, seal, sha256_of_bytes
from tflottery.metrics import ACCURACY
from tflottery.naming import short_name
from tflottery.runs.encoded import load_corpus
from tflottery.runs.measures import measures
from tflottery.runs.realise import Realiser
from tflottery.runs.recipes import recipe_to_tables, without_places
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.runs.store import Store
from tflottery.settings import as_named
from tflottery.tickets.evidence import by_metric
from tflottery.tickets.rule import SEARCHES
from tflottery.tickets.rules import key_of
from tflottery.tickets.search import Worth
from tflottery.tickets.settings import AUTO
from tflottery.versions import versions


def write_tuning(
    tuning: Tuning,
    seeds: Sequence[int],
    trials: Sequence[Trial],
    realise: Realiser,
    store: Store,
    failures: Mapping[str, str],
    about: Mapping[str, Any],
) -> Path:
    """Writes the folder of a search from the runs in the store; gives the folder.

    Args:
        tuning, seeds, trials: what was tried.
        realise: gives the finished runs.
        store: where they are.
        failures: reasons by key of runs that failed.
        about: further keys of ``tuning.json``.

    Raises:
        TrainingError: a run is neither there nor known to have failed.
    """
    corpus = load_corpus(tuning.recipe.data, store)
    rows = [_row(tuning, trial, seed, realise, failures) for trial in trials for seed in seeds]
    tolerance = tuning.pruning.tolerance
    by_worth = _with_worth(rows, tuning, trials, seeds, realise)
    cells, comparisons = judge(by_worth, tuning.own, len(seeds), tolerance)
    rule = None if tuning.settings.tuner == HYPERBAND else fit_rule(cells)
    model = tuning.recipe.model.name
    document = {
        "name": name_of(tuning, corpus.name),
        "dataset": corpus.name,
        "model": model,
        "tuner": tuning.settings.tuner,
        "seeds": list(seeds),
        "tolerance": tolerance,
        "found_learning_rate": tuning.recipe.training.learning_rate,
        "space": {name: dataclasses.asdict(one) for name, one in tuning.space.items()},
        "trials_a_cell": tuning.trials_a_cell,
        "cells": cells,
        "comparisons": comparisons,
        "failures": [
            {key: row[key] for key in ("arm", "level", "learning_rate", "seed", "reason")}
            for row in rows
            if row["state"] == FAILED
        ],
        "rule": rule and dataclasses.asdict(rule),
        "config": {
            **without_places(recipe_to_tables(tuning.recipe)),
            "pruning": tuning.pruning.table(),
            "tuning": dataclasses.asdict(tuning.settings),
        },
        "caution": corpus.caution,
        **about,
        "versions": versions(),
        "learnt": what_dense_learnt(
            _best_dense(tuning, seeds, trials, realise), corpus, realise.predictions
        ),
    }
    folder = store.root / SEARCHES / document["name"]
    sealed = seal(rule_document(rule, tuning, document)) if rule else ""
    results.write(folder, document, rows, sealed)
    return folder


def _best_dense(
    tuning: Tuning, seeds: Sequence[int], trials: Sequence[Trial], realise: Realiser
) -> list[RunSpec]:
    """The dense networks of the trial with the highest median validation accuracy; none where no
    trial of dense finished for every seed."""
    finished = [
        specs
        for trial in trials
        if trial.cell.arm == DENSE
        and all(map(realise.is_done, specs := [tuning.spec(trial, seed) for seed in seeds]))
    ]
    if not finished:
        return []
    return max(
        finished,
        key=lambda specs: median(realise(spec).metrics["val_accuracy"] for spec in specs),
    )


def name_of(tuning: Tuning, dataset: str) -> str:
    """The folder's name, by all settings but the seeds: more seeds go to the same folder."""
    asked = [
        key_of(tuning.recipe),
        as_named(dataclasses.replace(tuning.pruning, sparsity=AUTO)),
        as_named(tuning.settings),
    ]
    digest = sha256_of_bytes(canonical_json(asked).encode())[:8]
    names = f"{short_name(dataset)}-{short_name(tuning.recipe.model.name)}"
    return f"{names}-{tuning.settings.tuner}-{digest}"


def _with_worth(
    rows: Sequence[dict[str, Any]],
    tuning: Tuning,
    trials: Sequence[Trial],
    seeds: Sequence[int],
    realise: Realiser,
) -> list[dict[str, Any]]:
    """The rows of trials and seeds, with what each finished run is worth where that is not its
    accuracy."""
    if tuning.settings.metric == ACCURACY:
        return list(rows)
    worth = worth_in(tuning, realise)
    specs = [tuning.spec(trial, seed) for trial in trials for seed in seeds]
    return [
        {**row, "worth": worth(spec, realise(spec)) if row["state"] == DONE else math.nan}
        for row, spec in zip(rows, specs, strict=True)
    ]


def worth_in(tuning: Tuning, realise: Realiser) -> Worth:
    """What a run is worth to a search: its metric on validation data, negative where lower is
    better.

    Raises (when it is asked):
        UserError: the metric is undefined on these data.
    """
    return by_metric(tuning.settings.metric, realise.predictions)


def _row(
    tuning: Tuning, trial: Trial, seed: int, realise: Realiser, failures: Mapping[str, str]
) -> dict[str, Any]:
    spec = tuning.spec(trial, seed)
    row = {
        "arm": trial.cell.arm,
        "level": trial.cell.level,
        **values_of(spec.recipe),
        "stages": "+".join(str(ended - begun) for begun, ended in pairwise((0, *trial.stages))),
        "seed": seed,
        "found_learning_rate": tuning.recipe.training.learning_rate,
        "state": DONE if realise.is_done(spec) else FAILED,
        "reason": failures.get(spec.key, ""),
        "key": spec.key,
    }
    if row["state"] == FAILED:
        if not row["reason"]:
            raise TrainingError(
                f"a trial's run {spec.key[:12]} is not in the store {realise.store.root}; give "
                "chief and workers the same --store, --seeds and settings"
            )
        return row
    measured = measures(
        realise(spec), spec.recipe.model.roles(), (realise(one) for one in ancestry([spec]))
    )
    to_99 = measured["steps_to_99"] / measured["steps_per_epoch"]
    # Hyperband's earlier stages count too.
    before = trial.stages[-2] if len(trial.stages) > 1 else 0
    return {**row, **measured, "epochs_to_99": round(before + to_99, 6)}
