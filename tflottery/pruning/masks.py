"""Masks in pure numpy: which weights a network keeps.

``Masks`` are bool arrays by tensor name, true where a weight is kept. Functions return new masks
and do not change their arguments. No function ever revives a pruned weight.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from tflottery import seeds
from tflottery.errors import DamagedFileError, UserError
from tflottery.models.units import Units
from tflottery.pruning import scopes
from tflottery.pruning.scopes import NO_ENDS, Ends, Scope

Masks = dict[str, np.ndarray]


def dense(shapes: Mapping[str, tuple[int, ...]]) -> Masks:
    """Masks that keep every weight."""
    return {name: np.ones(shape, bool) for name, shape in shapes.items()}


def apply(masks: Masks, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights, with exact zeros where they are pruned; tensors without a mask stay as they
    are."""
    return {
        name: np.where(masks[name], tensor, np.zeros((), tensor.dtype)) if name in masks else tensor
        for name, tensor in weights.items()
    }


@dataclass(frozen=True)
class By:
    """Prunes this fraction of the remaining weights."""

    fraction: float

    def kept(self, alive: int, total: int) -> int:
        """How many of ``alive`` remaining weights are kept."""
        del total
        return alive - round(alive * self.fraction)


@dataclass(frozen=True)
class To:
    """Prunes until this fraction of all weights is pruned."""

    sparsity: float

    def wanted(self, total: int) -> int:
        """How many weights are to be left, out of ``total`` in all."""
        return total - round(total * self.sparsity)

    def kept(self, alive: int, total: int) -> int:
        """How many of ``alive`` remaining weights are kept, out of ``total`` in all.

        Raises:
            UserError: fewer remain than are to be kept.
        """
        kept = self.wanted(total)
        if kept > alive:
            raise UserError(
                f"These masks keep {alive} of {total} weights already; a sparsity of "
                f"{self.sparsity} would revive some."
            )
        return kept


@dataclass(frozen=True)
class Last:
    """The last of several rounds, to the goal of all. Each round before it has kept a whole number
    of weights, so that a tensor of few may have less left than the goal asks for; it then keeps
    all that it has."""

    goal: To

    def kept(self, alive: int, total: int) -> int:
        """How many of ``alive`` remaining weights are kept, out of ``total`` in all."""
        return min(self.goal.wanted(total), alive)


Amount = By | To | Last


def prune(
    masks: Masks,
    scores: Mapping[str, np.ndarray],
    amount: Amount,
    *,
    scope: Scope = "layerwise",
    exclude: Iterable[str] = (),
    rates: Mapping[str, float] | None = None,
    ends: Ends = NO_ENDS,
    of: str = "weights",
) -> Masks:
    """Keeps the weights with the highest scores, an exact number of them.

    Among equal scores the first weights are kept (by the names of tensors, then by position), so
    the result does not depend on the sorting algorithm.

    Args:
        masks: bool arrays by tensor: the weights that remain so far.
        scores: float arrays of the same shapes; whole numbers count as floats.
        amount: how many to prune, of each tensor (``layerwise``) or of all together (other scopes).
            With rates, ``By`` is one round, which prunes each tensor by its own, and ``To`` is of
            all together.
        scope: which weights compete (``scopes``).
        exclude: tensors that are neither pruned nor counted.
        rates: fractions in [0, 1) of every tensor that is not excluded, in place of a scope.
        ends: the ends of the network, for ``uniform+``.
        of: what is pruned, for messages.

    Raises:
        ValueError: a score is NaN, or there is not one for each weight.
        UserError: the amount would revive weights, or the scope cannot take these scores.
        BeyondReachError: scope or rates keep more than is asked for.
    """
    names = sorted(set(masks) - set(exclude))
    open_ = {name: masks[name] for name in names}
    scores = {name: _scores(scores[name], masks[name].shape) for name in names}
    pruned = dict(masks)
    if rates is None and scope in ("layerwise", "global"):
        for group in [[name] for name in names] if scope == "layerwise" else [names]:
            alone = {name: masks[name] for name in group}
            pruned.update(_prune_together(alone, scores, amount.kept))
        return pruned
    total = amount.kept(*_alive_of(open_))
    if rates is not None:
        counts = scopes.by_rates(open_, rates, None if isinstance(amount, By) else total, of)
    else:
        counts = scopes.share_out(scope, open_, scores, total, ends)
    for name in names:
        alone = {name: masks[name]}
        pruned.update(_prune_together(alone, scores, lambda *_: counts[name]))  # noqa: B023
    return pruned


def _alive_of(masks: Masks) -> tuple[int, int]:
    """How many weights remain, of how many."""
    counted = count(masks)
    return counted.remaining, counted.total


def prune_units(
    masks: Masks,
    layers: Iterable[Units],
    scores: Mapping[str, np.ndarray],
    amount: Amount,
    *,
    scope: Scope = "layerwise",
    exclude: Iterable[str] = (),
    rates: Mapping[str, float] | None = None,
) -> Masks:
    """Keeps the units with the highest scores and prunes the others whole: the weights that compute
    a unit and those that read it.

    Every layer keeps at least one unit: that of a layer which would lose all remains beside the
    number that was asked for, and no other layer pays for it. Else that number is exact. What
    remains is a smaller dense network.

    Args:
        masks: bool arrays by tensor.
        layers: the network's units.
        scores: float [units] by layer.
        amount, scope: as in ``prune``, but they count units.
        exclude: tensors; layers whose units they compute are not pruned.
        rates: fractions in [0, 1) by layer.

    Raises:
        ValueError: a score is NaN.
        UserError: the amount would revive units, or the scope is of single weights.
        BeyondReachError: the rates keep more units than is asked for.
    """
    if scope not in scopes.OF_UNITS:
        raise UserError(not_of_units(scope))
    chosen = _open(layers, exclude)
    alive = {units.layer: _alive(units, masks) for units in chosen}
    kept = prune(alive, scores, amount, scope=scope, rates=rates, of="units")
    pruned = {name: mask.copy() for name, mask in masks.items()}
    for units in chosen:
        left = kept[units.layer]
        if not left.any():
            left[np.argmax(np.where(alive[units.layer], scores[units.layer], -np.inf))] = True
        for part in units.parts:
            if part.tensor in pruned:
                gone = part.positions(np.flatnonzero(~left), units.count)
                np.moveaxis(pruned[part.tensor], part.axis, 0)[gone] = False
    return pruned


def alive_units(masks: Masks, layers: Iterable[Units], exclude: Iterable[str] = ()) -> Masks:
    """bool [units] by layer: which units remain, of the layers that are pruned.

    Args: as of ``prune_units``.
    """
    return {units.layer: _alive(units, masks) for units in _open(layers, exclude)}


def _open(layers: Iterable[Units], exclude: Iterable[str]) -> list[Units]:
    """The layers none of whose own tensors is excluded."""
    left_out = set(exclude)
    return [units for units in layers if not {part.tensor for part in units.made} & left_out]


def not_of_units(scope: str) -> str:
    """A line on a scope that says nothing of whole units."""
    return (
        f"pruning.scope {scope} is about single weights, and this criterion prunes whole units; "
        f"choose {', '.join(scopes.OF_UNITS)}."
    )


def _alive(units: Units, masks: Masks) -> np.ndarray:
    """bool [units]: whether some weight that computes the unit remains."""
    everyone = np.arange(units.count)
    return np.logical_or.reduce(
        [
            part.of(masks[part.tensor], everyone, units.count).any(axis=1)
            for part in units.made
            if part.tensor in masks
        ]
    )


def _scores(given: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Scores that have an order: of the lowest whole number, and of those without a sign, there is
    no negative one of their kind."""
    scores = np.asarray(given)
    if scores.dtype.kind in "biu":
        scores = scores.astype(np.float64)
    if scores.shape != shape:
        raise ValueError(f"the scores have the shape {scores.shape}, and the mask {shape}")
    if np.isnan(scores).any():
        raise ValueError("a score is not a number")
    return scores


def _prune_together(
    masks: Masks, scores: Mapping[str, np.ndarray], kept_of: Callable[[int, int], int]
) -> Masks:
    """Keeps as many of these tensors' weights as ``kept_of`` says of how many remain, and are."""
    if not masks:
        return {}
    alive = np.concatenate([mask.ravel() for mask in masks.values()])
    values = np.concatenate([np.ravel(scores[name]) for name in masks])
    candidates = np.flatnonzero(alive)
    order = np.argsort(-values[candidates], kind="stable")
    kept = np.zeros_like(alive)
    kept[candidates[order[: kept_of(len(candidates), len(alive))]]] = True
    ends = np.cumsum([mask.size for mask in masks.values()])[:-1]
    return {
        name: part.reshape(masks[name].shape)
        for name, part in zip(masks, np.split(kept, ends), strict=True)
    }


def shuffle(masks: Masks, seed: int) -> Masks:
    """The masks with their entries permuted at random within each tensor (Frankle et al. 2021,
    arXiv 2009.08576): sparsities stay, patterns do not."""
    return {
        name: seeds.generator("shuffle", seed, name).permutation(mask.ravel()).reshape(mask.shape)
        for name, mask in masks.items()
    }


def shuffle_in_rows(mask: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A mask with its entries permuted at random within each row, an entry of its first axis: an
    embedding keeps as many weights of each word."""
    return random.permuted(mask.reshape(len(mask), -1), axis=1).reshape(mask.shape)


def deal_rows(mask: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A mask whose rows keep as many weights as those of another, dealt out to the rows by chance,
    and at random places: an embedding keeps other words, and no structure within them."""
    return shuffle_in_rows(random.permutation(mask, axis=0), random)


@dataclass(frozen=True)
class Count:
    """How many weights remain, of how many."""

    remaining: int
    total: int

    @property
    def sparsity(self) -> float:
        """The fraction pruned."""
        return 1 - self.remaining / self.total if self.total else 0.0


def count(masks: Masks, without: Iterable[str] = ()) -> Count:
    """Counts the weights of all masks but those named in ``without``."""
    counted = [mask for name, mask in masks.items() if name not in set(without)]
    return Count(sum(int(mask.sum()) for mask in counted), sum(mask.size for mask in counted))


def pack(masks: Masks) -> dict[str, np.ndarray]:
    """The masks in one bit a weight: uint8 arrays by tensor. ``unpack`` needs their shapes."""
    return {name: np.packbits(mask.ravel()) for name, mask in masks.items()}


def unpack(packed: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]) -> Masks:
    """The masks that ``pack`` has packed.

    Raises:
        DamagedFileError: names or sizes do not fit the shapes.
    """
    masks = {}
    if set(packed) != set(shapes):
        raise DamagedFileError("These masks are damaged: their tensors are not those expected.")
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        bits = packed[name]
        if bits.dtype != np.uint8 or bits.shape != (math.ceil(size / 8),):
            raise DamagedFileError(f"The mask of {name} is damaged: its size does not fit.")
        masks[name] = np.unpackbits(bits, count=size).astype(bool).reshape(shape)
    return masks
