"""What a training starts from, where it is not newly drawn: weights of other runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tflottery.files import Arrays
from tflottery.models.biases import is_bias
from tflottery.runs.specs import Ancestors, InitSpec, Need, RunSpec


@dataclass(frozen=True)
class Snapshot(InitSpec):
    """The weights of a run at a step.

    Of the dense run, ``0ep`` is the original init and ``1ep`` late rewinding (Frankle et al. 2019,
    arXiv 1903.01611); ``end`` of the round before is fine-tuning. The training that follows has the
    full number of epochs, and its data order begins anew.
    """

    of: RunSpec
    at: str

    def needs(self) -> Iterable[Need]:
        return ((self.of, self.at),)

    def make(self, ancestors: Ancestors) -> Arrays:
        return ancestors.snapshot(self.of, self.at)


@dataclass(frozen=True)
class Signs(InitSpec):
    """The signs of other initial weights: each weight of a kernel becomes plus or minus the
    kernel's standard deviation; biases stay (Zhou et al. 2019, arXiv 1905.01067, "sign,
    constant"). ``kernels_only`` says so where biases have masks too; without it those became signs
    as well, which keys of before mean.
    """

    of: InitSpec
    kernels_only: bool = False

    def needs(self) -> Iterable[Need]:
        return self.of.needs()

    def make(self, ancestors: Ancestors) -> Arrays:
        weights = self.of.make(ancestors)
        return {
            name: np.sign(weight) * weight.std() if self._is_signed(name, ancestors) else weight
            for name, weight in weights.items()
        }

    def _is_signed(self, name: str, ancestors: Ancestors) -> bool:
        return name in ancestors.prunable and not (self.kernels_only and is_bias(name))


@dataclass(frozen=True)
class EmbeddingFrom(InitSpec):
    """The embedding of one start in another: ``embedding`` gives the tables that hold a vector for
    each word, ``rest`` everything else."""

    embedding: InitSpec
    rest: InitSpec

    def needs(self) -> Iterable[Need]:
        return (*self.embedding.needs(), *self.rest.needs())

    def make(self, ancestors: Ancestors) -> Arrays:
        words = self.embedding.make(ancestors)
        tables = ancestors.roles.embedding
        return {
            name: words[name] if name in tables else weight
            for name, weight in self.rest.make(ancestors).items()
        }


def drawn_in(run: RunSpec) -> RunSpec:
    """The run in which the weights were drawn that this one began with, at that moment or a later
    one: for original init and rewinding the dense network, for newly drawn weights the run
    itself."""
    while isinstance(run.init, Snapshot):
        run = run.init.of
    return run
