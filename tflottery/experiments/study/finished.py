"""A study that came to its end: its tables, answers, report and picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tflottery.experiments.finished import Written

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from tflottery.experiments.study.cells import Results
    from tflottery.report.answers import Said


@dataclass(frozen=True, repr=False)
class StudyResult(Written):
    """A study that came to its end.

    ``folder``: its tables. ``failures``: reasons by the keys of trainings that failed. ``trained``:
    trainings done now, of ``total`` in all; the others were in the store. ``cautions``: lines to be
    read beside any number.
    """

    @cached_property
    def results(self) -> Results:
        """The study's tables, its rows gathered over seeds."""
        from tflottery.experiments.study.cells import Results
        from tflottery.experiments.study.results import load_study

        return Results(load_study(self.folder))

    @property
    def cells(self) -> pd.DataFrame:
        """A row a network and seed: what it is, and what was measured. Accuracies and sparsities
        are fractions."""
        return self.results.study.cells

    @cached_property
    def answers(self) -> list[Said]:
        """Every claim that the study bears on, the outcome, and the differences behind it."""
        from tflottery.experiments.study.answers import said

        return said(self.results)

    def plot(self, method: str = "iterative", ax: Axes | None = None) -> Axes:
        """Draws test accuracy against the weights that are left, a line an initialisation.

        Args:
            method: ``iterative`` or ``one_shot``.
            ax: where to draw; by default on axes of a new figure.

        Returns:
            The axes: mean test accuracy in % with 95 % t intervals over seeds against weights left
            in %, the least sparse on the left.

        Raises:
            UserError: the study has no such method.
        """
        from tflottery.experiments.study.plotting import accuracy

        return accuracy(self.results, method, ax)
