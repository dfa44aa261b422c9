"""How far contrasts reach over seeds and test texts, from the predictions that runs have kept.

An interval over seeds says what other seeds would give on these test texts; this one, what other
seeds would give on other texts of the same kind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any, Protocol

import numpy as np

from tflottery import paired
from tflottery.experiments.claims.arms import STUDY, StudyArm
from tflottery.experiments.claims.contrast import Contrast, Contrasts, Place
from tflottery.experiments.claims.contrasts import load
from tflottery.runs.run import Run

PLANNED, OTHERS = "planned", "others"
_DIGITS = 6
_LEVEL_DIGITS = 9


class _Cell(Protocol):
    part: str
    method: str
    mask: str
    init: str
    level: float
    seed: int


_Place = tuple[StudyArm, float, int]


def rows(
    study: str,
    dataset: str,
    cells: Iterable[tuple[Any, Run | None]],
    contrasts: Contrasts | None = None,
) -> list[dict[str, Any]]:
    """Of each contrast of a study the interval over seeds and texts, for the planned seeds and for
    the others; nothing where predictions were not kept.

    Args:
        study, dataset: their names.
        cells: with part, method, mask, init, level and seed, and the run of each that finished.
        contrasts: those to look at; by default those that ship.
    """
    known = [
        one
        for one in (contrasts or load()).current
        if one.places == [Place(STUDY, study, dataset, "")]
        and one.measure == "test_accuracy"
        and not one.minus
        and not any(arm.part == "again" for arm in _arms(one))
    ]
    if not known:
        return []
    runs: dict[_Place, Run] = {_place(cell): run for cell, run in cells if run is not None}

    @cache
    def right(place: _Place) -> np.ndarray | None:
        kept = runs[place].predictions() if place in runs else None
        return None if kept is None else 100.0 * (kept["test"].predicted == kept["test"].labels)

    seeds = {seed for _, _, seed in runs}
    found = []
    for contrast in known:
        planned = set(contrast.seeds), set(contrast.second_seeds)
        others = seeds - planned[0] - planned[1]
        for which, of_arms in ((PLANNED, planned), (OTHERS, (others, others))):
            by_text = (
                _of_arm(right, arm, contrast, seeds & some)
                for arm, some in zip(_arms(contrast), of_arms, strict=True)
            )
            if reach := _reach(contrast, *by_text):
                found.append({"contrast": contrast.name, "which": which, **_numbers(reach)})
    return found


def _arms(contrast: Contrast) -> list[StudyArm]:
    return [arm for arm in (contrast.first, contrast.second) if isinstance(arm, StudyArm)]


def _place(cell: _Cell) -> _Place:
    arm = StudyArm(cell.part, cell.method, cell.mask, cell.init)
    return arm, round(cell.level, _LEVEL_DIGITS), cell.seed


def _of_arm(
    right: Any, arm: StudyArm, contrast: Contrast, seeds: Collection[int]
) -> dict[int, np.ndarray]:
    """Points by text, the mean over the contrast's levels, of each seed that has them all."""
    levels = (0.0,) if arm.part == "dense" else contrast.levels
    found = {}
    for seed in sorted(seeds):
        at_levels = [_first(right, arm, round(level, _LEVEL_DIGITS), seed) for level in levels]
        known = [one for one in at_levels if one is not None]
        if len(known) == len(levels):
            found[seed] = np.mean(known, axis=0)
    return found


def _first(right: Any, arm: StudyArm, level: float, seed: int) -> np.ndarray | None:
    """By whichever name the arm goes."""
    for init in arm.inits:
        found: np.ndarray | None = right(
            (StudyArm(arm.part, arm.method, arm.mask, init), level, seed)
        )
        if found is not None:
            return found
    return None


def _reach(
    contrast: Contrast, one: Mapping[int, np.ndarray], other: Mapping[int, np.ndarray]
) -> paired.Paired | None:
    if contrast.is_paired:
        common = sorted(set(one) & set(other))
        if len(common) < 2:
            return None
        gains = np.stack([one[seed] - other[seed] for seed in common])
        return paired.crossed(gains, gains.shape[1])
    if min(len(one), len(other)) < 2:
        return None
    return paired.between(np.stack(list(one.values())), np.stack(list(other.values())))


def _numbers(reach: paired.Paired) -> dict[str, Any]:
    numbers = {
        "difference": reach.difference,
        "low": reach.low,
        "high": reach.high,
        "by_seeds": reach.by_seeds,
        "by_texts": reach.by_texts,
    }
    rounded = {name: round(value, _DIGITS) for name, value in numbers.items()}
    return {**rounded, "seeds": reach.seeds, "texts": reach.texts}
