"""The numbers of contrasts between cells of studies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from tflottery.experiments.claims.arms import StudyArm
from tflottery.experiments.claims.contrast import Contrast, Place
from tflottery.experiments.claims.evidence import Cell, Side, at_levels, mean_of, near, points
from tflottery.experiments.price import Cost
from tflottery.experiments.study.best_dense import best_dense
from tflottery.experiments.study.cells import Results
from tflottery.experiments.study.costs import cost_of_a_seed, seconds_an_epoch
from tflottery.experiments.study.results import FAILED, StudyTables


class Studies:
    """Studies by name. Several folders of one name are one study, if their networks, data and
    trainings are alike: new seeds may lie in a folder of their own. Of unlike ones the first
    counts."""

    def __init__(self, studies: Iterable[StudyTables]) -> None:
        found: dict[str, list[StudyTables]] = {}
        for study in studies:
            alike = found.setdefault(study.name, [])
            if not alike or _recipe(alike[0]) == _recipe(study):
                alike.append(study)
        self._found = {name: StudyEvidence(Results(_joined(all_)), tuple(all_))
                       for name, all_ in found.items()}  # fmt: skip

    def find(self, place: Place) -> StudyEvidence | None:
        found = self._found.get(place.study)
        return found if found and found.results.study.dataset == place.dataset else None

    def seconds_an_epoch(self, study: str, dataset: str) -> float | None:
        """What an epoch of a study's networks takes; None where there is no such study."""
        found = self._found.get(study)
        if not found or found.results.study.dataset != dataset:
            return None
        return seconds_an_epoch(found.results.study)


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
class StudyEvidence:
    """One study, and the tables that it was joined from."""

    results: Results
    tables: tuple[StudyTables, ...]

    @property
    def learnt(self) -> Mapping[str, Any] | None:
        return self.results.study.learnt

    def holds(self, tables: object) -> bool:
        return any(one is tables for one in self.tables)

    def cost(self, cells: Iterable[Cell]) -> Cost | None:
        return cost_of_a_seed(self.results, _of_studies(cells))

    def side(self, contrast: Contrast, arm: Any) -> Side:
        if arm.part == "again":
            return mean_of(self._best_dense(contrast, level) for level in contrast.levels)
        return mean_of(
            self._values(contrast.measure, arm, level) for level in at_levels(arm, contrast.levels)
        )

    def _values(self, measure: str, arm: StudyArm, level: float | None) -> Side:
        """Values of an arm at a level, in points or steps."""
        frame = self.results.study.cells
        chosen = (frame["part"] == arm.part) & (frame["method"] == arm.method)
        chosen &= (frame["mask"] == arm.mask) & frame["init"].isin(arm.inits)
        if level is not None:
            chosen &= near(frame["level"], level)
        rows = frame[chosen]
        if measure == "test_accuracy":
            return points(rows)
        is_failed = rows["state"] == FAILED
        failed = frozenset(map(int, rows.loc[is_failed, "seed"]))
        done = rows[~is_failed].set_index("seed")
        if measure not in done:  # of a study of before it was measured
            return Side({}, failed)
        if measure == "steps_to_dense":
            # Where the seed's dense network failed, nobody knows what was to be reached.
            goals = frame[(frame["part"] == "convergence") & (frame["method"] == "dense")]
            has_goal = done.index.isin(goals.loc[goals[measure].notna(), "seed"])
            failed |= frozenset(map(int, done.index[~has_goal]))
            done = done[has_goal]
        steps = done[measure]
        # A training that never got there took all its steps, and more: to leave it out, or to count
        # nothing, would favour the slow.
        counted = steps.fillna(done["epochs"] * done["steps_per_epoch"])
        never = frozenset(int(str(seed)) for seed in steps[steps.isna()].index)
        return Side(
            {int(str(seed)): float(value) for seed, value in counted.items()}, failed, never
        )

    def _best_dense(self, contrast: Contrast, level: float) -> Side:
        """Test accuracy in points of the best, by validation accuracy, of as many dense networks as
        the first arm's ticket took trainings: the seed's own and those that were trained again."""
        first: Any = contrast.first
        took = self._values("trainings_behind", first, level).values
        return Side(*best_dense(self.results.study.cells, took))


def _of_studies(cells: Iterable[Cell]) -> list[tuple[StudyArm, float | None]]:
    return [(arm, level) for arm, level in cells if isinstance(arm, StudyArm)]
