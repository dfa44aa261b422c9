"""How a sparsity is shared out among the tensors of a network: scope, rates, what is excluded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tflottery.models.biases import biases_beside
from tflottery.models.roles import Roles
from tflottery.pruning import masks as mask_ops
from tflottery.pruning import rates as rates_by_name
from tflottery.pruning import scopes
from tflottery.pruning.masks import By, Masks, To
from tflottery.pruning.rates import Rates
from tflottery.pruning.scopes import Scope


@dataclass(frozen=True)
class Shares:
    """Which weights compete, and which are neither pruned nor counted.

    ``scope``, ``rates`` (with one for the rest, or none), ``embedding`` and ``head`` are as in
    ``runs.pruned.Pruned``; ``roles`` are those of the network.
    """

    roles: Roles
    scope: Scope = "layerwise"
    rates: Rates = ()
    embedding: bool = True
    head: bool = True

    def open(self, masks: Masks) -> tuple[str, ...]:
        """The names of the tensors that are pruned and counted, sorted."""
        exclude = excluded(self.roles, self.embedding, self.head)
        return tuple(sorted(set(masks) - {*exclude, *biases_beside(exclude, masks)}))

    def prune(self, masks: Masks, scores: Mapping[str, np.ndarray], amount: By | To) -> Masks:
        """Keeps the weights with the highest scores; see ``masks.prune``.

        Args:
            masks: bool arrays for every prunable tensor: what is left so far.
            scores: float arrays of the same shapes, of the tensors that are ``open`` at least.
            amount: how many are pruned.

        Raises: as ``masks.prune``.
        """
        closed = set(masks) - set(self.open(masks))
        rates = rates_by_name.by_tensor(self.rates, masks, self.roles) if self.rates else None
        return mask_ops.prune(
            masks, scores, amount, scope=self.scope, exclude=closed, rates=rates,
            ends=ends_in(masks, self.roles),
        )  # fmt: skip

    def require_reached(self, masks: Masks, amount: By | To) -> None:
        """Makes sure that masks can be pruned as far as is asked, where that can be told without
        scores.

        Args:
            masks: bool arrays for every prunable tensor: what is left so far.
            amount: how many are to be pruned.

        Raises:
            BeyondReachError: the scope, or rates of 0, keep more than that.
        """
        is_by_rates = bool(self.rates) and isinstance(amount, To)
        if not (is_by_rates or self.scope == "uniform+"):
            return
        open_ = {name: masks[name] for name in self.open(masks)}
        if self.rates:
            what = "rates"
            rates = rates_by_name.by_tensor(self.rates, open_, self.roles)
            floors = scopes.floors_by_rates(open_, rates)
        else:
            what, floors = "uniform+", scopes.floors_by_place(open_, ends_in(masks, self.roles))
        counted = mask_ops.count(open_)
        total = amount.kept(counted.remaining, counted.total)
        scopes.require_reached(what, sum(floors.values()), total, counted.total)


def ends_in(masks: Masks, roles: Roles) -> scopes.Ends:
    """The tensors at the ends of a network that has these masks and roles."""
    shapes = {name: mask.shape for name, mask in masks.items()}
    return scopes.ends_of(shapes, roles.embedding, roles.head)


def excluded(roles: Roles, embedding: bool, head: bool) -> tuple[str, ...]:
    """The names of the tensors that are excluded with these values of ``embedding`` and ``head``,
    in a network with these roles."""
    return (() if embedding else roles.embedding) + (() if head else roles.head)
