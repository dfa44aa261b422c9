"""Gradual pruning: how sparsity grows within one training."""

from __future__ import annotations

from dataclasses import dataclass

# How often gradual pruning computes the mask anew on its way.
_UPDATES = 20


@dataclass(frozen=True)
class Gradual:
    """Gradual magnitude pruning within one training (Zhu and Gupta 2017, arXiv 1710.01878): from
    dense at step 0 to ``sparsity`` at the step ``end``, held from then on. ``exclude`` names
    tensors whose layers are not pruned."""

    sparsity: float
    end: int
    exclude: tuple[str, ...] = ()

    @property
    def frequency(self) -> int:
        """Optimizer steps between two masks."""
        return max(1, self.end // _UPDATES)

    @property
    def last_update(self) -> int:
        """The step from which the mask holds."""
        return self.end // self.frequency * self.frequency
