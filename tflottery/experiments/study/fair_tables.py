"""Tables of the fair controls: dense at the same cost, tickets at the same length, and convergence
against one threshold."""

from __future__ import annotations

from typing import Any

from tflottery import statistics
from tflottery.experiments import names
from tflottery.experiments.study.best_dense import best_dense
from tflottery.experiments.study.cells import (
    DENSE,
    OFTEN_VALIDATED,
    Arm,
    BySeed,
    Cell,
    Results,
)
from tflottery.experiments.study.tables import difference_row
from tflottery.report.numbers import ACCURACY, PERCENT, POINTS, STEPS, WHOLE, span
from tflottery.report.table import Column, Table


def dense_again(results: Results) -> Table | None:
    """The iterative ticket of each level minus the best of as many dense networks as its chain has
    trainings."""
    rows = []
    for level in results.levels("grid"):
        ticket = Arm("grid", "iterative", "magnitude", "original")
        behind = results.values("trainings_behind", ticket, level)
        trainings = round(max(behind.values(), default=0))
        if trainings < 2:
            continue
        of_each = dict.fromkeys(map(int, results.study.cells["seed"]), trainings)
        dense, _ = best_dense(results.study.cells, of_each)
        if not dense:
            continue
        one = statistics.summarise(list(results.dense_by_seed.values()))
        best = statistics.summarise(list(dense.values()))
        accuracies = results.accuracies("iterative", "original", level)
        rows.append(
            {
                "at": 100 * level,
                "trainings": trainings,
                "n": len(dense),
                "one": one.mean if one else None,
                "best": best.mean if best else None,
                "half": best.half if best else None,
                **difference_row("gain", statistics.compare(accuracies, dense)),
            }
        )
    if not rows:
        return None
    columns = [
        Column("at", "level %", PERCENT),
        Column("trainings", "trainings"),
        Column("n", "n"),
        Column("one", "one", ACCURACY, "dense, test accuracy %"),
        Column("best", "best", ACCURACY, "dense, test accuracy %"),
        Column("half", "±\u00a095\u00a0%", ACCURACY, "dense, test accuracy %"),
        Column("gain", "points", POINTS, "ticket minus best dense"),
        Column("interval", "95 % interval", group="ticket minus best dense"),
    ]
    return Table("dense-again", columns, rows, headers=1, extra=["low", "high", "p"])


def lengths(results: Results) -> Table | None:
    """Tickets from original weights that were trained longer, and those that were rewound as late
    minus them."""
    rows = []
    for cell in results.of("length"):
        mine = results.points("test_accuracy", cell.arm, cell.level)
        late, found = _as_late(results, cell)
        original = results.accuracies(cell.arm.method, "original", cell.level)
        rows.append(
            {
                "at": 100 * cell.level,
                "method": names.method(cell.arm.method),
                "arm": cell.arm.label,
                "n": len(mine),
                "mean": cell.accuracy.mean if cell.accuracy else None,
                **difference_row("longer", statistics.compare(mine, original)),
                "against": names.init(late) if found else None,
                **_named("late", difference_row("late", statistics.compare(found, mine))),
            }
        )
    if not rows:
        return None
    columns = [
        Column("at", "level %", PERCENT),
        Column("method", "method", is_text=True),
        Column("arm", "start", is_text=True),
        Column("n", "n"),
        Column("mean", "mean", ACCURACY, "test accuracy %"),
        Column("longer", "points", POINTS, "minus original"),
        Column("interval", "95 % interval", group="minus original"),
        Column("against", "start", is_text=True, group="rewound late minus it"),
        Column("late", "points", POINTS, "rewound late minus it"),
        Column("late_interval", "95 % interval", group="rewound late minus it"),
    ]
    return Table("lengths", columns, rows, headers=3)


def _as_late(results: Results, cell: Cell) -> tuple[str, BySeed]:
    """The ticket that was rewound to weights with as many epochs behind them, and its accuracies;
    the end of the dense training has all of them."""
    more = cell.arm.init.partition("+")[2]
    whole = max(results.values("epochs", DENSE).values(), default=0)
    inits = [f"rewind:{more}", *(["rewind:end"] if more == f"{whole:g}ep" else [])]
    known = {init: results.accuracies(cell.arm.method, init, cell.level) for init in inits}
    late = next((init for init in inits if known[init]), inits[0])
    return late, known[late]


def _named(name: str, row: dict[str, Any]) -> dict[str, Any]:
    """The columns of a second difference in a row."""
    return {key if key == name else f"{name}_{key}": value for key, value in row.items()}


def converged(results: Results) -> Table | None:
    """Steps until dense's last validation accuracy of the same seed, minus half a point; all steps
    of a training that never gets there."""
    of_dense = results.steps_to_dense(OFTEN_VALIDATED)
    rows = []
    for cell in results.of("convergence"):
        there = results.values("steps_to_dense", cell.arm, cell.level)
        steps = results.steps_to_dense(cell.arm, cell.level)
        summary = statistics.summarise(list(steps.values()))
        row: dict[str, Any] = {
            "at": 100 * cell.level,
            "method": names.method(cell.arm.method),
            "reached": f"{len(there)} of {len(steps)}",
            "steps": summary.mean if summary else None,
            "half": summary.half if summary else None,
        }
        if cell.arm != OFTEN_VALIDATED and (slower := statistics.compare(steps, of_dense)):
            row |= {"slower": slower.mean, "interval": span(slower, STEPS)}
        rows.append(row)
    if not rows:
        return None
    columns = [
        Column("at", "level %", PERCENT),
        Column("method", "method", is_text=True),
        Column("reached", "seeds that reach it", is_text=True),
        Column("steps", "steps", WHOLE),
        Column("half", "±\u00a095\u00a0%", WHOLE),
        Column("slower", "minus dense", STEPS, "steps"),
        Column("interval", "95 % interval", group="steps"),
    ]
    return Table("converged", columns, rows, headers=2)
