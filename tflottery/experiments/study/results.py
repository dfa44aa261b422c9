"""A study's files: their schemas, the writer and the reader.

``<store>/studies/<name>/`` holds ``study.json`` (what was asked, sealed) and CSV files. All but
``timings.csv`` and its seal ``timings.json`` are the same, byte for byte, however often the study
was interrupted. docs/report.md describes the format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from tflottery.errors import DamagedFileError
from tflottery.experiments.documents import (
    Document,
    Kinds,
    check_files,
    folders_of,
    has_checksums,
    read_about,
    write_folder,
)
from tflottery.experiments.names import AT_INIT
from tflottery.experiments.schema import (
    DONE,
    FAILED,
    MEASURED,
    STATE,
    Column,
    Schema,
    count,
    fraction,
    positive,
    read_tables,
    text,
)
from tflottery.experiments.shapes import COUNT, POSITIVE, Each, Many
from tflottery.files import read_sealed
from tflottery.report.article import slug

if TYPE_CHECKING:
    from tflottery.data.findings import Findings

__all__ = ["DONE", "FAILED", "StudyTables", "load_studies", "load_study", "write"]

STUDIES = "studies"
FORMAT_VERSION = 1
_COMMAND = "bin/study"
_DOCUMENT, _TIMINGS = "study.json", "timings.json"
_METHODS = ("dense", AT_INIT, "one_shot", "iterative", "gradual")
# Those of weights that ship; to read what a study wrote takes no room that prunes.
CRITERIA = (
    "magnitude", "random", "small_magnitude", "magnitude_at_init", "small_magnitude_at_init",
    "large_throughout", "small_throughout", "magnitude_increase", "movement", "snip", "grasp",
    "synflow", "taylor", "obd",
)  # fmt: skip
_MASKS = (
    "dense", "magnitude", "random", "shuffled", "gradual", "head_pruned", "head_spared",
    "shuffled_words", "words_only", "random_words",
    *(
        f"{name}{check}"
        for name in CRITERIA
        for check in ("", ":shuffled", ":shuffled_words", ":inverted")
        if name + check not in ("magnitude", "random")
    ),
)  # fmt: skip
_PARTS = (
    "dense", "grid", "control", "rewind", "again", "length", "ramp", "convergence", "criterion",
)  # fmt: skip

# What says which network a row is of.
LABELS = ("part", "method", "mask", "init", "level", "seed", "repeat")
CELLS = Schema(
    "cells",
    (
        Column("part", "text", choices=_PARTS),
        *text("method", known=_METHODS),
        *text("mask", known=_MASKS),
        *text("init"),
        *fraction("level"),
        *count("seed"),
        Column("repeat", "whole", 0, absent=0),
        *STATE,
        *MEASURED,
        Column("steps_to_dense", "whole", 0, optional=True, absent=float("nan")),
    ),
    _COMMAND,
    key=LABELS,
    required=("test_accuracy",),
)
TIMINGS = Schema("timings", (*text("key"), *positive("seconds")), _COMMAND)
OVERLAP = Schema(
    "overlap",
    (
        Column("kind", "text", choices=("seeds", "methods", "rounds", "start")),
        *fraction("level"),
        *text("one", "other"),
        *count("seed_one", "seed_other"),
        *fraction("jaccard", "chance"),
    ),
    _COMMAND,
)
LAYERS = Schema(
    "layers",
    (
        *text("method", known=_METHODS),
        *text("init"),
        *fraction("level"),
        *count("seed"),
        *text("tensor"),
        *text("gate", known=("", "input", "forget", "candidate", "output")),
        *count("remaining"),
        *count("total", low=1),
    ),
    _COMMAND,
)
SCOPES = Schema(
    "scopes",
    (
        *text("scope"),
        *fraction("level"),
        *count("seed"),
        *text("part"),
        *count("remaining"),
        *count("total", low=1),
    ),
    _COMMAND,
    key=("scope", "level", "seed", "part"),
)
EARLY_BIRD = Schema(
    "early_bird",
    (
        *count("seed"),
        *fraction("level"),
        *positive("epoch_one", "epoch_other"),
        *fraction("distance"),
        *positive("relative"),
        *fraction("jaccard"),
    ),
    _COMMAND,
)
INSTABILITY = Schema(
    "instability",
    (
        *count("seed"),
        *text("point"),
        *fraction("alpha"),
        *positive("val_loss", optional=True),
        *fraction("val_error", optional=True),
    ),
    _COMMAND,
)
TEXTS = Schema(
    "texts",
    (
        *text("contrast"),
        Column("which", "text", choices=("planned", "others")),
        *(Column(name) for name in ("difference", "low", "high")),
        *positive("by_seeds", "by_texts"),
        *count("seeds", "texts", low=1),
    ),
    _COMMAND,
    key=("contrast", "which"),
)
SCHEMAS = {
    schema.name: schema
    for schema in (CELLS, TIMINGS, OVERLAP, LAYERS, SCOPES, EARLY_BIRD, INSTABILITY, TEXTS)
}
# A study that did not measure these has no such file.
_OPTIONAL = (OVERLAP, LAYERS, SCOPES, EARLY_BIRD, INSTABILITY, TEXTS)
_ABOUT: Kinds = {
    "name": str, "dataset": str, "model": str, "seeds": Many(COUNT), "config": dict,
    "command": str, "versions": Each(str), "caution": str, "note": str, "tolerance": POSITIVE,
    "prunable_weights": COUNT, "embedding_weights": COUNT, "tensors": Many(str),
}  # fmt: skip


@dataclass(frozen=True)
class StudyTables:
    """One study. ``cells`` and ``timings`` are always there, the other tables may be None, as may
    ``inspection``, the counts of the look at its data; ``cautions`` are lines of that look.

    Accuracies in the frames are fractions; ``tolerance`` is in points; ``level`` is a sparsity;
    ``learnt`` is as in ``learnt.what_dense_learnt``.
    """

    folder: Path
    name: str
    dataset: str
    model: str
    seeds: tuple[int, ...]
    config: dict[str, Any]
    command: str
    versions: dict[str, str]
    caution: str
    note: str
    tolerance: float
    prunable_weights: int
    embedding_weights: int
    tensors: tuple[Any, ...]
    cells: pd.DataFrame
    timings: pd.DataFrame
    overlap: pd.DataFrame | None = None
    layers: pd.DataFrame | None = None
    scopes: pd.DataFrame | None = None
    early_bird: pd.DataFrame | None = None
    instability: pd.DataFrame | None = None
    texts: pd.DataFrame | None = None
    learnt: dict[str, Any] | None = None
    cautions: tuple[str, ...] = ()
    inspection: Findings | None = None
    files: tuple[str, ...] = field(default=())

    @property
    def slug(self) -> str:
        """The name as it stands in file names and links."""
        return slug(self.folder)

    @property
    def embedding_share(self) -> float:
        """Fraction of the prunable weights that sits in the embedding."""
        return self.embedding_weights / max(self.prunable_weights, 1)


def write(
    folder: Path,
    about: Mapping[str, Any],
    rows: Mapping[str, Iterable[Mapping[str, Any]]],
    *,
    only_known: bool = False,
) -> None:
    """Writes a study's folder whole, in place of an older one.

    Args:
        folder: where to.
        about: what ``study.json`` says, without its format.
        rows: of each table by name; an optional table without rows is left out.
        only_known: whether to refuse values that tflottery itself does not write.

    Raises:
        ValueError: the rows do not fit the schemas.
    """
    frames = {
        SCHEMAS[name]: SCHEMAS[name].frame(given, only_known=only_known)
        for name, given in rows.items()
    }
    # Seconds differ between equal studies, so what they decide has a seal of its own.
    timings = {TIMINGS: frames.pop(TIMINGS)}
    kept = {one: frame for one, frame in frames.items() if len(frame) or one not in _OPTIONAL}
    version = {"format_version": FORMAT_VERSION}
    write_folder(
        folder,
        Document(_DOCUMENT, {**version, **about}, kept),
        Document(_TIMINGS, version, timings),
    )


def cautions_in(folder: Path) -> tuple[str, ...]:
    """The cautions that ``study.json`` holds."""
    document = read_sealed(folder / _DOCUMENT, what="study", format_version=FORMAT_VERSION)
    return tuple(document.get("cautions", ()))


def load_study(folder: Path) -> StudyTables:
    """Reads ``study.json`` and the CSV files beside it.

    Raises:
        UserError: a file is missing, damaged or lacks a column; the line names it.
    """
    about = read_about(
        folder / _DOCUMENT,
        what="study",
        format_version=FORMAT_VERSION,
        kinds=_ABOUT,
        command=_COMMAND,
    )
    tables = read_tables(folder, (CELLS, TIMINGS), _OPTIONAL)
    if not (tables["cells"]["part"] == "dense").any():
        raise DamagedFileError(
            f"{folder / CELLS.file} has no dense network to compare with. Run {_COMMAND} again, "
            "which writes it anew."
        )
    of_study = [SCHEMAS[name].file for name in tables if name != TIMINGS.name]
    check_files(folder, about, _COMMAND, of_study)
    documents = [_DOCUMENT]
    # Studies of earlier versions have none.
    if has_checksums(about) or (folder / _TIMINGS).exists():
        sealed = read_sealed(folder / _TIMINGS, what="study", format_version=FORMAT_VERSION)
        check_files(folder, sealed, _COMMAND, [TIMINGS.file])
        documents.append(_TIMINGS)
    known: dict[str, Any] = {key: about[key] for key in _ABOUT}
    known |= {key: tuple(about[key]) for key in ("seeds", "tensors", "cautions")}
    known |= tables
    # Studies of earlier versions did not measure it.
    known["learnt"] = about.get("learnt")
    if "inspection" in about:
        # Here: a study without one is read without the data's modules.
        from tflottery.data.findings import from_payload

        known["inspection"] = from_payload(about["inspection"], folder / _DOCUMENT)
    files = (*documents, *(SCHEMAS[name].file for name in tables))
    return StudyTables(folder=folder, **known, files=files)


def load_studies(store: Path) -> list[StudyTables]:
    """Every study of a store, by name; or the one study whose folder ``store`` is.

    Raises:
        UserError: one of them cannot be read.
    """
    return [load_study(folder) for folder in folders_of(store, STUDIES, "study.json")]
