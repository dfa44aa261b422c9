"""Contexts of criteria whose weights, slopes and activations are given."""

from __future__ import annotations

import dataclasses

import numpy as np

from tests.chains import RECIPE, chain
from tflottery.pruning import criteria, masks
from tflottery.pruning.context import PruningContext
from tflottery.pruning.masks import To
from tflottery.runs.pruned import Pruned
from tflottery.runs.specs import RunSpec

NAME = "one/kernel"
FIRST = np.array([[0.1, -0.2, 0.3], [-0.4, 0.5, 0.0]], np.float32)
FINAL = np.array([[-0.6, 0.1, 0.3], [0.0, 0.7, -0.2]], np.float32)
SLOPES = np.array([[1.0, -2.0, 0.5], [3.0, 0.1, -1.0]])
CURVED = np.array([[0.2, 0.4, 0.1], [2.0, 0.3, 1.0]])


class Given:
    """A ``Computed`` whose answers are given."""

    def __init__(self, slopes: np.ndarray = SLOPES, batches: list | None = None) -> None:
        self.slopes, self.batches, self.asked = slopes, batches or [], []

    def gradients(self, weights, batches):
        self.asked.append((weights, batches))
        return {NAME: self.slopes, "one/bias": np.ones(3)}

    def hessian_product(self, weights, vector, batches):
        self.asked.append((vector, batches))
        return {NAME: CURVED}

    def curvature(self, weights, batches):
        self.asked.append((weights, batches))
        return {NAME: CURVED}

    def flow(self, weights):
        self.asked.append((weights, 0))
        return {NAME: CURVED}

    def activations(self, weights, layers, batches):
        yield from self.batches


def context(
    criterion: str, mask: np.ndarray | None = None, computed: Given | None = None, units=()
) -> PruningContext:
    left = {NAME: np.ones(FIRST.shape, bool) if mask is None else mask}
    kept = {
        step: {NAME: weight, "one/bias": np.ones(3, np.float32)}
        for step, weight in (("0ep", FIRST), ("end", FINAL))
    }
    chosen = criteria.CRITERIA.find(criterion)
    return PruningContext(
        criterion,
        masks.apply(left, kept[chosen.at]),
        left,
        (NAME,),
        units=units,
        _steps={step: lambda step=step: kept[step] for step in chosen.steps},
        _computed=(lambda: computed) if computed else None,
    )


RUNS = chain(RECIPE, 1, 2)


def pruned(criterion: str, of: RunSpec = RUNS[0]) -> RunSpec:
    return dataclasses.replace(of, mask=Pruned(of, To(0.5), criterion=criterion))
