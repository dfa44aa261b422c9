"""Trainings with a scale for each unit, whose scales say which units to keep."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tflottery.models.units import Units
from tflottery.pruning.masks import Masks
from tflottery.pruning.slimming import Scales
from tflottery.runs.specs import Ancestors, MaskSpec, Need


@dataclass(frozen=True)
class Scaled(MaskSpec):
    """Another mask, held as it is, while each unit has a scale that is trained along (network
    slimming: Liu et al. 2017, arXiv 1708.06519; ``pruning.slimming``).

    The run keeps the scales, and its weights are those of the network without scales that computes
    the same. ``strength``: of the pull on scales. ``layers``: those whose units have one.
    """

    held: MaskSpec
    strength: float
    layers: tuple[str, ...]

    @property
    def biases(self) -> bool:
        return self.held.biases

    def needs(self) -> Iterable[Need]:
        return self.held.needs()

    def make(self, ancestors: Ancestors) -> Masks:
        return self.held.make(ancestors)

    def scales(self, layers: Iterable[Units]) -> Scales | None:
        return Scales(self.strength, tuple(one for one in layers if one.layer in self.layers))
