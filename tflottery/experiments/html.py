"""How the results of experiments show themselves in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tflottery.notebook import as_html

if TYPE_CHECKING:
    from tflottery.report.answers import Said


def answers_as_html(folder: Path, answers: Sequence[Said], cautions: Sequence[str]) -> str:
    """A table of claims, their outcomes, and what those rest on."""
    import pandas as pd

    rows = [
        {
            "claim": one.claim,
            "outcome": one.outcome,
            "rests on": "; ".join(f"{label}: {effect.shown}" for label, effect in one.effects),
        }
        for one in answers
    ]
    return as_html(folder.name, pd.DataFrame(rows), (*cautions, f"Tables: {folder}"))
