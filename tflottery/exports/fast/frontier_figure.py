"""The frontier as figures: accuracy to dense against throughput, and against size."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from tflottery.exports.fast.shown import Against, Shown
from tflottery.report.drawing import Canvas
from tflottery.report.style import INK, MARKERS, MUTED, SERIES, style

_LABELS: dict[Against, str] = {
    "throughput": "throughput, times dense",
    "size": "times smaller than dense, compressed",
}
_RIGHT, _SIZE, _DPI = 168, 8, 144
# Letters of a name in the legend that have room beside the figure.
_WIDEST = 24


def drawn(shown: Sequence[Shown]) -> dict[str, bytes | str]:
    """Both figures, each as SVG and as PNG, by the names of their files."""
    made: dict[str, bytes | str] = {}
    for against in _LABELS:
        canvas = Canvas(
            f"frontier-{against}", f"Accuracy against {against}", right=_RIGHT, height=360
        )
        draw(canvas.axes, shown, against)
        panel = canvas.finish(_in_words(shown, against))
        picture = io.BytesIO()
        canvas.figure.savefig(picture, format="png", dpi=_DPI, facecolor="white")
        made |= {panel.file: panel.alone, f"{panel.name}.png": picture.getvalue()}
    return made


def draw(axes: Axes, shown: Sequence[Shown], against: Against) -> Axes:
    """Draws each with its interval, numbered as in the table where it lies on the frontier, and the
    frontier as a line.

    Args:
        axes: where to draw.
        shown: dense first.
        against: what is on the x axis.
    """
    ways = list(dict.fromkeys(one.pruned for one in shown))
    kinds = list(dict.fromkeys(one.form for one in shown))
    places = _places(shown, against)
    axes.axhline(0, color=INK, linewidth=1)
    line = sorted(
        (x, one.test.difference)
        for x, one in zip(places, shown, strict=True)
        if _is_on(one, against)
    )
    # Between two points nothing was measured: what is known to be had is the one further right.
    axes.step(*zip(*line, strict=True), where="pre", color=MUTED, linewidth=1.2, zorder=1)
    for number, (x, one) in enumerate(zip(places, shown, strict=True), start=1):
        way = ways.index(one.pruned)
        colour = style(way).colour
        axes.errorbar(
            x, one.test.difference,
            yerr=[[one.test.difference - one.test.low], [one.test.high - one.test.difference]],
            color=colour, marker=MARKERS[kinds.index(one.form)], markersize=5, linewidth=0.9,
            markerfacecolor=_filling(way), alpha=1.0 if _is_on(one, against) else 0.45,
        )  # fmt: skip
        if _is_on(one, against):
            axes.annotate(
                str(number), (x, one.test.difference), xytext=(4, 4), textcoords="offset points",
                fontsize=_SIZE, color=INK,
            )  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.set_xlabel(_LABELS[against])
    axes.set_ylabel("test accuracy, points to dense")
    axes.legend(handles=_legend(ways, kinds), fontsize=_SIZE, frameon=False,
                loc="upper left", bbox_to_anchor=(1.0, 1.0))  # fmt: skip
    return axes


def _legend(ways: Sequence[str], kinds: Sequence[str]) -> list[Line2D]:
    """Colours, and hollow markers where these begin anew, say how a network was pruned, shapes what
    runs it."""
    colours = [
        Line2D([], [], color=style(place).colour, linewidth=2, marker="o", markersize=5,
               markerfacecolor=_filling(place), label=textwrap.fill(way, _WIDEST))
        for place, way in enumerate(ways)
    ]  # fmt: skip
    markers = [
        Line2D([], [], color=MUTED, linestyle="", marker=MARKERS[place], label=kind)
        for place, kind in enumerate(kinds)
    ]
    return [*colours, *markers]


def _filling(place: int) -> str:
    """Where colours begin anew markers are hollow."""
    return "white" if place // len(SERIES) % 2 else style(place).colour


def _places(shown: Sequence[Shown], against: Against) -> list[float]:
    if against == "throughput":
        return [one.throughput for one in shown]
    return [shown[0].gzipped / one.gzipped for one in shown]


def _is_on(one: Shown, against: Against) -> bool:
    return one.fastest if against == "throughput" else one.smallest


def _in_words(shown: Sequence[Shown], against: Against) -> str:
    places = _places(shown, against)
    listed = [
        f"{one.pruned} {one.form}: {x:.2f} times, {one.test.difference:+.2f} points"
        for x, one in zip(places, shown, strict=True)
        if _is_on(one, against)
    ]
    return f"On the frontier, {_LABELS[against]}: {'; '.join(listed)}."
