"""The picture of an inspection: the lengths of texts, and the classes."""

from __future__ import annotations

import base64
from itertools import pairwise
from math import log2
from typing import TYPE_CHECKING

from markupsafe import Markup

from tflottery.data.counting import EDGES
from tflottery.data.findings import Findings
from tflottery.data.look.cautions import percent
from tflottery.data.reading.records import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tflottery.report.panel import Drawing

# Classes that have room for a name each.
_CLASSES, _LABEL, _TICKS = 12, 18, 8
# As in the report, which turns it with its themes.
_INK = "#1b1d21"


def draw(found: Findings, ax: Axes | None = None) -> Axes:
    """Draws both beside each other; see ``Inspection.plot``."""
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(9.0, 3.6), layout="constrained")
    ax.set_axis_off()
    left, right = ax.inset_axes((0.07, 0.13, 0.42, 0.78)), ax.inset_axes((0.66, 0.13, 0.33, 0.78))
    draw_lengths(left, found)
    draw_classes(right, found)
    left.set_ylabel("texts")
    return ax


def draw_lengths(axes: Axes, found: Findings, colour: str = "C0") -> None:
    """A histogram of the training texts by number of words, on a log axis, with ``max_length``."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

    counts = found.splits["train"].histogram
    # On a log axis, texts without words stand at the left end.
    edges = [max(edge, 0.5) for edge in (*EDGES, 2 * EDGES[-1])[: len(counts) + 1]]
    widths = [right - left for left, right in pairwise(edges)]
    axes.bar(edges[:-1], counts, widths, align="edge", color=colour, edgecolor="white", lw=0.4)
    first = next((number for number, count in enumerate(counts) if count), 0)
    axes.set_xscale("log", base=2)
    axes.set_xlim(edges[first], edges[-1])
    axes.set_ylim(0, 1.15 * max(counts, default=1))
    ticks = edges[first:]
    if len(ticks) > _TICKS:
        ticks = [edge for edge in ticks if log2(edge).is_integer()]
    while len(ticks) > _TICKS:
        ticks = ticks[::2]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:g}" if value >= 1 else "0")
    )
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    if edges[first] < found.max_length <= edges[-1]:
        axes.axvline(found.max_length, color=_INK, lw=1, ls="--")
        axes.annotate(
            f"cut at {found.max_length:,}",
            (found.max_length, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize="small",
            color=_INK,
        )
    axes.set_xlabel("words of a training text")


def draw_classes(axes: Axes, found: Findings, colour: str = "C0") -> None:
    """A bar a class: its share of the training texts in %; of many classes the largest."""
    names, shares = _largest(found)
    places = range(len(names))
    axes.barh(places, [100 * share for share in shares], color=colour)
    axes.set_yticks(list(places), names)
    for text in axes.get_yticklabels():
        text.set_parse_math(False)  # a label with two dollars is no formula
    axes.invert_yaxis()
    axes.set_xlim(0, 125 * max(shares))
    for place, share in zip(places, shares, strict=True):
        axes.annotate(
            percent(share), (100 * share, place), xytext=(4, 0), textcoords="offset points",
            va="center", fontsize="small", color=_INK,
        )  # fmt: skip
    axes.set_xlabel("training texts (%)")


def as_image(found: Findings) -> Markup:
    """Both as an element of a page."""
    drawing = of_report(found, "inspection")
    images = [
        Markup('<img alt="{}" src="data:image/svg+xml;base64,{}" width="{}">').format(
            panel.description, base64.b64encode(panel.alone.encode()).decode(), 480
        )
        for panel in drawing.panels
    ]
    return Markup("<p>{}</p>").format(Markup("\n").join(images))


def of_report(found: Findings, name: str) -> Drawing:
    """Both as a figure of an article.

    Args:
        found: what to draw.
        name: unique in the report.
    """
    from tflottery.report.drawing import Canvas
    from tflottery.report.panel import Drawing
    from tflottery.report.style import BLUE

    train = found.splits["train"]
    first, median, third = train.quartiles
    lengths = Canvas(f"{name}-lengths", "Lengths", right=20, left=60)
    draw_lengths(lengths.axes, found, BLUE)
    lengths.axis_labels("words of a training text", "texts")
    names, shares = _largest(found)
    widest = max(map(len, names))
    classes = Canvas(f"{name}-classes", "Classes", right=20, left=min(40 + 6 * widest, 160))
    classes.axes.grid(visible=False, axis="y")
    draw_classes(classes.axes, found, BLUE)
    listed = "; ".join(f"{one} {percent(share)}" for one, share in zip(names, shares, strict=True))
    return Drawing(
        name,
        [
            lengths.finish(
                f"Training texts by their number of words: quartiles {first:g}, {median:g} and "
                f"{third:g}, the longest {train.longest:,}; {found.max_length:,} are read."
            ),
            classes.finish(f"Shares of the classes in the training texts: {listed}."),
        ],
    )


def _largest(found: Findings) -> tuple[list[str], list[float]]:
    """Names and shares of the classes: all in their order, or the largest and the rest together."""
    counts = found.splits["train"].by_class
    total = max(sum(counts), 1)
    order = list(range(len(counts)))
    if len(counts) > _CLASSES:
        order = sorted(order, key=lambda number: -counts[number])[: _CLASSES - 1]
    names = [shown(found.classes[number]) for number in order]
    names = [name if len(name) <= _LABEL else f"{name[: _LABEL - 1]}…" for name in names]
    shares = [counts[number] / total for number in order]
    if len(order) < len(counts):
        names.append(f"{len(counts) - len(order):,} others")
        shares.append(1 - sum(shares))
    return names, shares
