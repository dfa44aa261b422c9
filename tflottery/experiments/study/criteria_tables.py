"""Tables of the comparison of criteria: each beside magnitude and dense, its checks, and what more
epochs give."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tflottery import statistics
from tflottery.experiments import names
from tflottery.experiments.study.cells import Arm, BySeed, Cell, Results
from tflottery.experiments.study.tables import befallen, befell, difference_row
from tflottery.report.numbers import ACCURACY, PERCENT, POINTS, number, probability
from tflottery.report.outcomes import MARGINS, within
from tflottery.report.table import Column, Table

PART = "criterion"
# The order of moments, by what they cost.
MOMENTS = (names.AT_INIT, "one_shot", "iterative")
STRETCHED = Arm("control", "dense", "dense", "fresh")


@dataclass(frozen=True)
class Compared:
    """A criterion at a moment and a level, or a check of it. ``epochs``: spent for it if it were
    made alone."""

    cell: Cell
    accuracies: BySeed
    epochs: float | None

    @property
    def arm(self) -> Arm:
        return self.cell.arm

    @property
    def ticket(self) -> Arm:
        """What it is a check of; itself if it is none."""
        return replace(self.arm, mask=self.arm.criterion, init="original")


def compared(results: Results) -> list[Compared]:
    """Every cell of the comparison: by level, then by moment, then as the study names criteria."""
    rows = results.study.cells
    drawn = rows.loc[rows["part"] == PART, "mask"]
    order = list(dict.fromkeys(str(mask).partition(":")[0] for mask in drawn))

    def place(one: Compared) -> tuple[Any, ...]:
        arm = one.arm
        return (
            one.cell.level, MOMENTS.index(arm.method), order.index(arm.criterion),
            [*names.CHECKS].index(arm.check) if arm.check in names.CHECKS else -1,
        )  # fmt: skip

    found = (
        Compared(
            cell,
            results.points("test_accuracy", cell.arm, cell.level),
            mean(results.values("epochs_behind", cell.arm, cell.level)),
        )
        for cell in results.of(PART)
        if cell.arm.method in MOMENTS
    )
    return sorted(found, key=place)


def criteria(results: Results) -> Table | None:
    """What each criterion scores, its difference to the usual one and to dense, and what it
    costs."""
    rows, usual = [], usual_of(results)
    for one in compared(results):
        if one.arm.check:
            continue
        by_size = results.points("test_accuracy", _by_size(one.arm, usual), one.cell.level)
        is_other = one.arm.criterion != usual
        rows.append(
            {
                **_about(one),
                "epochs": one.epochs,
                **_accuracy(one),
                **_apart(usual, one.accuracies, by_size if is_other else {}),
                **_apart("dense", one.accuracies, results.dense_by_seed),
            }
        )
    if not rows:
        return None
    columns = [
        *_ABOUT,
        Column("epochs", "epochs spent", number(1)),
        *_ACCURACIES,
        *_differences(usual, f"minus {usual}"),
        *_differences("dense", "minus dense"),
    ]
    return _table("criteria", columns, _corrected(rows, usual, "dense"), headers=3)


def criteria_checks(results: Results) -> Table | None:
    """What each check scores, and its difference to the criterion that it is of."""
    rows = []
    for one in compared(results):
        if one.arm.check not in names.CHECKS:
            continue
        ticket = results.points("test_accuracy", one.ticket, one.cell.level)
        rows.append(
            {
                **_about(one),
                "check": names.CHECKS[one.arm.check],
                **_accuracy(one),
                **_apart("ticket", one.accuracies, ticket),
            }
        )
    if not rows:
        return None
    columns = [
        *_ABOUT,
        Column("check", "check", is_text=True),
        *_ACCURACIES,
        *_differences("ticket", "minus the criterion"),
    ]
    return _table("criteria-checks", columns, _corrected(rows, "ticket"), headers=4)


def criteria_longer(results: Results) -> Table | None:
    """Networks pruned before training that are trained for as many epochs as the iterative ticket
    took in all, minus that ticket, and minus dense of as many epochs."""
    rows, usual_criterion = [], usual_of(results)
    for one in compared(results):
        if one.arm.check != "longer":
            continue
        level = one.cell.level
        usual = results.points("test_accuracy", one.ticket, level)
        rounds = Arm(PART, "iterative", usual_criterion, "original")
        rows.append(
            {
                **_about(one),
                "epochs": one.epochs,
                **_accuracy(one),
                **_apart("usual", one.accuracies, usual),
                **_apart("rounds", one.accuracies, results.points("test_accuracy", rounds, level)),
                **_apart(
                    "stretched", one.accuracies, results.points("test_accuracy", STRETCHED, level)
                ),
            }
        )
    if not rows:
        return None
    columns = [
        *_ABOUT,
        Column("epochs", "epochs", number(1)),
        *_ACCURACIES,
        *_differences("usual", "minus usual length"),
        *_differences("rounds", f"minus iterative {usual_criterion}"),
        *_differences("stretched", "minus dense, stretched"),
    ]
    rows = _corrected(rows, "usual", "rounds", "stretched")
    return _table("criteria-longer", columns, rows, headers=3)


def usual_of(results: Results) -> str:
    """The criterion that others are compared with: of units where the study compares those."""
    compared_here = {arm.criterion for arm in results.arms(PART)}
    return next(
        (name for name in names.USUAL.values() if name in compared_here), names.USUAL["weights"]
    )


def _by_size(arm: Arm, usual: str) -> Arm:
    """The ticket of the usual criterion that another one is compared with: in rounds that in
    rounds, else the one that is pruned at once, after training."""
    method = "iterative" if arm.method == "iterative" else "one_shot"
    return Arm(PART, method, usual, "original")


_ABOUT = (
    Column("pruned", "level %", PERCENT),
    Column("when", "when", is_text=True),
    Column("criterion", "criterion", is_text=True),
)
_ACCURACIES = (
    Column("n", "n"),
    Column("mean", "mean", ACCURACY, "test accuracy %"),
    Column("half", "±\u00a095\u00a0%", ACCURACY, "test accuracy %"),
)


def _about(one: Compared) -> dict[str, Any]:
    cell = one.cell
    return {
        "pruned": 100 * cell.level,
        "when": names.method(cell.arm.method),
        "criterion": cell.arm.criterion,
        "mask": cell.arm.mask,
        "init": cell.arm.init,
        "level": cell.level,
        **befell(cell),
    }


def _accuracy(one: Compared) -> dict[str, Any]:
    found = one.cell.accuracy
    if found is None:
        return {"n": 0}
    return {"n": found.n, "mean": found.mean, "half": found.half}


def _apart(key: str, one: BySeed, other: BySeed) -> dict[str, Any]:
    """A difference in columns that begin with a name; ``…_gain`` is the difference itself."""
    gain = statistics.compare(one, other)
    found = {"gain": gain, **difference_row(key, gain)}
    return {name if name == key else f"{key}_{name}": value for name, value in found.items()}


def _differences(key: str, group: str) -> list[Column]:
    return [
        Column(key, "points", POINTS, group),
        Column(f"{key}_interval", "95 % interval", group=group),
        Column(f"{key}_p_holm", "p, Holm", probability, group),
        Column(f"{key}_within", "within", is_text=True, group=group),
    ]


def _corrected(rows: list[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    """The rows with p values corrected over each of these columns, and the margin within which each
    difference is shown to lie."""
    for key in keys:
        adjusted = statistics.holm([row.get(f"{key}_p") for row in rows])
        margins = within([row.get(f"{key}_gain") for row in rows], MARGINS)
        rows = [
            {**row, f"{key}_p_holm": p, f"{key}_within": f"{margin:g}" if margin else None}
            for row, p, margin in zip(rows, adjusted, margins, strict=True)
        ]
    return rows


def _table(name: str, columns: list[Column], rows: list[dict[str, Any]], headers: int) -> Table:
    """The table with what befell some of its rows, where there is such a thing."""
    compared_with = [one.key.removesuffix("_interval") for one in columns if "_interval" in one.key]
    extra = [f"{key}_{name}" for key in compared_with for name in ("low", "high", "p")]
    columns += befallen(rows, "collapsed", "alike", "failed")
    extra += ["mask", "init", "level"]
    return Table(name, columns, rows, headers=headers, extra=extra)


def mean(values: BySeed) -> float | None:
    """The mean over seeds; None without any."""
    return sum(values.values()) / len(values) if values else None
