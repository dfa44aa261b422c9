"""The one door to TF-MOT: what is used of it, once its ``distutils`` is there."""

from __future__ import annotations

from tflottery import startup

startup.provide_distutils()

from tensorflow_model_optimization.python.core.api.sparsity.keras import (  # noqa: E402
    PolynomialDecay,
    PruningSchedule,
    UpdatePruningStep,
    prune_low_magnitude,
    strip_pruning,
)
from tensorflow_model_optimization.python.core.keras.utils import smart_cond  # noqa: E402
from tensorflow_model_optimization.python.core.sparsity.keras.pruning_wrapper import (  # noqa: E402
    PruneLowMagnitude,
)

__all__ = [
    "PolynomialDecay",
    "PruneLowMagnitude",
    "PruningSchedule",
    "UpdatePruningStep",
    "prune_low_magnitude",
    "smart_cond",
    "strip_pruning",
]
