"""What a verdict looks at: what a search's networks say of held-out texts of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from tflottery.data import overlap
from tflottery.data.corpus import Corpus
from tflottery.runs.specs import RunSpec
from tflottery.tickets.search import Outcome
from tflottery.tickets.verdict import TEST, VALIDATION, HeldOut


class Predicted(Protocol):
    """See ``runs.predictions.Predictions``."""

    @property
    def labels(self) -> np.ndarray: ...
    @property
    def scores(self) -> np.ndarray: ...


def gather(
    outcomes: Sequence[Outcome],
    corpus: Corpus,
    predictions: Callable[[RunSpec], Mapping[str, Predicted]],
) -> tuple[HeldOut, HeldOut]:
    """Validation and test texts, with what dense, the reported level and its reinit say of them.

    Left out are texts that a training text is equal to, which say nothing of what was learnt, and
    those that equal one before them, which say nothing more.

    Args:
        outcomes: where the search ended with each seed.
        corpus: the data.
        predictions: gives those of a finished run, by split.
    """
    shares = np.bincount(corpus.train.labels, minlength=len(corpus.classes))
    networks = {
        "dense": [predictions(one.plan.dense) for one in outcomes],
        "ticket": [predictions(one.reported.level.ticket) for one in outcomes],
        "reinit": [predictions(one.reported.level.reinit) for one in outcomes],
    }

    def held_out(split: str) -> HeldOut:
        texts = getattr(corpus, split)
        kept = corpus.unseen(split) & overlap.firsts(texts)
        scores = {
            name: tuple(one[split].scores[kept] for one in of) for name, of in networks.items()
        }
        return HeldOut(
            np.asarray(texts.labels)[kept],
            scores["dense"],
            scores["ticket"],
            scores["reinit"],
            shares / shares.sum(),
            left_out=int((~kept).sum()),
        )

    return held_out(VALIDATION), held_out(TEST)
