"""Tuning: do sparse networks want a higher learning rate (claim ``raise-rate``)?

``Tuning.spec`` gives each network of a search: an arm at a sparsity, trained with some values of
the search space. Its mask is found at the configuration's rate, whatever rate it is then trained
at. All arms have the same values to choose from (Ma et al. 2021, arXiv 2107.00166).
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tflottery import seeds, steps
from tflottery.errors import UserError, suggest
from tflottery.experiments.learning_rate.arms import ARMS, DENSE
from tflottery.experiments.levels import check_levels
from tflottery.metrics import ACCURACY, find_metric
from tflottery.models.architecture import Architecture
from tflottery.models.brought.registered import Registered
from tflottery.runs.identifying import with_sizes
from tflottery.runs.inits import Snapshot
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.settings import LATER, check_bounds, check_choices
from tflottery.tickets import plan as plans
from tflottery.tickets.methods import require_tickets
from tflottery.tickets.settings import PruningSettings

# What a search may try values of.
SEARCHED = ("learning_rate", "warmup", "decay", "batch_size", "dropout")
Value = float | int | str
Values = Mapping[str, Value]

Tuner = Literal["grid", "random", "bayesian", "hyperband"]
# Goes on from weights of shorter trainings, so its trials make no curve.
HYPERBAND = "hyperband"
_LATE = "rewind:1ep"
_TRIALS = 10
# What says how many trials there are, where tuning.trials does not.
_HOW_MANY: dict[Tuner, str] = {
    "grid": "a trial for every value",
    "hyperband": "as many trials as training.epochs and tuning.factor say",
}
_BOUNDS = {"trials": (1, 10_000), "factor": (2, 1_000)}


@dataclass(frozen=True)
class TuningSettings:
    """A search: its space, which networks, and how.

    ``learning_rate``, ``warmup``, ``decay``, ``batch_size`` and ``dropout`` are values to try
    beside the configuration's own; an empty one is not searched. ``tuner`` is ``grid``, ``random``,
    ``bayesian`` or ``hyperband``. A grid tries all of them; the
    others take rates from the lowest to the highest, on a log scale. ``levels``: sparsities, 0
    being dense. ``arms``: ``ticket``, ``reinit`` (its mask with new weights), ``late`` (rewound to
    the end of the first epoch); each has the same space and as many trials. ``trials``: of each
    network, for random and Bayesian search. ``factor``: Hyperband goes on with one trial in that
    many. ``metric``: what trials are judged by on validation data (``tflottery.metrics``).
    """

    learning_rate: tuple[float, ...] = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02)
    warmup: tuple[float, ...] = ()
    decay: tuple[str, ...] = ()
    batch_size: tuple[int, ...] = ()
    dropout: tuple[float, ...] = ()
    levels: tuple[float, ...] = (0.0, 0.36, 0.738, 0.832, 0.972)
    arms: tuple[str, ...] = ("ticket", "reinit")
    tuner: Tuner = "grid"
    trials: int = _TRIALS
    factor: int = 3
    metric: str = field(default=ACCURACY, metadata=LATER)

    def __post_init__(self) -> None:
        check_choices(self, "tuning")
        find_metric(self.metric)
        for value in self.arms:
            if value not in ARMS:
                raise UserError(f"tuning.arms is not {value!r}. {suggest(value, ARMS)}")
        if not self.learning_rate or not min(self.learning_rate) > 0:
            raise UserError("tuning.learning_rate holds at least one rate, each above 0.")
        check_levels("tuning.levels", self.levels, dense=True)
        if not self.levels or not (self.arms or set(self.levels) == {0.0}):
            raise UserError("tuning.levels and tuning.arms name at least one network.")
        for dropped in self.dropout:
            if not 0 <= dropped < 1:
                raise UserError(f"tuning.dropout holds {dropped:g}; it is in [0, 1).")
        check_bounds(self, "tuning", _BOUNDS)


def require_used(settings: TuningSettings, set_keys: Collection[str]) -> None:
    """Makes sure that a tuner has a use for what was set.

    Args:
        settings: of a configuration, which may hold what other tuners take, and what was set beside
            it.
        set_keys: what that was, as ``section.key``.

    Raises:
        UserError: it has none.
    """
    tuner = settings.tuner
    if tuner in _HOW_MANY and "tuning.trials" in set_keys:
        raise UserError(
            f"--tuner {tuner} has {_HOW_MANY[tuner]}; leave out --trials {settings.trials}, or "
            "give --tuner random or bayesian."
        )
    if tuner != HYPERBAND and "tuning.factor" in set_keys:
        raise UserError(
            f"tuning.factor is Hyperband's; leave it out, or give --tuner {HYPERBAND}, not {tuner}."
        )


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
        require_tickets(self.pruning.method, "A search of learning rates")
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

    def specs_of_grid(self, random: Sequence[int]) -> list[RunSpec]:
        """The networks of a grid search, for each of some seeds."""
        return [self.spec(trial, seed) for trial in self.grid for seed in random]

    def specs_of_masks(self, random: Sequence[int]) -> list[RunSpec]:
        """The trainings that find the masks, without those that are a trial's too."""
        untuned = [self.untuned(cell, seed) for cell in self.cells for seed in random]
        # Hyperband has no trial with the configuration's epochs at once.
        own = set() if self.settings.tuner == HYPERBAND else {spec.key for spec in untuned}
        parents = ancestry(parent for spec in untuned for parent, _ in spec.needs())
        return [spec for spec in parents if spec.key not in own]

    def most(self, random: Sequence[int]) -> int:
        """How many trainings a search can take."""
        trials = len(self.cells) * self.trials_a_cell * len(random)
        return len(self.specs_of_masks(random)) + trials


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
        model=_sized(recipe.model, model),
        training=dataclasses.replace(recipe.training, **training),  # type: ignore[arg-type]
    )


def _sized(model: Architecture, sizes: Mapping[str, Value]) -> Architecture:
    if isinstance(model, Registered):
        return with_sizes(model, **sizes) if sizes else model
    return dataclasses.replace(model, **sizes)  # type: ignore[type-var]


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
