"""Draws verdicts.svg: which verdict follows from where two intervals lie.

    python docs/figures/verdicts.py

Writes the picture beside this file; the same file byte for byte at every call.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

TOLERANCE = 0.5
# Ends of the intervals of ticket minus dense and of ticket minus reinit, in points.
ROWS = (
    ("winning ticket", (-0.35, 0.45), (0.25, 1.15)),
    ("matches: reinit is not beaten", (-0.4, 0.4), (-0.3, 0.6)),
    ("cannot tell", (-0.8, 0.3), (0.2, 1.0)),
    ("no ticket", (-1.5, -0.65), (-0.5, 0.5)),
)
PASSES, OPEN, FAILS = "#2f6fb3", "#8a8f98", "#c2571a"


def color(low: float, high: float, margin: float) -> str:
    """Whether an interval lies right of a margin, on it, or left of it."""
    return PASSES if low > margin else FAILS if high < margin else OPEN


def main() -> None:
    mpl.rcParams.update({"svg.hashsalt": "verdicts", "svg.fonttype": "none", "font.size": 9})
    figure, panels = plt.subplots(1, 2, sharey=True, figsize=(7, 2.3), layout="constrained")
    for panel, place, margin, title in (
        (panels[0], 1, -TOLERANCE, "ticket − dense: right of −tolerance?"),
        (panels[1], 2, 0.0, "ticket − reinit: right of 0?"),
    ):
        panel.axvline(margin, color="black", lw=1, ls="--")
        for line, row in enumerate(reversed(ROWS)):
            low, high = row[place]
            panel.plot([low, high], [line, line], lw=3, color=color(low, high, margin))
            panel.plot((low + high) / 2, line, "o", color=color(low, high, margin))
        panel.set(title=title, xlabel="points, 95 % interval on test data", xlim=(-1.7, 1.4))
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(ROWS)), [name for name, *_ in reversed(ROWS)])
    panels[0].set_ylim(-0.5, len(ROWS) - 0.5)
    file = Path(__file__).with_suffix(".svg")
    figure.savefig(file, metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main()
