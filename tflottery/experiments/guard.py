"""The guard of every claim: whether the dense network learnt anything that test data can show.

Where it did not, its tickets have nothing to match, and a claim about them is neither held nor
refuted. docs/verdicts.md has the rules.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tflottery import paired
from tflottery.data.corpus import Corpus
from tflottery.report import environments
from tflottery.runs.specs import RunSpec
from tflottery.tickets.evidence import Predicted, of_their_own
from tflottery.tickets.verdict import CONSTANT, FEWEST_TEXTS, TEST, Comparison

_WORDS = "report/templates/guard.j2"


def what_dense_learnt(
    dense: Iterable[RunSpec],
    corpus: Corpus,
    predictions: Callable[[RunSpec], Mapping[str, Predicted]],
) -> dict[str, Any] | None:
    """Test accuracy of dense networks minus that of the larger training class alone, as a JSON
    value: a ``Comparison``, ``class`` (the larger one), ``dense`` and ``larger_class`` (accuracies,
    fractions) and ``left_out`` (test texts that are not ``of_their_own``). None without networks.

    Args:
        dense: those that finished, one a seed.
        corpus: their data.
        predictions: gives those of a run, by split.
    """
    specs = list(dense)
    if not specs:
        return None
    kept = of_their_own(corpus, TEST)
    labels = np.asarray(corpus.test.labels)[kept]
    counts = np.bincount(corpus.train.labels, minlength=len(corpus.classes))
    constant = np.broadcast_to(counts / counts.sum(), (len(labels), len(counts)))
    networks = [predictions(spec)[TEST].scores[kept] for spec in specs]
    found = paired.compare(labels, networks, [constant] * len(networks))
    right = [float((scores.argmax(axis=1) == labels).mean()) for scores in networks if len(labels)]
    return {
        **Comparison("dense", CONSTANT, TEST, found).plain(),
        "class": corpus.classes[int(counts.argmax())],
        "dense": float(np.mean(right)) if right else None,
        "larger_class": float((labels == counts.argmax()).mean()) if len(labels) else None,
        "left_out": int((~kept).sum()),
    }


def reason(learnt: Mapping[str, Any] | None) -> str:
    """Why there can be no verdict on tickets, in a sentence; empty where there can be, or where it
    was not measured, as in tables of before.

    Args:
        learnt: what ``what_dense_learnt`` gave.
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
