"""The figures of accuracy, convergence and rewinding. Masks are in ``mask_figures``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from tflottery import statistics
from tflottery.experiments import names
from tflottery.experiments.study.cells import Arm, Cell, Results
from tflottery.report.drawing import Canvas, Curve, Point, ends_in_words, point
from tflottery.report.panel import Drawing, Panel
from tflottery.report.style import Style, style

_REMAINING = "weights left, % of all prunable (log)"
ACCURACY = "test accuracy, %"
# A figure that spans more points than this gets a second view without the worst levels.
_WIDE = 4.0
# The first ones of a study's arms always look the same, in every figure.
_FIRST = (
    "original", "rewind:1ep", "rewind:end", "random", "reinit",
    "learning_rate_rewinding", "fine_tuning", "random:carried", "random:kept",
)  # fmt: skip


def look(init: str) -> Style:
    """The look of an initialisation."""
    return style(_FIRST.index(init) if init in _FIRST else len(_FIRST))


def accuracy(results: Results) -> Drawing | None:
    """Accuracy against the remaining weights, a panel a method, and again near dense."""
    panels: list[Panel] = []
    methods = results.methods("grid")
    for view, levels in views_of(results, results.arms("grid"), results.levels("grid")):
        limits = limits_of(results, results.arms("grid"), levels)
        for method in methods:
            arms = [arm for arm in results.arms("grid") if arm.method == method]
            title = names.method(method).capitalize() + (", the upper part" if view else "")
            name = f"accuracy-{method}{view}"
            panels.append(accuracy_panel(results, name, title, arms, limits, _by_init, levels))
    if not panels:
        return None
    return Drawing("accuracy", panels)


def controls(results: Results) -> Drawing | None:
    """Each control against the ticket of the same levels; masks that are permuted within words have
    a panel of their own, beside those that are permuted within layers."""
    every = results.arms("control")
    words = [arm for arm in every if "words" in arm.mask]
    masks = [arm for arm in every if arm.mask in ("random", "shuffled")] if words else []
    groups = {
        "controls": ("Ticket and controls", [arm for arm in every if arm not in words]),
        "words": ("Ticket and other masks", [*masks, *words] if words else []),
    }
    panels = [
        panel
        for name, (title, arms) in groups.items()
        if arms
        for panel in _control_panels(results, name, title, arms)
    ]
    if not panels:
        return None
    return Drawing("controls", panels)


def _control_panels(results: Results, name: str, title: str, arms: Sequence[Arm]) -> list[Panel]:
    tickets = [
        Arm("grid", method, "magnitude", "original")
        for method in ("iterative", "one_shot")
        if any(arm.method == method for arm in arms) or method == "iterative"
    ]
    tickets = [arm for arm in tickets if results.curve(arm)][:1]
    looks = {arm: style(place) for place, arm in enumerate([*tickets, *arms])}
    return [
        accuracy_panel(
            results,
            f"{name}{view}",
            f"{title}{', the upper part' if view else ''}",
            [*tickets, *arms],
            limits_of(results, [*tickets, *arms], levels),
            looks.__getitem__,
            levels,
            ticket=True,
        )
        for view, levels in views_of(results, [*tickets, *arms], results.levels("control"))
    ]


def _by_init(arm: Arm) -> Style:
    return look(arm.init)


def accuracy_panel(
    results: Results,
    name: str,
    title: str,
    arms: Sequence[Arm],
    limits: tuple[float, float],
    look_of: Callable[[Arm], Style],
    levels: Collection[float],
    *,
    ticket: bool = False,
) -> Panel:
    """Arms against the weights that are left, with dense across; ``ticket`` calls the grid's arms
    by that name."""
    canvas = Canvas(f"{results.study.slug}-{name}", title, right=150 if ticket else 118)
    curves = [
        Curve(
            "ticket" if ticket and arm.part == "grid" else arm.label,
            look_of(arm),
            [
                point(_left(cell), cell.accuracy)
                for cell in results.curve(arm)
                if cell.accuracy and cell.level in levels
            ],
        )
        for arm in arms
    ]
    canvas.remaining_axis(sorted(levels))
    canvas.axes.set_ylim(*limits)
    canvas.axis_labels(_REMAINING, ACCURACY)
    if results.dense:
        dense = results.dense
        canvas.level_line(dense.mean, dense.low, dense.high, "dense")
    canvas.curves(curves)
    return canvas.finish(
        f"{title}: test accuracy against weights left. {ends_in_words(curves, digits=1)}"
    )


def _left(cell: Cell) -> float:
    # A dense control stands at the level whose compute it was given.
    return 100 * (1 - cell.level)


def views_of(
    results: Results, arms: Sequence[Arm], levels: Sequence[float]
) -> list[tuple[str, list[float]]]:
    """All levels, and where they span many points a second view without the worst of them."""
    # A dense control is as good at every level, so it says nothing about where to look.
    sparse = [arm for arm in arms if arm.method != "dense"]
    known = {level: _means(results, sparse, [level]) for level in levels}
    measured = [level for level in levels if known[level]]
    if not measured:
        return []
    views = [("", measured)]
    best = max(max(means) for means in known.values() if means)
    near = [level for level in measured if max(known[level]) > best - _WIDE / 2]
    if (
        1 < len(near) < len(measured)
        and best - min(map(min, (known[level] for level in measured))) > _WIDE
    ):
        views.append(("-upper", near))
    return views


def _means(results: Results, arms: Sequence[Arm], levels: Collection[float]) -> list[float]:
    return [
        cell.accuracy.mean
        for arm in arms
        for cell in results.curve(arm)
        if cell.accuracy and cell.level in levels
    ]


def limits_of(
    results: Results, arms: Sequence[Arm], levels: Collection[float]
) -> tuple[float, float]:
    """Limits by the means: the interval of two seeds can be so wide that it hides all else."""
    means = _means(results, arms, levels) + ([results.dense.mean] if results.dense else [])
    low, high = min(means), max(means)
    room = max(0.12 * (high - low), 0.4)
    return low - room, high + room


def convergence(results: Results) -> Drawing | None:
    """Steps to the best validation loss, and to 99 % of its own last accuracy, against sparsity."""
    titles = {
        "steps_to_best": "to the best validation loss",
        "steps_to_99": "to 99 % of its own final accuracy",
    }
    dense_arm = Arm("dense", "dense", "dense", "fresh")
    panels = []
    for column, title in titles.items():
        dense = statistics.summarise(list(results.values(column, dense_arm).values()))
        drawn = {
            method: [
                Curve(arm.label, look(arm.init), _points(results, arm, column))
                for arm in results.arms("grid")
                if arm.method == method
            ]
            for method in results.methods("grid")
        }
        means = [p.y for curves in drawn.values() for curve in curves for p in curve.points]
        if not means:
            continue
        means += [dense.mean] if dense else []
        for method, curves in drawn.items():
            canvas = Canvas(
                f"{results.study.slug}-convergence-{column}-{method}",
                f"{names.method(method).capitalize()}: steps {title}",
            )
            canvas.remaining_axis(results.levels("grid"))
            canvas.axes.set_ylim(0, 1.12 * max(means))
            canvas.axis_labels(_REMAINING, "optimizer steps")
            if dense:
                canvas.level_line(dense.mean, dense.low, dense.high, "dense")
            canvas.curves(curves)
            described = f"{names.method(method)}: steps {title} against weights left."
            panels.append(canvas.finish(f"{described} {ends_in_words(curves, digits=1)}"))
    if not panels:
        return None
    return Drawing("convergence", panels)


def _points(results: Results, arm: Arm, column: str) -> list[Point]:
    found = []
    for cell in results.curve(arm):
        summary = statistics.summarise(list(results.values(column, arm, cell.level).values()))
        if summary:
            found.append(point(_left(cell), summary))
    return found


def rewinding(results: Results) -> Drawing | None:
    """Test accuracy against the moment that weights are rewound to, a panel a level."""
    panels = []
    for level in results.levels("rewind"):
        inits = sweep_points(results, level)
        curves = []
        for place, method in enumerate(results.methods("grid", "rewind")):
            summaries = [
                (x, statistics.summarise(list(results.accuracies(method, init, level).values())))
                for x, init in enumerate(inits)
            ]
            points = [point(float(x), summary) for x, summary in summaries if summary]
            if points:
                curves.append(Curve(names.method(method), style(place), points))
        if not curves:
            continue
        title = f"{100 * level:.1f} % pruned ({100 * (1 - level):.1f} % left)"
        canvas = Canvas(f"{results.study.slug}-rewind-{level:g}", title, right=92)
        canvas.axes.set_xlim(-0.3, len(inits) - 0.7)
        canvas.axes.set_xticks(range(len(inits)), [_moment(init) for init in inits])
        means = [point.y for curve in curves for point in curve.points]
        means += [results.dense.mean] if results.dense else []
        halves = [p.high - p.y for curve in curves for p in curve.points if p.high is not None]
        # Room for the intervals, unless two seeds make one that would flatten all else.
        room = max(0.35 * (max(means) - min(means)), 0.5, min(max(halves, default=0), 1.3))
        canvas.axes.set_ylim(min(means) - room, max(means) + room)
        canvas.axis_labels("rewound to", ACCURACY)
        if results.dense:
            canvas.level_line(results.dense.mean, results.dense.low, results.dense.high, "dense")
        canvas.curves(curves)
        panels.append(canvas.finish(f"Rewinding, {title}. {ends_in_words(curves, digits=1)}"))
    if not panels:
        return None
    return Drawing("rewind", panels)


def sweep_points(results: Results, level: float) -> list[str]:
    """The initialisations of the rewind sweep at a level, the earliest moment first, each once."""
    found = {
        cell.arm.init
        for cell in results.of("grid", "rewind")
        if cell.level == level and (cell.arm.init == "original" or "rewind:" in cell.arm.init)
    }
    if "original" in found:
        found.discard("rewind:0ep")
    return sorted(found, key=lambda init: results.when(init.partition(":")[2] or "0ep"))


def _moment(init: str) -> str:
    moment = init.partition(":")[2]
    return "0" if moment in ("", "0ep") else names.step(moment)
