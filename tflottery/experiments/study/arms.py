"""What the arms of a study are made of: cells, and the tickets of one seed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from tflottery.experiments.study.settings import StudySettings
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import RunSpec
from tflottery.tickets import plan as plans
from tflottery.tickets.methods import MethodName
from tflottery.tickets.plan import Level
from tflottery.tickets.settings import PruningSettings


@dataclass(frozen=True)
class Cell:
    """One network to compare: where it stands in the study, and its spec.

    ``part``: dense, grid, control, rewind, again, length, ramp, convergence or criterion.
    ``method``: dense, at_init, one_shot, iterative or gradual. ``mask``: dense, magnitude, random,
    shuffled, shuffled_words, words_only, random_words, gradual, or magnitude with the head treated
    the other way (head_pruned or head_spared); of criteria the criterion, and ``snip:shuffled`` or
    the like of a check. ``init``: fresh, original, random, reinit, signs, ``rewind:STEP``,
    ``original+1ep`` (trained longer), trained, or another init of the grid. ``level``: the sparsity
    asked for. ``repeat``: the number of another dense network, from 1; else 0.
    """

    part: str
    method: str
    mask: str
    init: str
    level: float
    seed: int
    spec: RunSpec
    repeat: int = 0


class Seed:
    """The dense network and the tickets of one seed, each made once.

    Args:
        recipe: with the data's fingerprint.
        pruning: how tickets are found.
        study: what is compared.
        number: the seed.
    """

    def __init__(
        self, recipe: Recipe, pruning: PruningSettings, study: StudySettings, number: int
    ) -> None:
        self.recipe = recipe
        self.pruning = pruning
        self.study = study
        self.number = number
        self._found: dict[tuple[PruningSettings, str, str, float], Level] = {}
        self.dense = plans.make_plan(
            recipe, dataclasses.replace(pruning, sparsity=0.0, init="original"), number
        ).dense

    @property
    def epochs(self) -> int:
        """Of one training."""
        return self.recipe.training.epochs

    def last(
        self, method: MethodName, init: str, level: float, pruning: PruningSettings | None = None
    ) -> Level:
        """The end of the plan that reaches a level.

        Args:
            method, init, level: of the ticket.
            pruning: in place of the study's own.
        """
        pruning = pruning or self.pruning
        place = (pruning, method, init, level)
        if place not in self._found:
            settings = dataclasses.replace(pruning, method=method, init=init, sparsity=level)
            plan = plans.make_plan(self.recipe, settings, self.number)
            self._found[place] = plan.levels[-1]
        return self._found[place]

    def lasting(self, spec: RunSpec, epochs: int) -> RunSpec:
        """A network whose training has another number of epochs. Where the study's own trainings
        cannot end early, neither can this one."""
        patience = self.recipe.training.patience
        patience = max(patience, epochs) if patience >= self.epochs else patience
        return spec.with_training(epochs=epochs, patience=patience)

    def cell(
        self, part: str, method: str, mask: str, init: str, level: float, spec: RunSpec,
        repeat: int = 0,
    ) -> Cell:  # fmt: skip
        """A cell of this seed."""
        return Cell(part, method, mask, init, level, self.number, spec, repeat)
