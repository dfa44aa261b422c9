"""The guard of every claim: whether the dense network learnt anything that test data can show.

Where it did not, its tickets have nothing to match, and a claim about them is neither held nor
refuted. ``learnt.py`` measures it; docs/verdicts.md has the rules.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tflottery.report import environments
from tflottery.tickets.verdict import FEWEST_TEXTS

_WORDS = "report/templates/guard.j2"


def reason(learnt: Mapping[str, Any] | None) -> str:
    """Why there can be no verdict on tickets, in a sentence; empty where there can be, or where it
    was not measured, as in tables of before.

    Args:
        learnt: what ``learnt.what_dense_learnt`` gave.
    """
    if not learnt:
        return ""
    low = learnt["low"]
    if learnt["texts"] >= FEWEST_TEXTS and low is not None and low > 0:
        return ""
    words: Any = environments.plain().get_template(_WORDS).module
    return " ".join(str(words.no_verdict(learnt, FEWEST_TEXTS)).split())


def reason_in(document: Path) -> str:
    """``reason`` by the sealed document of a study, a transfer or a search."""
    return reason(json.loads(document.read_text(encoding="utf-8")).get("learnt"))
