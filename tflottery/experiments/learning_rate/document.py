"""The document of a fitted rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tflottery.experiments.learning_rate.arms import DENSE, TICKET
from tflottery.experiments.learning_rate.design import Tuning
from tflottery.tickets import rule as rules
from tflottery.tickets.rule import Rule
from tflottery.tickets.rules import how_pruned, key_at_any_rate


def rule_document(rule: Rule, tuning: Tuning, about: Mapping[str, Any]) -> dict[str, Any]:
    """What ``rule.json`` says of the rule of a search, whose ``tuning.json`` says ``about``."""
    points = [
        {
            "sparsity": cell["level"],
            "learning_rate": cell["best"]["learning_rate"],
            "peak": cell["peak"],
            "edge": cell["peak_edge"],
            "as_good": cell["as_good"],
            "median_validation_accuracy": cell["best"]["median"],
        }
        for cell in about["cells"]
        if cell["arm"] in (DENSE, TICKET) and cell["peak"]
    ]
    kept = ("dataset", "model", "tuner", "seeds", "found_learning_rate", "config", "versions")
    return {
        "format_version": rules.FORMAT_VERSION,
        "formula": rules.FORMULA,
        **dataclasses.asdict(rule),
        "points": points,
        "fits": key_at_any_rate(tuning.recipe),
        "fingerprint": tuning.recipe.data.fingerprint,
        "pruned": how_pruned(tuning.pruning),
        **{key: about[key] for key in kept},
    }
