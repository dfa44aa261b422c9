"""The figures of a search: accuracy against the learning rate, the best rate against sparsity."""

from __future__ import annotations

from tflottery.experiments import names
from tflottery.experiments.learning_rate.arms import DENSE, TICKET
from tflottery.experiments.learning_rate.results import Tried, TunedCell, TuningTables
from tflottery.report.drawing import Canvas, Curve, Point, point
from tflottery.report.numbers import rate
from tflottery.report.panel import Drawing, Panel
from tflottery.report.style import MUTED, Style, style

_REMAINING = "weights left, % of all prunable (log)"
# Points of validation accuracy below the best that a panel shows at most.
POINTS_SHOWN = 10.0
# So few seeds have t intervals of twelve standard errors.
_FEW = 2
_ORDER = (TICKET, "reinit", "late", DENSE)


def _look(arm: str) -> Style:
    return style(_ORDER.index(arm) if arm in _ORDER else len(_ORDER))


def against_rate(tuning: TuningTables) -> Drawing | None:
    """Validation accuracy against the learning rate, a panel a sparsity."""
    sparse = [level for level in tuning.levels if level > 0]
    panels = [panel for level in sparse or tuning.levels if (panel := _against_rate(tuning, level))]
    if not panels:
        return None
    return Drawing("rates", panels)


def _point(tried: Tried) -> Point:
    if tried.validation.n == _FEW:
        return Point(tried.rate, tried.validation.mean)
    return point(tried.rate, tried.validation)


def _against_rate(tuning: TuningTables, level: float) -> Panel | None:
    cells = [
        cell
        for arm in _ORDER
        if (cell := tuning.cell(arm, 0.0 if arm == DENSE else level)) and cell.curve
    ]
    if not cells:
        return None
    curves = [
        Curve(
            cell.network,
            _look(cell.arm),
            [_point(tried) for tried in cell.curve],
        )
        for cell in cells
    ]
    title = f"{100 * level:.1f} % pruned ({100 * (1 - level):.1f} % left)" if level else "Dense"
    canvas = Canvas(f"{tuning.slug}-rates-{level:g}", title, right=92)
    canvas.log_axis(sorted({tried.rate for cell in cells for tried in cell.curve}))
    canvas.axis_labels("learning rate (log)", "validation accuracy, %")
    means = [tried.validation.mean for cell in cells for tried in cell.curve]
    low, high = max(min(means), max(means) - POINTS_SHOWN), max(means)
    room = max(0.3, 0.12 * (high - low))
    canvas.axes.set_ylim(low - room, high + room)
    canvas.axes.axvline(tuning.found, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
    canvas.curves(curves)
    ends = " ".join(
        f"{cell.network}: best at {rate(cell.best.rate)}, {cell.best.median:.2f}."
        for cell in cells
        if cell.best
    )
    return canvas.finish(f"{title}: validation accuracy against the learning rate. {ends}")


def against_sparsity(tuning: TuningTables) -> Drawing | None:
    """The peak against the weights left, with the rates that are as good, and the rule."""
    dense = tuning.of(DENSE)
    curves = [
        Curve(
            names.tuned_arm(arm),
            _look(arm),
            [_best(cell) for cell in [*dense, *tuning.of(arm)] if cell.peak],
        )
        for arm in tuning.arms
        if arm != DENSE and tuning.of(arm)
    ]
    curves = [curve for curve in curves if len(curve.points) > 1]
    if not curves:
        return None
    # A level is of the weights that compete; what is left is of all.
    pruned = {cell.level: cell.sparsity for cell in tuning.cells}
    if rule := tuning.rule:
        line = [Point(100 * (1 - pruned[level]), rule(level)) for level in sorted(pruned)]
        curves.append(Curve("rule", style(len(_ORDER)), line))
    canvas = Canvas(f"{tuning.slug}-best", "Best learning rate", right=92, left=66)
    canvas.remaining_axis(sorted(pruned.values()))
    canvas.rates_upward()
    canvas.axis_labels(_REMAINING, "learning rate (log)")
    shown = [y for curve in curves for one in curve.points for y in (one.y, one.low, one.high) if y]
    canvas.axes.set_ylim(min(shown) / 1.3, max(shown) * 1.3)
    canvas.curves(curves)
    words = " ".join(
        f"{curve.label}: {rate(curve.points[0].y)} at {curve.points[0].x:.1f} % left, "
        f"{rate(curve.points[-1].y)} at {curve.points[-1].x:.1f} % left."
        for curve in curves
    )
    panel = canvas.finish(f"Best learning rate against weights left. {words}")
    return Drawing("best", [panel])


def _best(cell: TunedCell) -> Point:
    assert cell.peak is not None and cell.as_good is not None
    return Point(100 * (1 - cell.sparsity), cell.peak, *cell.as_good)
