"""Figures of the comparison of criteria: accuracy against epochs spent and weights left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tflottery import statistics
from tflottery.experiments import names
from tflottery.experiments.study.cells import DENSE, BySeed, Results
from tflottery.experiments.study.criteria_tables import (
    MOMENTS,
    PART,
    STRETCHED,
    Compared,
    compared,
    mean,
)
from tflottery.experiments.study.figures import ACCURACY, accuracy_panel, limits_of, views_of
from tflottery.report.drawing import Canvas, Curve, Point, ends_in_words, point
from tflottery.report.panel import Drawing, Panel
from tflottery.report.style import INK, Style, style

# What costs the same is drawn so much apart, as a factor.
_APART = 1.035


def against_epochs(results: Results) -> Drawing | None:
    """Accuracy against the epochs spent in all, a panel a level."""
    shown = [one for one in compared(results) if one.arm.check in ("", "longer")]
    looks = _looks(shown)
    panels = []
    for level in results.levels(PART):
        curves = _curves(results, [one for one in shown if one.cell.level == level], looks, level)
        if curves:
            panels.append(_panel(results, level, curves))
    return Drawing("criteria-spent", panels) if panels else None


def against_weights_left(results: Results) -> Drawing | None:
    """Accuracy against the weights that are left, a panel a moment of pruning."""
    shown = [one for one in compared(results) if not one.arm.check]
    looks = _looks(shown)
    panels = []
    for moment in MOMENTS:
        arms = list(dict.fromkeys(one.arm for one in shown if one.arm.method == moment))
        title = names.method(moment).capitalize()
        for view, levels in views_of(results, arms, results.levels(PART)) if arms else ():
            panels.append(
                accuracy_panel(
                    results,
                    f"criteria-{moment}{view}",
                    f"{title}{', the upper part' if view else ''}",
                    [arm for arm in arms if any(c.level in levels for c in results.curve(arm))],
                    limits_of(results, arms, levels),
                    lambda arm: looks[arm.criterion],
                    levels,
                )
            )
    return Drawing("criteria", panels) if panels else None


def _looks(shown: Sequence[Compared]) -> dict[str, Style]:
    """The same look for a criterion in every panel."""
    every = dict.fromkeys(one.arm.criterion for one in shown)
    return {name: style(place) for place, name in enumerate(every)}


def _curves(
    results: Results, shown: Sequence[Compared], looks: dict[str, Style], level: float
) -> list[Curve]:
    """A curve a criterion, the cheapest of its networks first, and one of dense."""
    points: dict[str, list[Point]] = {}
    for one in shown:
        if one.cell.accuracy and one.epochs:
            points.setdefault(one.arm.criterion, []).append(point(one.epochs, one.cell.accuracy))
    for arm, at in ((DENSE, None), (STRETCHED, level)):
        epochs: float | None = mean(results.values("epochs", arm, at))
        values: BySeed = results.points("test_accuracy", arm, at)
        found = statistics.summarise(list(values.values()))
        if epochs and found and points:
            points.setdefault("dense", []).append(point(epochs, found))
    looks = {**looks, "dense": Style(INK, "o", "-")}
    return [
        Curve(name, looks[name], sorted(own, key=lambda one: one.x)) for name, own in points.items()
    ]


def _panel(results: Results, level: float, curves: Sequence[Curve]) -> Panel:
    title = f"{100 * level:.1f} % pruned ({100 * (1 - level):.1f} % left)"
    canvas = Canvas(f"{results.study.slug}-criteria-spent-{level:g}", title, right=140)
    drawn = _side_by_side(curves)
    every = [one for curve in drawn for one in curve.points]
    canvas.log_axis(sorted({one.x for curve in curves for one in curve.points}))
    canvas.axes.set_xlim(min(one.x for one in every) / 1.15, max(one.x for one in every) * 1.15)
    low = min(one.y if one.low is None else one.low for one in every)
    high = max(one.y if one.high is None else one.high for one in every)
    room = max(0.05 * (high - low), 0.2)
    canvas.axes.set_ylim(low - room, high + room)
    canvas.axis_labels("epochs spent in all (log)", ACCURACY)
    for curve in drawn:
        for one in curve.points:
            if one.low is not None and one.high is not None:
                canvas.axes.vlines(one.x, one.low, one.high, color=curve.style.colour, linewidth=1)
    canvas.curves([_without_bands(curve) for curve in drawn])
    return canvas.finish(
        f"{title}: test accuracy against epochs spent. {ends_in_words(curves, digits=1)}"
    )


def _side_by_side(curves: Sequence[Curve]) -> list[Curve]:
    """Points of equal epochs moved apart, so that each can be seen."""
    same: dict[float, list[int]] = {}
    for place, curve in enumerate(curves):
        for one in curve.points:
            same.setdefault(round(one.x, 6), []).append(place)

    def moved(place: int, one: Point) -> Point:
        beside = same[round(one.x, 6)]
        return replace(one, x=one.x * _APART ** (beside.index(place) - (len(beside) - 1) / 2))

    return [
        replace(curve, points=[moved(place, one) for one in curve.points])
        for place, curve in enumerate(curves)
    ]


def _without_bands(curve: Curve) -> Curve:
    return replace(curve, points=[Point(one.x, one.y) for one in curve.points])
