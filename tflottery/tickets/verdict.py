"""The verdict on a search: what held-out texts say of the level that it reports.

A value of numbers; ``words.py`` says it. docs/verdicts.md has the rules and where they come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tflottery import paired
from tflottery.paired import Measure, Paired

WINNING, SUBNETWORK, MATCHES = "winning ticket", "matching subnetwork", "matches"
NO_TICKET, CANNOT_TELL, NO_VERDICT = "no ticket", "cannot tell", "no verdict"
OUTCOMES = (WINNING, SUBNETWORK, MATCHES, NO_TICKET, CANNOT_TELL, NO_VERDICT)
# A ticket to go on with.
RECOMMENDED = (WINNING, SUBNETWORK, MATCHES)
# With fewer texts the interval's approximation is poor, and no difference under 20 points is seen.
FEWEST_TEXTS = 20
VALIDATION, TEST = "validation", "test"
CONSTANT = "larger class"


@dataclass(frozen=True)
class Terms:
    """What is asked of a ticket.

    ``tolerance``: points that it may be worse than dense. ``from_original``: whether it begins at
    the original weights. ``metric``: what is compared; ``measure`` takes labels and scores
    and gives nan where it is undefined, None for accuracy. ``training``: in words, the sparse
    training that found the network while its mask moved; empty where it is a ticket, trained under
    its mask from the beginning.
    """

    tolerance: float = 0.5
    from_original: bool = True
    metric: str = "accuracy"
    measure: Measure | None = None
    higher_is_better: bool = True
    training: str = ""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What the networks say of those texts of a held-out split that are of their own.

    ``labels``: int [texts]. ``dense``, ``ticket``, ``reinit``: for each seed the scores of the
    classes, float [texts, classes]. ``classes``: how many there are.
    ``left_out``: how many texts more the split has, which are not of their own
    (``evidence.of_their_own``).
    """

    labels: np.ndarray
    dense: tuple[np.ndarray, ...]
    ticket: tuple[np.ndarray, ...]
    reinit: tuple[np.ndarray, ...]
    classes: int
    left_out: int = 0

    @property
    def constant(self) -> tuple[np.ndarray, ...]:
        """The best scores that look at no text, for each seed: the classes' shares among these very
        texts. Those in train may be others, and easier to beat."""
        scores = np.broadcast_to(self.shares, (len(self.labels), self.classes))
        return (scores,) * len(self.dense)

    @property
    def shares(self) -> np.ndarray:
        """float [classes]: of the texts."""
        counts = np.bincount(self.labels, minlength=self.classes)
        return counts / max(len(self.labels), 1)

    def scores(self, network: str) -> tuple[np.ndarray, ...]:
        """Of ``dense``, ``ticket``, ``reinit`` or ``larger class``."""
        if network == CONSTANT:
            return self.constant
        return getattr(self, network)


@dataclass(frozen=True)
class Comparison:
    """``one`` minus ``other`` on a split, in points; positive where ``one`` is better."""

    one: str
    other: str
    split: str
    paired: Paired

    @property
    def name(self) -> str:
        return f"{self.one} - {self.other}"

    def plain(self) -> dict[str, Any]:
        """A row of a table, or a JSON value; what is not known is None."""
        difference, low, high = (
            value if np.isfinite(value) else None
            for value in (self.paired.difference, self.paired.low, self.paired.high)
        )
        return {
            "comparison": self.name,
            "split": self.split,
            "difference": difference,
            "low": low,
            "high": high,
            "texts": self.paired.texts,
            "seeds": self.paired.seeds,
        }


@dataclass(frozen=True)
class More:
    """About how many seeds, or test texts, would decide what is open; None where the number would
    be beyond reach. ``is_near``: the difference lies at the margin, or on its wrong side, so that
    more of either would hardly show what is asked."""

    seeds: int | None = None
    texts: int | None = None
    is_near: bool = False


@dataclass(frozen=True)
class Verdict:
    """``outcome`` is one of ``OUTCOMES``; ``reason`` says which of its rules decided.

    ``comparisons`` are all that it rests on; ``values`` is the metric of each network, by split and
    name, the mean over seeds; ``texts`` and ``left_out`` count those of each split; ``larger`` is
    the label of the larger class among the test texts; ``more`` says what would decide where
    something is open; ``reinit_learnt``: whether the reinit is shown to beat the larger class.
    """

    outcome: str
    reason: str
    terms: Terms
    comparisons: tuple[Comparison, ...]
    values: dict[str, dict[str, float]]
    texts: dict[str, int]
    left_out: dict[str, int]
    seeds: int
    larger: int
    more: More | None = None
    reinit_learnt: bool = True

    def comparison(self, one: str, other: str, split: str = TEST) -> Comparison:
        """That of two networks on a split."""
        asked = (one, other, split)
        return next(
            made for made in self.comparisons if (made.one, made.other, made.split) == asked
        )

    def of(self, one: str, other: str, split: str = TEST) -> Paired:
        """How far two networks are apart on a split."""
        return self.comparison(one, other, split).paired

    def value(self, network: str, split: str = TEST) -> float | None:
        """The metric of a network, the mean over seeds; None where it cannot be had."""
        value = self.values[split][network]
        return value if np.isfinite(value) else None

    @property
    def margin(self) -> float:
        """Points that the ticket minus dense has to lie at, or above, on test texts."""
        return _margin(self.terms, self.of("dense", CONSTANT))

    @property
    def recommends(self) -> bool:
        """Whether the ticket is one to go on with."""
        return self.outcome in RECOMMENDED


@dataclass
class _Evidence:
    terms: Terms
    splits: dict[str, HeldOut]
    made: list[Comparison] = field(default_factory=list)
    _known: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)

    def compare(self, one: str, other: str, split: str) -> Paired:
        """What the verdict rests on."""
        found = self.apart(one, other, split)
        self.made.append(Comparison(one, other, split, found))
        return found

    def apart(self, one: str, other: str, split: str) -> Paired:
        ones, others = (self._contributions(network, split) for network in (one, other))
        is_accuracy = self.terms.measure is None
        return paired.apart(self.splits[split].labels, ones, others, is_accuracy=is_accuracy)

    def _contributions(self, network: str, split: str) -> np.ndarray:
        held, terms = self.splits[split], self.terms
        if (network, split) not in self._known:
            self._known[network, split] = paired.contributions(
                held.labels, held.scores(network), terms.measure,
                higher_is_better=terms.higher_is_better,
            )  # fmt: skip
        return self._known[network, split]

    def value(self, network: str, split: str) -> float:
        """The mean over seeds of the metric."""
        held = self.splits[split]
        if not len(held.labels):
            return float("nan")
        measure = self.terms.measure or _accuracy
        return float(np.mean([measure(held.labels, one) for one in held.scores(network)]))


def give(validation: HeldOut, test: HeldOut, terms: Terms, matched: bool) -> Verdict:
    """The verdict on a level that was chosen on validation data, confirmed on test data.

    Args:
        validation, test: what the networks say of texts of their own.
        terms: what is asked.
        matched: whether the level matches dense on validation data, by which it was chosen.
    """
    evidence = _Evidence(terms, {VALIDATION: validation, TEST: test})
    learnt = [evidence.compare("dense", CONSTANT, split) for split in (VALIDATION, TEST)]
    evidence.compare("ticket", "dense", VALIDATION)
    gains = evidence.compare("ticket", CONSTANT, TEST)
    to_dense = evidence.compare("ticket", "dense", TEST)
    to_reinit = evidence.compare("ticket", "reinit", TEST)

    outcome, reason, more = _decide(terms, matched, learnt, gains, to_dense, to_reinit)
    networks = (CONSTANT, "dense", "ticket", "reinit")
    return Verdict(
        outcome,
        reason,
        terms,
        tuple(evidence.made),
        {split: {one: evidence.value(one, split) for one in networks} for split in evidence.splits},
        {split: len(held.labels) for split, held in evidence.splits.items()},
        {split: held.left_out for split, held in evidence.splits.items()},
        seeds=len(test.dense),
        larger=int(test.shares.argmax()),
        more=more,
        reinit_learnt=evidence.apart("reinit", CONSTANT, TEST).above(0),
    )


def _half(learnt: Paired) -> float:
    """Half of what dense gains, which a ticket has to keep, whatever is tolerated (Walker and
    Nowacki 2011)."""
    return learnt.difference / 2


def _margin(terms: Terms, learnt: Paired) -> float:
    return -min(terms.tolerance, _half(learnt))


def _decide(
    terms: Terms,
    matched: bool,
    learnt: Sequence[Paired],
    gains: Paired,
    to_dense: Paired,
    to_reinit: Paired,
) -> tuple[str, str, More | None]:
    """Outcome, reason, and what more would decide."""
    margin = _margin(terms, learnt[1])
    if min(one.texts for one in learnt) < FEWEST_TEXTS:
        return NO_VERDICT, "few texts", None
    if not all(one.above(0) for one in learnt):
        return NO_VERDICT, "dense learnt nothing", None
    if to_dense.below(-terms.tolerance):
        return NO_TICKET, "worse than dense", None
    if gains.difference <= 0:
        return NO_TICKET, "learnt nothing", None
    if not matched:
        return CANNOT_TELL, "does not match on validation data", None
    if not gains.above(0):
        return CANNOT_TELL, "perhaps learnt nothing", _more(gains, 0)
    if not to_dense.at_least(margin):
        is_wide = terms.tolerance > _half(learnt[1])
        reason = "tolerance too wide" if is_wide else "perhaps worse than dense"
        return CANNOT_TELL, reason, _more(to_dense, margin)
    if to_reinit.above(0) and terms.training:
        # No weights that it began with were ever trained under this mask alone.
        return MATCHES, "better than reinit", None
    if to_reinit.above(0):
        return WINNING if terms.from_original else SUBNETWORK, "", None
    if to_reinit.below(0):
        return MATCHES, "worse than reinit", None
    return MATCHES, "perhaps no better than reinit", _more(to_reinit, 0)


def _more(open_: Paired, margin: float) -> More:
    """What would show that a difference lies above a margin."""
    if open_.difference <= margin:
        return More(is_near=True)
    seeds, texts = paired.seeds_needed(open_, margin), paired.texts_needed(open_, margin)
    return More(seeds, texts, is_near=seeds is None and texts is None)


def _accuracy(labels: np.ndarray, scores: np.ndarray) -> float:
    return float((scores.argmax(axis=1) == labels).mean())
