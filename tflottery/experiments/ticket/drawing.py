"""The pictures of a search: accuracy against the weights that are left, and what the verdict rests
on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tflottery.experiments.axes import against_weights_left
from tflottery.experiments.ticket.measured import over_seeds
from tflottery.report.escaping import one_line

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_LONGEST = 24


def accuracy_against_weights(rounds: pd.DataFrame, verdict: str, ax: Axes | None = None) -> Axes:
    """Draws validation and test accuracy of every level; see ``FoundTicket.plot``.

    Args:
        rounds: as ``FoundTicket.rounds``; of several seeds the means are drawn.
        verdict: stands above; a ring marks the level that it is on.
        ax: where to draw; by default on axes of a new figure.
    """
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    means = over_seeds(rounds)
    dense = means.iloc[0]
    levels = means[means["network"].str.startswith("round")]
    reinit = means[means["network"] == "reinit"].iloc[0]
    left = 100 * (1 - levels["sparsity"])
    for column, name, style in (
        ("validation_accuracy", "validation", "o--"),
        ("test_accuracy", "test", "o-"),
    ):
        (line,) = ax.plot(left, 100 * levels[column], style, label=f"ticket, {name}")
        ax.axhline(
            100 * dense[column], color=line.get_color(), lw=0.8, ls=":", label=f"dense, {name}"
        )
        ax.plot(
            100 * (1 - reinit["sparsity"]), 100 * reinit[column], "x", color=line.get_color(),
            label=f"its mask with new weights, {name}",
        )  # fmt: skip
    reported = levels[levels["reported"]].iloc[0]
    place = 100 * (1 - reported["sparsity"])
    ax.plot(place, 100 * reported["test_accuracy"], "o", ms=13, mfc="none", mec="0.3")
    ax.set_title(f"{verdict} at {place:.1f} % of the weights", fontsize="medium")
    against_weights_left(ax, left)
    ax.set_ylabel("accuracy (%)")
    ax.legend(fontsize="small")
    return ax


def intervals_against_margin(
    intervals: pd.DataFrame, margin: float, ax: Axes | None = None
) -> Axes:
    """Draws how far the ticket is from dense and reinit; see ``FoundTicket.plot_intervals``.

    Args:
        intervals: as ``FoundTicket.intervals``.
        margin: as ``Verdict.margin``.
        ax: where to draw; by default on axes of a new figure.
    """
    # What lies far above the larger class would leave no room for what decides.
    intervals = intervals[~intervals["comparison"].str.endswith("larger class")]
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(6.4, 0.6 + 0.45 * len(intervals)), layout="constrained")
    rows = intervals.iloc[::-1].reset_index(drop=True)
    for place, row in rows.iterrows():
        is_margin = row["comparison"] == "ticket - dense"
        asked = margin if is_margin else 0.0
        known = row["low"] == row["low"] and row["low"] is not None
        passed = known and (row["low"] >= asked if is_margin else row["low"] > asked)
        color = "C0" if passed else "C3"
        if (row["comparison"], row["split"]) == ("ticket - dense", "validation"):
            color = "0.5"  # its mean chose the level; the interval decides nothing
        if known:
            ax.plot([row["low"], row["high"]], [place, place], color=color, lw=2)
        ax.plot(row["difference"], place, "o", color=color)
        # What the whole interval has to lie to the right of.
        ax.plot([asked, asked], [place - 0.3, place + 0.3], color="0.3", lw=1, ls="--")
    ax.axvline(0, color="0.8", lw=0.8, zorder=0)
    ax.set_yticks(range(len(rows)), [f"{row.comparison}, {row.split}" for row in rows.itertuples()])
    ax.set_xlabel("points; an interval passes right of its dashed line")
    return ax


def confusion_matrix(counts: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draws a confusion matrix; see ``FoundTicket.plot_confusion``.

    Args:
        counts: texts, a row a true class, a column a predicted one.
        ax: where to draw; by default on axes of a new figure.
    """
    classes = [_short(name) for name in counts.index]
    if ax is None:
        import matplotlib.pyplot as plt

        side = 2.4 + 0.7 * len(classes)
        _, ax = plt.subplots(figsize=(side, side - 0.6), layout="constrained")
    numbers = counts.to_numpy()
    # A class without texts has no shares.
    shares = numbers / np.maximum(numbers.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(numbers.shape):
        ax.text(
            column,
            row,
            f"{numbers[row, column]:,}\n{100 * shares[row, column]:.0f} %",
            ha="center",
            va="center",
            color="white" if shares[row, column] > 0.5 else "black",
        )
    rotation = 45 if max(map(len, classes)) > 8 else 0
    ax.set_xticks(range(len(classes)), classes, rotation=rotation, parse_math=False)
    ax.set_yticks(range(len(classes)), classes, parse_math=False)
    ax.set_xlabel("predicted")
    ax.set_ylabel("true")
    return ax


def _short(name: str) -> str:
    """A class name as long as an axis has room for."""
    shown = one_line(str(name))
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
