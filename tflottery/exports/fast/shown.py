"""Networks in forms, as the frontier shows them, and which of them nothing beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tflottery.paired import Paired

Against = Literal["throughput", "size"]
# How everything is timed whose throughput is compared.
BATCH, THREADS = 32, 1
SAVED_MODEL = "SavedModel"
"""The form of TensorFlow Serving; those of TFLite are ``tflite.NAMES``."""


@dataclass(frozen=True)
class Shown:
    """A network in a form.

    ``pruned``: ``dense``, ``weights``, or how whole units were pruned. ``form``: what runs it.
    ``sparsity``: the fraction of all weights pruned. ``numbers``: weights and biases stored.
    ``raw`` and ``gzipped``: bytes of the files, the vocabulary among them, and of one archive of
    them. ``texts_per_second``,
    ``throughput``: with 32 texts at a time and one thread, and as a multiple of dense's SavedModel.
    ``accuracy``: a fraction of all test texts. ``test``: to dense's SavedModel, with its interval.
    ``fastest``, ``smallest``: whether no other is both as accurate and faster, or smaller.
    """

    pruned: str
    form: str
    sparsity: float
    numbers: int
    raw: int
    gzipped: int
    texts_per_second: float
    throughput: float
    accuracy: float
    test: Paired
    fastest: bool = False
    smallest: bool = False


def marked(shown: Sequence[Shown]) -> tuple[Shown, ...]:
    """The same, with what lies on the two frontiers marked."""
    accuracy = np.array([one.test.difference for one in shown])
    fast = on_frontier(accuracy, np.array([one.throughput for one in shown]))
    small = on_frontier(accuracy, np.array([-one.gzipped for one in shown]))
    return tuple(
        replace(one, fastest=bool(first), smallest=bool(second))
        for one, first, second in zip(shown, fast, small, strict=True)
    )


def on_frontier(*values: np.ndarray) -> np.ndarray:
    """bool [points]: which have no other that is as good in all values and better in one.

    Args:
        values: float [points] each; higher is better.
    """
    at_least = np.logical_and.reduce([one >= one[:, np.newaxis] for one in values])
    better = np.logical_or.reduce([one > one[:, np.newaxis] for one in values])
    return np.logical_not(np.logical_or.reduce(at_least & better, axis=1))
