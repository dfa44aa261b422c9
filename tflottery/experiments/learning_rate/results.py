"""A search's files: their schema, the writer and the reader; and the table for a terminal.

``<store>/tunings/<name>/`` holds ``tuning.json`` (sealed), ``trials.csv`` and the fitted rule. It
is the same, byte for byte, however often the search was interrupted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from tflottery.experiments.learning_rate.arms import ARMS, DENSE, TICKET
from tflottery.experiments.schema import MEASURED, STATE, Schema, count, fraction, positive, text
from tflottery.experiments.shapes import (
    COUNT,
    DIFFERENCE,
    FRACTION,
    POSITIVE,
    SUMMARY,
    Each,
    Many,
    Maybe,
    Number,
    Shape,
)
from tflottery.metrics import ACCURACY as OF_ACCURACY
from tflottery.report.article import slug
from tflottery.report.numbers import joined, share
from tflottery.statistics import Difference, Summary
from tflottery.tickets.rule import SEARCHES, Rule, rule_from

FORMAT_VERSION = 1
RULE = "rule.json"
_COMMAND = "bin/tune_lr"
_DOCUMENT = "tuning.json"
TRIALS = Schema(
    "trials",
    (
        *text("arm", known=(DENSE, *ARMS)),
        *fraction("level"),
        *positive("learning_rate", "warmup"),
        *text("decay"),
        *count("batch_size", low=1),
        *fraction("dropout"),
        *text("stages"),
        *count("seed"),
        *positive("found_learning_rate"),
        *STATE,
        *MEASURED,
        *positive("epochs_to_99", optional=True),
    ),
    _COMMAND,
    required=("val_accuracy", "test_accuracy", "epochs_to_99"),
)
_TRIED: Shape = {
    "learning_rate": POSITIVE, "median": Number(), "val_accuracy": SUMMARY,
    "test_accuracy": SUMMARY, "epochs_to_99": POSITIVE, "best_epoch": POSITIVE,
}  # fmt: skip
_GAINED: Shape = {
    "learning_rate": POSITIVE, "gain": Maybe(DIFFERENCE), "sooner": Maybe(DIFFERENCE),
}  # fmt: skip
_CELL: Shape = {
    "arm": str, "level": FRACTION, "sparsity": FRACTION, "trials": COUNT, "failed": COUNT,
    "best": Maybe(_TRIED), "own": Maybe(_TRIED), "gain": Maybe(DIFFERENCE),
    "sooner": Maybe(DIFFERENCE), "higher": Maybe(_GAINED), "peak": Maybe(POSITIVE),
    "peak_edge": str, "as_good": Maybe(Many(POSITIVE, least=2)), "edge": str,
    "curve": Many(_TRIED),
}  # fmt: skip
_FAILURE: Shape = {
    "arm": str, "level": FRACTION, "learning_rate": POSITIVE, "seed": COUNT, "reason": str,
}  # fmt: skip
_ABOUT: Kinds = {
    "name": str, "dataset": str, "model": str, "tuner": str, "seeds": Many(COUNT),
    "tolerance": POSITIVE, "found_learning_rate": POSITIVE, "space": Each(dict),
    "trials_a_cell": COUNT, "cells": Many(_CELL),
    "comparisons": Many({"level": FRACTION, "minus": str, "difference": DIFFERENCE}),
    "rule": Maybe(dict), "failures": Many(_FAILURE), "config": Each(dict), "caution": str,
    "command": str, "ticket": str, "versions": Each(str),
}  # fmt: skip


@dataclass(frozen=True)
class Tried:
    """A trial over its seeds. Accuracies are in %.

    ``median`` is the validation accuracy, by which it was judged unless the search has another
    metric; ``values`` are all settings that
    could be searched.
    """

    values: Mapping[str, Any]
    median: float
    validation: Summary
    test: Summary
    epochs_to_99: float
    best_epoch: float

    @property
    def rate(self) -> float:
        return float(self.values["learning_rate"])


@dataclass(frozen=True)
class Higher:
    """What the best rate above the configured one gains over it, be it better or worse."""

    rate: float
    gain: Difference | None
    sooner: Difference | None


@dataclass(frozen=True)
class TunedCell:
    """A network that was tuned; ``best`` is None where every trial failed.

    ``own``: the trial with the configuration's values. ``gain``: points of test accuracy from there
    to the best; ``sooner``: epochs saved until 99 % of the final validation accuracy. ``higher``:
    the same of the best rate above the configured one. ``peak``: the top of a parabola through the
    best rate and its neighbours, over the rate's logarithm. ``higher`` and ``peak`` are of trials
    in which nothing but the rate differs from the configuration. ``as_good``: the lowest and the
    highest rate within the tolerance of the best. ``edge`` and ``peak_edge``: lowest or highest
    where a best rate is at an end of those tried. ``curve``: the best trial of each rate.
    """

    arm: str
    level: float
    sparsity: float
    trials: int
    failed: int
    best: Tried | None
    own: Tried | None
    gain: Difference | None
    sooner: Difference | None
    higher: Higher | None
    peak: float | None
    peak_edge: str
    as_good: tuple[float, float] | None
    edge: str
    curve: tuple[Tried, ...]

    @property
    def network(self) -> str:
        """What it is called on a curve and in a table."""
        return names.tuned_arm(self.arm)


@dataclass(frozen=True)
class TuningTables:
    """One search; ``about`` is the whole of ``tuning.json``. ``comparisons`` are (level, dense or
    reinit, the ticket at its best minus that at its best, in points of test accuracy). ``trials``
    has a row for each trial and seed."""

    folder: Path
    about: dict[str, Any]
    cells: tuple[TunedCell, ...]
    comparisons: tuple[tuple[float, str, Difference], ...]
    rule: Rule | None
    trials: pd.DataFrame

    @property
    def files(self) -> tuple[str, ...]:
        """What its folder holds."""
        return (_DOCUMENT, TRIALS.file, *([RULE] if self.rule else []))

    @property
    def slug(self) -> str:
        """The name as it stands in file names and links."""
        return slug(self.folder)

    @property
    def found(self) -> float:
        """The rate at which masks were found."""
        return float(self.about["found_learning_rate"])

    @property
    def metric(self) -> str:
        """What trials were judged by, in words: ``validation accuracy``."""
        name = self.about["config"].get("tuning", {}).get("metric", OF_ACCURACY)
        return f"validation {name.replace('_', ' ')}"

    @property
    def has_curves(self) -> bool:
        return bool(self.about["tuner"] != "hyperband")

    @property
    def levels(self) -> list[float]:
        return sorted({cell.level for cell in self.cells})

    @property
    def networks_in_words(self) -> str:
        """``dense, 83.2 and 97.2 % pruned``."""
        pruned = [f"{share(level)} %" for level in self.levels if level]
        return joined([*(["dense"] if 0.0 in self.levels else []), *pruned])

    @property
    def arms(self) -> list[str]:
        """Dense first."""
        return list(dict.fromkeys(cell.arm for cell in self.cells))

    def cell(self, arm: str, level: float) -> TunedCell | None:
        return next((one for one in self.cells if (one.arm, one.level) == (arm, level)), None)

    def of(self, arm: str) -> list[TunedCell]:
        """The cells of an arm that have a best trial, the least sparse first."""
        return [cell for cell in self.cells if cell.arm == arm and cell.best]

    @property
    def fitted(self) -> list[TunedCell]:
        """The dense network and tickets whose peaks the rule is fitted to."""
        return [cell for cell in (*self.of(DENSE), *self.of(TICKET)) if cell.peak]

    @property
    def raised(self) -> list[TunedCell]:
        """The tickets whose best rate is above that at which masks were found."""
        return [cell for cell in self.of(TICKET) if cell.best and cell.best.rate > self.found]


def write(
    folder: Path,
    about: Mapping[str, Any],
    rows: Iterable[Mapping[str, Any]],
    rule: str = "",
    *,
    only_known: bool = False,
) -> None:
    """Writes a search's folder whole, in place of an older one.

    Args:
        folder: where to.
        about: what ``tuning.json`` says, without its format.
        rows: of ``trials.csv``.
        rule: the text of ``rule.json``; empty where no rule was fitted.
        only_known: whether to refuse values that tflottery itself does not write.

    Raises:
        ValueError: the rows do not fit the schema.
    """
    frame = TRIALS.frame(rows, only_known=only_known)
    payload = {"format_version": FORMAT_VERSION, **about}
    others = {RULE: rule} if rule else {}
    write_folder(folder, Document(_DOCUMENT, payload, {TRIALS: frame}, others))


def load_tuning(folder: Path) -> TuningTables:
    """Reads ``tuning.json`` and the table beside it.

    Raises:
        UserError: it is missing or damaged; the line names it.
    """
    path = folder / _DOCUMENT
    about = read_about(
        path, what="search", format_version=FORMAT_VERSION, kinds=_ABOUT, command=_COMMAND
    )
    try:
        cells = tuple(map(_cell, about["cells"]))
        comparisons = tuple(
            (one["level"], one["minus"], Difference(**one["difference"]))
            for one in about["comparisons"]
        )
        rule = rule_from(about["rule"], path) if about["rule"] else None
    except (KeyError, TypeError) as error:
        raise DamagedFileError(f"{path} is damaged ({error}); run {_COMMAND} again.") from None
    trials = TRIALS.read(folder)
    check_files(folder, about, _COMMAND, [TRIALS.file])
    return TuningTables(folder, about, cells, comparisons, rule, trials)


def load_tunings(store: Path) -> list[TuningTables]:
    """Every search of a store, by name; or the one whose folder ``store`` is."""
    return [load_tuning(folder) for folder in folders_of(store, SEARCHES, _DOCUMENT)]


def _cell(row: Mapping[str, Any]) -> TunedCell:
    kept = ("arm", "level", "sparsity", "trials", "failed", "peak", "peak_edge", "edge")
    given: dict[str, Any] = {key: row[key] for key in kept}
    return TunedCell(
        **given,
        best=row["best"] and _tried(row["best"]),
        own=row["own"] and _tried(row["own"]),
        gain=row["gain"] and Difference(**row["gain"]),
        sooner=row["sooner"] and Difference(**row["sooner"]),
        higher=row["higher"] and _higher(row["higher"]),
        as_good=row["as_good"] and (row["as_good"][0], row["as_good"][1]),
        curve=tuple(map(_tried, row["curve"])),
    )


def _higher(row: Mapping[str, Any]) -> Higher:
    return Higher(
        row["learning_rate"],
        gain=row["gain"] and Difference(**row["gain"]),
        sooner=row["sooner"] and Difference(**row["sooner"]),
    )


def _tried(row: Mapping[str, Any]) -> Tried:
    measured = ("median", "val_accuracy", "test_accuracy", "epochs_to_99", "best_epoch")
    return Tried(
        values={name: value for name, value in row.items() if name not in measured},
        median=row["median"],
        validation=Summary(**row["val_accuracy"]),
        test=Summary(**row["test_accuracy"]),
        epochs_to_99=row["epochs_to_99"],
        best_epoch=row["best_epoch"],
    )


def raising(tuning: TuningTables, what: str) -> list[tuple[float, Difference]]:
    """What the best higher rate gains each ticket, by level: ``gain`` in points of test accuracy,
    or ``sooner`` in epochs."""
    return [
        (cell.level, gained)
        for cell in tuning.of(TICKET)
        if cell.higher and (gained := getattr(cell.higher, what))
    ]
