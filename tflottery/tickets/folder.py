"""The folder of a ticket: what its files are, and how they are written.

::

    ticket.json       what it is, how it was found and judged, what made it; sealed
    masks.npz         one bit a weight
    rewind.npz        the weights to begin from, those under the mask too
    final.npz         the weights after training
    vocabulary.txt    the word of each embedding row
    network.json      the configuration of a network that somebody registered
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tflottery import startup
from tflottery.data.words.vocabulary import Vocabulary
from tflottery.errors import UserError
from tflottery.files import new_folder, seal, sha256_of_file, write_arrays
from tflottery.models.architecture import Architecture, Initializers
from tflottery.models.brought.registered import Registered, origin_of
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.masks import Count, Masks
from tflottery.runs.recipes import Recipe, recipe_to_tables
from tflottery.versions import versions

FORMAT_VERSION = 2
# 1 had no intervals: its verdict was by validation accuracy alone.
READABLE = (1, 2)
DOCUMENT = "ticket.json"
MASKS, REWIND, FINAL, VOCABULARY = "masks.npz", "rewind.npz", "final.npz", "vocabulary.txt"
NETWORK = "network.json"
FILES = (MASKS, REWIND, FINAL, VOCABULARY, NETWORK)


def require_free(folder: Path) -> None:
    """Makes sure that a ticket can take a folder's place, and that nothing else is lost by that.

    Raises:
        UserError: the folder holds something else than a ticket, or lies within one.
    """
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if there - {DOCUMENT, *FILES}:
        raise UserError(f"{folder} is a folder of other things; move them, or give a new one.")
    if any((parent / DOCUMENT).is_file() for parent in folder.absolute().parents):
        raise UserError(f"{folder} lies within a ticket; give a folder outside of it.")


def write_ticket(
    folder: Path,
    about: Mapping[str, Any],
    recipe: Recipe,
    classes: tuple[str, ...],
    vocabulary: Vocabulary,
    masks: Masks,
    rewind_weights: Mapping[str, np.ndarray],
    final_weights: Mapping[str, np.ndarray],
) -> Path:
    """Writes a ticket; one that is there is replaced. Gives its folder.

    Args:
        folder: where it goes; its parent is made where needed.
        about: how it was found and judged; this adds what the arrays say.
        recipe, classes, vocabulary: what it was trained on.
        masks, rewind_weights, final_weights: as in ``Ticket``.
    """
    require_free(folder)
    with new_folder(folder) as staging:
        (staging / VOCABULARY).write_text(vocabulary.to_text(), encoding="utf-8", newline="\n")
        files = {
            MASKS: write_arrays(staging / MASKS, mask_ops.pack(masks)),
            REWIND: write_arrays(staging / REWIND, rewind_weights),
            FINAL: write_arrays(staging / FINAL, final_weights),
            VOCABULARY: sha256_of_file(staging / VOCABULARY),
        }
        if isinstance(recipe.model, Registered):
            network = _network_document(recipe.model, len(vocabulary), len(classes))
            (staging / NETWORK).write_text(network, encoding="utf-8")
            files[NETWORK] = sha256_of_file(staging / NETWORK)
        counted, embedding = mask_ops.count(masks), recipe.model.roles().embedding
        payload = {
            "format_version": FORMAT_VERSION,
            **about,
            **origin_of(recipe.model),
            "sparsity": counted.sparsity,
            "remaining_weights": counted.remaining,
            "prunable_weights": counted.total,
            "sparsity_without_embedding": mask_ops.count(masks, without=embedding).sparsity,
            "per_layer": _per_layer(masks, recipe.model),
            "classes": list(classes),
            "recipe": recipe_to_tables(recipe),
            "prunable": {name: list(mask.shape) for name, mask in masks.items()},
            "versions": versions(),
            "files": files,
        }
        (staging / DOCUMENT).write_text(seal(payload), encoding="utf-8")
    return folder


def _network_document(model: Registered, words: int, classes: int) -> str:
    """What ``network.json`` holds: the configuration of the network that was trained."""
    startup.start_tensorflow()
    from tflottery.models.brought.canonical import configuration
    from tflottery.models.brought.kept import portable

    built = model.build(words, classes, Initializers(0))
    return seal({"format_version": 1, "network": portable(configuration(built))})


def _per_layer(masks: Masks, architecture: Architecture) -> dict[str, Any]:
    report: dict[str, Any] = {}
    for name, mask in masks.items():
        report[name] = _counted(mask)
        gates = architecture.gates(name)
        if gates:
            parts = np.split(mask, len(gates), axis=-1)
            report[name]["gates"] = {
                gate: _counted(part) for gate, part in zip(gates, parts, strict=True)
            }
    return report


def _counted(mask: np.ndarray) -> dict[str, Any]:
    counted = Count(int(mask.sum()), mask.size)
    return {
        "remaining": counted.remaining,
        "total": counted.total,
        "sparsity": counted.sparsity,
    }
