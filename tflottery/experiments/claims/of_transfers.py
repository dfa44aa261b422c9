"""The numbers of contrasts between the networks of a transfer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tflottery.experiments.claims.arms import TransferArm
from tflottery.experiments.claims.contrast import Contrast, Place
from tflottery.experiments.claims.evidence import Cell, Side, at_levels, mean_of, near, points
from tflottery.experiments.price import Cost
from tflottery.experiments.transfer.arms import DEFAULT_ARMS, DENSE_ARM, TARGET_TICKET
from tflottery.experiments.transfer.results import CELLS, TransferTables

# Every embedding row keeps its word; other transfers answer other questions.
_VOCABULARY = "reuse"
# Others need rounds of both chains, and nothing tells how many of which.
_COUNTED = [TransferArm(*arm) for arm in (DENSE_ARM, *DEFAULT_ARMS)]


class Transfers:
    """Transfers by study, source and target. Several folders are one transfer, if their data are
    alike; of unlike ones the first counts."""

    def __init__(self, transfers: Sequence[TransferTables]) -> None:
        self._all = transfers

    def find(self, place: Place) -> TransferEvidence | None:
        found = [one for one in self._all if _is_at(place, one)]
        alike = tuple(one for one in found if _data(one) == _data(found[0]))
        return TransferEvidence(alike) if alike else None


def _is_at(place: Place, transfer: TransferTables) -> bool:
    about = transfer.about
    if about["vocabulary"] != _VOCABULARY:
        return False
    if (about["source"]["dataset"], about["target"]["dataset"]) != (place.dataset, place.to):
        return False
    # Here: the settings of networks are needed for this alone.
    from tflottery.experiments.claims.recipes import is_of

    config = about["config"]
    return all(
        is_of(
            study,
            {
                "data": config.get(f"{end}_data", {}),
                "model": config.get("model", {}),
                "training": config.get(f"{end}_training", {}),
            },
            pruning=config.get("pruning", {}),
        )
        for end, study in (("source", place.study), ("target", place.to_study or place.study))
    )


def _data(transfer: TransferTables) -> list[Any]:
    config = transfer.about["config"]
    return [config.get(f"{end}_data", {}).get("fingerprint") for end in ("source", "target")]


@dataclass(frozen=True)
class TransferEvidence:
    """One transfer, in one or several folders."""

    tables: tuple[TransferTables, ...]

    @property
    def learnt(self) -> Mapping[str, Any] | None:
        return self.tables[0].about.get("learnt")

    def holds(self, tables: object) -> bool:
        return any(one is tables for one in self.tables)

    def side(self, contrast: Contrast, arm: Any) -> Side:
        levels = at_levels(arm, contrast.levels)
        return mean_of(points(self._rows(arm, level)) for level in levels)

    def cost(self, cells: Iterable[Cell]) -> Cost | None:
        """Trainings alone, as transfers keep no times. The tickets of a data set share one chain,
        which dense of the target is the first of; networks with the source's mask, or one made of
        it, need that chain up to their last round."""
        alone = 0
        on_target, on_source = 0.0, 0.0
        for arm, level in dict.fromkeys(cells):
            if not isinstance(arm, TransferArm) or arm not in _COUNTED:
                return None
            behind = self._rows(arm, level)["trainings_behind"].dropna()
            if behind.empty:
                return None
            took = float(behind.mean())
            if arm.is_dense or (arm.mask, arm.init) == TARGET_TICKET:
                on_target = max(on_target, took)
                continue
            alone, on_source = alone + 1, max(on_source, took - 1)
        return Cost(alone + on_target + on_source, None)

    def _rows(self, arm: TransferArm, level: float | None) -> pd.DataFrame:
        frame = pd.concat([one.cells for one in self.tables], ignore_index=True)
        frame = frame.drop_duplicates(list(CELLS.key))
        chosen = (frame["mask"] == arm.mask) & (frame["init"] == arm.init)
        if level is not None:
            chosen &= near(frame["level"], level)
        return frame[chosen]
