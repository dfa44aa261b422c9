"""The numbers of a contrast, from the tables of the studies that it needs."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from tflottery import estimates
from tflottery.estimates import Estimate
from tflottery.experiments import guard
from tflottery.experiments.study.cells import Arm, BySeed, Results, average, minus
from tflottery.experiments.study.claims.contrasts import Contrast
from tflottery.experiments.study.results import FAILED, StudyTables
from tflottery.report.numbers import seeds_in_words
from tflottery.report.outcomes import MISSING

_LEVEL_DIGITS = 1e-9


@dataclass(frozen=True)
class Judged:
    """A contrast and what its seeds say.

    ``estimate``: of the planned seeds, all there or not; ``seen``: of the other seeds, which decide
    nothing. ``p``: of what was asked, and ``adjusted`` by Holm's correction over the claim's
    contrasts; None while seeds are missing. ``within``: the narrowest margin within which
    equivalence is shown. ``have`` of ``planned`` seeds were trained, ``missing`` says which were
    not, ``left_out`` those that failed, ``never`` those that never reached the accuracy that steps
    are counted to, and count with all the steps they took. ``why``: the reason against any verdict.
    """

    contrast: Contrast
    outcome: str
    estimate: Estimate | None = None
    seen: Estimate | None = None
    seen_seeds: tuple[int, ...] = ()
    p: float | None = None
    adjusted: float | None = None
    within: float | None = None
    have: int = 0
    planned: int = 0
    missing: tuple[str, ...] = ()
    left_out: tuple[int, ...] = ()
    never: tuple[int, ...] = ()
    why: str = ""

    @property
    def is_final(self) -> bool:
        """Whether every planned seed was trained, or tried."""
        return not self.missing and self.have > 0

    @property
    def in_words(self) -> str:
        """The outcome, or how far it is from one: ``not measured yet: 3 of 10 seeds``."""
        if self.outcome != MISSING:
            return self.outcome
        return f"{MISSING} yet: {self.have} of {self.planned} seeds"


def pool(studies: Iterable[StudyTables]) -> dict[str, Results]:
    """The studies by name. Several folders of one name are one study, if their networks, data and
    trainings are alike: new seeds may lie in a folder of their own. Of unlike ones the first
    counts."""
    found: dict[str, list[StudyTables]] = {}
    for study in studies:
        alike = found.setdefault(study.name, [])
        if not alike or _recipe(alike[0]) == _recipe(study):
            alike.append(study)
    return {name: Results(_joined(alike)) for name, alike in found.items()}


def _recipe(study: StudyTables) -> str:
    parts = {key: study.config.get(key) for key in ("data", "model", "training", "pruning")}
    return json.dumps([study.dataset, parts], sort_keys=True, default=str)


def _joined(studies: Sequence[StudyTables]) -> StudyTables:
    if len(studies) == 1:
        return studies[0]
    cells = pd.concat([study.cells for study in studies], ignore_index=True)
    labels = ["part", "method", "mask", "init", "level", "seed"]
    labels += [name for name in ("repeat",) if name in cells]
    seeds = tuple(sorted({seed for study in studies for seed in study.seeds}))
    return replace(studies[0], cells=cells.drop_duplicates(labels), seeds=seeds)


@dataclass(frozen=True)
class _Side:
    """An arm's values by seed, the mean over the contrast's levels, the seeds that failed, and
    those that never reached what steps are counted to."""

    values: BySeed
    failed: frozenset[int] = field(default=frozenset())
    never: frozenset[int] = field(default=frozenset())

    def of(self, seeds: Collection[int]) -> BySeed:
        return {seed: value for seed, value in self.values.items() if seed in seeds}

    def lacks(self, seeds: Collection[int]) -> list[int]:
        """Those that were neither trained nor tried."""
        return [seed for seed in seeds if seed not in self.values and seed not in self.failed]


def measure(contrast: Contrast, studies: Mapping[str, Results]) -> Judged:
    """The contrast's numbers, without an outcome."""
    sides = _sides(contrast, studies)
    seeds, second = contrast.seeds, contrast.second_seeds
    missing: list[str] = []
    for name, (first_side, second_side) in zip(contrast.studies, sides, strict=True):
        where = f" in {name}" if contrast.minus_study else ""
        one, other = first_side.lacks(seeds), second_side.lacks(second)
        if one == other and one:
            missing.append(f"both arms{where}: {seeds_in_words(one)}")
        else:
            arms = ((contrast.first, one), (contrast.second, other))
            missing += [
                f"{in_words(arm)}{where}: {seeds_in_words(some)}" for arm, some in arms if some
            ]
    trained = [
        seed
        for seed in seeds
        if all(
            not one.lacks([seed]) and (second != seeds or not other.lacks([seed]))
            for one, other in sides
        )
    ]
    failed = set().union(*(one.failed & {*seeds} for one, _ in sides))
    failed |= set().union(*(other.failed & {*second} for _, other in sides))
    never = frozenset().union(*(side.never for pair in sides for side in pair))
    seen = {
        seed
        for one, other in sides
        for seed in {*one.values, *other.values}
        if seed not in {*seeds, *second}
    }
    learnt = [studies[name].study.learnt for name in contrast.studies if name in studies]
    why = next(filter(None, map(guard.reason, learnt)), "")
    return Judged(
        contrast,
        MISSING,
        _estimate(contrast, sides, {*seeds}, {*second}),
        _estimate(contrast, sides, seen, seen),
        tuple(sorted(seen)),
        have=len(trained),
        planned=len(seeds),
        missing=tuple(missing),
        left_out=tuple(sorted(failed)),
        never=tuple(sorted(never & {*seeds, *second})),
        why=why,
    )


def everything(contrast: Contrast, studies: Mapping[str, Results]) -> Estimate | None:
    """The contrast over all seeds that there are, planned or not: for its spread alone."""
    sides = _sides(contrast, studies)
    every = {seed for pair in sides for side in pair for seed in side.values}
    return _estimate(contrast, sides, every, every)


def _sides(contrast: Contrast, studies: Mapping[str, Results]) -> list[tuple[_Side, _Side]]:
    """Both arms in each study of the contrast; empty ones where it is of other data, or missing."""
    found = [studies.get(name) for name in contrast.studies]
    results = [one if one and one.study.dataset == contrast.dataset else None for one in found]
    return [
        (_side(one, contrast, contrast.first), _side(one, contrast, contrast.second))
        for one in results
    ]


def in_words(arm: Arm) -> str:
    """An arm within a sentence."""
    if arm.method == "dense":
        return "best dense" if arm.part == "again" else "dense"
    return f"{arm.method.replace('_', '-')} {arm.label}"


def _estimate(
    contrast: Contrast,
    sides: Sequence[tuple[_Side, _Side]],
    seeds: Collection[int],
    second: Collection[int],
) -> Estimate | None:
    (one, other), *less = sides
    if less:
        gains = [minus(first.of(seeds), then.of(seeds)) for first, then in sides]
        return estimates.welch(*(list(gain.values()) for gain in gains))
    if contrast.is_paired:
        return estimates.paired(one.of(seeds), other.of(seeds))
    return estimates.welch(list(one.of(seeds).values()), list(other.of(second).values()))


def _side(results: Results | None, contrast: Contrast, arm: Arm) -> _Side:
    if results is None:
        return _Side({})
    if arm.part == "again":
        found = [_best_dense(results, contrast, level) for level in contrast.levels]
    elif arm.method == "dense" and arm.part != "control":
        # The same whatever the level of the ticket beside it.
        found = [_values(results, contrast.measure, arm, None)]
    else:
        found = [_values(results, contrast.measure, arm, level) for level in contrast.levels]
    failed = frozenset().union(*(one.failed for one in found))
    never = frozenset().union(*(one.never for one in found))
    return _Side(average(one.values for one in found), failed, never)


def _values(results: Results, measure: str, arm: Arm, level: float | None) -> _Side:
    """Values of an arm at a level, in points or steps."""
    frame = results.study.cells
    chosen = (frame["part"] == arm.part) & (frame["method"] == arm.method)
    chosen &= (frame["mask"] == arm.mask) & frame["init"].isin(arm.inits)
    if level is not None:
        chosen &= (frame["level"] - level).abs() < _LEVEL_DIGITS
    rows = frame[chosen]
    is_failed = rows["state"] == FAILED
    failed = frozenset(map(int, rows.loc[is_failed, "seed"]))
    done = rows[~is_failed].set_index("seed")
    if measure == "test_accuracy":
        return _Side({int(str(seed)): 100 * value for seed, value in done[measure].items()}, failed)
    if measure not in done:  # of a study of before it was measured
        return _Side({}, failed)
    steps = done[measure]
    # A training that never got there took all its steps, and more: to leave it out, or to count
    # nothing, would favour the slow.
    counted = steps.fillna(done["epochs"] * done["steps_per_epoch"])
    never = frozenset(int(str(seed)) for seed in steps[steps.isna()].index)
    return _Side({int(str(seed)): float(value) for seed, value in counted.items()}, failed, never)


def _best_dense(results: Results, contrast: Contrast, level: float) -> _Side:
    """Test accuracy in points of the best, by validation accuracy, of as many dense networks as the
    first arm's ticket took trainings: the seed's own and those that were trained again."""
    took = _values(results, "trainings_behind", contrast.first, level).values
    frame = results.study.cells
    dense = frame[frame["part"].isin(["dense", "again"])]
    if "repeat" not in dense:
        dense = dense.assign(repeat=0)
    best: BySeed = {}
    failed: set[int] = set()
    for seed, rows in dense.groupby("seed"):
        number = int(str(seed))
        rows = rows[rows["repeat"] < took.get(number, float("inf"))].sort_values("repeat")
        if number not in took or len(rows) < took[number]:
            continue
        done = rows[rows["state"] != FAILED]
        if len(done) < len(rows):
            failed.add(number)
        else:
            best[number] = 100 * float(rows.loc[rows["val_accuracy"].idxmax(), "test_accuracy"])
    return _Side(best, frozenset(failed))
