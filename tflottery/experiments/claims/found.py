"""All that there is to judge contrasts by: the studies, transfers and searches of a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from tflottery.experiments.claims.arms import LEARNING_RATE, STUDY, TRANSFER
from tflottery.experiments.claims.contrast import Contrast, Place
from tflottery.experiments.claims.evidence import Evidence
from tflottery.experiments.claims.of_rates import Searches
from tflottery.experiments.claims.of_studies import Studies
from tflottery.experiments.claims.of_transfers import Transfers
from tflottery.experiments.learning_rate.results import TuningTables
from tflottery.experiments.study.results import StudyTables
from tflottery.experiments.transfer.results import TransferTables


class _Finder(Protocol):
    def find(self, place: Place) -> Any: ...


class Found:
    """Evidence by place."""

    def __init__(self, finders: Mapping[str, _Finder]) -> None:
        self._finders = finders
        self._known: dict[Place, Evidence | None] = {}

    def at(self, place: Place) -> Evidence | None:
        """The evidence of a place; None where there is none.

        Raises:
            UserError: a transfer or a search is asked for, and there is no configuration of the
                study's name to know its networks by.
        """
        if place not in self._known:
            self._known[place] = self._finders[place.experiment].find(place)
        return self._known[place]

    def has(self, contrast: Contrast) -> bool:
        """Whether there is evidence where the contrast looks first."""
        return self.at(contrast.place()) is not None


def pool(
    studies: Iterable[StudyTables] = (),
    transfers: Iterable[TransferTables] = (),
    tunings: Iterable[TuningTables] = (),
) -> Found:
    """Tables by where they belong. Several folders of one study, transfer or search are one, if
    what they trained is alike: new seeds may lie in a folder of their own."""
    of_studies = Studies(studies)
    return Found(
        {
            STUDY: of_studies,
            TRANSFER: Transfers(list(transfers)),
            LEARNING_RATE: Searches(list(tunings), of_studies),
        }
    )
