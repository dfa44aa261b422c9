"""Network slimming: a scale for each unit, trained along with the weights (Liu et al. 2017, arXiv
1708.06519). What a scale is; ``scaled_model.py`` trains them.

What a unit gives is multiplied by its scale before later layers read it. Scales begin at 1, where
the network is the one without them. The loss has the strength times the sum of all |scale| added,
so scales of units that help little fall towards 0. The sign of a scale could as well be that of the
weights that read the unit, so scales stay at 0 or above; there |scale| is the scale itself, and one
that falls to 0 is exactly 0, until the loss pulls it up again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tflottery.files import Arrays
from tflottery.models.units import Units


@dataclass(frozen=True)
class Scales:
    """Which units have a scale, and how strongly these are pulled towards 0.

    ``strength`` is λ of the paper: what is added to the gradient of the mean loss by each scale.
    ``layers``: those whose units have one.
    """

    strength: float
    layers: tuple[Units, ...]

    def folded(self, weights: Mapping[str, np.ndarray], scales: Arrays) -> Arrays:
        """The weights of the network without scales that computes the same: those that read a unit
        are multiplied by its scale.

        Args:
            weights: float32 arrays by tensor; they stay as they are.
            scales: float32 [units] by layer.
        """
        folded = dict(weights)
        for units in self.layers:
            everyone = np.arange(units.count)
            for part in units.read:
                tensor = folded[part.tensor].copy()
                read = np.moveaxis(tensor, part.axis, 0)  # a view
                places = part.positions(everyone, units.count)
                factors = np.tile(np.repeat(scales[units.layer], part.width), part.blocks)
                read[places] *= factors.reshape(-1, *([1] * (tensor.ndim - 1)))
                folded[part.tensor] = tensor
        return folded
