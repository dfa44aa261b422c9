"""What the dense networks of an experiment learnt: do they beat the larger class? For ``guard``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tflottery import paired
from tflottery.data.encoded import Corpus
from tflottery.runs.specs import RunSpec
from tflottery.tickets.evidence import Predictions, of_their_own
from tflottery.tickets.verdict import CONSTANT, TEST, Comparison


def what_dense_learnt(
    dense: Iterable[RunSpec],
    corpus: Corpus,
    predictions: Predictions,
) -> dict[str, Any] | None:
    """Test accuracy of dense networks minus that of the larger class alone, as a JSON
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
    counts = np.bincount(labels, minlength=len(corpus.classes))
    constant = np.broadcast_to(counts / max(len(labels), 1), (len(labels), len(counts)))
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
