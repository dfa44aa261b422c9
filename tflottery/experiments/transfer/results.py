"""A transfer's files: their schemas, the writer and the reader; and the table for a terminal.

``<store>/transfers/<name>/`` holds ``result.json`` (sealed) and the tables behind it. It is the
same, byte for byte, however often the runs were interrupted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from tflottery.errors import DamagedFileError
from tflottery.experiments import names
from tflottery.experiments.documents import (
    Document,
    Kinds,
    check_files,
    folders_of,
    read_about,
    write_folder,
)
from tflottery.experiments.schema import (
    MEASURED,
    STATE,
    Schema,
    count,
    fraction,
    positive,
    read_tables,
    text,
)
from tflottery.experiments.shapes import (
    COUNT,
    DIFFERENCE,
    FRACTION,
    POSITIVE,
    SUMMARY,
    Each,
    Many,
    Maybe,
    Shape,
)
from tflottery.experiments.transfer.arms import DENSE_ARM, INITS, MASKS
from tflottery.report.article import slug
from tflottery.statistics import Difference, Summary

TRANSFERS = "transfers"
FORMAT_VERSION = 1
_COMMAND = "bin/transfer"
_DOCUMENT = "result.json"
CELLS = Schema(
    "cells",
    (
        *text("mask", known=(DENSE_ARM[0], *MASKS)),
        *text("init", known=(DENSE_ARM[1], *INITS)),
        *fraction("level"),
        *count("seed"),
        *STATE,
        *MEASURED,
        *positive("epochs_to_99", optional=True),
    ),
    _COMMAND,
    key=("mask", "init", "level", "seed"),
    required=("test_accuracy", "epochs_to_99"),
)
OVERLAP = Schema(
    "overlap",
    (
        *fraction("level"),
        *count("seed"),
        *text("tensor"),
        *fraction("jaccard", "chance"),
        *count("remaining_source", "remaining_target"),
        *count("total", low=1),
    ),
    _COMMAND,
    may_be_empty=True,
)
SCHEMAS = {schema.name: schema for schema in (CELLS, OVERLAP)}
_DATA: Shape = {
    "dataset": str, "classes": Many(str), "train": COUNT, "validation": COUNT, "test": COUNT,
}  # fmt: skip
_WORDS: Shape = {
    "source_unknown": FRACTION, "target_unknown": FRACTION, "target_unknown_own": FRACTION,
    "divergence": POSITIVE,
}  # fmt: skip
_ARM: Shape = {
    "mask": str, "init": str, "level": FRACTION, "sparsity": FRACTION,
    "sparsity_without_embedding": FRACTION, "remaining": POSITIVE, "best_epoch": POSITIVE,
    "epochs_to_99": POSITIVE, "test_accuracy": SUMMARY, "minus_dense": Maybe(DIFFERENCE),
    "minus_target_ticket": Maybe(DIFFERENCE),
}  # fmt: skip
_FAILURE: Shape = {"mask": str, "init": str, "level": FRACTION, "seed": COUNT, "reason": str}
_SHARED: Shape = {"level": FRACTION, "tensor": str, "jaccard": FRACTION, "chance": FRACTION}
_ABOUT: Kinds = {
    "name": str, "source": _DATA, "target": _DATA, "model": str, "vocabulary": str,
    "vocabulary_size": COUNT, "words": _WORDS, "same_classes": bool, "grid": str,
    "levels": Many(FRACTION), "seeds": Many(COUNT), "tolerance": POSITIVE, "arms": Many(_ARM),
    "gains": Many({"gain": str, "level": FRACTION, "difference": DIFFERENCE}),
    "overlap": Many(_SHARED), "failures": Many(_FAILURE), "config": Each(dict), "caution": str,
    "command": str, "versions": Each(str),
}  # fmt: skip


@dataclass(frozen=True)
class Arm:
    """A mask with weights to begin from, at a level, over the seeds that finished.

    Accuracy is test accuracy in %, differences are in points. ``sparsity`` is of all prunable
    weights, ``non_embedding`` of those outside the embedding.
    """

    mask: str
    init: str
    level: float
    sparsity: float
    non_embedding: float
    remaining: float
    best_epoch: float
    epochs_to_99: float
    accuracy: Summary
    minus_dense: Difference | None
    minus_target_ticket: Difference | None

    @property
    def is_dense(self) -> bool:
        return self.mask == "dense"

    @property
    def label(self) -> str:
        return names.transfer_arm(self.mask, self.init)


@dataclass(frozen=True)
class Gain:
    """What the source's weights or its mask (``name``) are worth at a level, in points."""

    name: str
    level: float
    difference: Difference


@dataclass(frozen=True)
class TransferTables:
    """One transfer; ``about`` is the whole of ``result.json``. ``cells`` has a row for each run,
    ``overlap`` one for each tensor, level and seed."""

    folder: Path
    about: dict[str, Any]
    arms: tuple[Arm, ...]
    gains: tuple[Gain, ...]
    cells: pd.DataFrame
    overlap: pd.DataFrame

    files: ClassVar[tuple[str, ...]] = (_DOCUMENT, CELLS.file, OVERLAP.file)

    @property
    def source(self) -> str:
        """What the source data are called in tables."""
        return names.dataset(self.about["source"]["dataset"])

    @property
    def target(self) -> str:
        return names.dataset(self.about["target"]["dataset"])

    @property
    def slug(self) -> str:
        """The name as it stands in file names and links."""
        return slug(self.folder)

    @property
    def dense(self) -> Arm | None:
        return next((arm for arm in self.arms if arm.is_dense), None)

    @property
    def levels(self) -> list[float]:
        return sorted({arm.level for arm in self.arms if not arm.is_dense})

    def pruned_at(self, level: float) -> float:
        """The sparsity of all prunable weights at a level, which is of those that compete."""
        return float(np.mean([arm.sparsity for arm in self.at(level)]))

    def at(self, level: float) -> list[Arm]:
        """The arms of a level, in their order."""
        return [arm for arm in self.arms if arm.level == level and not arm.is_dense]


def write(
    folder: Path,
    about: Mapping[str, Any],
    rows: Mapping[str, Iterable[Mapping[str, Any]]],
    *,
    only_known: bool = False,
) -> None:
    """Writes a transfer's folder whole, in place of an older one.

    Args:
        folder: where to.
        about: what ``result.json`` says, without its format.
        rows: of each table by name.
        only_known: whether to refuse values that tflottery itself does not write.

    Raises:
        ValueError: the rows do not fit the schemas.
    """
    frames = {
        schema: schema.frame(rows[name], only_known=only_known) for name, schema in SCHEMAS.items()
    }
    write_folder(folder, Document(_DOCUMENT, {"format_version": FORMAT_VERSION, **about}, frames))


def load_transfer(folder: Path) -> TransferTables:
    """Reads ``result.json`` and the tables beside it.

    Raises:
        UserError: it is missing or damaged; the line names it.
    """
    path = folder / _DOCUMENT
    about = read_about(
        path, what="transfer", format_version=FORMAT_VERSION, kinds=_ABOUT, command=_COMMAND
    )
    try:
        arms = tuple(map(_arm, about["arms"]))
        gains = tuple(
            Gain(one["gain"], one["level"], Difference(**one["difference"]))
            for one in about["gains"]
        )
    except (KeyError, TypeError) as error:
        raise DamagedFileError(f"{path} is damaged ({error}); run {_COMMAND} again.") from None
    tables = read_tables(folder, (CELLS, OVERLAP))
    check_files(folder, about, _COMMAND, [CELLS.file, OVERLAP.file])
    return TransferTables(folder, about, arms, gains, tables["cells"], tables["overlap"])


def load_transfers(store: Path) -> list[TransferTables]:
    """Every transfer of a store, by name; or the one whose folder ``store`` is."""
    return [load_transfer(folder) for folder in folders_of(store, TRANSFERS, _DOCUMENT)]


def _arm(row: Mapping[str, Any]) -> Arm:
    kept = ("mask", "init", "level", "sparsity", "remaining", "best_epoch", "epochs_to_99")
    given: dict[str, Any] = {key: row[key] for key in kept}
    return Arm(
        **given,
        non_embedding=row["sparsity_without_embedding"],
        accuracy=Summary(**row["test_accuracy"]),
        minus_dense=row["minus_dense"] and Difference(**row["minus_dense"]),
        minus_target_ticket=row["minus_target_ticket"] and Difference(**row["minus_target_ticket"]),
    )
