"""A budget's network: candidates are trained and measured in order, and the best is chosen.

Whatever is decided here is decided on validation data and on times; test data say in the end what
was given up.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tflottery import activity, paired, steps
from tflottery.data.encoded import Corpus
from tflottery.errors import TflotteryError, TrainingError
from tflottery.exports import measuring, network
from tflottery.exports.compaction import compact
from tflottery.exports.fast import forms
from tflottery.exports.fast.budget import Budget, Reached
from tflottery.exports.fast.candidates import Chain
from tflottery.exports.fast.chosen import Chosen, Tried
from tflottery.exports.fast.shown import BATCH, SAVED_MODEL
from tflottery.exports.formats import left_out
from tflottery.exports.formats.tflite import UnconvertibleError
from tflottery.exports.network import Network
from tflottery.files import scratch_folder
from tflottery.runs.realise import Realiser
from tflottery.runs.specs import RunSpec
from tflottery.tickets.evidence import of_their_own
from tflottery.tickets.plan import Level
from tflottery.tickets.ticket import Ticket
from tflottery.tickets.verdict import TEST, VALIDATION

# Turns of each network, and of the one that seems best, since the best of many short measurements
# is more often too good than too bad.
_ROUNDS, _MORE_ROUNDS = 10, measuring.ROUNDS
_DENSE = "dense"
# Of points: fewer than a text of 100,000 makes, so that a tie is a tie.
_DIGITS = 3


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

    def choose(self, chains: Sequence[Chain], tickets: Sequence[Ticket] = ()) -> Chosen:
        """Trains what is missing, measures, and chooses.

        Args:
            chains: to be tried, in order.
            tickets: to be tried before them, as they are.

        Raises:
            TrainingError: every training failed.
            TflotteryError: dense can be stored in none of the forms.
        """
        dense = chains[0].plan.dense
        with scratch_folder() as folder:
            search = _Search(self, dense, folder)
            search.begin()
            for ticket in tickets:
                search.look_at(ticket)
            for chain in chains:
                search.walk(chain)
            if not search.tried:
                why = "no candidate could be trained, so there is none to export"
                raise TrainingError("; ".join((why, *search.refused.lines)))
            place = search.best()
            best = search.tried[place]
            scores, labels = search.said(best, search.files[place], TEST)
        of_dense = self.realise.predictions(dense)[TEST]
        own = of_their_own(self.corpus, TEST)
        return Chosen(
            self.budget,
            tuple(search.tried),
            best,
            paired.compare(labels[own], [scores[own]], [of_dense.scores[own]]),
            _accuracy(scores, labels),
            _accuracy(of_dense.scores, labels),
            search.refused.lines,
        )


@dataclass
class _Search:
    """What was measured so far: ``tried``, with what is to be loaded of each in ``files``, all of
    it within ``folder``; ``refused``: what could not be stored in a form."""

    given: Choosing
    dense: RunSpec
    folder: Path
    tried: list[Tried] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    refused: left_out.LeftOut = field(default_factory=left_out.LeftOut)

    def begin(self) -> None:
        """Stores dense, in every form: what it cannot be stored in is not tried again.

        Raises:
            TflotteryError: there is no such form.
        """
        dense = self._network(self.dense)
        self.beside = self._written(SAVED_MODEL, dense)
        others = [form for form in self.given.tried_in if form != SAVED_MODEL]
        stored = {SAVED_MODEL, *self._models(others, dense)}
        self.forms = [form for form in self.given.tried_in if form in stored]
        if not self.forms:
            raise TflotteryError(" ".join(self.refused.lines))
        said = self.given.realise.predictions(self.dense)[VALIDATION]
        self.of_dense = said.scores
        self.worth = _accuracy(said.scores, np.asarray(said.labels))

    def look_at(self, ticket: Ticket) -> None:
        """Measures a ticket as it is, without a training."""
        is_given = ticket.folder == self.given.ticket.folder
        name = "the given ticket" if is_given else f"the ticket {ticket.folder.name}"
        self.seen.add(str(ticket.about["run_key"]))

        def tried(form: str, reached: Reached) -> Tried:
            return Tried(name, form, ticket.about["sparsity"], reached, ticket=ticket)

        self._measure(compact(network.of_ticket(ticket)), tried)

    def walk(self, chain: Chain, after: int = 0) -> None:
        """Measures a chain's levels, as far as they are worth it.

        Args:
            chain: what is walked.
            after: the number of the level after which it begins.
        """
        budget, found = self.given.budget, []
        for level in chain.plan.levels[after:]:
            key = level.ticket.key
            if chain.is_known and (
                key in self.seen or not self.given.realise.is_done(level.ticket)
            ):
                continue
            try:
                self.given.realise(level.ticket)
            except TrainingError:
                return
            self.seen.add(key)

            def tried(form: str, reached: Reached, level: Level = level) -> Tried:
                return Tried(chain.name, form, level.sparsity, reached, level, chain)

            made = self._measure(compact(self._network(level.ticket)), tried)
            found.append(any(one.may_meet(budget) for one in made))
            if not chain.is_known and is_enough(budget, found):
                if budget.of != "accuracy":
                    self.look_halfway(chain, level.number)
                return

    def look_halfway(self, chain: Chain, number: int) -> None:
        """Measures the network between the first level that meets a budget and the one before it:
        where it meets it too, it was pruned less."""
        half = chain.halfway(number, self.given.ticket)
        level = half.plan.levels[-1]
        try:
            self.given.realise(level.ticket)
        except TrainingError:
            return
        self.seen.add(level.ticket.key)

        def tried(form: str, reached: Reached) -> Tried:
            return Tried(chain.name, form, level.sparsity, reached, level, half)

        self._measure(compact(self._network(level.ticket)), tried)

    def best(self) -> int:
        """The place of the best, whose throughput was measured anew, in more turns.

        Where that puts it behind another, that one is measured anew; where its chain meets the
        budget no longer, the chain is followed further. No network is measured anew twice.
        """
        budget, again = self.given.budget, set[int]()
        while True:
            places = range(len(self.tried))
            place = max(places, key=lambda one: budget.rank(self.tried[one].reached))
            if place in again:
                return place
            again.add(place)
            before = self.tried[place]
            self.tried[place] = self._anew(place)
            chain, level = before.of, before.level
            if chain is None or level is None or chain.is_known:
                continue
            still = any(one.of is chain and budget.is_met(one.reached) for one in self.tried)
            if budget.is_met(before.reached) and not still:
                self.walk(chain, level.number)

    def said(self, one: Tried, file: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Scores, float [texts, classes], and labels: of the run itself; where a form rounds its
        numbers, or there need be no run, of the file."""
        if one.level is not None and not forms.LITE.get(one.form):
            of_run = self.given.realise.predictions(one.level.ticket)[split]
            return of_run.scores, np.asarray(of_run.labels)
        texts = getattr(self.given.corpus, split)
        scores = forms.scores(file, texts, self._length)
        return scores, np.asarray(texts.labels)

    def _measure(self, small: Network, tried: Callable[[str, Reached], Tried]) -> list[Tried]:
        """Measures a network in every form that it can be stored in."""
        found = []
        with activity.doing("measuring how fast it is", long=True):
            models = self._models(self.forms, small)
            if not models:
                return []
            throughputs = self._throughputs(models, _ROUNDS)
            sizes = forms.sizes({_DENSE: self.beside, **models}, self.given.ticket.vocabulary)
            for form, file in models.items():
                reached = Reached(
                    0.0, throughputs[form], sizes[_DENSE].gzipped / sizes[form].gzipped
                )
                scores, labels = self.said(tried(form, reached), file, VALIDATION)
                points = round(100 * (_accuracy(scores, labels) - self.worth), _DIGITS)
                one = tried(form, dataclasses.replace(reached, accuracy=points))
                error = paired.compare(labels, [scores], [self.of_dense]).by_texts ** 0.5
                found.append(dataclasses.replace(one, error=error))
                self.files.append(file)
        self.tried += found
        return found

    def _anew(self, place: int) -> Tried:
        one = self.tried[place]
        with activity.doing("measuring the best once more", long=True):
            found = self._throughputs({one.form: self.files[place]}, _MORE_ROUNDS)
        reached = dataclasses.replace(one.reached, throughput=found[one.form])
        return dataclasses.replace(one, reached=reached)

    def _throughputs(self, models: dict[str, Path], rounds: int) -> dict[str, float]:
        """Times dense, by form; read are validation texts, since test texts decide nothing."""
        texts = self.given.corpus.validation
        speeds = forms.speeds({_DENSE: self.beside, **models}, texts, self._length, rounds)
        whole = speeds[_DENSE].throughput(BATCH)
        return {form: speeds[form].throughput(BATCH) / whole for form in models}

    def _models(self, tried_in: Sequence[str], of: Network) -> dict[str, Path]:
        """A network in those of these forms that it can be stored in."""
        models = {}
        for form in tried_in:
            try:
                models[form] = self._written(form, of)
            except UnconvertibleError as error:
                self.refused.add(form, error)
        return models

    def _written(self, form: str, of: Network) -> Path:
        place = self.folder / f"{sum(1 for _ in self.folder.iterdir())} {form}"
        place.mkdir()
        return forms.write(form, of, self.given.ticket.vocabulary, self.given.examples, place)

    def _network(self, spec: RunSpec) -> Network:
        run = self.given.realise(spec)
        return network.of_weights(self.given.ticket, run.snapshot(steps.END), run.masks())

    @property
    def _length(self) -> int:
        return self.given.ticket.recipe.data.max_length


def is_enough(budget: Budget, met: Sequence[bool]) -> bool:
    """Whether a chain need not be followed any further, as sparser networks are faster and less
    accurate.

    Args:
        budget: what is to be reached.
        met: of each level so far, whether it may meet the budget in some form.
    """
    if budget.of == "accuracy":
        return len(met) > 1 and not any(met[-2:])
    return met[-1]


def _accuracy(scores: np.ndarray, labels: np.ndarray) -> float:
    return float((scores.argmax(axis=1) == labels).mean())
