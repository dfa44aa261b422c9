"""How figures look: colours for both themes, markers, dashes, and what matplotlib is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Okabe and Ito's palette (2008), which colour-blind readers can tell apart, and for each a tone of
# the same hue that reads on a dark page.
INK, MUTED, GRID = "#1b1d21", "#6b7078", "#dfe1e6"
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9",
)  # fmt: skip
THEME = {
    "ink": (INK, "#e7e8ea"),
    "muted": (MUTED, "#9ba1aa"),
    "grid": (GRID, "#34383f"),
    "blue": (BLUE, "#4aa8e0"),
    "orange": (ORANGE, "#f0b429"),
    "green": (GREEN, "#2fc39a"),
    "red": (RED, "#ff8c3b"),
    "purple": (PURPLE, "#dd9cc0"),
    "sky": (SKY, "#8accf2"),
}
SERIES = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
DASHES: tuple[str | tuple[int, tuple[float, ...]], ...] = (
    "-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 1.5)), (0, (8, 2)),
)  # fmt: skip
SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "tflottery",
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.labelsize": 11,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "text.parse_math": False,  # a name with two dollars is no formula
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "figure.facecolor": "none",
    "lines.linewidth": 1.8,
    "lines.markersize": 5.5,
    "path.simplify": False,
}


@dataclass(frozen=True)
class Style:
    """How a curve looks; colour is never the only difference between two."""

    colour: str
    marker: str
    dash: str | tuple[int, tuple[float, ...]]


def style(place: int) -> Style:
    """The look of the n-th curve. Where colours begin anew, dashes are others than before."""
    again = place // len(SERIES)
    dash = DASHES[(place + again) % len(DASHES)]
    return Style(SERIES[place % len(SERIES)], MARKERS[place % len(MARKERS)], dash)
