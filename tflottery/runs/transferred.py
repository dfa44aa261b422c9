"""Masks and weights of a network on other data, made to fit this one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tflottery import seeds
from tflottery.data.settings import DataSettings
from tflottery.files import Arrays
from tflottery.pruning.masks import Masks
from tflottery.runs.specs import Ancestors, InitSpec, MaskOfMask, MaskSpec, Need


@dataclass(frozen=True)
class Fit:
    """How masks and weights of a network on other data are made to fit this network.

    ``words_of``: the data whose vocabulary the other network has; its embedding rows are matched
    word by word. None if both networks have the same vocabulary.
    ``without``: layers that are excluded: neither their weights nor their masks are transferred.
    ``seed``: for everything that is drawn anew.
    """

    words_of: DataSettings | None = None
    without: tuple[str, ...] = ()
    seed: int = 0

    def excludes(self, tensor: str) -> bool:
        """Whether the tensor belongs to an excluded layer."""
        return tensor.partition("/")[0] in self.without

    def rows(self, tensor: str, ancestors: Ancestors) -> np.ndarray | None:
        """int64 [rows]: for each row of the tensor, the other network's row that it takes, or -1
        for none; None if all rows stay in place."""
        if self.words_of is None or tensor not in ancestors.roles.embedding:
            return None
        return ancestors.rows_in(self.words_of)


@dataclass(frozen=True)
class TransferredMask(MaskOfMask):
    """A mask from other data.

    Excluded layers are dense. The embedding rows of words that the other data lack are pruned at
    random, ``like`` the rows that are ``carried`` over, which keep as large a part of their
    weights, or, as once, like the whole ``table`` of the other network. The two differ where rare
    words, which other data lack, keep fewer weights than frequent ones.
    """

    of: MaskSpec
    fit: Fit
    like: Literal["table", "carried"] = "table"

    def make(self, ancestors: Ancestors) -> Masks:
        masks = self.of.make(ancestors)
        return {
            name: np.ones(shape, bool)
            if self.fit.excludes(name)
            else self._transferred(name, masks[name], ancestors)
            for name, shape in ancestors.prunable.items()
        }

    def _transferred(self, name: str, mask: np.ndarray, ancestors: Ancestors) -> np.ndarray:
        rows = self.fit.rows(name, ancestors)
        if rows is None:
            return mask
        transferred = mask[rows]
        is_new = rows < 0
        # Where no word is carried over, the other table is all there is to go by.
        like = mask if self.like == "table" or is_new.all() else transferred[~is_new]
        new = np.zeros(transferred[is_new].size, bool)
        new[: round(new.size * like.mean())] = True
        random = seeds.generator("transferred mask", self.fit.seed, name)
        transferred[is_new] = random.permutation(new).reshape(-1, mask.shape[1])
        return transferred


@dataclass(frozen=True)
class TransferredWeights(InitSpec):
    """Weights from other data. Excluded layers are newly drawn, and so are the embedding rows of
    words that the other data lack."""

    of: InitSpec
    fit: Fit

    def needs(self) -> Iterable[Need]:
        return self.of.needs()

    def make(self, ancestors: Ancestors) -> Arrays:
        weights = self.of.make(ancestors)
        return {
            name: new
            if self.fit.excludes(name)
            else self._transferred(name, weights, new, ancestors)
            for name, new in ancestors.fresh_weights(self.fit.seed).items()
        }

    def _transferred(
        self, name: str, weights: Arrays, new: np.ndarray, ancestors: Ancestors
    ) -> np.ndarray:
        rows = self.fit.rows(name, ancestors)
        if rows is None:
            return weights[name]
        return np.where((rows < 0)[:, np.newaxis], new, weights[name][rows])
