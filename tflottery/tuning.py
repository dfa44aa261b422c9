"""Tuning: do sparse networks want a higher learning rate (the note's suggestion in 2.1.3)?

``Tuning.spec`` says each network of a search: an arm at a sparsity, trained with some values of the
search space. Its mask is found at the configuration's rate, whatever the rate it is then trained
at. ``judge`` picks the best values of every arm, all having had the same to choose from (Ma et al.
2021, arXiv 2107.00166), and ``fit_rule`` says how the best rate goes with the sparsity.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tflottery import seeds, statistics
from tflottery.errors import UserError, suggest
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import RunSpec, Snapshot
from tflottery.tickets import plan as plans
from tflottery.tickets.plan import PruningSettings
from tflottery.tickets.rule import Rule
from tflottery.training import steps

TUNERS = ("grid", "random", "bayesian", "hyperband")
# Goes on from weights of shorter trainings, so its trials make no curve.
HYPERBAND = "hyperband"
ARMS = ("ticket", "reinit", "late")
DENSE = "dense"
SEARCHED = ("learning_rate", "warmup", "decay", "batch_size", "dropout")
_LATE = "rewind:1ep"
_TRIALS = 10

Value = float | int | str
Values = Mapping[str, Value]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class TuningSettings:
    """A search: its space, which networks, and how.

    ``learning_rate``, ``warmup``, ``decay``, ``batch_size`` and ``dropout`` are values to try
    beside the configuration's own; an empty one is not searched. A grid tries all of them; the
    others take rates from the lowest to the highest, on a log scale. ``levels``: sparsities, 0
    being dense. ``arms``: ``ticket``, ``reinit`` (its mask with new weights), ``late`` (rewound to
    the end of the first epoch); each has the same space and as many trials. ``trials``: of each
    network, for random and Bayesian search. ``factor``: Hyperband trains one of so many trials on.
    """

    learning_rate: tuple[float, ...] = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02)
    warmup: tuple[float, ...] = ()
    decay: tuple[str, ...] = ()
    batch_size: tuple[int, ...] = ()
    dropout: tuple[float, ...] = ()
    levels: tuple[float, ...] = (0.0, 0.36, 0.738, 0.832, 0.972)
    arms: tuple[str, ...] = ("ticket", "reinit")
    tuner: str = "grid"
    trials: int = _TRIALS
    factor: int = 3

    def __post_init__(self) -> None:
        for key, given, choices in (("tuner", (self.tuner,), TUNERS), ("arms", self.arms, ARMS)):
            for value in given:
                if value not in choices:
                    raise UserError(f"tuning.{key} is not {value!r}: {suggest(value, choices)}")
        if not self.learning_rate or not min(self.learning_rate) > 0:
            raise UserError("tuning.learning_rate holds at least one rate, each above 0.")
        for level in self.levels:
            if not 0 <= level < 1:
                raise UserError(f"tuning.levels holds {level:g}; a sparsity here is in [0, 1).")
        if not self.levels or not (self.arms or set(self.levels) == {0.0}):
            raise UserError("tuning.levels and tuning.arms name at least one network.")
        for dropped in self.dropout:
            if not 0 <= dropped < 1:
                raise UserError(f"tuning.dropout holds {dropped:g}; it is in [0, 1).")
        if self.trials < 1:
            raise UserError("tuning.trials is at least 1.")
        if self.factor < 2:
            raise UserError("tuning.factor is at least 2.")


@dataclass(frozen=True)
class Dimension:
    """A setting that is searched: one of ``values``, or, where ``is_range``, any between the first
    and the last on a log scale. ``own`` is the configuration's."""

    values: tuple[Value, ...]
    own: Value
    is_range: bool = False


@dataclass(frozen=True)
class Cell:
    """A network to tune: an arm (``dense`` among them) at the sparsity asked for."""

    arm: str
    level: float

    @property
    def name(self) -> str:
        return f"{self.arm}-{self.level:g}"


@dataclass(frozen=True)
class Trial:
    """A cell with values of the search space. ``stages`` are the epochs at which Hyperband looked
    at it so far; other searches train it once, for the configuration's epochs."""

    cell: Cell
    values: Values
    stages: tuple[int, ...] = ()


@dataclass(frozen=True)
class Tuning:
    """A search around a recipe, at whose rate masks are found; its data have their fingerprint."""

    recipe: Recipe
    pruning: PruningSettings
    settings: TuningSettings

    def __post_init__(self) -> None:
        for name, dimension in self.space.items():
            for value in dimension.values:
                with_values(self.recipe, {name: value})  # raises where it cannot be
        warmups = (self.recipe.training.warmup, *self.settings.warmup)
        if self.settings.tuner == HYPERBAND and max(warmups) >= 1:
            raise UserError(
                f"Hyperband trains for one epoch at first, so a warm-up of {max(warmups):g} is too "
                "long; set training.warmup and tuning.warmup below 1, or take another --tuner."
            )

    @property
    def own(self) -> dict[str, Value]:
        """The configuration's values of everything that can be searched."""
        return values_of(self.recipe)

    @property
    def space(self) -> dict[str, Dimension]:
        """What is searched, by name."""
        own, space = self.own, {}
        for name in SEARCHED:
            if tried := getattr(self.settings, name):
                values = tuple(sorted({*tried, own[name]}))
                is_range = name == "learning_rate" and self.settings.tuner != "grid"
                space[name] = Dimension(values, own[name], is_range and len(values) > 1)
        return space

    @property
    def cells(self) -> list[Cell]:
        """The networks, the least sparse first."""
        return [
            Cell(arm, level)
            for level in sorted(set(self.settings.levels))
            for arm in ([DENSE] if level == 0 else dict.fromkeys(self.settings.arms))
        ]

    @property
    def grid(self) -> list[Trial]:
        """Every trial of a grid search."""
        dimensions = self.space
        points = list(itertools.product(*(one.values for one in dimensions.values())))
        return [
            Trial(cell, dict(zip(dimensions, point, strict=True)))
            for cell in self.cells
            for point in points
        ]

    @property
    def trials_a_cell(self) -> int:
        """How many trials each cell has; where values repeat, fewer of them are trained."""
        if self.settings.tuner == "grid":
            return len(self.grid) // len(self.cells)
        if self.settings.tuner == HYPERBAND:
            return hyperband_trials(self.recipe.training.epochs, self.settings.factor)
        return self.settings.trials

    def untuned(self, cell: Cell, seed: int) -> RunSpec:
        """The network of a cell with the configuration's values."""
        init = _LATE if cell.arm == "late" else self.pruning.init
        pruning = dataclasses.replace(self.pruning, sparsity=cell.level, init=init)
        plan = plans.make_plan(self.recipe, pruning, seed)
        if cell.arm == DENSE:
            return plan.dense
        return plan.levels[-1].reinit if cell.arm == "reinit" else plan.levels[-1].ticket

    def spec(self, trial: Trial, seed: int) -> RunSpec:
        """The network of a trial."""
        spec = self.untuned(trial.cell, seed)
        spec = dataclasses.replace(spec, recipe=with_values(spec.recipe, trial.values))
        if not trial.stages:
            return spec
        stage = _for_epochs(spec, trial.stages[0])
        for begun, ended in itertools.pairwise(trial.stages):
            random = dataclasses.replace(
                spec.seeds, order=seeds.derive("stage", spec.seeds.order, begun)
            )
            longer = dataclasses.replace(spec, init=Snapshot(stage, steps.END), seeds=random)
            stage = _for_epochs(longer, ended - begun)
        return stage


def values_of(recipe: Recipe) -> dict[str, Value]:
    """What a recipe says of everything that can be searched."""
    training = recipe.training
    own: dict[str, Value] = {name: getattr(training, name) for name in SEARCHED[:-1]}
    return {**own, "dropout": recipe.model.dropout}


def with_values(recipe: Recipe, values: Values) -> Recipe:
    """The recipe with other values of what was searched.

    Raises:
        UserError: they do not go together with the rest.
    """
    model = {name: value for name, value in values.items() if name == "dropout"}
    training = {name: value for name, value in values.items() if name not in model}
    return dataclasses.replace(
        recipe,
        model=dataclasses.replace(recipe.model, **model),  # type: ignore[type-var]
        training=dataclasses.replace(recipe.training, **training),  # type: ignore[arg-type]
    )


def _for_epochs(spec: RunSpec, epochs: int) -> RunSpec:
    training = dataclasses.replace(spec.recipe.training, epochs=epochs)
    return dataclasses.replace(spec, recipe=dataclasses.replace(spec.recipe, training=training))


def hyperband_trials(epochs: int, factor: int) -> int:
    """Trials of one iteration of Hyperband as keras-tuner does it (Li et al. 2018, JMLR 18:185)."""
    brackets = 1 + math.floor(math.log(epochs, factor) + 1e-9)
    last = math.ceil(1 + math.log(epochs, factor))
    return sum(
        math.ceil(last / (bracket + 1) * factor**halving)
        for bracket in range(brackets)
        for halving in range(bracket + 1)
    )


def fit_rule(cells: Sequence[Row]) -> Rule | None:
    """The rule of a search, by the peaks of the dense network and of each ticket.

    A line is fitted to the logarithms of peak and remaining fraction, a point a sparsity; None for
    fewer than three sparsities. These are the sparsities asked for, since a rule is asked by them:
    where the embedding is spared or units are pruned, other parts of all weights are gone.

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
    """What the trials say: each cell with its best values, and the arms of a level compared.

    The best trial has the highest median validation accuracy over seeds, and among equals the lower
    validation loss; a trial that failed for a seed cannot be it. What it gains over the configured
    values is told on test data, by which nothing is chosen; None where those are the best.

    Args:
        rows: one a seed of a trial, with ``arm``, ``level``, ``seed``, ``state``, ``stages``, the
            names in ``SEARCHED``, ``epochs_to_99`` and the columns of ``runs.measures``.
        own: the configuration's values.
        count: how many seeds a whole trial has.
        tolerance: points of validation accuracy below the best that are as good.
    """
    trials: dict[tuple[str, float], dict[tuple[Any, ...], list[Row]]] = {}
    for row in rows:
        key = (*(row[name] for name in SEARCHED), row["stages"])
        trials.setdefault((row["arm"], row["level"]), {}).setdefault(key, []).append(row)
    best: dict[tuple[str, float], list[Row]] = {}
    cells = []
    for (arm, level), of_cell in trials.items():
        whole = [
            found
            for found in of_cell.values()
            if sum(row["state"] == "done" for row in found) == count
        ]
        cell: dict[str, Any] = {
            "arm": arm, "level": level, "trials": len(of_cell), "failed": len(of_cell) - len(whole),
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


def _rank(found: Sequence[Row]) -> tuple[float, float]:
    loss = float(np.median([row["val_loss"] for row in found]))
    return _median(found), -loss


def _median(found: Sequence[Row]) -> float:
    # Accuracies are counts over thousands of texts; rounding keeps a tie a tie.
    return round(100 * float(np.median([row["val_accuracy"] for row in found])), 6)


def _verdict(
    whole: Sequence[Sequence[Row]], chosen: Sequence[Row], own: Values, tolerance: float
) -> dict[str, Any]:
    same = {**own, "stages": chosen[0]["stages"]}
    at_own = next(
        (found for found in whole if all(found[0][name] == same[name] for name in same)), None
    )
    curve = _by_rate(whole)
    rates = list(curve)
    good = [rate for rate in rates if _median(curve[rate]) >= _median(chosen) - tolerance]
    # What a rate does is told by trials that differ from the configuration in nothing else.
    rest = {name: value for name, value in same.items() if name != "learning_rate"}
    alone = _by_rate(found for found in whole if all(found[0][name] == rest[name] for name in rest))
    top = max(alone, key=lambda rate: _rank(alone[rate])) if len(alone) > 1 else None
    return {
        "sparsity": _mean(chosen, "sparsity"),
        "best": _trial(chosen),
        "own": at_own and _trial(at_own),
        "gain": None if chosen is at_own else _difference(chosen, at_own),
        "sooner": None if chosen is at_own else _difference(at_own, chosen, "epochs_to_99", 1),
        "higher": _higher(alone, at_own, own),
        "peak": None if top is None else _peak(alone, top),
        "peak_edge": "" if top is None else _edge(alone, top),
        "as_good": [min(good), max(good)],
        "edge": _edge(rates, chosen[0]["learning_rate"]),
        "curve": [_trial(curve[rate]) for rate in rates],
    }


def _by_rate(trials: Iterable[Sequence[Row]]) -> dict[float, Sequence[Row]]:
    """The best trial of each rate, the lowest rate first."""
    best: dict[float, Sequence[Row]] = {}
    for found in trials:
        rate = found[0]["learning_rate"]
        if rate not in best or _rank(found) > _rank(best[rate]):
            best[rate] = found
    return dict(sorted(best.items()))


def _edge(rates: Iterable[float], rate: float) -> str:
    """Whether a rate is the lowest or the highest of several."""
    lowest, highest = min(rates), max(rates)
    if lowest == highest or lowest < rate < highest:
        return ""
    return "lowest" if rate == lowest else "highest"


def _higher(
    alone: Mapping[float, Sequence[Row]], at_own: Sequence[Row] | None, own: Values
) -> dict[str, Any] | None:
    """What the best of the rates above the configured one gains, be it better or worse, so that
    raising the rate is judged for every network and not only where it did well."""
    above = [found for rate, found in alone.items() if rate > float(own["learning_rate"])]
    if not above or at_own is None:
        return None
    chosen = max(above, key=_rank)
    return {
        "learning_rate": chosen[0]["learning_rate"],
        "gain": _difference(chosen, at_own),
        "sooner": _difference(at_own, chosen, "epochs_to_99", 1),
    }


def _peak(curve: Mapping[float, Sequence[Row]], rate: float) -> float:
    """Where the parabola through the best rate and its neighbours, over the rate's logarithm, has
    its top: closer than the rates that were tried lie together. At an end, the best rate itself."""
    rates = list(curve)
    place = rates.index(rate)
    if not 0 < place < len(rates) - 1:
        return rate
    (left, fall_left), (right, fall_right) = (
        (math.log(other / rate), _median(curve[rate]) - _median(curve[other]))
        for other in (rates[place - 1], rates[place + 1])
    )
    bend = (fall_right / right - fall_left / left) / (right - left)
    if not bend:  # all three are equally good
        return rate
    return round(rate * math.exp((left - fall_left / left / bend) / 2), 9)


def _trial(found: Sequence[Row]) -> dict[str, Any]:
    """A trial over its seeds; accuracies in %."""
    return {
        **{name: found[0][name] for name in (*SEARCHED, "stages")},
        "median": _median(found),
        **{
            name: statistics.plain(statistics.summarise([100 * row[name] for row in found]))
            for name in ("val_accuracy", "test_accuracy")
        },
        **{name: _mean(found, name) for name in ("epochs_to_99", "best_epoch")},
    }


def _mean(found: Iterable[Row], name: str) -> float:
    return round(float(np.mean([row[name] for row in found])), 6)


def _difference(
    one: Sequence[Row] | None,
    other: Sequence[Row] | None,
    column: str = "test_accuracy",
    times: float = 100,
) -> dict[str, Any] | None:
    """``one`` minus ``other``, paired by seed; None where there is nothing to compare."""
    if not one or not other:
        return None
    by_seed = ({row["seed"]: times * row[column] for row in found} for found in (one, other))
    return statistics.plain(statistics.compare(*by_seed))
