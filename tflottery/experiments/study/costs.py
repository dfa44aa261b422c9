"""What the arms of a study cost, in trainings, epochs and seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tflottery.experiments import names
from tflottery.experiments.study.cells import Arm, Results
from tflottery.experiments.study.results import StudyTables
from tflottery.experiments.study.tables import arm_row
from tflottery.report.numbers import PERCENT, WHOLE, number
from tflottery.report.table import Column, Table


def cost(results: Results) -> Table:
    """What each cell costs when it is made alone, its ancestors included."""
    study = results.study
    seconds = dict(zip(study.timings["key"], study.timings["seconds"], strict=True))
    a_second = _seconds_an_epoch(study, seconds)
    rows = []
    for cell in sorted(results.cells, key=lambda cell: (cell.arm.order, cell.level)):
        rows_of_it = results.rows(cell.arm, cell.level)
        own = [float(seconds[key]) for key in rows_of_it["key"] if key in seconds]
        own = [value for value in own if value == value]
        epochs = _mean(results.values("epochs_behind", cell.arm, cell.level))
        rows.append(
            {
                **arm_row(cell),
                "arm": "–" if cell.arm.part == "dense" else cell.arm.label,
                "part": cell.arm.part,
                "n": len(rows_of_it),
                "trainings": _mean(results.values("trainings_behind", cell.arm, cell.level)),
                "epochs": epochs,
                "seconds_own": sum(own) / len(own) if own else None,
                "seconds": epochs * a_second if epochs is not None and a_second else None,
            }
        )
    columns = [
        Column("method", "method", is_text=True),
        Column("arm", "arm", is_text=True),
        Column("part", "part", is_text=True),
        Column("pruned", "pruned %", PERCENT),
        Column("left", "left %", PERCENT),
        Column("trainings", "trainings", number(1), "to make it, all before it included"),
        Column("epochs", "epochs", number(1), "to make it, all before it included"),
        Column("seconds", "about seconds", WHOLE, "to make it, all before it included"),
        Column("seconds_own", "seconds", WHOLE, "its own training"),
    ]
    return Table("cost", columns, rows, headers=3)


def cost_of_arms(results: Results) -> Table:
    """The same at a glance: a row an arm, a column a level."""
    levels = results.levels("grid", "control", "rewind")
    dense = next((cell for cell in results.cells if cell.arm.part == "dense"), None)
    rows = []
    for arm in results.arms("dense", "grid", "control", "rewind"):
        row: dict[str, Any] = {
            "method": names.method(arm.method),
            "arm": "–" if dense and arm == dense.arm else arm.label,
        }
        for level in levels if arm.part != "dense" else ():
            row[f"{level:g}"] = _price(results, arm, level)
        if arm.part == "dense":
            row["dense"] = _price(results, arm, None)
        rows.append(row)
    columns = [
        Column("method", "method", is_text=True),
        Column("arm", "arm", is_text=True),
        Column("dense", "0", group="pruned %"),
        *(Column(f"{level:g}", f"{100 * level:.1f}", group="pruned %") for level in levels),
    ]
    return Table("cost-arms", columns, rows, headers=2)


def _price(results: Results, arm: Arm, level: float | None) -> str | None:
    trainings = _mean(results.values("trainings_behind", arm, level))
    epochs = _mean(results.values("epochs_behind", arm, level))
    if trainings is None or epochs is None:
        return None
    return f"{trainings:.3g} ({epochs:.3g})"


def _seconds_an_epoch(study: StudyTables, seconds: Mapping[str, float]) -> float | None:
    rows = study.cells[study.cells["key"].isin(list(seconds)) & study.cells["epochs"].notna()]
    rows = rows.drop_duplicates("key")
    epochs = float(rows["epochs"].sum())
    return sum(float(seconds[key]) for key in rows["key"]) / epochs if epochs else None


def _mean(values: Mapping[int, float]) -> float | None:
    return sum(values.values()) / len(values) if values else None
