"""The contrasts of a file that was written before the seeds, and the table that shows them.

``configs/claims.toml`` has them; ``judging.py`` judges, and docs/claims.md says by which rules.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tflottery.errors import UserError, suggest
from tflottery.experiments.claims.arms import (
    IN_WORDS,
    STUDY,
    TRANSFER,
    Arm,
    Experiment,
    StudyArm,
    read_arm,
)
from tflottery.experiments.claims.contrast import (
    ABOVE,
    ABOVE_ELSE,
    EQUIVALENT,
    NOT_WORSE,
    Asked,
    Contrast,
    Contrasts,
    Measure,
)
from tflottery.experiments.levels import check_levels
from tflottery.experiments.which_seeds import MOST_SEEDS
from tflottery.report.numbers import joined, seeds_in_words
from tflottery.settings import check_choices, from_table
from tflottery.toml import folder, read_toml

__all__ = [
    "ABOVE", "ABOVE_ELSE", "EQUIVALENT", "NOT_WORSE", "Contrast", "Contrasts", "load", "table",
]  # fmt: skip

# The best of k ordinary dense trainings, where a ticket of the other side took k.
BEST_DENSE = "best_dense"
T = TypeVar("T")
_Arms = Mapping[str, tuple[str, Arm]]


@dataclass(frozen=True)
class _Entry:
    claim: str = ""
    says: str = ""
    experiment: Experiment = STUDY
    study: str = ""
    minus_study: str = ""
    dataset: str = "imdb"
    to: str = ""
    to_study: str = ""
    measure: Measure = "test_accuracy"
    first: str = ""
    second: str = ""
    minus: tuple[str, ...] = ()
    levels: tuple[float, ...] = ()
    asked: Asked = "above"
    margins: tuple[float, ...] = ()
    seeds: str = ""
    second_seeds: str = ""
    beside: bool = False
    written: str = ""
    replaces: str = ""
    exception: str = ""


def load(path: Path | None = None) -> Contrasts:
    """The contrasts of a file; without one, those that ship.

    Raises:
        UserError: it cannot be read, or an entry is wrong; the line names it.
    """
    path = path or folder() / "claims.toml"
    tables = read_toml(path, ("arm", "contrast"))
    for name in tables:
        if name not in ("arm", "contrast"):
            raise UserError(f"{path}: there is no table {name}. Known: arm, contrast.")
    try:
        arms = {name: _arm(name, entry) for name, entry in _entries(tables, "arm")}
        arms[BEST_DENSE] = STUDY, StudyArm("again", "dense", "dense", "fresh")
        found = [
            _contrast(name, from_table(_Entry, f"contrast.{name}", entry), arms)
            for name, entry in _entries(tables, "contrast")
        ]
        _check_replaced(found)
        _check_beside(Contrasts(tuple(found)).current)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return Contrasts(tuple(found))


def _entries(tables: Mapping[str, Any], kind: str) -> list[tuple[str, Mapping[str, Any]]]:
    found = tables.get(kind, {})
    for name, entry in found.items():
        if not isinstance(entry, dict):
            raise UserError(f"{kind}.{name} is no table; write [{kind}.{name}].")
    return list(found.items())


def _arm(name: str, entry: Mapping[str, Any]) -> tuple[str, Arm]:
    if name == BEST_DENSE:
        raise UserError(f"arm.{name} is known without an entry; give yours another name.")
    return read_arm(name, entry)


def _contrast(name: str, entry: _Entry, known: _Arms) -> Contrast:
    here = f"contrast.{name}"
    check_choices(entry, here)
    for key in ("claim", "says", "study", "first", "second", "seeds", "written", "levels"):
        _require(here, key, getattr(entry, key))
    first, second = (_arm_of(here, key, getattr(entry, key), entry, known)
                     for key in ("first", "second"))  # fmt: skip
    minus = tuple(_arm_of(here, "minus", arm, entry, known) for arm in entry.minus)
    if entry.first == entry.second:
        raise UserError(f"{here} compares {entry.first} with itself.")
    if BEST_DENSE in (entry.first, *entry.minus):
        key = "first" if entry.first == BEST_DENSE else "minus"
        raise UserError(f"{here}.{key} is {BEST_DENSE}, which can be second alone.")
    _check_place(here, entry)
    _check_minus(here, entry)
    check_levels(f"{here}.levels", entry.levels)
    if len(set(entry.levels)) != len(entry.levels):
        raise UserError(f"{here}.levels holds a level twice.")
    _check_margins(here, entry)
    seeds = _seeds(here, "seeds", entry.seeds)
    second_seeds = _seeds(here, "second_seeds", entry.second_seeds or entry.seeds)
    made = Contrast(
        name, entry.claim, entry.says, entry.study, entry.minus_study, entry.dataset,
        entry.measure, first, second, entry.levels, entry.asked, entry.margins, seeds,
        second_seeds, _date(here, entry.written), entry.replaces, entry.experiment, entry.to,
        minus, entry.beside, entry.to_study, entry.exception,
    )  # fmt: skip
    if made.is_paired and second_seeds != seeds:
        raise UserError(f"{here}.second_seeds differ from seeds, and its arms are paired by seed.")
    if len(made.gains) > 1 and second_seeds != seeds:
        raise UserError(f"{here}.second_seeds differ from seeds, and a gain is taken off another.")
    return made


def _arm_of(here: str, key: str, name: str, entry: _Entry, known: _Arms) -> Arm:
    if name not in known:
        raise UserError(f"{here}.{key} is no arm {name!r}. {suggest(name, known)}")
    experiment, arm = known[name]
    if experiment != entry.experiment:
        raise UserError(
            f"{here}.{key} is {name}, an arm of {IN_WORDS[experiment]}, and its experiment is "
            f"{IN_WORDS[entry.experiment]}."
        )
    return arm


def _check_place(here: str, entry: _Entry) -> None:
    """Whether it says where its numbers are."""
    if (entry.experiment == TRANSFER) != bool(entry.to):
        need = "takes no" if entry.to else "needs the target's name as"
        raise UserError(f"{here}.experiment is {entry.experiment!r}, which {need} to.")
    if entry.to_study and not entry.to:
        raise UserError(f"{here}.to_study goes with to, the target of a transfer.")
    if entry.to_study == entry.study:
        raise UserError(f"{here}.to_study is {entry.study}, as study is.")
    if entry.experiment != STUDY and entry.measure != "test_accuracy":
        raise UserError(
            f"{here}.measure is {entry.measure}, which studies alone have, and its experiment is "
            f"{IN_WORDS[entry.experiment]}."
        )


def _check_minus(here: str, entry: _Entry) -> None:
    if entry.minus_study == entry.study:
        raise UserError(f"{here}.minus_study is {entry.study}, as study is.")
    if not entry.minus:
        return
    if entry.minus_study:
        raise UserError(f"{here} has minus and minus_study; one gain is taken off, not two.")
    if len(set(entry.minus)) != 2 or len(entry.minus) != 2:
        raise UserError(f"{here}.minus names two arms, whose difference is taken off.")
    if entry.minus == (entry.first, entry.second):
        raise UserError(f"{here}.minus takes off what first and second are.")


def _check_margins(here: str, entry: _Entry) -> None:
    if (entry.asked == ABOVE) == bool(entry.margins):
        need = "takes no" if entry.margins else "needs"
        raise UserError(f"{here}.asked is {entry.asked!r}, which {need} margins.")
    if entry.asked == NOT_WORSE and len(entry.margins) > 1:
        raise UserError(f"{here}.asked is {NOT_WORSE!r}, which has one margin.")
    if any(margin <= 0 for margin in entry.margins):
        raise UserError(f"{here}.margins holds one that is not above 0.")
    if list(entry.margins) != sorted(set(entry.margins), reverse=True):
        raise UserError(f"{here}.margins go from the widest to the narrowest, each once.")
    if entry.margins and entry.measure != "test_accuracy":
        raise UserError(f"{here}.margins are in points, and its measure is {entry.measure}.")


def _require(here: str, key: str, value: object) -> None:
    if not value:
        raise UserError(f"{here} has no {key}.")


def _seeds(here: str, key: str, text: str) -> tuple[int, ...]:
    first, dash, last = text.partition("-")
    if not (first.isdecimal() and (last.isdecimal() or not dash)):
        raise UserError(f"{here}.{key} is {text!r}; write the first and the last, as 4-13.")
    low, high = int(first[:20]), int((last or first)[:20])
    if not low < high < low + MOST_SEEDS:
        raise UserError(f"{here}.{key} is {text!r}; write two seeds or more, as 4-13.")
    return tuple(range(low, high + 1))


def _date(here: str, text: str) -> datetime.datetime:
    """A day, or a day and a time of it."""
    for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M"):
        with suppress(ValueError):
            return datetime.datetime.strptime(text, form)
    raise UserError(
        f"{here}.written is {text!r}; write a day, or with its time in UTC, as 2026-11-30 07:38."
    )


def _check_replaced(found: Sequence[Contrast]) -> None:
    by_name = {one.name: one for one in found}
    seen: set[str] = set()
    for one in found:
        if not one.replaces:
            continue
        here, old = f"contrast.{one.name}", by_name.get(one.replaces)
        if old is None or old is one:
            raise UserError(
                f"{here}.replaces is no other contrast {one.replaces!r}. "
                f"{suggest(one.replaces, by_name)}"
            )
        if one.replaces in seen:
            raise UserError(f"{here}.replaces {one.replaces}, as another one does.")
        if old.claim != one.claim:
            raise UserError(f"{here}.replaces {one.replaces}, which is of the claim {old.claim}.")
        if old.written > one.written or found.index(old) > found.index(one):
            raise UserError(f"{here}.replaces {one.replaces}, which was written after it.")
        seen.add(one.replaces)


def _check_beside(current: Sequence[Contrast]) -> None:
    """Whether every claim has a contrast that decides it, wherever it is told."""
    decided = {(one.claim, one.place()) for one in current if not one.beside}
    for one in current:
        if (one.claim, one.place()) not in decided:
            raise UserError(
                f"contrast.{one.name} is beside the claim {one.claim}, which nothing decides there."
            )


def table(contrasts: Contrasts, network: Mapping[str, str]) -> str:
    """The contrasts as docs/claims.md shows them.

    Args:
        contrasts: what to show.
        network: what each study's network is called.
    """
    head = "| claim | network | contrast | levels pruned | asked | margin | seeds | written (UTC) |"
    rows = [head, "|---|---|---|---|---|---|---|---|"]
    rows += [_row(one, network) for one in contrasts.current]
    if contrasts.replaced:
        rows += ["", "Replaced, and kept here:", "", head, rows[1]]
        rows += [_row(one, network) for one in contrasts.replaced]
    return "\n".join(rows)


_IN_WORDS = {
    ABOVE: "above 0",
    NOT_WORSE: "not worse by more than the margin",
    EQUIVALENT: "equivalent",
    ABOVE_ELSE: "above 0; else equivalent",
}


def _row(one: Contrast, network: Mapping[str, str]) -> str:
    levels = joined([f"{100 * level:g}" for level in one.levels])
    levels = f"mean of {levels} %" if len(one.levels) > 1 else f"{levels} %"
    seeds = seeds_in_words(one.seeds)
    if one.second_seeds != one.seeds:
        seeds += f", dense {seeds_in_words(one.second_seeds)}"
    cells = (
        one.claim,
        " and ".join(network[study] for study in one.studies),
        one.says,
        levels,
        _IN_WORDS[one.asked],
        ", ".join(f"{margin:g}" for margin in one.margins),
        seeds,
        one.when.removesuffix(" UTC"),
    )
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")
