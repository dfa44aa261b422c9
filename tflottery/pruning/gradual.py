"""Gradual pruning: how sparsity grows within one training."""

from __future__ import annotations

from dataclasses import dataclass

# How many times gradual pruning updates the mask.
_UPDATES = 20


@dataclass(frozen=True)
class Gradual:
    """Gradual magnitude pruning during one training (Zhu and Gupta 2017, arXiv 1710.01878).

    The network is dense at step 0 and has ``sparsity`` (a fraction) from the optimizer step ``end``
    on. ``exclude``: tensors whose layers are not pruned.
    """

    sparsity: float
    end: int
    exclude: tuple[str, ...] = ()

    @property
    def frequency(self) -> int:
        """Optimizer steps between two updates of the mask."""
        return max(1, self.end // _UPDATES)

    @property
    def last_update(self) -> int:
        """The step of the last update; from there on the mask stays as it is."""
        return self.end // self.frequency * self.frequency
