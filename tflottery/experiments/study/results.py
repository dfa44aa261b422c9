"""A study's files, read and checked. The format is in docs/report.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tflottery.errors import DamagedFileError, UserError
from tflottery.experiments.documents import Kinds, folders_of, read_about
from tflottery.report.article import slug

STUDIES = "studies"
FORMAT_VERSION = 1
DONE, FAILED = "done", "failed"

_TEXT = {"part", "method", "mask", "init", "state", "reason", "key", "kind", "one", "other"}
_TEXT |= {"tensor", "gate", "point"}
_CELLS = (
    "part method mask init level seed state reason key sparsity sparsity_without_embedding "
    "remaining total val_accuracy val_loss test_accuracy test_loss best_epoch epochs "
    "steps_per_epoch steps_to_best steps_to_99 trainings_behind epochs_behind"
).split()
_TIMINGS = ["key", "seconds"]
_OPTIONAL = {
    "overlap": "kind level one other seed_one seed_other jaccard chance".split(),
    "layers": "method init level seed tensor gate remaining total".split(),
    "early_bird": "seed level epoch_one epoch_other distance relative jaccard".split(),
    "instability": "seed point alpha val_loss val_error".split(),
}
_ABOUT: Kinds = {
    "name": str, "dataset": str, "model": str, "seeds": list, "config": dict, "command": str,
    "versions": dict, "caution": str, "note": str, "tolerance": (int, float),
    "prunable_weights": int, "embedding_weights": int, "tensors": list,
}  # fmt: skip


@dataclass(frozen=True)
class Study:
    """One study. ``cells`` and ``timings`` are always there, the other tables may be None.

    Accuracies in the frames are fractions; ``tolerance`` is in points; ``level`` is a sparsity.
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
    early_bird: pd.DataFrame | None = None
    instability: pd.DataFrame | None = None
    files: tuple[str, ...] = field(default=())

    @property
    def slug(self) -> str:
        """The name as it stands in file names and links."""
        return slug(self.folder)

    @property
    def embedding_share(self) -> float:
        """Fraction of the prunable weights that sits in the embedding."""
        return self.embedding_weights / max(self.prunable_weights, 1)


def load_study(folder: Path) -> Study:
    """Reads ``study.json`` and the CSV files beside it.

    Raises:
        UserError: a file is missing, damaged or lacks a column; the line names it.
    """
    about = read_about(
        folder / "study.json",
        what="study",
        format_version=FORMAT_VERSION,
        kinds=_ABOUT,
        command="bin/study",
    )
    cells = _read(folder / "cells.csv", _CELLS)
    _check_states(folder / "cells.csv", cells)
    optional: dict[str, Any] = {
        name: _read(folder / f"{name}.csv", columns)
        for name, columns in _OPTIONAL.items()
        if (folder / f"{name}.csv").exists()
    }
    known: dict[str, Any] = {key: about[key] for key in _ABOUT}
    known |= {key: tuple(about[key]) for key in ("seeds", "tensors")}
    return Study(
        folder=folder,
        **known,
        cells=cells,
        timings=_read(folder / "timings.csv", _TIMINGS),
        files=("study.json", "cells.csv", "timings.csv", *(f"{name}.csv" for name in optional)),
        **optional,
    )


def load_studies(store: Path) -> list[Study]:
    """Every study of a store, by name; or the one study whose folder ``store`` is.

    Raises:
        UserError: one of them cannot be read.
    """
    return [load_study(folder) for folder in folders_of(store, STUDIES, "study.json")]


def _read(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A CSV file with at least ``columns``: text where text belongs, else numbers."""
    try:
        # Text is kept as it is written: pandas would read an arm named "None" as missing.
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path.parent} is no whole study ({path.name} is missing).") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, pd.errors.ParserError):
        raise DamagedFileError(f"{path} is damaged: it is not a CSV file. {_MEND}") from None
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise DamagedFileError(f"{path} lacks the column {', '.join(missing)}. {_MEND}")
    for name in columns:
        if name not in _TEXT:
            frame[name] = _numbers(path, frame[name])
    return frame


def _numbers(path: Path, column: pd.Series) -> pd.Series:
    given = column.str.strip()
    numbers = pd.to_numeric(given.where(given != "", None), errors="coerce")
    wrong = given[numbers.isna() & (given != "") & (given.str.lower() != "nan")]
    if len(wrong):
        where = f"line {int(wrong.index[0]) + 2}, column {column.name}"
        raise DamagedFileError(f"{path} is damaged: {wrong.iloc[0]!r} in {where} is no number.")
    return numbers.astype(float)


def _check_states(path: Path, cells: pd.DataFrame) -> None:
    for state in sorted(set(cells["state"]) - {DONE, FAILED}):
        raise DamagedFileError(f"{path} is damaged: state {state!r} is neither done nor failed.")
    done = cells[cells["state"] == DONE]
    for name in ("seed", "level"):
        if cells[name].isna().any():
            raise DamagedFileError(f"{path} is damaged: a row has no {name}. {_MEND}")
    if done["test_accuracy"].isna().any():
        raise DamagedFileError(f"{path} is damaged: a finished row has no test_accuracy. {_MEND}")
    if not (done["test_accuracy"].between(0, 1)).all():
        raise DamagedFileError(f"{path} is damaged: a test_accuracy lies outside 0 to 1. {_MEND}")
    cell = ["part", "method", "mask", "init", "level", "seed"]
    twice = cells[cells.duplicated(cell)]
    if len(twice):
        raise DamagedFileError(
            f"{path} is damaged: line {int(twice.index[0]) + 2} repeats a cell. {_MEND}"
        )
    if cells.empty or not (cells["part"] == "dense").any():
        raise DamagedFileError(f"{path} has no dense network to compare with. {_MEND}")


_MEND = "Run bin/study again, which writes it anew."
