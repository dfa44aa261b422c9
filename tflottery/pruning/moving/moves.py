"""How masks move in one training: at which optimizer steps, and to what.

``MOVES`` has every kind by the name of its method. ``training/moving.py`` calls it at its steps,
and the masked model holds what it decides.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from tflottery import seeds
from tflottery.errors import TrainingError
from tflottery.files import Arrays
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.masks import Masks, To
from tflottery.pruning.moving import updates
from tflottery.pruning.shares import Shares

Reads = Literal["nothing", "gradients", "movement"]


@dataclass(frozen=True)
class Moves(ABC):
    """How the masks of one training move.

    ``to`` is the sparsity, a fraction, that it ends with; ``every`` and ``until`` are optimizer
    steps: masks move each ``every`` steps, as long as ``until`` is not over. ``share`` is the part
    of the kept weights that moves, at most; ``shares`` says which tensors do, and how the sparsity
    is shared out among them. ``seed`` is of whatever is left to chance.
    """

    # What a move is told: the gradient of its step's texts, and then it takes the place of that
    # step; or the scores that the steps so far have learnt.
    reads: ClassVar[Reads] = "nothing"
    # Whether the mask has its sparsity from the beginning, at random places.
    is_sparse_at_start: ClassVar[bool] = True

    to: float
    every: int
    until: int
    share: float
    shares: Shares
    seed: int

    @property
    def steps(self) -> tuple[int, ...]:
        """The optimizer steps at whose end masks move, counted from 1."""
        return tuple(range(self.every, self.until, self.every))

    def start(self, masks: Masks) -> Masks:
        """The masks to begin with: by chance, as many weights of each tensor as ``shares`` says.

        Args:
            masks: bool arrays for every prunable tensor, all true.

        Raises:
            BeyondReachError: the scope or the rates cannot reach the sparsity.
        """
        if not self.is_sparse_at_start:
            return dict(masks)
        scores = {
            name: seeds.generator("moving mask", self.seed, name).random(mask.shape)
            for name, mask in masks.items()
        }
        return self.shares.prune(masks, scores, To(self.to))

    def _require_numbers(self, masks: Masks, *read: Mapping[str, np.ndarray]) -> None:
        if any(np.isnan(one[name]).any() for one in read for name in self.shares.open(masks)):
            raise TrainingError("the weights are not finite; lower training.learning_rate")

    @abstractmethod
    def move(
        self,
        step: int,
        masks: Masks,
        weights: Mapping[str, np.ndarray],
        told: Mapping[str, np.ndarray],
    ) -> Masks:
        """The masks after a step at which they move; the arguments stay as they are.

        Args:
            step: one of ``steps``.
            masks: bool arrays for every prunable tensor.
            weights: float32 arrays of them, zero where they are pruned.
            told: float32 arrays by tensor of what it ``reads``: the gradient of the loss of this
                step's texts, or scores; empty where it reads nothing.

        Raises:
            TrainingError: the training has diverged: what it prunes by is no number.
        """


class Gradually(Moves):
    """From dense to ``to``, by magnitude: a weight that is pruned stays pruned (Zhu and Gupta 2017,
    arXiv 1710.01878)."""

    is_sparse_at_start = False

    @property
    def steps(self) -> tuple[int, ...]:
        # The last one reaches the sparsity.
        return tuple(range(self.every, self.until + 1, self.every))

    def move(
        self,
        step: int,
        masks: Masks,
        weights: Mapping[str, np.ndarray],
        told: Mapping[str, np.ndarray],
    ) -> Masks:
        del told
        sparsity = updates.cubic(self.to, step, self.steps[-1])
        scores: Arrays = {name: np.abs(weight) for name, weight in weights.items()}
        return self._pruned(masks, scores, sparsity)

    def _pruned(self, masks: Masks, scores: Mapping[str, np.ndarray], sparsity: float) -> Masks:
        self._require_numbers(masks, scores)
        return self.shares.prune(masks, scores, To(sparsity))


class ByMovement(Gradually):
    """From dense to ``to``, by scores that are high for weights that move away from zero; a weight
    whose score is high enough again comes back (Sanh et al. 2020, arXiv 2005.07683)."""

    reads = "movement"

    def move(
        self,
        step: int,
        masks: Masks,
        weights: Mapping[str, np.ndarray],
        told: Mapping[str, np.ndarray],
    ) -> Masks:
        del weights
        everything = mask_ops.dense({name: mask.shape for name, mask in masks.items()})
        return self._pruned(everything, told, updates.cubic(self.to, step, self.steps[-1]))


class Rigl(Moves):
    """Drops small weights and grows where the gradient is large, within each tensor (Evci et al.
    2020, arXiv 1911.11134). The part that moves falls by a cosine from ``share`` to nothing."""

    reads = "gradients"

    def move(
        self,
        step: int,
        masks: Masks,
        weights: Mapping[str, np.ndarray],
        told: Mapping[str, np.ndarray],
    ) -> Masks:
        self._require_numbers(masks, weights, told)
        part = updates.cosine(self.share, step, self.until)
        moved = {
            name: updates.rigl(masks[name], weights[name], told[name], part)
            for name in self.shares.open(masks)
        }
        return {**masks, **moved}


class Evolving(Moves):
    """Drops weights near zero and grows by chance, within each tensor (Mocanu et al. 2018, arXiv
    1707.04780)."""

    def move(
        self,
        step: int,
        masks: Masks,
        weights: Mapping[str, np.ndarray],
        told: Mapping[str, np.ndarray],
    ) -> Masks:
        del told
        self._require_numbers(masks, weights)
        moved = {
            name: updates.evolve(
                masks[name], weights[name], self.share,
                seeds.generator("grown by chance", self.seed, step, name),
            )
            for name in self.shares.open(masks)
        }  # fmt: skip
        return {**masks, **moved}


MOVES: dict[str, type[Moves]] = {
    "gradual": Gradually, "movement": ByMovement, "rigl": Rigl, "set": Evolving,
}  # fmt: skip


OF_CHANGES = ("step", "tensor", "remaining", "dropped", "grown", "from_start")


def changes(history: Mapping[int, Masks]) -> list[dict[str, int | str | float]]:
    """What each move did, a row a move and tensor.

    Args:
        history: masks by the optimizer step after which they held; the first are those that the
            training began with.

    Returns:
        ``step``; ``tensor``; ``remaining`` (weights after it); ``dropped`` and ``grown`` (weights);
        ``from_start``: the part of what remains that was there at the beginning.
    """
    steps = sorted(history)
    rows: list[dict[str, int | str | float]] = []
    for before, step in itertools.pairwise(steps):
        for name, mask in history[step].items():
            old, first = history[before][name], history[steps[0]][name]
            left = int(np.count_nonzero(mask))
            rows.append(
                {
                    "step": step,
                    "tensor": name,
                    "remaining": left,
                    "dropped": int(np.count_nonzero(old & ~mask)),
                    "grown": int(np.count_nonzero(mask & ~old)),
                    "from_start": int(np.count_nonzero(mask & first)) / left if left else 0.0,
                }
            )
    return rows


def to_arrays(history: Mapping[int, Masks]) -> Arrays:
    """The masks of each step in one bit a weight: uint8 arrays by step and tensor."""
    return {
        f"{step}:{name}": bits
        for step, masks in history.items()
        for name, bits in mask_ops.pack(masks).items()
    }


def from_arrays(packed: Arrays, shapes: Mapping[str, tuple[int, ...]]) -> dict[int, Masks]:
    """What ``to_arrays`` made arrays of, by step.

    Raises:
        DamagedFileError: names or sizes do not fit the shapes.
    """
    by_step: dict[int, Arrays] = {}
    for key, bits in packed.items():
        step, _, name = key.partition(":")
        by_step.setdefault(int(step), {})[name] = bits
    return {step: mask_ops.unpack(by_step[step], shapes) for step in sorted(by_step)}
