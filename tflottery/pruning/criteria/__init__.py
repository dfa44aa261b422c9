"""Criteria: which weights, or which whole units, are worth keeping.

A criterion is a function that gives scores; the weights or units with the highest are kept.
``register_criterion`` adds one, as it does those of this package.
"""

# Help lists criteria in the order in which they are registered.
from tflottery.pruning.criteria import magnitudes

# isort: split
from tflottery.pruning.criteria import gradients

# isort: split
from tflottery.pruning.criteria import units

# isort: split
from tflottery.pruning.criteria import latency

# isort: split
from tflottery.pruning.criteria.registry import (
    BY_CHANCE,
    CRITERIA,
    Criterion,
    computes,
    has_negative,
    kind,
    may_read_activations,
    needs_no_training,
    prunes_in_rounds,
    reads_scales,
    register_criterion,
    require_known,
    require_unchanged,
    scores_units,
    shipped,
    steps_of,
)
from tflottery.pruning.criteria.scoring import score, scores, unit_scores

__all__ = [
    "BY_CHANCE",
    "CRITERIA",
    "Criterion",
    "computes",
    "gradients",
    "has_negative",
    "kind",
    "latency",
    "magnitudes",
    "may_read_activations",
    "needs_no_training",
    "prunes_in_rounds",
    "reads_scales",
    "register_criterion",
    "require_known",
    "require_unchanged",
    "score",
    "scores",
    "scores_units",
    "shipped",
    "steps_of",
    "unit_scores",
    "units",
]
