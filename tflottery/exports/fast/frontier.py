"""The frontier: accuracy against throughput and against bytes, of all that one network became."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tflottery.exports.fast.shown import Against, Shown
from tflottery.settings import argument

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Frontier:
    """What was measured: ``shown`` in order, dense first. ``words``: the length of the texts that
    were timed. ``left_out``: how many networks more there are that were not measured; ``thinned``:
    how many of these no other beats. ``refused``: a line on each form that networks could not be
    stored in. ``markdown``: the table as text. ``files``: what was written."""

    title: str
    words: int
    shown: tuple[Shown, ...]
    machine: str
    left_out: int = 0
    thinned: int = 0
    refused: tuple[str, ...] = ()
    markdown: str = ""
    files: tuple[Path, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """A row for each that was measured, as in ``frontier.csv``."""
        import pandas as pd

        from tflottery.exports.fast import frontier_tables

        return pd.DataFrame(frontier_tables.rows(self.shown))

    def plot(self, ax: Axes | None = None, against: Against = "throughput") -> Axes:
        """Draws test accuracy, in points to dense with its interval, against throughput or size.

        Args:
            ax: where to draw; by default on axes of a new figure.
            against: ``throughput`` or ``size``, times dense.

        Raises:
            UserError: it is neither.
        """
        against = argument("against", against, Against)
        from tflottery.exports.fast import frontier_figure

        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
        return frontier_figure.draw(ax, self.shown, against)
