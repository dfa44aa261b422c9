"""A grid of numbers on colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import matplotlib as mpl
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from tflottery.report.drawing import HEIGHT, Canvas
from tflottery.report.panel import Panel
from tflottery.report.style import GRID


def heat_map(
    name: str,
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float | None]],
    show: Callable[[float], str],
    norm: Normalize,
    colours: str,
    *,
    colour: Callable[[float, int], float] = lambda value, column: value,
    below: str = "",
    beside: str = "",
) -> Panel:
    """A grid of numbers on colours; the numbers say all that the colours say."""
    widest = max(len(row) for row in rows)
    left = min(40 + 6 * widest, 200)
    height = max(HEIGHT - 60, 84 + 22 * len(rows))
    canvas = Canvas(name, title, right=14, left=left, height=height)
    axes = canvas.axes
    axes.grid(visible=False)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    tones = mpl.colormaps[colours]
    for y, line in enumerate(values):
        for x, value in enumerate(line):
            if value is None or value != value:
                continue
            red, green, blue, _ = tones(norm(colour(float(value), x)))
            axes.add_patch(
                Rectangle(
                    (x - 0.48, y - 0.46),
                    0.96,
                    0.92,
                    facecolor=(red, green, blue),
                    edgecolor=GRID,
                    linewidth=0.6,
                )
            )
            light = 0.299 * red + 0.587 * green + 0.114 * blue > 0.55
            axes.text(
                x, y, show(float(value)), ha="center", va="center", fontsize=10,
                color="#000000" if light else "#ffffff",
            )  # fmt: skip
    canvas.axis_labels(below, beside)
    listed = "; ".join(
        f"{row}: {', '.join(show(float(v)) if v is not None and v == v else 'none' for v in line)}"
        for row, line in zip(rows, values, strict=True)
    )
    return canvas.finish(f"{title}. Columns {', '.join(columns)}. {listed}.")
