"""Figures of masks: overlap, what is left in each tensor, early-bird distances; and instability."""

from __future__ import annotations

import pandas as pd
from matplotlib.colors import Normalize, TwoSlopeNorm

from tflottery import statistics
from tflottery.experiments import names
from tflottery.experiments.study.cells import Results
from tflottery.report.drawing import Canvas, Curve, Point
from tflottery.report.heat_map import heat_map
from tflottery.report.panel import Drawing, Panel
from tflottery.report.style import MUTED, Style, style

_MOST_CURVES = 6
_KINDS = {
    "seeds": "Between seeds",
    "methods": "Between methods",
    "rounds": "Between rounds",
    "start": "With the sizes of initial weights",
}


def overlap(results: Results) -> Drawing | None:
    """Jaccard overlap of masks, with what chance would give."""
    frame = results.study.overlap
    if frame is None or frame.empty:
        return None
    panels = []
    for kind, rows in sorted(frame.groupby("kind"), key=lambda pair: _kind_order(str(pair[0]))):
        title = _KINDS.get(str(kind), str(kind).capitalize())
        pairs = rows[["one", "other"]].drop_duplicates()
        name = f"{results.study.slug}-overlap-{kind}"
        if len(pairs) <= _MOST_CURVES:
            panels.append(_overlap_curves(name, title, rows))
        else:
            panels.append(_overlap_map(name, title, rows))
    return Drawing("overlap", panels)


def _kind_order(kind: str) -> tuple[int, str]:
    known = list(_KINDS)
    return (known.index(kind) if kind in known else len(known)), kind


def _overlap_curves(name: str, title: str, rows: pd.DataFrame) -> Panel:
    canvas = Canvas(name, title, right=150)
    curves = [
        Curve(_pair(str(one), str(other)), style(place), _by_level(part, "jaccard"))
        for place, ((one, other), part) in enumerate(rows.groupby(["one", "other"]))
    ]
    chance = _by_level(rows, "chance")
    curves.append(Curve("by chance", Style(MUTED, "x", (0, (1, 2))), chance))
    canvas.remaining_axis(sorted(set(rows["level"])))
    canvas.axes.set_ylim(0, 1.02)
    canvas.axis_labels("weights left, % of all prunable (log)", "Jaccard overlap")
    canvas.curves(curves)
    ends = " ".join(f"{curve.label}: {curve.points[-1].y:.2f} at the end." for curve in curves)
    return canvas.finish(f"Mask overlap {title.lower()} against weights left. {ends}")


def _pair(one: str, other: str) -> str:
    words = one.replace("_", "-")
    return words if one == other else f"{words}\n× {other.replace('_', '-')}"


def _by_level(rows: pd.DataFrame, column: str) -> list[Point]:
    points = []
    for level, part in rows.groupby("level"):
        summary = statistics.summarise(part[column].dropna().tolist())
        if summary:
            points.append(Point(100 * (1 - float(str(level))), summary.mean))
    return points


def _overlap_map(name: str, title: str, rows: pd.DataFrame) -> Panel:
    means = rows.groupby(["one", "other"])["jaccard"].mean()
    ones = sorted({str(key) for key in rows["one"]}, key=_natural)
    others = sorted({str(key) for key in rows["other"]}, key=_natural)
    values = [[means.get((one, other)) for other in others] for one in ones]
    return heat_map(
        name, title, ones, others, values, lambda value: f"{value:.2f}", Normalize(0, 1), "Blues"
    )


def _natural(word: str) -> tuple[float, str]:
    digits = "".join(character for character in word if character.isdigit() or character == ".")
    try:
        return float(digits), word
    except ValueError:
        return float("inf"), word


def layers_init(results: Results) -> str:
    """The initialisation of the tickets that ``layers`` shows; empty where there are none."""
    frame = results.study.layers
    if frame is None or frame.empty:
        return ""
    return names.init(min(frame["init"], key=names.init_order))


def layers(results: Results) -> Drawing | None:
    """What is left in every tensor, or gate of it, at each level."""
    frame = results.study.layers
    if frame is None or frame.empty:
        return None
    inits = sorted(set(frame["init"]), key=names.init_order)
    frame = frame[frame["init"] == inits[0]]
    panels = []
    for method in sorted(set(frame["method"]), key=names.method_order):
        rows = frame[frame["method"] == method].copy()
        rows["place"] = [
            f"{_tensor(tensor)} {gate}".strip()
            for tensor, gate in zip(rows["tensor"], rows["gate"], strict=True)
        ]
        name = f"{results.study.slug}-layers-{method}"
        title = f"{names.method(method).capitalize()}: % of the weights left"
        panels.append(_left(name, title, rows, "place"))
    return Drawing("layers", panels)


def scopes(results: Results) -> Drawing | None:
    """What each scope would leave of each part of a dense network, a panel a part."""
    frame = results.study.scopes
    if frame is None or frame.empty:
        return None
    panels = []
    for part in dict.fromkeys(frame["part"]):
        rows = frame[frame["part"] == part]
        name = f"{results.study.slug}-scopes-{part.replace(' ', '-')}"
        title = f"{part.capitalize()}: % left of {int(rows['total'].iloc[0]):,}"
        panels.append(_left(name, title, rows, "scope"))
    return Drawing("scopes", panels)


def _left(name: str, title: str, rows: pd.DataFrame, place: str) -> Panel:
    """What is left, by the column ``place`` and level; coloured by more or less than in all."""
    levels = sorted(set(rows["level"]))
    places = list(dict.fromkeys(rows[place]))
    left = 100 * rows["remaining"] / rows["total"]
    means = left.groupby([rows[place], rows["level"]]).mean()
    return heat_map(
        name,
        title,
        places,
        [f"{100 * (1 - level):.3g} %" for level in levels],
        [[means.get((one, level)) for level in levels] for one in places],
        lambda value: f"{value:.1f}",
        TwoSlopeNorm(1.0, 0.5, 1.5),
        "PuOr_r",
        colour=lambda value, column: value / (100 * (1 - levels[column])),
        below="left in all",
    )


def _tensor(name: str) -> str:
    return name.replace("recurrent_kernel", "recurrent").replace("/", " ").replace(":0", "")


def early_bird(results: Results) -> Drawing | None:
    """How far the masks of two moments of the dense training are apart, a panel a level."""
    frame = results.study.early_bird
    if frame is None or frame.empty:
        return None
    panels = []
    for level, rows in frame.groupby("level"):
        sparsity = float(str(level))
        epochs = sorted({float(value) for value in [*rows["epoch_one"], *rows["epoch_other"]]})
        labels = [f"{epoch:.3g}" for epoch in epochs]
        # The study names moments in any order.
        ends = rows[["epoch_one", "epoch_other"]]
        means = rows["relative"].groupby([ends.min(axis=1), ends.max(axis=1)]).mean()
        values = [
            [
                0.0 if one == other else means.get((min(one, other), max(one, other)))
                for other in epochs
            ]
            for one in epochs
        ]
        panels.append(
            heat_map(
                f"{results.study.slug}-early-{sparsity:g}",
                f"{100 * sparsity:.1f} % pruned ({100 * (1 - sparsity):.1f} % left)",
                labels,
                labels,
                values,
                lambda value: f"{value:.2f}",
                Normalize(0, 1),
                "Blues",
                below="epoch",
                beside="epoch",
            )
        )
    return Drawing("early-bird", panels)


def instability(results: Results) -> Drawing | None:
    """Validation error between two trainings from the same weights, and the barrier."""
    frame = results.study.instability
    if frame is None or frame.empty:
        return None
    moments = sorted(set(frame["point"]), key=results.when)
    canvas = Canvas(f"{results.study.slug}-instability-path", "Error between two trainings")
    curves = []
    for place, moment in enumerate(moments):
        rows = frame[frame["point"] == moment]
        points = []
        for alpha, part in rows.groupby("alpha"):
            summary = statistics.summarise((100 * part["val_error"]).dropna().tolist())
            if summary:
                points.append(Point(float(str(alpha)), summary.mean))
        curves.append(Curve(f"from {names.step(moment)}", style(place), points))
    canvas.axis_labels("way from one network to the other", "validation error, %")
    canvas.curves(curves)
    described = " ".join(
        f"{curve.label}: at most {max(point.y for point in curve.points):.1f} %."
        for curve in curves
        if curve.points
    )
    panels = [canvas.finish(f"Validation error along the line between two trainings. {described}")]
    heights = barriers(results)
    canvas = Canvas(f"{results.study.slug}-instability-barrier", "Error barrier", right=24)
    points = [
        Point(float(place), heights[moment].mean, heights[moment].low, heights[moment].high)
        for place, moment in enumerate(moments)
        if moment in heights
    ]
    canvas.axes.set_xlim(-0.3, len(moments) - 0.7)
    canvas.axes.set_xticks(range(len(moments)), [names.step(moment) for moment in moments])
    canvas.axis_labels("trained together until", "barrier, points of error")
    canvas.curves([Curve("", style(0), points)], labels=False)
    heads = " ".join(f"{names.step(key)}: {value.mean:.2f}." for key, value in heights.items())
    panels.append(canvas.finish(f"Error barrier in points against the common start. {heads}"))
    return Drawing("instability", panels)


def barriers(results: Results) -> dict[str, statistics.Summary]:
    """Height of the error barrier in points for each common start, over seeds."""
    frame = results.study.instability
    heights: dict[str, statistics.Summary] = {}
    if frame is None:
        return heights
    for moment in sorted(set(frame["point"]), key=results.when):
        found = []
        for _, rows in frame[frame["point"] == moment].groupby("seed"):
            errors = 100 * rows.sort_values("alpha")["val_error"].dropna()
            if len(errors) > 1:
                found.append(float(errors.max() - (errors.iloc[0] + errors.iloc[-1]) / 2))
        summary = statistics.summarise(found)
        if summary:
            heights[moment] = summary
    return heights
