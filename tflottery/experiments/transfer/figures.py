"""The figures of a transfer: accuracy, the difference to the target's own ticket, mask overlap."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.colors import Normalize

from tflottery.experiments import names
from tflottery.experiments.transfer.results import Arm, TransferTables
from tflottery.report.drawing import Canvas, Curve, Point, ends_in_words, point
from tflottery.report.heat_map import heat_map
from tflottery.report.panel import Drawing, Panel
from tflottery.report.style import style

_REMAINING = "weights left, % of all prunable (log)"
_ORDER = ("own ticket", "source ticket", "source mask, new", "random mask, new")


def accuracy(transfer: TransferTables) -> Drawing | None:
    """Test accuracy against the weights left: the default arms, and a panel a mask for the rest."""
    curves = _curves(transfer)
    panels = []
    chosen = [curve for curve in curves if curve.label in _ORDER]
    if chosen:
        panels.append(_panel(transfer, "accuracy", f"On {transfer.target}", chosen))
    if len(curves) > len(chosen):
        for mask in dict.fromkeys(arm.mask for arm in transfer.arms if not arm.is_dense):
            of_mask = _curves(transfer, mask)
            panels.append(
                _panel(transfer, f"accuracy-{mask}", f"{mask.capitalize()} mask", of_mask)
            )
    if not panels:
        return None
    return Drawing("accuracy", panels)


def _curves(transfer: TransferTables, mask: str = "") -> list[Curve]:
    """A curve an arm; those of one mask are called by their weights."""
    arms = [arm for arm in transfer.arms if not arm.is_dense and mask in ("", arm.mask)]
    labels = list(dict.fromkeys(_label(arm, mask) for arm in arms))
    order = [*(label for label in _ORDER if label in labels)]
    order += [label for label in labels if label not in order]
    return [
        Curve(
            label,
            style(place),
            [
                point(100 * (1 - arm.sparsity), arm.accuracy)
                for arm in sorted(arms, key=lambda arm: arm.level)
                if _label(arm, mask) == label
            ],
        )
        for place, label in enumerate(order)
    ]


def _label(arm: Arm, mask: str) -> str:
    return f"{names.weights(arm.init)} weights" if mask else arm.label


def _panel(transfer: TransferTables, name: str, title: str, curves: Sequence[Curve]) -> Panel:
    canvas = Canvas(f"{transfer.slug}-{name}", title, right=150)
    canvas.remaining_axis([transfer.pruned_at(level) for level in transfer.levels])
    canvas.axis_labels(_REMAINING, "test accuracy, %")
    means = [one.y for curve in curves for one in curve.points]
    dense = transfer.dense
    if dense:
        means.append(dense.accuracy.mean)
    room = max(0.3, 0.15 * (max(means) - min(means)))
    canvas.axes.set_ylim(min(means) - room, max(means) + room)
    if dense:
        canvas.level_line(dense.accuracy.mean, dense.accuracy.low, dense.accuracy.high, "dense")
    canvas.curves(curves)
    return canvas.finish(
        f"{title}: test accuracy against weights left. {ends_in_words(curves, digits=2)}"
    )


def against_own_ticket(transfer: TransferTables) -> Drawing | None:
    """Each default arm minus the target's own ticket (as Chen et al. 2020 show transfer)."""
    curves = []
    for place, label in enumerate(_ORDER[1:], start=1):
        points = [
            Point(100 * (1 - arm.sparsity), one.mean, one.low, one.high)
            for arm in sorted(transfer.arms, key=lambda arm: arm.level)
            if arm.label == label and (one := arm.minus_target_ticket)
        ]
        curves.append(Curve(label, style(place), points))
    curves = [curve for curve in curves if curve.points]
    if not curves:
        return None
    canvas = Canvas(f"{transfer.slug}-difference", "Minus the target's own ticket", right=150)
    canvas.remaining_axis([transfer.pruned_at(level) for level in transfer.levels])
    canvas.axis_labels(_REMAINING, "difference, points of test accuracy")
    means = [0.0, *(one.y for curve in curves for one in curve.points)]
    room = max(0.3, 0.15 * (max(means) - min(means)))
    canvas.axes.set_ylim(min(means) - room, max(means) + room)
    tolerance = transfer.about["tolerance"]
    canvas.level_line(0.0, -tolerance, tolerance, "own ticket")
    canvas.curves(curves)
    panel = canvas.finish(
        f"Differences to the target's own ticket. {ends_in_words(curves, digits=2)}"
    )
    return Drawing("difference", [panel])


def overlap(transfer: TransferTables) -> Drawing | None:
    """Jaccard overlap of the source's mask and the target's own, tensor by tensor."""
    rows = transfer.about["overlap"]
    if not rows:
        return None
    tensors = list(dict.fromkeys(row["tensor"] for row in rows))
    levels = sorted({row["level"] for row in rows})
    panels = [
        heat_map(
            f"{transfer.slug}-overlap-{key}",
            title,
            tensors,
            [f"{100 * (1 - level):.3g} %" for level in levels],
            [
                [
                    next(
                        (
                            row[key]
                            for row in rows
                            if (row["tensor"], row["level"]) == (tensor, level)
                        ),
                        None,
                    )
                    for level in levels
                ]
                for tensor in tensors
            ],
            lambda value: f"{value:.2f}",
            Normalize(0, 1),
            "Blues",
            below="weights left",
        )
        for key, title in (("jaccard", "Overlap of both tickets"), ("chance", "By chance"))
    ]
    return Drawing("overlap", panels)
