"""The tables of a search."""

from __future__ import annotations

from typing import Any

from tflottery.experiments.learning_rate.results import TunedCell, TuningTables
from tflottery.report.numbers import ACCURACY, EPOCHS, PERCENT, POINTS, rate, rates, span
from tflottery.report.table import Column, Table

_OTHERS = ("warmup", "decay", "batch_size", "dropout")


def _others(tuning: TuningTables) -> list[str]:
    """What was searched beside the rate."""
    return [name for name in _OTHERS if name in tuning.about["space"]]


def _size(cell: TunedCell) -> dict[str, Any]:
    return {
        "pruned": 100 * cell.sparsity,
        "left": 100 * (1 - cell.sparsity),
        "network": cell.network,
        "level": cell.level,
    }


_SIZE = (
    Column("pruned", "pruned %", PERCENT),
    Column("network", "network", is_text=True),
    Column("left", "left %", PERCENT),
)


def networks(tuning: TuningTables) -> Table:
    """Each network at its best and at the configuration's values."""
    rows = []
    for cell in tuning.cells:
        row = {**_size(cell), "trials": cell.trials, "failed": cell.failed, "edge": cell.edge}
        if cell.best and cell.as_good:
            row |= {
                "rate": cell.best.rate,
                "peak": cell.peak,
                "as_good": rates(cell.as_good),
                **{name: cell.best.values[name] for name in _others(tuning)},
                "validation": cell.best.median,
                "test": cell.best.test.mean,
                "half": cell.best.test.half,
                "epochs_to_99": cell.best.epochs_to_99,
            }
        if cell.own:
            row |= {
                "own_validation": cell.own.median,
                "own_test": cell.own.test.mean,
                "own_epochs_to_99": cell.own.epochs_to_99,
            }
        if cell.gain:
            row |= {
                "gain": cell.gain.mean,
                "gain_interval": span(cell.gain),
                "gain_low": cell.gain.low,
                "gain_high": cell.gain.high,
            }
        rows.append(row)
    columns = [
        *_SIZE,
        Column("rate", "rate", rate, "best"),
        Column("peak", "peak", rate, "best"),
        Column("as_good", "as good", group="best", is_text=True),
        *(Column(name, name.replace("_", " "), group="best") for name in _others(tuning)),
        Column("validation", "valid. %", ACCURACY, "best"),
        Column("test", "test %", ACCURACY, "best"),
        Column("half", "±\u00a095\u00a0%", ACCURACY, "best"),
        Column("own_validation", "valid. %", ACCURACY, f"at {rate(tuning.found)}"),
        Column("own_test", "test %", ACCURACY, f"at {rate(tuning.found)}"),
        Column("gain", "points", POINTS, "gain on test"),
        Column("gain_interval", "95 % interval", group="gain on test"),
        Column("own_epochs_to_99", f"at {rate(tuning.found)}", EPOCHS, "epochs to 99 %"),
        Column("epochs_to_99", "best", EPOCHS, "epochs to 99 %"),
        Column("trials", "tried", group="trials"),
        Column("failed", "failed", group="trials"),
    ]
    extra = ["level", "edge", "gain_low", "gain_high"]
    return Table("networks", columns, rows, headers=2, extra=extra)


def every_rate(tuning: TuningTables) -> Table:
    """Each network at each rate."""
    rows = [
        {
            **_size(cell),
            "rate": tried.rate,
            **{name: tried.values[name] for name in _others(tuning)},
            "median": tried.median,
            "validation": tried.validation.mean,
            "validation_half": tried.validation.half,
            "test": tried.test.mean,
            "test_half": tried.test.half,
            "n": tried.test.n,
            "epochs_to_99": tried.epochs_to_99,
            "best_epoch": tried.best_epoch,
        }
        for cell in tuning.cells
        for tried in cell.curve
    ]
    columns = [
        *_SIZE,
        Column("rate", "rate", rate),
        *(Column(name, name.replace("_", " ")) for name in _others(tuning)),
        Column("n", "n"),
        Column("median", "median", ACCURACY, "validation accuracy %"),
        Column("validation", "mean", ACCURACY, "validation accuracy %"),
        Column("validation_half", "±\u00a095\u00a0%", ACCURACY, "validation accuracy %"),
        Column("test", "mean", ACCURACY, "test accuracy %"),
        Column("test_half", "±\u00a095\u00a0%", ACCURACY, "test accuracy %"),
        Column("epochs_to_99", "to 99 %", EPOCHS, "epochs"),
        Column("best_epoch", "best", EPOCHS, "epochs"),
    ]
    return Table("rates", columns, rows, headers=2, extra=["level"])
