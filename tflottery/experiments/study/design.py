"""The study: which networks answer the founding note's claims (sections 2.1.1 to 2.1.4).

``make_cells`` gives them as specs, one cell for each network to compare. Ancestors that cells share
are trained once, since equal specs have equal keys.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tflottery import seeds
from tflottery.errors import UserError
from tflottery.pruning.masks import To
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import (
    Dense,
    Fresh,
    GraduallyPruned,
    Pruned,
    RunSpec,
    Shuffled,
    Signs,
    Snapshot,
)
from tflottery.tickets import plan as plans
from tflottery.tickets.plan import METHODS, Level, PruningSettings
from tflottery.training import steps
from tflottery.training.settings import TrainingSeeds


@dataclass(frozen=True)
class StudySettings:
    """What a study holds. Sparsities are fractions of all prunable weights.

    ``levels`` x ``inits`` is the grid for iterative pruning, ``one_shot_levels`` (empty: the same
    levels) for one-shot. ``controls``: levels of the random, shuffled, sign-only, head, gradual
    and compute-matched controls. ``rewind_points`` are swept at ``rewind_levels``. From each of
    ``instability_points`` two data orders are trained and joined by a line. ``early_bird_points``
    are the moments of the dense training whose masks are compared. ``note`` is for the reader.
    """

    levels: tuple[float, ...] = (0.36, 0.59, 0.738, 0.832, 0.972)
    one_shot_levels: tuple[float, ...] = ()
    inits: tuple[str, ...] = ("random", "original", "rewind:1ep", "rewind:end")
    controls: tuple[float, ...] = ()
    rewind_levels: tuple[float, ...] = ()
    rewind_points: tuple[str, ...] = ("0ep", "100it", "500it", "1ep", "2ep", "end")
    instability_points: tuple[str, ...] = ()
    early_bird_points: tuple[str, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        for key in ("levels", "one_shot_levels", "controls", "rewind_levels"):
            for level in getattr(self, key):
                if not 0 < level < 1:
                    raise UserError(f"study.{key} holds {level:g}; a sparsity here is in (0, 1).")
            _require_each_once(key, getattr(self, key))
        if not self.levels:
            raise UserError("study.levels is empty; name at least one sparsity.")
        _require_each_once("inits", map(plans.parse_init, self.inits))
        for key in ("rewind_points", "instability_points", "early_bird_points"):
            _require_each_once(key, map(steps.parse, getattr(self, key)))
        if steps.END in self.early_bird_points:
            raise UserError(
                "study.early_bird_points holds 'end', which is the best moment and not a certain "
                "one; write epochs or steps, as 3ep."
            )

    def levels_of(self, method: plans.Method) -> tuple[float, ...]:
        """The levels of the grid for a method."""
        return (self.one_shot_levels or self.levels) if method == "one_shot" else self.levels


def _require_each_once(key: str, values: Iterable[float | str]) -> None:
    known = set()
    for value in values:
        if value in known:
            raise UserError(f"study.{key} holds {value} twice; name it once.")
        known.add(value)


@dataclass(frozen=True)
class Cell:
    """One network to compare: where it stands in the study, and its spec.

    ``part``: dense, grid, control or rewind. ``method``: dense, one_shot, iterative or gradual.
    ``mask``: dense, magnitude, random, shuffled, gradual, or magnitude with the head treated the
    other way (head_pruned or head_spared). ``init``: fresh, original, random,
    reinit, signs or ``rewind:STEP``. ``level``: the sparsity asked for.
    """

    part: str
    method: str
    mask: str
    init: str
    level: float
    seed: int
    spec: RunSpec


def make_cells(
    recipe: Recipe, pruning: PruningSettings, study: StudySettings, seed: int
) -> list[Cell]:
    """All cells of one seed, the dense network first."""
    return list(_Maker(recipe, pruning, study, seed).all())


@dataclass(frozen=True)
class _Maker:
    recipe: Recipe
    pruning: PruningSettings
    study: StudySettings
    seed: int

    def all(self) -> Iterator[Cell]:
        yield self._cell("dense", "dense", "dense", "fresh", 0.0, self._dense)
        yield from self._grid()
        for level in self.study.controls:
            yield from self._controls(level)
        yield from self._rewinds()

    @property
    def _dense(self) -> RunSpec:
        return RunSpec(self.recipe, Dense(), Fresh(self.seed), TrainingSeeds(self.seed, self.seed))

    def _cell(
        self, part: str, method: str, mask: str, init: str, level: float, spec: RunSpec
    ) -> Cell:
        return Cell(part, method, mask, init, level, self.seed, spec)

    def _last(self, method: plans.Method, init: str, level: float) -> Level:
        """The end of the plan that reaches a level."""
        settings = dataclasses.replace(self.pruning, method=method, init=init, sparsity=level)
        return plans.make_plan(self.recipe, settings, self.seed).levels[-1]

    def _grid(self) -> Iterator[Cell]:
        for method in METHODS:
            for level in self.study.levels_of(method):
                for init in self.study.inits:
                    ticket = self._last(method, init, level).ticket
                    yield self._cell("grid", method, "magnitude", init, level, ticket)
                # One-shot's random init keeps the ticket's mask anyway; only a chain that draws new
                # weights each round ends with a mask of its own.
                if method == "iterative" and "random" in self.study.inits:
                    reinit = self._last(method, "original", level).reinit
                    yield self._cell("grid", method, "magnitude", "reinit", level, reinit)

    def _controls(self, level: float) -> Iterator[Cell]:
        last = self._last("iterative", "original", level)
        ticket, original = last.ticket, Snapshot(self._dense, steps.BEGINNING)
        drawn = seeds.derive("control", self.seed)
        embedding, head = self.pruning.embedding, self.pruning.head
        random = Pruned(
            self._dense,
            To(level),
            "layerwise",
            "random",
            embedding=embedding,
            head=head,
            biases=self.pruning.biases,
            seed=drawn,
        )
        other_head = dataclasses.replace(self.pruning, head=not head)
        headed = dataclasses.replace(self, pruning=other_head)
        longer = dataclasses.replace(
            self.recipe.training,
            epochs=self.recipe.training.epochs * (last.number + 1),
            patience=self.recipe.training.epochs * (last.number + 1),
        )
        recipe = dataclasses.replace(self.recipe, training=longer)
        change = dataclasses.replace
        made: list[tuple[str, str, str, RunSpec]] = [
            ("one_shot", "random", "original", change(ticket, mask=random)),
            (
                "iterative",
                "shuffled",
                "original",
                change(ticket, mask=Shuffled(ticket.mask, drawn)),
            ),
            ("iterative", "magnitude", "signs", change(ticket, init=Signs(original))),
            (
                "gradual",
                "gradual",
                "fresh",
                change(
                    self._dense,
                    mask=GraduallyPruned(
                        level, embedding=embedding, head=head, biases=self.pruning.biases
                    ),
                ),
            ),
            ("dense", "dense", "fresh", change(self._dense, recipe=recipe)),
        ]
        if self.recipe.model.roles().head:
            name = "head_pruned" if other_head.head else "head_spared"
            headed_ticket = headed._last("iterative", "original", level).ticket
            made.insert(3, ("iterative", name, "original", headed_ticket))
        for method, mask, init, spec in made:
            yield self._cell("control", method, mask, init, level, spec)

    def _rewinds(self) -> Iterator[Cell]:
        for level in self.study.rewind_levels:
            for method in METHODS:
                for point in self.study.rewind_points:
                    init = f"rewind:{point}"
                    ticket = self._last(method, init, level).ticket
                    yield self._cell("rewind", method, "magnitude", init, level, ticket)


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
    """A study of a recipe, whose data are identified, over some seeds."""

    name: str
    recipe: Recipe
    pruning: PruningSettings
    settings: StudySettings
    seeds: tuple[int, ...]

    def cells(self, seed: int) -> list[Cell]:
        """The networks to compare for one seed."""
        return make_cells(self.recipe, self.pruning, self.settings, seed)

    def pairs(self, seed: int) -> list[tuple[str, RunSpec, RunSpec]]:
        """(rewind point, one data order, the other) for the instability analysis."""
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
        dense = self.cells(seed)[0]
        return self.specs(seed) + early_bird_specs(dense, self.settings)
