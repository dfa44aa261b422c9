"""What the arms of a study cost, in trainings, epochs and seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tflottery.experiments import names
from tflottery.experiments.price import Cost
from tflottery.experiments.study.cells import DENSE, Arm, Results
from tflottery.experiments.study.results import StudyTables
from tflottery.experiments.study.tables import arm_row
from tflottery.report.numbers import PERCENT, WHOLE, number
from tflottery.report.table import Column, Table


def cost_of_a_seed(results: Results, cells: Iterable[tuple[Arm, float | None]]) -> Cost | None:
    """What some cells cost for one seed, each network trained once; None where the study does not
    have them all.

    Tickets of a chain share its rounds, and all share the dense network: an iterative ticket needs
    every round before it, its mask with new weights or a control every round but the last. The best
    of dense trained again needs as many networks as the longest ticket beside it of its level.

    Args:
        results: of the study.
        cells: arms at levels; None for dense.
    """
    alone = dense = trainings = again = 0.0  # trainings and again are numbers, the others epochs
    chains: dict[tuple[str, str], tuple[float, float]] = {}
    every = list(dict.fromkeys(cells))
    for arm, level in every:
        if arm.part == "again":
            if not results.values("epochs", arm):
                return None
            beside = [
                _measured(results, "trainings_behind", one, level)
                for one, of_level in every
                if of_level == level and one.part == "grid"
            ]
            dense = _mean(results.values("epochs", DENSE)) or 0.0
            again = max(again, *((behind or 1.0) - 1 for behind in beside), 0.0)
            continue
        behind, epochs_behind, epochs = (
            _measured(results, column, arm, level)
            for column in ("trainings_behind", "epochs_behind", "epochs")
        )
        if behind is None or epochs_behind is None or epochs is None:
            return None
        # A store trains dense before whatever is pruned, also where nothing of it is read.
        if behind > 1 or arm.part == "dense" or arm.criterion:
            dense = _mean(results.values("epochs", DENSE)) or 0.0
        if arm.part == "dense":
            continue
        is_round = arm.part in ("grid", "rewind") and arm.init != "reinit"
        is_round = is_round or bool(arm.criterion and not arm.check)
        if arm.method == "iterative":
            name = arm.criterion or "magnitude", arm.init if is_round else "original"
            rounds = behind - (1 if is_round else 2)
            chain = (rounds, rounds * epochs_behind / behind)
            chains[name] = max(chains.get(name, chain), chain)
        if arm.method != "iterative" or not is_round:
            trainings, alone = trainings + 1, alone + epochs
    a_second = seconds_an_epoch(results.study)
    if a_second is None:
        return None
    alone, trainings = alone + again * dense, trainings + again
    in_chains = [sum(parts) for parts in zip(*chains.values(), strict=True)] or [0.0, 0.0]
    return Cost(trainings + in_chains[0] + (dense > 0), (alone + in_chains[1] + dense) * a_second)


def _measured(results: Results, column: str, arm: Arm, level: float | None) -> float | None:
    """The mean of a column over seeds, by whichever name the arm goes."""
    for init in arm.inits:
        found = _mean(results.values(column, replace(arm, init=init), level))
        if found is not None:
            return found
    return None


def _seconds(study: StudyTables) -> dict[str, float]:
    return dict(zip(study.timings["key"], study.timings["seconds"], strict=True))


def cost(results: Results) -> Table:
    """What each cell costs when it is made alone, its ancestors included."""
    study = results.study
    seconds = _seconds(study)
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


def seconds_an_epoch(study: StudyTables) -> float | None:
    """What an epoch takes, the mean over all trainings whose times were kept; None without any."""
    return _seconds_an_epoch(study, _seconds(study))


def _seconds_an_epoch(study: StudyTables, seconds: Mapping[str, float]) -> float | None:
    rows = study.cells[study.cells["key"].isin(list(seconds)) & study.cells["epochs"].notna()]
    rows = rows.drop_duplicates("key")
    epochs = float(rows["epochs"].sum())
    return sum(float(seconds[key]) for key in rows["key"]) / epochs if epochs else None


def _mean(values: Mapping[int, float]) -> float | None:
    return sum(values.values()) / len(values) if values else None
