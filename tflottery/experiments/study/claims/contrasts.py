"""Contrasts: what each claim is judged by, read from a file that was written before the seeds.

``configs/claims.toml`` has them; ``judging.py`` judges, and docs/claims.md says by which rules.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from tflottery.errors import UserError, suggest
from tflottery.experiments.study.cells import Arm
from tflottery.report.numbers import joined, seeds_in_words
from tflottery.settings import check_choices, folder, from_table, read_toml

# The best of k ordinary dense trainings, where a ticket of the other side took k.
BEST_DENSE = "best_dense"
ABOVE, NOT_WORSE, EQUIVALENT, ABOVE_ELSE = (
    "above", "not worse", "equivalent", "above, else equivalent",
)  # fmt: skip
_ASKED = Literal["above", "not worse", "equivalent", "above, else equivalent"]
_MEASURES = Literal["test_accuracy", "steps_to_dense"]
_MOST_SEEDS = 10_000
T = TypeVar("T")


@dataclass(frozen=True)
class Contrast:
    """The first arm minus the second, asked of the mean over some levels, by seed.

    ``minus_study``: the same difference there is taken off again. ``second_seeds``: of the second
    arm, where it has more. ``margins`` are in points, the widest first. ``replaces``: the entry
    that this one amends.
    """

    name: str
    claim: str
    says: str
    study: str
    minus_study: str
    dataset: str
    measure: str
    first: Arm
    second: Arm
    levels: tuple[float, ...]
    asked: str
    margins: tuple[float, ...]
    seeds: tuple[int, ...]
    second_seeds: tuple[int, ...]
    written: datetime.date
    replaces: str

    @property
    def is_paired(self) -> bool:
        """Whether both arms share each seed's initial weights or mask. Dense networks are compared
        as groups: seeds that they have in common with tickets hardly make them alike."""
        return not self.minus_study and "dense" not in (self.first.method, self.second.method)

    @property
    def unit(self) -> str:
        return "points" if self.measure == "test_accuracy" else "steps"

    @property
    def studies(self) -> tuple[str, ...]:
        """The studies that it needs."""
        return (self.study, self.minus_study) if self.minus_study else (self.study,)


@dataclass(frozen=True)
class _ArmEntry:
    part: str = ""
    method: str = ""
    mask: str = ""
    init: str = ""


@dataclass(frozen=True)
class _Entry:
    claim: str = ""
    says: str = ""
    study: str = ""
    minus_study: str = ""
    dataset: str = "imdb"
    measure: _MEASURES = "test_accuracy"
    first: str = ""
    second: str = ""
    levels: tuple[float, ...] = ()
    asked: _ASKED = "above"
    margins: tuple[float, ...] = ()
    seeds: str = ""
    second_seeds: str = ""
    written: str = ""
    replaces: str = ""


@dataclass(frozen=True)
class Contrasts:
    """All contrasts of a file; those that were replaced are kept and judge nothing."""

    all: tuple[Contrast, ...]

    @property
    def current(self) -> list[Contrast]:
        """Those that nothing replaces, each where the one that it came to replace stands."""
        newer = {one.replaces: one for one in self.all if one.replaces}

        def newest(one: Contrast) -> Contrast:
            while one.name in newer:
                one = newer[one.name]
            return one

        return [newest(one) for one in self.all if not one.replaces]

    @property
    def replaced(self) -> list[Contrast]:
        old = {one.replaces for one in self.all}
        return [one for one in self.all if one.name in old]

    def family(self, claim: str) -> list[Contrast]:
        """The contrasts of a claim, which Holm's correction is over."""
        return [one for one in self.current if one.claim == claim]


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
        arms = {
            name: _arm(name, entry)
            for name, entry in _entries(tables.get("arm", {}), "arm", _ArmEntry).items()
        }
        arms[BEST_DENSE] = Arm("again", "dense", "dense", "fresh")
        found = [
            _contrast(name, entry, arms)
            for name, entry in _entries(tables.get("contrast", {}), "contrast", _Entry).items()
        ]
        _check_replaced(found)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return Contrasts(tuple(found))


def _entries(table: Mapping[str, Any], kind: str, of: type[T]) -> dict[str, T]:
    for name, entry in table.items():
        if not isinstance(entry, dict):
            raise UserError(f"{kind}.{name} is no table; write [{kind}.{name}].")
    return {name: from_table(of, f"{kind}.{name}", entry) for name, entry in table.items()}


def _arm(name: str, entry: _ArmEntry) -> Arm:
    if name == BEST_DENSE:
        raise UserError(f"arm.{name} is known without an entry; give yours another name.")
    for key in ("part", "method", "mask", "init"):
        _require(f"arm.{name}", key, getattr(entry, key))
    return Arm(entry.part, entry.method, entry.mask, entry.init)


def _contrast(name: str, entry: _Entry, arms: Mapping[str, Arm]) -> Contrast:
    here = f"contrast.{name}"
    check_choices(entry, here)
    for key in ("claim", "says", "study", "first", "second", "seeds", "written", "levels"):
        _require(here, key, getattr(entry, key))
    for key in ("first", "second"):
        if (arm := getattr(entry, key)) not in arms:
            raise UserError(f"{here}.{key} is no arm {arm!r}. {suggest(arm, arms)}")
    if entry.first == entry.second:
        raise UserError(f"{here} compares {entry.first} with itself.")
    if entry.first == BEST_DENSE:
        raise UserError(f"{here}.first is {BEST_DENSE}, which can be second alone.")
    if entry.minus_study == entry.study:
        raise UserError(f"{here}.minus_study is {entry.study}, as study is.")
    for level in entry.levels:
        if not 0 < level < 1:
            raise UserError(f"{here}.levels holds {level:g}; a sparsity here is in (0, 1).")
    if len(set(entry.levels)) != len(entry.levels):
        raise UserError(f"{here}.levels holds a level twice.")
    _check_margins(here, entry)
    seeds = _seeds(here, "seeds", entry.seeds)
    second = _seeds(here, "second_seeds", entry.second_seeds) if entry.second_seeds else seeds
    made = Contrast(
        name, entry.claim, entry.says, entry.study, entry.minus_study, entry.dataset,
        entry.measure, arms[entry.first], arms[entry.second], entry.levels, entry.asked,
        entry.margins, seeds, second, _date(here, entry.written), entry.replaces,
    )  # fmt: skip
    if made.is_paired and second != seeds:
        raise UserError(f"{here}.second_seeds differ from seeds, and its arms are paired by seed.")
    return made


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
    if not low < high < low + _MOST_SEEDS:
        raise UserError(f"{here}.{key} is {text!r}; write two seeds or more, as 4-13.")
    return tuple(range(low, high + 1))


def _date(here: str, text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise UserError(f"{here}.written is {text!r}; write a day, as 2026-11-30.") from None


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


def table(contrasts: Contrasts, network: Mapping[str, str]) -> str:
    """The contrasts as docs/claims.md shows them.

    Args:
        contrasts: what to show.
        network: what each study's network is called.
    """
    head = "| claim | network | contrast | levels pruned | asked | margin | seeds |"
    rows = [head, "|---|---|---|---|---|---|---|"]
    rows += [_row(one, network) for one in contrasts.current]
    if contrasts.replaced:
        rows += ["", "Replaced, and kept here:", "", head, "|---|---|---|---|---|---|---|"]
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
    )
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")
