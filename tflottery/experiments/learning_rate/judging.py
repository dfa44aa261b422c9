"""What the trials of a search say: the best values of each network, and the rule that fits them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from tflottery import statistics
from tflottery.experiments.learning_rate.arms import DENSE
from tflottery.experiments.learning_rate.design import SEARCHED, Value, Values
from tflottery.experiments.schema import DONE
from tflottery.tickets.rule import Rule

_SETTINGS = [*SEARCHED, "stages"]

Row = Mapping[str, Any]
# A trial: its rows, one for each seed.
Trial = pd.DataFrame


def fit_rule(cells: Sequence[Row]) -> Rule | None:
    """The rule of a search, by the peaks of the dense network and of each ticket.

    A line is fitted to the logarithms of peak and remaining fraction, one point for each sparsity;
    None for fewer than three. These are the sparsities that were asked for, since a rule is asked
    by them; where the embedding is excluded or units are pruned, another share of all weights is
    gone.

    Args:
        cells: what ``judge`` gave.
    """
    found = [cell for cell in cells if cell["arm"] in (DENSE, "ticket") and cell["peak"]]
    points = [(-math.log(1 - cell["level"]), math.log(cell["peak"])) for cell in found]
    line = statistics.fit_line(points) if len(points) > 2 else None
    if line is None or line.low is None or line.high is None:
        return None
    tried = [point["learning_rate"] for cell in found for point in cell["curve"]]
    sparsest = max(cell["level"] for cell in found)
    return Rule(
        math.exp(line.intercept), line.slope, line.low, line.high, sparsest, min(tried), max(tried)
    )


def judge(
    rows: Sequence[Row], own: Values, count: int, tolerance: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Each cell with its best values, and the arms of a level compared.

    The best trial has the highest median over seeds of ``worth`` (validation accuracy, where no
    other metric was chosen), and among equals the lower validation loss; a trial that failed for a
    seed cannot be it. What it gains over the configured values is measured on test data, which
    choose nothing; None where those are the best.

    Args:
        rows: one a seed of a trial, with ``arm``, ``level``, ``seed``, ``state``, ``stages``, the
            names in ``SEARCHED``, ``epochs_to_99``, the columns of ``runs.measures`` and, of
            another metric, ``worth``.
        own: the configuration's values.
        count: how many seeds a whole trial has.
        tolerance: points of that below the best that are as good.
    """
    best: dict[tuple[str, float], Trial] = {}
    cells = []
    # Objects keep a batch size a whole number beside rates.
    table = pd.DataFrame(list(rows), dtype=object)
    for (arm, level), of_cell in table.groupby(["arm", "level"], sort=False):
        trials = [trial for _, trial in of_cell.groupby(_SETTINGS, sort=False)]
        whole = [trial for trial in trials if (trial["state"] == DONE).sum() == count]
        cell: dict[str, Any] = {
            "arm": arm, "level": level, "trials": len(trials), "failed": len(trials) - len(whole),
            "sparsity": level, "best": None, "own": None, "gain": None, "sooner": None,
            "higher": None, "peak": None, "peak_edge": "", "as_good": None, "edge": "", "curve": [],
        }  # fmt: skip
        if whole:
            best[arm, level] = chosen = max(whole, key=_rank)
            cell |= _verdict(whole, chosen, own, tolerance)
        cells.append(cell)
    comparisons = [
        {"level": level, "minus": other, "difference": difference}
        for level in sorted({level for _, level in best} - {0.0})
        for other, at in ((DENSE, 0.0), ("reinit", level))
        if (difference := _difference(best.get(("ticket", level)), best.get((other, at))))
    ]
    return cells, comparisons


def _rank(trial: Trial) -> tuple[float, float]:
    return _worth(trial), -float(trial["val_loss"].median())


def _worth(trial: Trial) -> float:
    return _median(trial, "worth" if "worth" in trial else "val_accuracy")


def _median(trial: Trial, column: str = "val_accuracy") -> float:
    # Accuracies are counts over thousands of texts; rounding keeps a tie a tie.
    return round(100 * float(trial[column].median()), 6)


def _settings(trial: Trial) -> dict[str, Value]:
    """The values of a trial, which all its seeds have."""
    first = trial.iloc[0]
    return {name: first[name] for name in _SETTINGS}


def _rate(trial: Trial) -> float:
    return float(trial["learning_rate"].iloc[0])


def _verdict(
    whole: Sequence[Trial], chosen: Trial, own: Values, tolerance: float
) -> dict[str, Any]:
    same = {**own, "stages": chosen["stages"].iloc[0]}
    at_own = next((trial for trial in whole if _settings(trial) == same), None)
    curve = _by_rate(whole)
    rates = list(curve)
    good = [rate for rate in rates if _worth(curve[rate]) >= _worth(chosen) - tolerance]
    # To see what a rate does, compare trials that differ in nothing but the rate.
    alone = _by_rate(
        trial
        for trial in whole
        if {**_settings(trial), "learning_rate": own["learning_rate"]} == same
    )
    top = max(alone, key=lambda rate: _rank(alone[rate])) if len(alone) > 1 else None
    return {
        "sparsity": _mean(chosen, "sparsity"),
        "best": _trial(chosen),
        "own": None if at_own is None else _trial(at_own),
        "gain": None if chosen is at_own else _difference(chosen, at_own),
        "sooner": None if chosen is at_own else _difference(at_own, chosen, "epochs_to_99", 1),
        "higher": _higher(alone, at_own, own),
        "peak": None if top is None else _peak(alone, top),
        "peak_edge": "" if top is None else _edge(alone, top),
        "as_good": [min(good), max(good)],
        "edge": _edge(rates, _rate(chosen)),
        "curve": [_trial(curve[rate]) for rate in rates],
    }


def _by_rate(trials: Iterable[Trial]) -> dict[float, Trial]:
    """The best trial of each rate, the lowest rate first."""
    best: dict[float, Trial] = {}
    for trial in trials:
        rate = _rate(trial)
        if rate not in best or _rank(trial) > _rank(best[rate]):
            best[rate] = trial
    return dict(sorted(best.items()))


def _edge(rates: Iterable[float], rate: float) -> str:
    """Whether a rate is the lowest or the highest of several."""
    lowest, highest = min(rates), max(rates)
    if lowest == highest or lowest < rate < highest:
        return ""
    return "lowest" if rate == lowest else "highest"


def _higher(
    alone: Mapping[float, Trial], at_own: Trial | None, own: Values
) -> dict[str, Any] | None:
    """What the best of the rates above the configured one gains, be it better or worse, so that
    raising the rate is judged for every network and not only where it did well."""
    above = [trial for rate, trial in alone.items() if rate > float(own["learning_rate"])]
    if not above or at_own is None:
        return None
    chosen = max(above, key=_rank)
    return {
        "learning_rate": _rate(chosen),
        "gain": _difference(chosen, at_own),
        "sooner": _difference(at_own, chosen, "epochs_to_99", 1),
    }


def _peak(curve: Mapping[float, Trial], rate: float) -> float:
    """Where the parabola through the best rate and its neighbours, over the rate's logarithm, has
    its top: closer than the rates that were tried lie together. At an end, the best rate itself."""
    rates = list(curve)
    place = rates.index(rate)
    if not 0 < place < len(rates) - 1:
        return rate
    (left, fall_left), (right, fall_right) = (
        (math.log(other / rate), _worth(curve[rate]) - _worth(curve[other]))
        for other in (rates[place - 1], rates[place + 1])
    )
    bend = (fall_right / right - fall_left / left) / (right - left)
    if not bend:  # all three are equally good
        return rate
    return round(rate * math.exp((left - fall_left / left / bend) / 2), 9)


def _trial(trial: Trial) -> dict[str, Any]:
    """A trial over its seeds; accuracies in %."""
    return {
        **_settings(trial),
        "median": _median(trial),
        **{
            name: statistics.plain(statistics.summarise((100 * trial[name]).tolist()))
            for name in ("val_accuracy", "test_accuracy")
        },
        **{name: _mean(trial, name) for name in ("epochs_to_99", "best_epoch")},
    }


def _mean(trial: Trial, name: str) -> float:
    return round(float(trial[name].mean()), 6)


def _difference(
    one: Trial | None, other: Trial | None, column: str = "test_accuracy", times: float = 100
) -> dict[str, Any] | None:
    """``one`` minus ``other``, paired by seed; None where there is nothing to compare."""
    if one is None or other is None:
        return None
    by_seed = (
        {
            int(seed): times * float(value)
            for seed, value in zip(of["seed"], of[column], strict=True)
        }
        for of in (one, other)
    )
    return statistics.plain(statistics.compare(*by_seed))
