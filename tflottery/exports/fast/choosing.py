"""A budget's network: candidates are trained and measured in order, and the best is chosen.

Whatever is decided here is decided on validation data and on times; test data say in the end what
was given up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tflottery import activity, paired, steps
from tflottery.data.encoded import Corpus
from tflottery.errors import TrainingError
from tflottery.exports import network
from tflottery.exports.compaction import compact
from tflottery.exports.fast import forms
from tflottery.exports.fast.budget import Budget, Reached
from tflottery.exports.fast.candidates import Chain
from tflottery.exports.fast.shown import BATCH
from tflottery.exports.network import Network
from tflottery.files import scratch_folder
from tflottery.paired import Paired
from tflottery.report.numbers import number
from tflottery.runs.realise import Realiser
from tflottery.runs.specs import RunSpec
from tflottery.tickets.evidence import of_their_own
from tflottery.tickets.plan import Level
from tflottery.tickets.ticket import Ticket
from tflottery.tickets.verdict import TEST, VALIDATION

if TYPE_CHECKING:
    import pandas as pd

_ROUNDS = 10
_POINTS = number(2)
_DENSE = "dense"
# Of points: fewer than a text of 100,000 makes, so that a tie is a tie.
_DIGITS = 3


@dataclass(frozen=True)
class Tried:
    """A network in a form that was measured for a budget.

    ``chain``: how it was pruned. ``form``: what runs it. ``sparsity``: the fraction of units pruned
    that was the level's goal. ``reached``: what it reaches. ``level`` and ``of``: where it stands
    in its plan.
    """

    chain: str
    form: str
    sparsity: float
    reached: Reached
    level: Level = field(repr=False)
    of: Chain = field(repr=False)

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.chain}, {100 * self.sparsity:.1f} % of units pruned, {self.form}"


@dataclass(frozen=True)
class Chosen:
    """What a search for a budget ended with.

    ``tried``: all that was measured, in order. ``best``: what was chosen; ``is_met``: whether it
    meets the budget. ``test``: its test accuracy to dense, in points, with its interval;
    ``accuracy`` and ``dense_accuracy``: fractions of all test texts.
    """

    budget: Budget
    tried: tuple[Tried, ...]
    best: Tried
    test: Paired
    accuracy: float
    dense_accuracy: float

    @property
    def is_met(self) -> bool:
        return self.budget.is_met(self.best.reached)

    @property
    def sentence(self) -> str:
        """What was chosen, what it gains and what it gave up."""
        reached, test = self.best.reached, self.test
        lost, least, most = (_lost(value) for value in (test.difference, test.high, test.low))
        return (
            f"{self.budget}: {'met' if self.is_met else 'not met'} by {self.best.name}, of "
            f"{len(self.tried)} measured. Gained: {reached.throughput:.2f} times the throughput of "
            f"dense ({BATCH} texts at a time, one thread), {reached.size:.1f} times smaller "
            f"compressed. Given up: {lost} points of test accuracy (95 % interval {least} to "
            f"{most}), {100 * self.accuracy:.2f} % of all test texts against "
            f"{100 * self.dense_accuracy:.2f} %; {_lost(reached.accuracy)} of validation accuracy, "
            "by which it was chosen."
        )

    @property
    def table(self) -> pd.DataFrame:
        """A row for each that was measured: ``pruned``, ``form``, ``sparsity`` (of units, a
        fraction), ``accuracy`` (points to dense on validation data), ``throughput`` and ``size``
        (times dense), ``meets`` and ``chosen`` (bool)."""
        import pandas as pd

        rows = [
            {
                "pruned": one.chain,
                "form": one.form,
                "sparsity": one.sparsity,
                **vars(one.reached),
                "meets": self.budget.is_met(one.reached),
                "chosen": one is self.best,
            }
            for one in self.tried
        ]
        return pd.DataFrame(rows)


@dataclass(frozen=True)
class Choosing:
    """What a search needs.

    ``tried_in``: the forms that the network may be exported in. ``examples``: int32 [texts,
    max_length], training texts for ``int8-full``.
    """

    ticket: Ticket
    budget: Budget
    tried_in: tuple[str, ...]
    corpus: Corpus
    examples: np.ndarray
    realise: Realiser

    def choose(self, chains: Sequence[Chain]) -> Chosen:
        """Trains what is missing, measures, and chooses.

        Args:
            chains: to be tried, in order.

        Raises:
            TrainingError: every training failed.
        """
        dense = chains[0].plan.dense
        with scratch_folder() as folder:
            (folder / _DENSE).mkdir()
            whole = self._network(dense)
            beside = forms.write(
                forms.SAVED_MODEL, whole, self.ticket.vocabulary, self.examples, folder / _DENSE
            )
            tried = [one for chain in chains for one in self._walk(chain, dense, beside, folder)]
            if not tried:
                raise TrainingError("no candidate could be trained, so there is none to export")
            best = max(tried, key=lambda one: self.budget.rank(one.reached))
            file = folder / best.level.ticket.key / best.form / forms.FILE
            scores, labels = self._said(best.level.ticket, TEST, best.form, file)
        of_dense = self.realise.predictions(dense)[TEST]
        own = of_their_own(self.corpus, TEST)
        return Chosen(
            self.budget,
            tuple(tried),
            best,
            paired.compare(labels[own], [scores[own]], [of_dense.scores[own]]),
            _accuracy(scores, labels),
            _accuracy(of_dense.scores, labels),
        )

    def _walk(self, chain: Chain, dense: RunSpec, beside: Path, folder: Path) -> Iterator[Tried]:
        """A chain's levels, as far as they are worth it."""
        found: list[bool] = []
        for level in chain.plan.levels:
            if chain.is_known and not self.realise.is_done(level.ticket):
                continue
            try:
                self.realise(level.ticket)
            except TrainingError:
                return
            made = list(self._measured(chain, level, dense, beside, folder))
            yield from made
            found.append(any(self.budget.is_met(one.reached) for one in made))
            if not chain.is_known and is_enough(self.budget, found):
                return

    def _measured(
        self, chain: Chain, level: Level, dense: RunSpec, beside: Path, folder: Path
    ) -> Iterator[Tried]:
        small = compact(self._network(level.ticket))
        models = {_DENSE: beside}
        with activity.doing("measuring how fast it is", long=True):
            for form in self.tried_in:
                place = folder / level.ticket.key / form
                place.mkdir(parents=True, exist_ok=True)
                models[form] = forms.write(
                    form, small, self.ticket.vocabulary, self.examples, place
                )
            speeds = forms.speeds(models, self.corpus.test, small.max_length, _ROUNDS)
            sizes = forms.sizes(models)
            worth = _accuracy(*self._said(dense, VALIDATION))
            for form in self.tried_in:
                own = _accuracy(*self._said(level.ticket, VALIDATION, form, models[form]))
                reached = Reached(
                    accuracy=round(100 * (own - worth), _DIGITS),
                    throughput=speeds[form].throughput(BATCH) / speeds[_DENSE].throughput(BATCH),
                    size=sizes[_DENSE].gzipped / sizes[form].gzipped,
                )
                yield Tried(chain.name, form, level.sparsity, reached, level, chain)

    def _network(self, spec: RunSpec) -> Network:
        run = self.realise(spec)
        return network.of_weights(self.ticket, run.snapshot(steps.END), run.masks())

    def _said(
        self, spec: RunSpec, split: str, form: str = forms.SAVED_MODEL, model: Path | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Scores, float [texts, classes], and labels: of the run itself; where a form rounds its
        numbers, of the file."""
        if not forms.LITE.get(form):
            said = self.realise.predictions(spec)[split]
            return said.scores, np.asarray(said.labels)
        assert model is not None
        texts = getattr(self.corpus, split)
        scores = forms.scores(model, texts, self.ticket.recipe.data.max_length)
        return scores, np.asarray(texts.labels)


def is_enough(budget: Budget, met: Sequence[bool]) -> bool:
    """Whether a chain need not be followed any further, as sparser networks are faster and less
    accurate.

    Args:
        budget: what is to be reached.
        met: of each level so far, whether it meets the budget in some form.
    """
    if budget.of == "accuracy":
        return len(met) > 1 and not any(met[-2:])
    return met[-1]


def _lost(difference: float) -> str:
    """Points to dense as points that were given up."""
    return _POINTS(round(-difference, 2) + 0.0)


def _accuracy(scores: np.ndarray, labels: np.ndarray) -> float:
    return float((scores.argmax(axis=1) == labels).mean())
