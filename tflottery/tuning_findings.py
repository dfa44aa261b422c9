"""What a search gave, as files: ``tuning.json``, ``trials.csv`` and the fitted rule.

``<store>/tunings/<name>/`` is the same, byte for byte, however often the search was interrupted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from tflottery.data.settings import DataSettings
from tflottery.data.sources import same_published
from tflottery.errors import TrainingError, UserError
from tflottery.files import canonical_json, new_folder, seal, sha256_of_bytes
from tflottery.findings import without_places
from tflottery.runs.encoded import load_corpus
from tflottery.runs.measures import measures
from tflottery.runs.realise import Realiser
from tflottery.runs.recipes import Recipe, recipe_to_tables
from tflottery.runs.specs import ancestry
from tflottery.runs.store import Store
from tflottery.tickets import plan as plans
from tflottery.tickets import rule as rate_rule
from tflottery.tickets.plan import PruningSettings
from tflottery.tickets.rule import RULE, Rule, read_rule
from tflottery.tuning import (
    HYPERBAND,
    Trial,
    Tuning,
    fit_rule,
    judge,
    values_of,
    with_values,
)
from tflottery.versions import versions

FORMAT_VERSION = 1
TUNINGS = "tunings"


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
        about: what else is to be said in ``tuning.json``.

    Raises:
        TrainingError: a run is neither there nor known to have failed.
    """
    corpus = load_corpus(tuning.recipe.data, store)
    rows = [_row(tuning, trial, seed, realise, failures) for trial in trials for seed in seeds]
    tolerance = tuning.pruning.tolerance
    cells, comparisons = judge(rows, tuning.own, len(seeds), tolerance)
    rule = None if tuning.settings.tuner == HYPERBAND else fit_rule(cells)
    model = tuning.recipe.model.name
    payload = {
        "format_version": FORMAT_VERSION,
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
            if row["state"] == "failed"
        ],
        "rule": rule and dataclasses.asdict(rule),
        "config": {
            **without_places(recipe_to_tables(tuning.recipe)),
            "pruning": dataclasses.asdict(tuning.pruning),
            "tuning": dataclasses.asdict(tuning.settings),
        },
        "caution": corpus.caution,
        **about,
        "versions": versions(),
    }
    folder = store.root / TUNINGS / payload["name"]
    with new_folder(folder) as staging:
        text = pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")
        (staging / "trials.csv").write_text(text, encoding="utf-8")
        (staging / "tuning.json").write_text(seal(payload), encoding="utf-8")
        if rule:
            (staging / RULE).write_text(
                seal(_rule_document(rule, tuning, payload)), encoding="utf-8"
            )
    return folder


def name_of(tuning: Tuning, dataset: str) -> str:
    """Names the folder, by all that was asked but the seeds: more of them go to the same one."""
    asked = [
        _key_of(tuning.recipe),
        dataclasses.asdict(dataclasses.replace(tuning.pruning, sparsity=plans.AUTO)),
        dataclasses.asdict(tuning.settings),
    ]
    digest = sha256_of_bytes(canonical_json(asked).encode())[:8]
    return f"{dataset}-{tuning.recipe.model.name}-{tuning.settings.tuner}-{digest}"


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
        "state": "done" if realise.is_done(spec) else "failed",
        "reason": failures.get(spec.key, ""),
        "key": spec.key,
    }
    if row["state"] == "failed":
        if not row["reason"]:
            raise TrainingError(
                f"a trial's run {spec.key[:12]} is not in the store {realise.store.root}; give "
                "chief and workers the same --store, --seeds and settings"
            )
        return row
    measured = measures(realise(spec), (realise(one) for one in ancestry([spec])))
    to_99 = measured["steps_to_99"] / measured["steps_per_epoch"]
    # Hyperband's earlier stages count too.
    before = trial.stages[-2] if len(trial.stages) > 1 else 0
    return {**row, **measured, "epochs_to_99": round(before + to_99, 6)}


def _rule_document(rule: Rule, tuning: Tuning, payload: Mapping[str, Any]) -> dict[str, Any]:
    points = [
        {
            "sparsity": cell["level"],
            "learning_rate": cell["best"]["learning_rate"],
            "peak": cell["peak"],
            "edge": cell["peak_edge"],
            "as_good": cell["as_good"],
            "median_validation_accuracy": cell["best"]["median"],
        }
        for cell in payload["cells"]
        if cell["arm"] in ("dense", "ticket") and cell["peak"]
    ]
    kept = ("dataset", "model", "tuner", "seeds", "found_learning_rate", "config", "versions")
    return {
        "format_version": rate_rule.FORMAT_VERSION,
        "formula": rate_rule.FORMULA,
        **dataclasses.asdict(rule),
        "points": points,
        "fits": _key_at_any_rate(tuning.recipe),
        "fingerprint": tuning.recipe.data.fingerprint,
        "pruned": _pruned(tuning.pruning),
        **{key: payload[key] for key in kept},
    }


def find_rule(recipe: Recipe, pruning: PruningSettings, places: Iterable[Path]) -> tuple[Rule, str]:
    """The rule for a recipe, and a line that says which, and how far it fits.

    The newest rule of the same data, network and training at whatever rate, in the first place that
    has one; else the newest one of the same data and architecture, whose change with the sparsity
    is applied to the recipe's own rate. For that, published data may have been prepared anew. In
    both cases tickets were pruned alike. Files that cannot be read are passed over.

    Args:
        recipe: with the data's fingerprint.
        pruning: how its tickets are found.
        places: folders of rules, or of searches.

    Raises:
        UserError: there is none.
    """
    searched = list(places)
    model, data = recipe.model.name, recipe.data
    like: tuple[Rule, str] | None = None
    for place in searched:
        files = (*place.glob("*.json"), *place.glob(f"[!.]*/{RULE}"))
        for file in sorted(files, key=lambda file: file.stat().st_mtime_ns, reverse=True):
            try:
                rule, document = read_rule(file)
            except UserError:
                continue
            if document.get("pruned") != _pruned(pruning):
                continue
            if document.get("fits") == _key_at_any_rate(recipe):
                return rule, f"Rule: {file}{_ends(document)}."
            if like is None and document.get("model") == model and _of_the_data(document, data):
                own = recipe.training.learning_rate
                line = (
                    f"Rule: {file}, of another {model}, training or preparation of these data; its "
                    "change with the sparsity goes on from the configured rate, "
                    f"{own:g}{_ends(document)}."
                )
                like = rule.around(own), line
    if like:
        return like
    raise UserError(
        f"There is no rule for these data and a {model} that is pruned like this in "
        f"{' or '.join(map(str, searched))}; make one with bin/tune_lr, or give --learning_rate a "
        "number or a rule's file."
    )


def _of_the_data(document: Mapping[str, Any], data: DataSettings) -> bool:
    """Whether a rule is of these data, or of the same published ones prepared elsewhere."""
    if document.get("fingerprint") == data.fingerprint:
        return True
    told = document.get("config", {}).get("data", {}).get("dataset", "")
    return same_published(told, data.dataset)


def _ends(document: Mapping[str, Any]) -> str:
    """Where a rule rests on best rates at an end of those that were tried."""
    points = document.get("points") or []
    ends = [f"{100 * one['sparsity']:.1f} %" for one in points if one.get("edge")]
    return f"; best at an end of the rates that were tried at {', '.join(ends)} pruned" * bool(ends)


def _pruned(pruning: PruningSettings) -> dict[str, Any]:
    """What of the pruning decides what a sparsity means."""
    names = ("criterion", "scope", "embedding", "head")
    return {name: getattr(pruning, name) for name in names}


def _key_of(recipe: Recipe) -> str:
    return plans.make_plan(recipe, PruningSettings(), seed=0).dense.key


def _key_at_any_rate(recipe: Recipe) -> str:
    return _key_of(with_values(recipe, {"learning_rate": 1.0}))
