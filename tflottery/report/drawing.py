"""How a figure is drawn: one look, both themes, direct labels, the same bytes every time.

Figures are matplotlib's, without pyplot and its global state. Colours are stand-ins that ``svg``
turns into CSS variables with the true colour as fallback, so that a figure follows the theme of the
page it stands in. Panels are 480 units wide: two fit beside each other on a desk, and one is still
legible on a phone.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, log

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from tflottery.report.panel import Panel
from tflottery.report.style import INK, MUTED, SETTINGS, THEME, Style
from tflottery.statistics import Summary

WIDTH, HEIGHT = 480, 330
_UNITS_PER_INCH = 72
_LEFT, _BOTTOM, _TOP = 50, 44, 30
# Direct labels at the right: their size, how far from the axes they begin, and what stays free.
_LABEL, _TO_LABEL, _MARGIN = 10, 26, 4
_DRAWN = "DejaVu Sans"
_FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Point:
    """A point of a curve; ``low`` and ``high`` end its interval, None where it has none."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


def point(x: float, summary: Summary) -> Point:
    """A mean with its interval."""
    return Point(x, summary.mean, summary.low, summary.high)


@dataclass(frozen=True)
class Curve:
    label: str
    style: Style
    points: Sequence[Point]


def ends_in_words(curves: Sequence[Curve], digits: int) -> str:
    """The ends of every curve, for who cannot see it."""

    def said(curve: Curve) -> str:
        ends = list(dict.fromkeys((curve.points[0], curve.points[-1])))
        return ", ".join(f"{end.y:.{digits}f} at {end.x:.1f}" for end in ends)

    return " ".join(f"{curve.label}: {said(curve)}." for curve in curves if curve.points)


class Canvas:
    """A panel being drawn. ``axes`` is matplotlib's; ``finish`` gives the panel.

    Args:
        name: unique in the whole report, as ids in the SVG begin with it.
        title: above the axes.
        right: room for direct labels at the right, in units; labels that need more take it.
    """

    def __init__(
        self, name: str, title: str, *, right: int = 118, left: int = _LEFT, height: int = HEIGHT
    ) -> None:
        self._name = name
        self._title = title
        self._height = height
        # Draws the ticks of x anew, once the axes have another width.
        self._set_ticks: Callable[[], None] = lambda: None
        with mpl.rc_context(SETTINGS):
            size = (WIDTH / _UNITS_PER_INCH, height / _UNITS_PER_INCH)
            self.figure = Figure(figsize=size, dpi=_UNITS_PER_INCH)
            FigureCanvasSVG(self.figure)
            box = (
                left / WIDTH,
                _BOTTOM / height,
                (WIDTH - left - right) / WIDTH,
                (height - _BOTTOM - _TOP) / height,
            )
            self.axes: Axes = self.figure.add_axes(box)
            self.figure.text(
                2 / WIDTH, 1 - 15 / height, title, fontsize=12, fontweight="bold", color=INK
            )

    def finish(self, description: str) -> Panel:
        """Renders it; no date and no random id goes into the file."""
        stream = io.BytesIO()
        with mpl.rc_context(SETTINGS):
            for text in self.figure.findobj(Text):  # also what was drawn without the settings
                text.set_parse_math(False)
            self.figure.savefig(
                stream, format="svg", metadata={"Date": None, "Creator": None}, transparent=True
            )
        box, body = _themed(stream.getvalue().decode(), self._name)
        return Panel(self._name, description, box, body)

    def axis_labels(self, x: str, y: str) -> None:
        """The label of y stands above the axis, where it can be read without turning the head."""
        self.axes.set_xlabel(x, labelpad=6)
        self.axes.set_ylabel(y, labelpad=6)

    def remaining_axis(self, levels: Sequence[float]) -> None:
        """A log axis of the remaining weights in %, dense at the left."""
        self.axes.set_xscale("log")
        left = sorted({100.0, *(100 * (1 - level) for level in levels)}, reverse=True)
        self.axes.set_xlim(left[0] * 1.06, left[-1] / 1.08)
        self._log_ticks(left, room=24)

    def log_axis(self, values: Sequence[float]) -> None:
        """A log axis of learning rates, or of whatever else differs by factors."""
        self.axes.set_xscale("log")
        self.axes.set_xlim(min(values) / 1.15, max(values) * 1.15)
        self._log_ticks(values, room=44)

    def _log_ticks(self, values: Sequence[float], room: float) -> None:
        """Ticks at values that have so much room for a number."""
        self._set_ticks = lambda: self.axes.xaxis.set_major_locator(
            FixedLocator(_apart(values, self.axes, room))
        )
        self._set_ticks()
        self.axes.xaxis.set_minor_locator(NullLocator())
        self.axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))

    def rates_upward(self) -> None:
        """Makes y a log axis of learning rates."""
        self.axes.set_yscale("log")
        self.axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        self.axes.yaxis.set_minor_locator(NullLocator())
        self.axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))

    def curves(self, curves: Sequence[Curve], *, labels: bool = True) -> None:
        """Lines with markers, a band for the interval, and a label at the end of each."""
        for curve in curves:
            xs = [point.x for point in curve.points]
            banded = [point for point in curve.points if point.low is not None]
            if len(banded) > 1:
                self.axes.fill_between(
                    [point.x for point in banded],
                    [float(point.low or 0) for point in banded],
                    [float(point.high or 0) for point in banded],
                    color=curve.style.colour,
                    alpha=0.13,
                    linewidth=0,
                )
            self.axes.plot(
                xs,
                [point.y for point in curve.points],
                color=curve.style.colour,
                marker=curve.style.marker,
                linestyle=curve.style.dash,
                markeredgewidth=0,
                clip_on=True,
            )
        if labels:
            shown = [curve for curve in curves if curve.points]
            self._make_room([curve.label for curve in shown])
            self._label(shown)

    def level_line(self, y: float, low: float | None, high: float | None, label: str) -> None:
        """A horizontal line with its band, across the panel."""
        if low is not None and high is not None:
            self.axes.axhspan(low, high, color=MUTED, alpha=0.14, linewidth=0)
        self.axes.axhline(y, color=INK, linewidth=1.2)
        self.axes.annotate(
            label,
            (0.0, y),
            xycoords=("axes fraction", "data"),
            xytext=(4, 3),
            textcoords="offset points",
            fontsize=9.5,
            color=INK,
        )

    def _make_room(self, labels: Sequence[str]) -> None:
        """Makes the axes narrower where a label at the right is longer than its room."""
        box = self.axes.get_position()
        widest = max(map(_width_of, map(_shortened, labels)), default=0.0)
        right = ceil(_TO_LABEL + widest + _MARGIN)
        if right > WIDTH * (1 - box.x1):
            self.axes.set_position((box.x0, box.y0, 1 - right / WIDTH - box.x0, box.height))
            self._set_ticks()

    def _label(self, curves: Sequence[Curve]) -> None:
        """Direct labels at the right, moved apart where they would overlap, each with a leader."""
        box = self.axes.get_position()
        tall = box.height * self._height
        place_of = self.axes.transScale + self.axes.transLimits
        ends = [curve.points[-1] for curve in curves]
        wanted = [tall * min(max(place_of.transform((end.x, end.y))[1], 0), 1) for end in ends]
        for curve, start, place in zip(curves, wanted, spread(wanted, 14.5, tall), strict=True):
            self.axes.annotate(
                _shortened(curve.label),
                xy=(1, start / tall),
                xycoords="axes fraction",
                xytext=(1 + _TO_LABEL / (box.width * WIDTH), place / tall),
                textcoords="axes fraction",
                va="center",
                fontsize=_LABEL,
                color=INK,
                annotation_clip=False,
            )
            width = box.width * WIDTH
            self.axes.plot(
                [1 + 2 / width, 1 + 9 / width, 1 + 19 / width],
                [start / tall, place / tall, place / tall],
                transform=self.axes.transAxes,
                color=curve.style.colour,
                linestyle=curve.style.dash,
                linewidth=1.2,
                marker=curve.style.marker,
                markevery=[2],
                markersize=5,
                markeredgewidth=0,
                clip_on=False,
            )


def _width_of(label: str) -> float:
    """How wide a direct label is, in units, as the font is that SVGs ask for last."""
    font = FontProperties(family=_DRAWN, size=_LABEL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that this font lacks; a reader's may have them
        widths = [
            text_to_path.get_text_width_height_descent(line, font, ismath=False)[0]
            for line in label.splitlines()
            if line.strip()
        ]
    return float(max(widths, default=0.0))


def _shortened(label: str) -> str:
    """A label that leaves half of the panel to the axes, line by line."""
    lines = label.split("\n")
    for place, line in enumerate(lines):
        while _width_of(lines[place]) > WIDTH / 2 - _LEFT:
            line = line[:-1]
            lines[place] = f"{line}…"
    return "\n".join(lines)


def spread(places: Sequence[float], gap: float, top: float) -> list[float]:
    """The places, moved up or down as little as keeps them ``gap`` apart and within 0 to ``top``.

    Where they do not fit, the gap shrinks.
    """
    if not places:
        return []
    gap = min(gap, top / max(len(places) - 1, 1))
    order = sorted(range(len(places)), key=lambda index: (places[index], index))
    # Clusters of labels: each as [sum of wanted bottoms, count]; they merge until none overlap.
    clusters: list[list[float]] = []
    for index in order:
        clusters.append([places[index], 1])
        while len(clusters) > 1 and _bottom(clusters[-2], gap, top) + gap * clusters[-2][
            1
        ] > _bottom(clusters[-1], gap, top):
            last = clusters.pop()
            clusters[-1] = [
                clusters[-1][0] + last[0] - gap * clusters[-1][1] * last[1],
                clusters[-1][1] + last[1],
            ]
    moved = [0.0] * len(places)
    following = iter(order)
    for cluster in clusters:
        for step in range(int(cluster[1])):
            moved[next(following)] = _bottom(cluster, gap, top) + gap * step
    return moved


def _bottom(cluster: Sequence[float], gap: float, top: float) -> float:
    total, count = cluster
    return min(max(total / count, 0.0), top - gap * (count - 1))


def _apart(ticks: Sequence[float], axes: Axes, room: float = 24) -> list[float]:
    """The ticks of a log axis that have room for a label, from the right end on."""
    low, high = sorted(axes.get_xlim())
    wide = axes.get_position().width * WIDTH
    shown: list[float] = []
    for tick in sorted(ticks):
        if not shown or wide * log(tick / shown[-1]) / log(high / low) >= room:
            shown.append(tick)
    return shown


def _themed(source: str, name: str) -> tuple[str, str]:
    """matplotlib's SVG made fit for a page, with its themes, font and ids: viewBox and content."""
    shape = source[source.index("<svg") :]
    shape = re.sub(r"<metadata>.*?</metadata>", "", shape, flags=re.DOTALL)
    shape = re.sub(r' (id|xlink:href)="(#?)([^"]+)"', rf' \1="\2{name}-\3"', shape)
    shape = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", shape)
    for variable, (colour, _) in THEME.items():
        shape = shape.replace(colour, f"var(--{variable}, {colour})")
    shape = shape.replace("'DejaVu Sans'", _FONT).replace(" xlink:href=", " href=")
    head = re.search(r'viewBox="([^"]+)"', shape)
    assert head is not None  # matplotlib always writes one
    return head.group(1), shape[shape.index(">") + 1 :].strip()
