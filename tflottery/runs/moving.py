"""Masks that move while a network trains, and the mask that such a training ends with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tflottery import steps
from tflottery.errors import UserError
from tflottery.models.roles import Roles
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.masks import Masks, To
from tflottery.pruning.moving.moves import MOVES, Moves, Reads
from tflottery.pruning.rates import Rates
from tflottery.pruning.scopes import Scope
from tflottery.pruning.shares import Shares
from tflottery.runs.specs import Ancestors, MaskSpec, Need, RunSpec


@dataclass(frozen=True)
class Moving(MaskSpec):
    """A mask that moves during the training, as one of ``pruning.moving.moves.MOVES`` has it.

    ``by`` is its name there. ``to``: the sparsity, a fraction, that it ends with. ``every``: epochs
    between two moves, a fraction or more; ``until``: the part of the training in which it moves;
    ``share``: the part of the kept weights that moves, at most. ``seed`` is of what is left to
    chance. ``scope``, ``embedding``, ``head``, ``biases`` and ``rates`` are as in ``Pruned``; of a
    mask that is sparse from the beginning, scope and rates share out the sparsity there.
    """

    by: str
    to: float
    every: float
    until: float
    share: float
    seed: int
    scope: Scope = "layerwise"
    embedding: bool = True
    head: bool = True
    biases: bool = False
    rates: Rates = ()

    @property
    def reads(self) -> Reads:
        return MOVES[self.by].reads

    def make(self, ancestors: Ancestors) -> Masks:
        # How long the training is says when masks move, and nothing of how they begin.
        moves = self._moves(1, 1, ancestors.roles)
        return moves.start(mask_ops.dense(ancestors.prunable))

    def moves(self, per_epoch: int, epochs: int, roles: Roles) -> Moves:
        every = max(1, round(self.every * per_epoch))
        until = round(self.until * epochs * per_epoch)
        moves = self._moves(every, until, roles)
        if not moves.steps:
            raise UserError(
                f"In {epochs} epochs of {per_epoch} steps masks that move each {every} steps, in "
                f"{100 * self.until:g} % of the training, never move; lower pruning.move_every or "
                "raise training.epochs."
            )
        return moves

    def _moves(self, every: int, until: int, roles: Roles) -> Moves:
        shares = self._shares(roles)
        return MOVES[self.by](self.to, every, until, self.share, shares, self.seed)

    def _shares(self, roles: Roles) -> Shares:
        return Shares(roles, self.scope, self.rates, self.embedding, self.head)

    def require_reached(self, masks: Masks, roles: Roles) -> None:
        """As that of ``Pruned``."""
        self._shares(roles).require_reached(masks, To(self.to))


@dataclass(frozen=True)
class LastOf(MaskSpec):
    """The mask that a run ended with, held as it is."""

    of: RunSpec

    @property
    def biases(self) -> bool:
        return self.of.mask.biases

    def needs(self) -> Iterable[Need]:
        return ((self.of, steps.END),)

    def make(self, ancestors: Ancestors) -> Masks:
        return ancestors.masks(self.of)
