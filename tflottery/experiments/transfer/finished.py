"""A transfer that came to its end: its tables, answers and report."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tflottery.experiments.finished import Written

if TYPE_CHECKING:
    import pandas as pd

    from tflottery.experiments.transfer import results as reading
    from tflottery.report.answers import Said


@dataclass(frozen=True, repr=False)
class TransferResult(Written):
    """A transfer that came to its end.

    ``folder``: its tables. ``failures``: reasons by the keys of networks that failed. ``trained``:
    trainings done now, of ``total`` in all; the others were in the store. ``cautions``: lines to be
    read beside any number.
    """

    @cached_property
    def results(self) -> reading.TransferTables:
        """What was measured: each arm at each level over its seeds."""
        from tflottery.experiments.transfer.results import load_transfer

        return load_transfer(self.folder)

    @property
    def cells(self) -> pd.DataFrame:
        """A row a network and seed: what it is, and what was measured. Accuracies and sparsities
        are fractions."""
        return self.results.cells

    @cached_property
    def answers(self) -> list[Said]:
        """Does the ticket win on the target, and what are its mask and weights worth there?"""
        from tflottery.experiments.transfer.answers import said

        return said(self.results)
