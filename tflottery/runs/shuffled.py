"""Controls: another mask with its entries permuted by chance."""

from __future__ import annotations

from dataclasses import dataclass

from tflottery import seeds
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.masks import Masks
from tflottery.runs.specs import Ancestors, MaskOfMask, MaskSpec


@dataclass(frozen=True)
class Shuffled(MaskOfMask):
    """Another mask with its entries permuted within each tensor (Frankle et al. 2021, arXiv
    2009.08576)."""

    of: MaskSpec
    seed: int

    def make(self, ancestors: Ancestors) -> Masks:
        return mask_ops.shuffle(self.of.make(ancestors), self.seed)


@dataclass(frozen=True)
class ShuffledWords(MaskOfMask):
    """Another mask with the embedding's entries permuted within each word's row, so that each word
    keeps as many weights as it had.

    ``dealt``: how many weights a word keeps is dealt out anew, the counts permuted over the words.
    ``others``: whether all other tensors are permuted too, as ``Shuffled`` with the same seed
    permutes them; else they keep their mask.
    """

    of: MaskSpec
    seed: int
    dealt: bool = False
    others: bool = True

    def make(self, ancestors: Ancestors) -> Masks:
        masks = self.of.make(ancestors)
        permuted = mask_ops.deal_rows if self.dealt else mask_ops.shuffle_in_rows
        words = {
            name: permuted(masks[name], seeds.generator("shuffle words", self.seed, name))
            for name in ancestors.roles.embedding
            if name in masks
        }
        return {**(mask_ops.shuffle(masks, self.seed) if self.others else masks), **words}
