"""Schedules for TF-MOT's ``prune_low_magnitude``.

TF-MOT calls a schedule with the wrapper's step, traced once into the training function. It returns
whether the mask is updated at this step, and to which sparsity.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tflottery.errors import UserError
from tflottery.pruning.gradual import Gradual
from tflottery.pruning.tfmot import PolynomialDecay, PruningSchedule


class HoldSparsity(PruningSchedule):
    """Never updates the mask: it stays as it was set.

    TF-MOT's own ``ConstantSparsity`` updates the mask every ``frequency`` steps, from weights that
    an optimizer step may have moved away from zero, so its mask drifts.
    """

    def __call__(self, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        del step
        return tf.constant(False), tf.constant(0.0)

    def get_config(self) -> dict[str, Any]:
        return {"class_name": type(self).__name__, "config": {}}


class PruneOnce(PruningSchedule):
    """Updates the mask at exactly one step: one-shot pruning by TF-MOT itself.

    Args:
        sparsity: the fraction of each tensor to prune, in [0, 1).
        step: the optimizer step at which to prune, at least 1 (the wrapper counts from 1).

    Raises:
        UserError: sparsity or step is out of range.
    """

    def __init__(self, sparsity: float, step: int) -> None:
        if not 0 <= sparsity < 1:
            raise UserError(f"A sparsity is in [0, 1), not {sparsity}.")
        if step < 1:
            raise UserError(f"PruneOnce fires at step 1 or later, not at {step}.")
        self.sparsity = sparsity
        self.step = step

    def __call__(self, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.equal(step, tf.cast(self.step, step.dtype)), tf.constant(self.sparsity)

    def get_config(self) -> dict[str, Any]:
        return {
            "class_name": type(self).__name__,
            "config": {"sparsity": self.sparsity, "step": self.step},
        }


class EachUse(PruningSchedule):
    """A schedule for a layer that a network uses several times, whose wrapper counts each use.

    Args:
        schedule: of optimizer steps.
        uses: how many times the layer is called in each.
    """

    def __init__(self, schedule: PruningSchedule, uses: int) -> None:
        self.schedule = schedule
        self.uses = uses

    def __call__(self, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        uses = tf.cast(self.uses, step.dtype)
        updates, sparsity = self.schedule((step - 1) // uses + 1)
        return tf.logical_and(updates, tf.equal((step - 1) % uses, 0)), sparsity

    def get_config(self) -> dict[str, Any]:
        return {
            "class_name": type(self).__name__,
            "config": {"schedule": self.schedule.get_config(), "uses": self.uses},
        }


def polynomial(gradual: Gradual) -> PruningSchedule:
    """Gradual pruning as a TF-MOT schedule: its own ``PolynomialDecay``."""
    return PolynomialDecay(
        initial_sparsity=0.0,
        final_sparsity=gradual.sparsity,
        begin_step=0,
        end_step=gradual.last_update,
        frequency=gradual.frequency,
    )
