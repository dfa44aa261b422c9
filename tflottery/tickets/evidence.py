"""What a verdict looks at: what a search's networks say of held-out texts, and the metric."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from tflottery.data import overlap
from tflottery.data.encoded import Corpus
from tflottery.errors import UserError
from tflottery.metrics import ACCURACY, find_metric
from tflottery.runs.run import Run
from tflottery.runs.specs import RunSpec
from tflottery.tickets.methods import METHODS
from tflottery.tickets.search import Outcome, Worth, accuracy
from tflottery.tickets.settings import PruningSettings
from tflottery.tickets.verdict import TEST, VALIDATION, HeldOut, Terms


class Predicted(Protocol):
    """See ``runs.predictions.Predictions``."""

    @property
    def labels(self) -> np.ndarray: ...
    @property
    def scores(self) -> np.ndarray: ...


Predictions = Callable[[RunSpec], Mapping[str, Predicted]]


def by_metric(name: str, predictions: Predictions) -> Worth:
    """What levels are judged by: a metric of what networks say of validation texts; accuracy is
    read from the run.

    Args:
        name: of the metric.
        predictions: gives those of a finished run, by split.

    Raises (when it is asked):
        UserError: the metric is undefined on these data.
    """
    if name == ACCURACY:
        return accuracy
    metric = find_metric(name)

    def worth(spec: RunSpec, run: Run) -> float:
        said = predictions(spec)[VALIDATION]
        value = metric(said.labels, said.scores)
        if value is None:
            raise UserError(
                f"{name} is undefined on these validation data (has each class texts there?); "
                "choose another metric."
            )
        return metric.sign * value

    return worth


def terms_of(settings: PruningSettings) -> Terms:
    """What is asked of a ticket that is searched for like this."""
    method = METHODS[settings.method]
    terms = Terms(
        settings.tolerance,
        from_original=settings.init == "original",
        training="" if method.finds_tickets else method.about,
    )
    if settings.metric == ACCURACY:
        return terms
    metric = find_metric(settings.metric)

    def measure(labels: np.ndarray, scores: np.ndarray) -> float:
        try:
            value = metric(labels, scores)
        except UserError:
            # It could be had of all texts, when levels were judged, and cannot of some of them.
            return math.nan
        return math.nan if value is None else value

    return dataclasses.replace(
        terms, metric=metric.name, measure=measure, higher_is_better=metric.higher_is_better
    )


def of_their_own(corpus: Corpus, split: str) -> np.ndarray:
    """bool [texts]: which held-out texts say something that no other text has said.

    A text with the words of a training text says nothing of what was learnt, one with those of a
    text before it nothing more, and a test text with those of a validation text confirms nothing:
    levels were chosen on that. ``overlap`` says which words count.
    """
    texts = getattr(corpus, split)
    kept = corpus.unseen(split) & overlap.firsts(texts, corpus.indistinct)
    if split == TEST:
        kept &= overlap.unseen(texts, corpus.validation, corpus.indistinct)
    return kept


def gather(
    outcomes: Sequence[Outcome], corpus: Corpus, predictions: Predictions
) -> tuple[HeldOut, HeldOut]:
    """Validation and test texts, with what dense, the reported level and its reinit say of them.

    Only texts ``of_their_own`` are looked at.

    Args:
        outcomes: where the search ended with each seed.
        corpus: the data.
        predictions: gives those of a finished run, by split.
    """
    networks = {
        "dense": [predictions(one.plan.dense) for one in outcomes],
        "ticket": [predictions(one.reported.level.ticket) for one in outcomes],
        "reinit": [predictions(one.reported.level.reinit) for one in outcomes],
    }

    def held_out(split: str) -> HeldOut:
        texts = getattr(corpus, split)
        kept = of_their_own(corpus, split)
        scores = {
            name: tuple(one[split].scores[kept] for one in of) for name, of in networks.items()
        }
        return HeldOut(
            np.asarray(texts.labels)[kept],
            scores["dense"],
            scores["ticket"],
            scores["reinit"],
            len(corpus.classes),
            left_out=int((~kept).sum()),
        )

    return held_out(VALIDATION), held_out(TEST)
