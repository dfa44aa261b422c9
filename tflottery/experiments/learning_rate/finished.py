"""A search of learning rates that came to its end: its tables, rule, answers and report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tflottery.errors import UserError
from tflottery.experiments.finished import Finished
from tflottery.tickets.rule import RULE, Rule

if TYPE_CHECKING:
    import pandas as pd

    from tflottery.experiments.learning_rate import results as reading
    from tflottery.report.answers import Said


@dataclass(frozen=True, repr=False)
class TuningResult(Finished):
    """A search that came to its end.

    ``folder``: its tables; None in a worker of a search by several processes, whose chief writes
    them. ``failures``: reasons by the keys of trainings that failed. ``trained``: trainings done
    now; the others were in the store. ``cautions``: lines to be read beside any number.
    """

    folder: Path | None
    failures: Mapping[str, str]
    trained: int
    cautions: tuple[str, ...]

    @property
    def _folder(self) -> Path:
        if self.folder is None:
            raise UserError("The chief of this search writes what was found; this is a worker.")
        return self.folder

    @cached_property
    def results(self) -> reading.TuningTables:
        """What was measured: every network at its rates, the best of each, the rule."""
        from tflottery.experiments.learning_rate.results import load_tuning

        return load_tuning(self._folder)

    @property
    def trials(self) -> pd.DataFrame:
        """A row a trial and seed: its values, and what was measured. Accuracies are fractions."""
        return self.results.trials

    @property
    def rule(self) -> Rule | None:
        """The rate for a sparsity, where a curve of rates was fitted."""
        return self.results.rule

    @property
    def rule_file(self) -> Path | None:
        """The file of the fitted rule, for ``learning_rate="auto"``; None where none was fitted."""
        return self._folder / RULE if self.rule else None

    @property
    def findings(self) -> list[str]:
        """What was found beside the answers, a line each: the rule that fits, whether raising the
        rate helps, and where the best rate is at an end of those tried."""
        from tflottery.experiments.learning_rate.answers import in_words

        return in_words(self.results)

    @cached_property
    def answers(self) -> list[Said]:
        """Do sparse networks want a higher rate, and what do tickets gain by their best one?"""
        from tflottery.experiments.learning_rate.answers import said

        return said(self.results)
