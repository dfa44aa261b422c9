"""What axes of a user's own share, whatever is drawn on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def against_weights_left(ax: Axes) -> None:
    """Makes x the weights that are left in %, on a log scale, the least sparse on the left."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda left, _: f"{left:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlim(min(ax.get_xlim()), max(ax.get_xlim()))
    ax.invert_xaxis()
    ax.set_xlabel("weights left (%)")
