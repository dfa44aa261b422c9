"""The tables of a study: what is in them, not how they are drawn (``table``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tflottery import statistics
from tflottery.experiments import names
from tflottery.experiments.study import note
from tflottery.experiments.study.cells import Cell, Results, sparsest
from tflottery.report.numbers import (
    ACCURACY,
    PERCENT,
    POINTS,
    STEPS,
    WHOLE,
    probability,
    span,
    yes_no,
)
from tflottery.report.table import Column, Table
from tflottery.statistics import Difference, Summary

CRITERIA = {
    "deviation": "1 sd",
    "strict": "≥ mean",
    "tolerance": "points",
}


def criterion(name: str, tolerance: float) -> str:
    """A criterion's heading."""
    return f"{tolerance:g} points" if name == "tolerance" else CRITERIA[name]


def every_cell(results: Results, part: str) -> Table:
    """Each cell of a part of the study with its difference to dense and the three verdicts."""
    rows = [_dense_row(results)] if results.dense else []
    rows += [_cell_row(cell) for cell in results.of(part)]
    columns = [
        Column("pruned", "pruned %", PERCENT),
        Column("method", "method", is_text=True),
        Column("arm", "start", is_text=True),
        Column("left", "left %", PERCENT),
        Column("elsewhere", "non-emb. %", PERCENT),
        Column("n", "n"),
        Column("mean", "mean", ACCURACY, "test accuracy %"),
        Column("half", "±\u00a095\u00a0%", ACCURACY, "test accuracy %"),
        Column("deviation", "sd", ACCURACY, "test accuracy %"),
        Column("difference", "points", POINTS, "minus dense"),
        Column("interval", "95 % interval", group="minus dense"),
        Column("p", "p", probability, "minus dense"),
        Column("p_holm", "p, Holm", probability, "minus dense"),
        *(
            Column(f"matches_{key}", criterion(key, results.study.tolerance), yes_no, "matches")
            for key in CRITERIA
        ),
        Column("failed", "failed", is_text=True),
    ]
    columns += befallen(rows, "collapsed", "alike")
    extra = ["mask", "init", "level", "remaining", "low", "high"]
    return Table(part, columns, rows, headers=3, extra=extra)


def _dense_row(results: Results) -> dict[str, Any]:
    cell = next(cell for cell in results.cells if cell.arm.part == "dense")
    kept = ("n", "mean", "half", "deviation", "failed", "remaining", "alike")
    row = {key: value for key, value in _measured_row(cell).items() if key in kept}
    about = {"pruned": 0.0, "left": 100.0, "elsewhere": 0.0, "level": 0.0}
    return {**row, **about, "method": "dense", "arm": "fresh", "mask": "dense", "init": "fresh"}


def _cell_row(cell: Cell) -> dict[str, Any]:
    return {
        **_measured_row(cell),
        **difference_row("difference", cell.difference),
        "p_holm": cell.adjusted,
        **{f"matches_{key}": getattr(cell.verdict, key) for key in CRITERIA},
    }


def _measured_row(cell: Cell) -> dict[str, Any]:
    """A cell without what it is compared with."""
    return {
        **arm_row(cell),
        "elsewhere": None if cell.non_embedding is None else 100 * cell.non_embedding,
        "n": cell.accuracy.n if cell.accuracy else 0,
        **_accuracy_row(cell.accuracy),
        "remaining": cell.remaining,
        **befell(cell),
    }


# What may befall the networks of a row, and what its column says of it.
_BEFALLEN = {"failed": "failed", "collapsed": "collapsed", "alike": "alike to every text"}


def befell(cell: Cell) -> dict[str, str | None]:
    """By column which seeds failed, or how many networks collapsed or answer alike to every text;
    None where none did."""
    return {
        "failed": "; ".join(f"seed {seed}: {reason}" for seed, reason in cell.failures) or None,
        "collapsed": _of_seeds(cell.collapsed),
        "alike": _of_seeds(cell.alike),
    }


def befallen(rows: Sequence[Mapping[str, Any]], *keys: str) -> list[Column]:
    """The columns of these keys that some of the rows have something in."""
    return [
        Column(key, _BEFALLEN[key], is_text=True)
        for key in keys
        if any(row.get(key) for row in rows)
    ]


def _of_seeds(count: int) -> str | None:
    """``with 2 seeds``; None without any."""
    return f"with {count} seed{'s' * (count > 1)}" if count else None


def arm_row(cell: Cell) -> dict[str, Any]:
    """What says which cell a row is of."""
    sparsity = cell.level if cell.sparsity is None else cell.sparsity
    return {
        "pruned": 100 * sparsity,
        "left": 100 * (1 - sparsity),
        "method": names.method(cell.arm.method),
        "arm": cell.arm.label,
        "mask": cell.arm.mask,
        "init": cell.arm.init,
        "level": cell.level,
    }


def _accuracy_row(summary: Summary | None) -> dict[str, Any]:
    if summary is None:
        return {}
    return {"mean": summary.mean, "half": summary.half, "deviation": summary.deviation}


def difference_row(key: str, difference: Difference | None) -> dict[str, Any]:
    """A difference in points under a column's name, with its interval and p."""
    if difference is None:
        return {}
    return {
        key: difference.mean,
        "interval": span(difference),
        "low": difference.low,
        "high": difference.high,
        "p": difference.p,
    }


def sparsest_matches(results: Results) -> Table:
    """How far each arm of the grid can be pruned and still match dense."""
    rows = []
    for arm in results.arms("grid"):
        curve = results.curve(arm)
        found = {
            key: sparsest(curve, lambda cell, key=key: getattr(cell.verdict, key))  # type: ignore[misc]
            for key in CRITERIA
        }
        known = {
            key: [getattr(cell.verdict, key) is not None for cell in curve] for key in CRITERIA
        }
        rows.append(
            {
                "method": names.method(arm.method),
                "arm": arm.label,
                "n": max((cell.accuracy.n for cell in curve if cell.accuracy), default=0),
                **{
                    key: (_level(cell) if cell else "none" if any(known[key]) else None)
                    for key, cell in found.items()
                },
            }
        )
    columns = [
        Column("method", "method", is_text=True),
        Column("arm", "start", is_text=True),
        Column("n", "seeds"),
        *(Column(key, criterion(key, results.study.tolerance)) for key in CRITERIA),
    ]
    return Table("sparsest", columns, rows, headers=2)


def _level(cell: Cell) -> str:
    sparsity = cell.level if cell.sparsity is None else cell.sparsity
    return f"{100 * sparsity:.1f} ({100 * (1 - sparsity):.1f})"


def beside_note(results: Results) -> Table | None:
    """The note's table beside ours; None where the note has no such network or level."""
    known = note.accuracies(results.study.model)
    methods = [name for name in ("one_shot", "iterative") if any(key[0] == name for key in known)]
    held = {arm.init for arm in results.arms("grid")}
    rows = []
    for level in results.levels("grid"):
        for init, their_name in note.NAMES.items():
            own = note.own(init, held)
            row: dict[str, Any] = {"pruned": 100 * level, "left": 100 * (1 - level)}
            row |= {"arm": names.init(own), "their_name": their_name}
            for method in methods:
                theirs = note.lookup(known, method, init, level)
                row[f"{method}_note"] = theirs
                ours = statistics.summarise(list(results.accuracies(method, own, level).values()))
                if ours:
                    row |= {f"{method}_ours": ours.mean, f"{method}_half": ours.half}
                    row[f"{method}_n"] = ours.n
                if ours and theirs is not None:
                    row[f"{method}_difference"] = ours.mean - theirs
            if any(row.get(f"{method}_note") is not None for method in methods):
                rows.append(row)
    if not rows:
        return None
    columns = [
        Column("pruned", "pruned %", PERCENT),
        Column("left", "left %", PERCENT),
        Column("arm", "start", is_text=True),
        Column("their_name", "in the note", is_text=True),
    ]
    for method in methods:
        group = names.method(method)
        columns += [
            Column(f"{method}_note", "note", ACCURACY, group),
            Column(f"{method}_ours", "ours", ACCURACY, group),
            Column(f"{method}_half", "±\u00a095\u00a0%", ACCURACY, group),
            Column(f"{method}_n", "n", group=group),
            Column(f"{method}_difference", "ours − note", POINTS, group),
        ]
    return Table("note", columns, rows, headers=3)


def controls(results: Results) -> Table | None:
    """What each control scores, and the ticket of the same level minus the control."""
    rows = []
    for cell in results.of("control"):
        mine = results.points("test_accuracy", cell.arm, cell.level)
        method = ticket_method(results, cell)
        ticket = results.accuracies(method, "original", cell.level)
        difference = statistics.compare(ticket, mine)
        rows.append(
            {
                **_measured_row(cell),
                "at": 100 * cell.level,
                "against": names.method(method) if ticket else None,
                **difference_row("ticket_minus_control", difference),
            }
        )
    if not rows:
        return None
    adjusted = statistics.holm([row.get("p") for row in rows])
    rows = [{**row, "p_holm": p} for row, p in zip(rows, adjusted, strict=True)]
    columns = [
        Column("at", "level %", PERCENT),
        Column("arm", "control", is_text=True),
        Column("method", "method", is_text=True),
        Column("pruned", "pruned %", PERCENT),
        Column("left", "left %", PERCENT),
        Column("n", "n"),
        Column("mean", "mean", ACCURACY, "test accuracy %"),
        Column("half", "±\u00a095\u00a0%", ACCURACY, "test accuracy %"),
        Column("against", "which", is_text=True, group="ticket minus control"),
        Column("ticket_minus_control", "points", POINTS, "ticket minus control"),
        Column("interval", "95 % interval", group="ticket minus control"),
        Column("p_holm", "p, Holm", probability, "ticket minus control"),
        Column("failed", "failed", is_text=True),
    ]
    extra = ["mask", "init", "level", "low", "high", "p"]
    return Table("controls", columns, rows, headers=3, extra=extra)


def convergence(results: Results) -> Table | None:
    """Steps and epochs until the best validation loss, and until 99 % of a network's own final
    accuracy."""
    goals = {"steps_to_best": "best validation loss", "steps_to_99": "99 % of own final accuracy"}
    dense = {
        column: results.values(column, cell.arm) for cell in results.of("dense") for column in goals
    }
    rows = []
    for cell in results.of("dense", "grid"):
        row: dict[str, Any] = {**arm_row(cell), "n": cell.accuracy.n if cell.accuracy else 0}
        an_epoch = results.values("steps_per_epoch", cell.arm, cell.level)
        for column in goals:
            steps = results.values(column, cell.arm, cell.level)
            if summary := statistics.summarise(list(steps.values())):
                row |= {column: summary.mean, f"{column}_half": summary.half}
                epochs = [steps[seed] / an_epoch[seed] for seed in set(steps) & set(an_epoch)]
                if epochs:
                    row[f"{column}_epochs"] = sum(epochs) / len(epochs)
            if cell.arm.part != "dense" and (gain := statistics.compare(steps, dense[column])):
                row |= {f"{column}_difference": gain.mean, f"{column}_interval": span(gain, STEPS)}
        rows.append(row)
    if not any(column in row for row in rows for column in goals):
        return None
    columns = [
        Column("pruned", "pruned %", PERCENT),
        Column("method", "method", is_text=True),
        Column("arm", "start", is_text=True),
        Column("left", "left %", PERCENT),
        Column("n", "n"),
    ]
    for column, group in goals.items():
        columns += [
            Column(column, "steps", WHOLE, group),
            Column(f"{column}_half", "±\u00a095\u00a0%", WHOLE, group),
            Column(f"{column}_epochs", "epochs", ACCURACY, group),
            Column(f"{column}_difference", "minus dense", STEPS, group),
            Column(f"{column}_interval", "95 % interval", group=group),
        ]
    extra = ["init", "level"]
    return Table("convergence", columns, rows, headers=3, extra=extra)


def ticket_method(results: Results, cell: Cell) -> str:
    """The method whose ticket a control is compared with: its own, else the iterative one."""
    for method in (cell.arm.method, "iterative", "one_shot"):
        if results.accuracies(method, "original", cell.level):
            return method
    return "iterative"
