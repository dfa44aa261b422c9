"""A study's curves on axes of the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tflottery.errors import UserError, suggest
from tflottery.experiments import names
from tflottery.experiments.axes import against_weights_left
from tflottery.experiments.study.cells import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def accuracy(results: Results, method: str, ax: Axes | None = None) -> Axes:
    """Draws accuracy against the weights that are left; see ``StudyResult.plot``."""
    methods = results.methods("grid")
    if method not in methods:
        raise UserError(f"The study has no method {method!r}. {suggest(method, methods)}")
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    if dense := results.dense:
        ax.axhline(dense.mean, color="0.5", lw=0.8, ls=":", label="dense")
        if dense.half is not None:
            ax.axhspan(dense.mean - dense.half, dense.mean + dense.half, color="0.5", alpha=0.12)
    for arm in results.arms("grid"):
        if arm.method != method:
            continue
        found = [(cell, cell.accuracy) for cell in results.curve(arm) if cell.accuracy]
        ax.errorbar(
            [100 * (1 - cell.level) for cell, _ in found],
            [one.mean for _, one in found],
            yerr=[one.half or 0.0 for _, one in found],
            fmt="o-", ms=4, capsize=2, label=arm.label,
        )  # fmt: skip
    against_weights_left(ax)
    ax.set_ylabel("test accuracy (%)")
    ax.set_title(names.method(method))
    ax.legend(fontsize="small")
    return ax
