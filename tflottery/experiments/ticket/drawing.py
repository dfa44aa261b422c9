"""The picture of a search: accuracy against the weights that are left."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def accuracy_against_weights(rounds: pd.DataFrame, verdict: str, ax: Axes | None = None) -> Axes:
    """Draws validation and test accuracy of every level; see ``FoundTicket.plot``.

    Args:
        rounds: as ``FoundTicket.rounds``.
        verdict: is written beside the level that is reported.
        ax: where to draw; by default on axes of a new figure.
    """
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    dense = rounds.iloc[0]
    levels = rounds[rounds["network"].str.startswith("round")]
    reinit = rounds[rounds["network"] == "reinit"].iloc[0]
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
    ax.annotate(
        verdict,
        (100 * (1 - reported["sparsity"]), 100 * reported["test_accuracy"]),
        textcoords="offset points", xytext=(0, 10), ha="center",
    )  # fmt: skip
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.invert_xaxis()
    ax.set_xlabel("weights left (%)")
    ax.set_ylabel("accuracy (%)")
    ax.legend(fontsize="small")
    return ax
