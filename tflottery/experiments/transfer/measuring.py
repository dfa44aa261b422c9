"""What a transfer's runs say, as the files of its folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflottery.data.encoded import Corpus
from tflottery.data.words.unigrams import divergence
from tflottery.experiments.learnt import what_dense_learnt
from tflottery.experiments.schema import DONE, FAILED
from tflottery.experiments.transfer import results
from tflottery.experiments.transfer.arms import DENSE_ARM
from tflottery.experiments.transfer.design import Cell, Transfer
from tflottery.experiments.transfer.judging import judge, mean_overlap
from tflottery.files import canonical_json, sha256_of_bytes
from tflottery.naming import short_name
from tflottery.pruning import likeness
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.collapse import collapsed
from tflottery.pruning.masks import Masks
from tflottery.runs.encoded import load_corpus
from tflottery.runs.measures import answers_alike, measures
from tflottery.runs.realise import Realiser
from tflottery.runs.recipes import recipe_to_tables, without_places
from tflottery.runs.run import Run
from tflottery.runs.specs import ancestry
from tflottery.runs.store import Store
from tflottery.settings import as_named
from tflottery.tickets import plan as plans
from tflottery.tickets import words as in_words
from tflottery.tickets.settings import AUTO
from tflottery.versions import versions

_ALL = "all"


@dataclass(frozen=True)
class Words:
    """How much of the words of source and target the vocabularies hold.

    Fractions of the running words of a training split that a vocabulary does not hold:
    ``source_unknown`` and ``target_unknown`` under the source's vocabulary, ``target_unknown_own``
    under one of the target's own. ``divergence``: Jensen-Shannon, in bits, of all their words.
    """

    source_unknown: float
    target_unknown: float
    target_unknown_own: float
    divergence: float


def cautions_on(
    cells: Sequence[Cell], realise: Realiser, failures: Mapping[str, str]
) -> tuple[str, ...]:
    """Lines on layers without a weight, and on networks that answer alike to every text; none where
    there are none of them.

    Args:
        cells: of a transfer.
        realise: gives the finished runs.
        failures: reasons by key of runs that failed.
    """
    runs = {_called(cell): realise(cell.spec) for cell in cells if cell.spec.key not in failures}
    empty = {name: collapsed(run.masks()) for name, run in runs.items()}
    alike = [name for name, run in runs.items() if not empty[name] and answers_alike(run)]
    return (*in_words.on_collapse(empty.items()), *in_words.on_alike(alike))


def _called(cell: Cell) -> str:
    mask = f"{cell.mask} mask of {100 * cell.level:.1f} %" if cell.level else cell.mask
    return f"seed {cell.seed} {mask} on {cell.init} weights"


def compare_words(source: Corpus, target: Corpus, size: int) -> Words:
    """Measures on the training splits; ``size`` is that of the target's own vocabulary."""
    return Words(
        source.unigrams.unknown_to(source.vocabulary),
        target.unigrams.unknown_to(source.vocabulary),
        target.unigrams.unknown_to(target.unigrams.vocabulary(size)),
        divergence(source.unigrams, target.unigrams),
    )


def write_transfer(
    transfer: Transfer,
    seeds: Sequence[int],
    words: Words,
    realise: Realiser,
    store: Store,
    failures: Mapping[str, str],
    command: str,
    cautions: Sequence[str] = (),
    dense_alone: Sequence[int] = (),
) -> Path:
    """Writes the folder of a transfer from the runs in the store; gives the folder.

    Args:
        transfer, seeds: what was compared.
        words: ``compare_words`` of its data.
        realise: gives the finished runs.
        store: where they are.
        failures: reasons by key of runs that failed.
        command: what was typed.
        cautions: what to mind of the networks and of the target's data.
        dense_alone: further seeds that have the dense network alone.
    """
    source, target = (load_corpus(r.data, store) for r in (transfer.source, transfer.target))
    cells = transfer.all_cells(seeds, dense_alone)
    found = {cell.spec.key: realise(cell.spec) for cell in cells if cell.spec.key not in failures}
    rows = [_row(cell, found.get(cell.spec.key), failures, realise) for cell in cells]
    arms, gains = judge([row for row in rows if row["state"] == DONE])
    overlap = _overlap(cells, found)
    source_tables, target_tables = (
        without_places(recipe_to_tables(recipe)) for recipe in (transfer.source, transfer.target)
    )
    folder = store.root / results.TRANSFERS / name_of(transfer, source, target)
    about = {
        "name": folder.name,
        "source": _about_data(source),
        "target": _about_data(target),
        "model": transfer.target.model.name,
        "vocabulary": transfer.vocabulary,
        "vocabulary_size": len(target.vocabulary),
        "words": dataclasses.asdict(words),
        "same_classes": transfer.same_classes,
        "grid": transfer.grid,
        "levels": list(transfer.levels),
        "seeds": list(seeds),
        **({"dense_alone": list(dense_alone)} if dense_alone else {}),
        "tolerance": transfer.pruning.tolerance,
        "arms": arms,
        "gains": gains,
        "overlap": mean_overlap(overlap),
        "failures": [
            {key: row[key] for key in ("mask", "init", "level", "seed", "reason")}
            for row in rows
            if row["state"] == FAILED
        ],
        "config": {
            "source_data": source_tables["data"],
            "target_data": target_tables["data"],
            "model": target_tables["model"],
            "source_training": source_tables["training"],
            "target_training": target_tables["training"],
            "pruning": transfer.pruning.table(),
        },
        "caution": " ".join(sorted({source.caution, target.caution} - {""})),
        "cautions": [line for line in cautions if line != target.caution],
        "command": command,
        "versions": versions(),
        "learnt": what_dense_learnt(
            (
                cell.spec
                for cell in cells
                if (cell.mask, cell.init) == DENSE_ARM and cell.spec.key in found
            ),
            target,
            realise.predictions,
        ),
    }
    results.write(folder, about, {"cells": rows, "overlap": overlap})
    return folder


def name_of(transfer: Transfer, source: Corpus, target: Corpus) -> str:
    """The folder's name: source, target, and a digest of the settings, so that other settings have
    another folder. More levels or seeds go to the same one."""
    recipes = [
        plans.make_plan(recipe, transfer.pruning, seed=0).dense.key
        for recipe in (transfer.source, transfer.target)
    ]
    settings = as_named(dataclasses.replace(transfer.pruning, sparsity=AUTO))
    # Transfers of before keep their folder, and their place is not taken by those of today.
    rule = ["like carried"] if transfer.vocabulary == "remap" else []
    digest = sha256_of_bytes(canonical_json([*recipes, settings, *rule]).encode())[:8]
    model, vocabulary = transfer.target.model.name, transfer.vocabulary.removesuffix("_v1")
    data = f"{short_name(source.name)}-to-{short_name(target.name)}"
    return f"{data}-{short_name(model)}-{vocabulary}-{digest}"


def _about_data(corpus: Corpus) -> dict[str, Any]:
    return {
        "dataset": corpus.name,
        "classes": list(corpus.classes),
        **{split: len(getattr(corpus, split)) for split in ("train", "validation", "test")},
    }


def _row(
    cell: Cell, run: Run | None, failures: Mapping[str, str], realise: Realiser
) -> dict[str, Any]:
    row = {
        **{name: getattr(cell, name) for name in ("mask", "init", "level", "seed")},
        "state": FAILED if run is None else DONE,
        "reason": failures.get(cell.spec.key, ""),
        "key": cell.spec.key,
    }
    if run is None:
        return row
    measured = measures(
        run, cell.spec.recipe.model.roles(), (realise(spec) for spec in ancestry([cell.spec]))
    )
    to_99 = measured["steps_to_99"] / measured["steps_per_epoch"]
    return {**row, **measured, "epochs_to_99": round(to_99, 6)}


def _overlap(cells: Sequence[Cell], found: Mapping[str, Run]) -> list[dict[str, Any]]:
    """How much of the source's mask the target's own ticket keeps too, tensor by tensor."""
    masks: dict[tuple[float, int, str], Masks] = {}
    for cell in cells:
        place = (cell.level, cell.seed, cell.mask)
        if cell.mask in ("source", "target") and cell.spec.key in found and place not in masks:
            masks[place] = found[cell.spec.key].masks()
    rows = []
    for level, seed in dict.fromkeys((level, seed) for level, seed, _ in masks):
        source, target = (masks.get((level, seed, name)) for name in ("source", "target"))
        if source is None or target is None:
            continue
        for name, tensors in {
            _ALL: list(source),
            **{tensor: [tensor] for tensor in source},
        }.items():
            one, other = ({tensor: m[tensor] for tensor in tensors} for m in (source, target))
            rows.append(
                {
                    "level": level,
                    "seed": seed,
                    "tensor": name,
                    "jaccard": likeness.overlap(one, other),
                    "chance": likeness.chance_overlap(one, other),
                    "remaining_source": mask_ops.count(one).remaining,
                    "remaining_target": mask_ops.count(other).remaining,
                    "total": mask_ops.count(one).total,
                }
            )
    return rows
