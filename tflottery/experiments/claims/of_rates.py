"""The numbers of contrasts between the learning rates of a search.

Every rate that was tried is in the search's table with each seed's test accuracy, whichever was
chosen on validation data.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tflottery.experiments.claims.arms import RateArm
from tflottery.experiments.claims.contrast import Contrast, Place
from tflottery.experiments.claims.evidence import Cell, Side, at_levels, mean_of, near, points
from tflottery.experiments.claims.of_studies import Studies
from tflottery.experiments.learning_rate.arms import DENSE, LATE, TICKET
from tflottery.experiments.learning_rate.results import TuningTables
from tflottery.experiments.price import Cost


class Searches:
    """Searches by study and data set. All searches of the same networks and data are one: a network
    at a rate is the same training in each of them."""

    def __init__(self, tunings: Sequence[TuningTables], studies: Studies) -> None:
        self._all, self._studies = tunings, studies

    def find(self, place: Place) -> RateEvidence | None:
        found = [one for one in self._all if _is_at(place, one)]
        alike = tuple(one for one in found if _data(one) == _data(found[0]))
        if not alike:
            return None
        return RateEvidence(alike, self._studies.seconds_an_epoch(place.study, place.dataset))


def _is_at(place: Place, tuning: TuningTables) -> bool:
    if tuning.about["dataset"] != place.dataset:
        return False
    # Here: the settings of networks are needed for this alone.
    from tflottery.experiments.claims.recipes import is_of

    config = tuning.about["config"]
    return is_of(place.study, config, pruning=config.get("pruning", {}))


def _data(tuning: TuningTables) -> Any:
    return tuning.about["config"].get("data", {}).get("fingerprint")


@dataclass(frozen=True)
class RateEvidence:
    """All searches of a study's networks; ``a_second``: how many of them an epoch takes, None where
    the study itself is not there to tell."""

    tables: tuple[TuningTables, ...]
    a_second: float | None

    @property
    def learnt(self) -> Mapping[str, Any] | None:
        # A search may leave dense out.
        known = (one.about.get("learnt") for one in self.tables)
        return next(filter(None, known), None)

    def holds(self, tables: object) -> bool:
        return any(one is tables for one in self.tables)

    def side(self, contrast: Contrast, arm: Any) -> Side:
        levels = at_levels(arm, contrast.levels)
        return mean_of(points(self._rows(arm, level)) for level in levels)

    def cost(self, cells: Iterable[Cell]) -> Cost | None:
        """Masks are found at the configured rate, so that a ticket at that rate is a round of the
        chain that the others' masks come from, and its dense network the first of it."""
        alone, trainings = 0, 0.0
        alone_epochs, epochs = 0.0, 0.0
        for arm, level in dict.fromkeys(cells):
            rows = self._rows(arm, level) if isinstance(arm, RateArm) else pd.DataFrame()
            rows = rows[rows["trainings_behind"].notna()] if len(rows) else rows
            # Late ones have a chain of their own.
            if rows.empty or not isinstance(arm, RateArm) or arm.network == LATE:
                return None
            behind, took, own = (
                float(rows[name].mean()) for name in ("trainings_behind", "epochs_behind", "epochs")
            )
            is_round = arm.network in (DENSE, TICKET) and math.isclose(
                arm.learning_rate, self._configured
            )
            if not is_round:
                alone, alone_epochs = alone + 1, alone_epochs + own
                behind, took = behind - 1, took - own
            trainings, epochs = max(trainings, behind), max(epochs, took)
        seconds = None if self.a_second is None else (alone_epochs + epochs) * self.a_second
        return Cost(alone + trainings, seconds)

    @property
    def _configured(self) -> float:
        return self.tables[0].found

    def _rows(self, arm: RateArm, level: float | None) -> pd.DataFrame:
        """The trials in which nothing but the rate may differ from the configuration."""
        frame = pd.concat([_as_configured(one) for one in self.tables], ignore_index=True)
        chosen = (frame["arm"] == arm.network) & near(frame["learning_rate"], arm.learning_rate)
        if level is not None:
            chosen &= near(frame["level"], level)
        return frame[chosen].drop_duplicates("seed")


def _as_configured(tuning: TuningTables) -> pd.DataFrame:
    """The rows of trials that have the configuration's values but for the rate. Hyperband's go on
    from shorter trainings, and are none of them."""
    frame, config = tuning.trials, tuning.about["config"]
    own = {name: config["training"][name] for name in ("warmup", "decay", "batch_size")}
    own["dropout"] = config["model"]["dropout"]
    chosen = frame["stages"].fillna("") == ""
    for name, value in own.items():
        chosen &= frame[name] == value if isinstance(value, str) else near(frame[name], value)
    return frame[chosen]
