"""The study: which networks answer the founding note's claims (sections 2.1.1 to 2.1.4).

``make_cells`` gives them as specs, one cell for each network to compare. Ancestors that cells share
are trained once, since equal specs have equal keys.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from tflottery import seeds, steps
from tflottery.errors import UserError
from tflottery.experiments.study import comparison, controls
from tflottery.experiments.study.arms import Cell, Seed
from tflottery.experiments.study.settings import StudySettings
from tflottery.pruning import criteria
from tflottery.runs.inits import Snapshot
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import RunSpec
from tflottery.tickets.methods import FINDING_TICKETS, require_tickets
from tflottery.tickets.settings import PruningSettings, present_name
from tflottery.training.settings import TrainingSeeds


def make_cells(
    recipe: Recipe, pruning: PruningSettings, study: StudySettings, seed: int
) -> list[Cell]:
    """All cells of one seed, the dense network first."""
    return list(_cells(Seed(recipe, pruning, study, seed)))


def dense_cell(seed: Seed) -> Cell:
    """The dense network of a seed."""
    return seed.cell("dense", "dense", "dense", "fresh", 0.0, seed.dense)


def _cells(seed: Seed) -> Iterator[Cell]:
    yield dense_cell(seed)
    yield from _grid(seed)
    for level in seed.study.controls:
        yield from controls.controls(seed, level)
    yield from _rewinds(seed)
    yield from controls.dense_again(seed)
    yield from controls.lengths(seed)
    yield from controls.ramps(seed)
    yield from controls.convergence(seed)
    yield from comparison.compared(seed)


def _grid(seed: Seed) -> Iterator[Cell]:
    for method in FINDING_TICKETS:
        for level in seed.study.levels_of(method):
            for init in seed.study.inits:
                ticket = seed.last(method, init, level).ticket
                name = present_name(init)
                yield seed.cell("grid", method, "magnitude", name, level, ticket)
            # One-shot's random init keeps the ticket's mask anyway; only a chain that draws new
            # weights each round ends with a mask of its own.
            if method == "iterative" and "random" in seed.study.inits:
                reinit = seed.last(method, "original", level).reinit
                yield seed.cell("grid", method, "magnitude", "reinit", level, reinit)


def _rewinds(seed: Seed) -> Iterator[Cell]:
    for level in seed.study.rewind_levels:
        for method in FINDING_TICKETS:
            for point in seed.study.rewind_points:
                init = f"rewind:{point}"
                ticket = seed.last(method, init, level).ticket
                yield seed.cell("rewind", method, "magnitude", init, level, ticket)


def early_bird_specs(cell: Cell, study: StudySettings) -> list[RunSpec]:
    """Specs that want the dense run's weights at each early-bird point (never trained)."""
    return [
        dataclasses.replace(cell.spec, init=Snapshot(cell.spec, point))
        for point in study.early_bird_points
    ]


def instability_pair(dense: RunSpec, point: str, seed: int) -> tuple[RunSpec, RunSpec]:
    """Two trainings from the same weights in two data orders (Frankle et al. 2020)."""
    start = Snapshot(dense, steps.parse(point))
    one, other = (
        dataclasses.replace(
            dense, init=start, seeds=TrainingSeeds(seeds.derive("order", seed, name), seed)
        )
        for name in ("one", "other")
    )
    return one, other


@dataclass(frozen=True)
class Study:
    """A study of a recipe, whose data are identified, over some seeds; those of ``dense_alone``
    have no tickets."""

    name: str
    recipe: Recipe
    pruning: PruningSettings
    settings: StudySettings
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        require_tickets(self.pruning.method, "A study")
        epochs = self.recipe.training.epochs
        for key in ("early_bird_points", "instability_points"):
            for point in getattr(self.settings, key):
                if steps.is_after(point, epochs):
                    raise UserError(
                        f"study.{key} holds {point}, which lies beyond the training ({epochs} "
                        "epochs); choose an earlier one."
                    )

    @property
    def dense_alone(self) -> tuple[int, ...]:
        """The seeds after the last one that have their dense network alone."""
        last = max(self.seeds)
        return tuple(range(last + 1, last + 1 + self.settings.more_dense))

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seeds, and those that have dense alone."""
        return (*self.seeds, *self.dense_alone)

    def cells(self, seed: int) -> list[Cell]:
        """The networks to compare for one seed."""
        if seed in self.dense_alone:
            return [dense_cell(Seed(self.recipe, self.pruning, self.settings, seed))]
        return make_cells(self.recipe, self.pruning, self.settings, seed)

    def pairs(self, seed: int) -> list[tuple[str, RunSpec, RunSpec]]:
        """(rewind point, one data order, the other) for the instability analysis."""
        if seed in self.dense_alone:
            return []
        dense = self.cells(seed)[0].spec
        return [
            (point, *instability_pair(dense, point, seed))
            for point in self.settings.instability_points
        ]

    def specs(self, seed: int) -> list[RunSpec]:
        """Every training of one seed that something is read from."""
        pairs = [spec for _, one, other in self.pairs(seed) for spec in (one, other)]
        return [cell.spec for cell in self.cells(seed)] + pairs

    def wanted(self, seed: int) -> list[RunSpec]:
        """What a realiser has to know beforehand: ``specs``, and whose snapshots they want."""
        if seed in self.dense_alone:
            return self.specs(seed)
        dense = self.cells(seed)[0]
        return self.specs(seed) + early_bird_specs(dense, self.settings)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Lines on what its answers are of, if not single weights, and on what is left out."""
        criterion = self.pruning.criterion
        if not criteria.scores_units(criterion):
            return self.left_out
        of_units = (
            f"Whole units are pruned, by the criterion {criterion}; sparsities count units. The "
            "founding note's claims are of single weights; where exploratory answers here speak of "
            "tickets, they are tickets of units, and say nothing of those claims."
        )
        return (of_units, *self.left_out)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Lines on what is asked for and cannot follow how this study prunes."""
        asked = self.settings, self.pruning, self.recipe.model
        return controls.left_out(*asked) + comparison.left_out(*asked)
