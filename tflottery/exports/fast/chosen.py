"""What a search for a budget measured and chose, in words and as a table."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tflottery.exports.fast.budget import Budget, Reached
from tflottery.exports.fast.candidates import Chain
from tflottery.exports.fast.shown import BATCH
from tflottery.paired import Paired
from tflottery.report.numbers import number
from tflottery.tickets.plan import Level
from tflottery.tickets.ticket import Ticket

if TYPE_CHECKING:
    import pandas as pd

_POINTS = number(2)


@dataclass(frozen=True)
class Tried:
    """A network in a form that was measured for a budget.

    ``chain``: how it was pruned. ``form``: what runs it. ``sparsity``: the fraction of units pruned
    that was the level's goal. ``reached``: what it reaches. ``level`` and ``of``: where it stands
    in its plan. ``ticket``: in place of these two, one that was there already and is taken as it
    is; then ``sparsity`` is the fraction of all its weights. ``error``: the standard error of its
    validation accuracy to dense's, in points, over texts.
    """

    chain: str
    form: str
    sparsity: float
    reached: Reached
    level: Level | None = field(default=None, repr=False)
    of: Chain | None = field(default=None, repr=False)
    ticket: Ticket | None = field(default=None, repr=False)
    error: float = field(default=0.0, repr=False)

    def may_meet(self, budget: Budget) -> bool:
        """Whether it meets a budget, or misses one of accuracy by no more than what validation
        texts leave open. Times are measured anew, and sizes are what they are."""
        least = dataclasses.replace(self.reached, accuracy=self.reached.accuracy + self.error)
        return budget.is_met(least)

    @property
    def name(self) -> str:
        """In words."""
        what = "weights" if self.ticket else "units"
        return f"{self.chain}, {100 * self.sparsity:.1f} % of {what} pruned, {self.form}"


@dataclass(frozen=True)
class Chosen:
    """What a search for a budget ended with.

    ``tried``: all that was measured, in order, what was chosen longer than the others. ``best``:
    what was chosen; ``is_met``: whether it meets the budget. ``test``: its test accuracy to dense,
    in points, with its interval; ``accuracy`` and ``dense_accuracy``: fractions of all test texts.
    ``left_out``: a line on each form that networks could not be stored in.
    """

    budget: Budget
    tried: tuple[Tried, ...]
    best: Tried
    test: Paired
    accuracy: float
    dense_accuracy: float
    left_out: tuple[str, ...] = ()

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
            f"compressed. Given up: {lost} points of test accuracy (95 % interval of this one "
            f"training {least} to {most}), {100 * self.accuracy:.2f} % of all test texts against "
            f"{100 * self.dense_accuracy:.2f} %; {_lost(reached.accuracy)} of validation accuracy, "
            f"by which it was chosen.{self._by_interval} Whether other seeds lose as little says "
            "bin/find_ticket with the settings of its ticket and --seeds."
        )

    @property
    def _by_interval(self) -> str:
        """What test texts say of a budget of accuracy, which validation texts chose by."""
        if self.budget.of != "accuracy":
            return ""
        low, high = self.test.low, self.test.high
        amount = self.budget.amount
        shown = (
            "shown to be within" if low >= amount
            else "beyond" if high < amount
            else "not shown to be within, nor beyond,"
        )  # fmt: skip
        return f" By the interval of the test texts the loss is {shown} the budget."

    @property
    def table(self) -> pd.DataFrame:
        """A row for each that was measured: ``pruned``, ``form``, ``sparsity`` (of units, or of the
        weights of a ticket as it is, a fraction), ``accuracy`` (points to dense on validation
        data), ``throughput`` and ``size`` (times dense), ``meets`` and ``chosen`` (bool)."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Those of ``table``."""
        return [
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


def _lost(difference: float) -> str:
    """Points to dense as points that were given up."""
    return _POINTS(round(-difference, 2) + 0.0)
