"""What axes of a user's own share, whatever is drawn on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

# Of more levels the ticks would run into each other.
_MOST_TICKS = 10


def against_weights_left(ax: Axes, levels: Sequence[float] = ()) -> None:
    """Makes x the weights that are left in %, on a log scale, the least sparse on the left.

    Args:
        ax: what to change.
        levels: weights left in %, a tick each where they are few.
    """
    from matplotlib.ticker import (
        FixedLocator,
        FuncFormatter,
        LogLocator,
        NullFormatter,
        NullLocator,
    )

    ax.set_xscale("log")
    few = 0 < len(levels) <= _MOST_TICKS
    locator = FixedLocator(list(levels)) if few else LogLocator(subs=(1.0, 2.0, 5.0))
    ax.xaxis.set_major_locator(locator)
    if few:
        ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda left, _: f"{left:.3g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlim(min(ax.get_xlim()), max(ax.get_xlim()))
    ax.invert_xaxis()
    ax.set_xlabel("weights left (%)")
