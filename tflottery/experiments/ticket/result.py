"""What ``find_ticket`` gives: the verdict, and the levels behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tflottery.experiments.ticket import measured
from tflottery.pruning.masks import Count
from tflottery.runs.measures import answers_alike
from tflottery.runs.predictions import Predictions
from tflottery.runs.realise import Realiser
from tflottery.runs.run import Run
from tflottery.runs.specs import RunSpec
from tflottery.runs.store import Store
from tflottery.tickets.methods import METHODS
from tflottery.tickets.search import Outcome
from tflottery.tickets.ticket import Ticket
from tflottery.tickets.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from tflottery.tickets.rule import Rule


@dataclass(frozen=True)
class FoundTicket:
    """A search that came to its end.

    ``outcomes``: where it ended with each seed, plan and runs. ``judged``: the verdict, with all
    that it rests on. ``ticket``: on disk, that of the first seed. ``rule``: what set the
    learning rates, if one did. ``cautions``: lines to be read beside any number. ``trained``:
    trainings done now; the others were in the store. ``remarks``: what was assumed or left out in
    reading the data.
    """

    outcomes: tuple[Outcome, ...]
    judged: Verdict
    ticket: Ticket
    rule: Rule | None
    cautions: tuple[str, ...]
    trained: int
    store: Store
    remarks: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """Where the search ended with the first seed, whose ticket is on disk."""
        return self.outcomes[0]

    @property
    def verdict(self) -> str:
        """``winning ticket``, ``matching subnetwork``, ``matches``, ``no ticket``, ``cannot tell``
        or ``no verdict``; docs/verdicts.md has the rules."""
        return self.judged.outcome

    @property
    def sentence(self) -> str:
        """The verdict in a sentence, with what it rests on."""
        return self.ticket.sentence

    @property
    def rates(self) -> str:
        """A line on the learning rates that the rule set; empty where there was none."""
        if not self.rule:
            return ""
        about, dense = self.ticket.about, self.outcome.plan.dense
        return (
            f"Learning rates: masks were found at {about['found_learning_rate']:g}, dense was "
            f"trained at {rate(dense):g}, the ticket at {about['learning_rate']:g}, by the rule "
            f"{self.rule}."
        )

    @property
    def moved(self) -> str:
        """How far the mask of the reported network moved with the first seed, in a sentence; empty
        for tickets, whose masks stay."""
        if METHODS[self.outcome.plan.settings.method].finds_tickets:
            return ""
        number, seed = self.outcome.reported.level.number, self.outcome.seed
        moves = self.moves
        own = moves[(moves["network"] == f"round {number}") & (moves["seed"] == seed)]
        steps = own["step"].unique()
        last = own[own["step"] == steps[-1]]
        stayed = (last["from_start"] * last["remaining"]).sum() / max(last["remaining"].sum(), 1)
        return (
            f"Its mask moved {len(steps)} times, at steps {steps[0]:,} to {steps[-1]:,}: "
            f"{own['dropped'].sum():,} weights were dropped and {own['grown'].sum():,} grown; "
            f"{100 * stayed:.1f} % of its weights are in the mask since the beginning."
        )

    @property
    def size(self) -> str:
        """What the weights that are left mean in bytes, in a sentence: a mask makes no array
        smaller."""
        counted = self.outcome.reported.counted
        left, whole = (4 * weights / 1000 for weights in (counted.remaining, counted.total))
        return (
            f"Weights left: {counted.remaining:,} of {counted.total:,}, {left:,.0f} of "
            f"{whole:,.0f} kB as float32. A file keeps the zeros, and the size of dense; an export "
            "with --compact leaves out what has become useless."
        )

    @cached_property
    def intervals(self) -> pd.DataFrame:
        """A row a comparison that the verdict rests on.

        Columns: ``comparison`` (what minus what), ``split``, ``difference``, ``low`` and ``high``
        (points, the ends of the 95 % interval), ``texts``, ``seeds``.
        """
        import pandas as pd

        return pd.DataFrame([one.plain() for one in self.judged.comparisons])

    @cached_property
    def rounds(self) -> pd.DataFrame:
        """A row a network: dense, each level, and the reinit of the level that is reported; with
        several seeds those of each, one seed after the other.

        Columns: ``network``; ``sparsity`` and ``sparsity_without_embedding`` (fractions pruned);
        ``remaining`` (weights); ``validation_accuracy`` and ``test_accuracy`` (fractions);
        ``difference`` (points to dense on validation data, of what levels are judged by);
        ``matches`` (bool, in the mean over seeds; empty for dense and reinit); ``reported`` (bool);
        ``learning_rate``; ``run_key``; ``seed``; ``collapsed`` (the layers and tensors without a
        weight left, with commas between them; empty where there is none); ``alike`` (bool, whether
        every validation text has the same scores; False where predictions are not kept).
        """
        import pandas as pd

        rows = [row for outcome in self.outcomes for row in _rows(outcome)]
        return pd.DataFrame(rows).astype({"matches": "boolean"})

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """A row a network, seed and split: ``network``, ``seed``, ``split`` (``validation`` or
        ``test``), and a column for each metric, NaN where it is undefined."""
        return measured.by_metric(self.outcomes, self._predictions)

    @cached_property
    def per_class(self) -> pd.DataFrame:
        """A row a network, seed, split and class: ``network``, ``seed``, ``split``, ``class``,
        ``precision`` (NaN where it was never predicted), ``recall``, ``f1``, ``texts``."""
        return measured.by_class(self.outcomes, self._predictions, self.ticket.classes)

    @cached_property
    def moves(self) -> pd.DataFrame:
        """How the masks of sparse trainings moved (methods ``gradual``, ``movement``, ``rigl`` and
        ``set``): a row a level, seed, move and tensor; empty for tickets, whose masks stay.

        Columns: ``network``, ``seed``; ``step`` (optimizer steps done); ``tensor``; ``remaining``,
        ``dropped`` and ``grown`` (weights); ``from_start`` (the part of what remains that was there
        at the beginning). ``Run.moves`` has the masks themselves.
        """
        return measured.by_move(self.outcomes)

    def plot_confusion(self, ax: Axes | None = None) -> Axes:
        """Draws which class the ticket takes the test texts of each class for.

        Args:
            ax: where to draw; by default on axes of a new figure.

        Returns:
            The axes: a row a true class, a column a predicted one; each cell has the number of
            texts and their share of the row.
        """
        from tflottery.experiments.ticket.drawing import confusion_matrix
        from tflottery.metrics import confusion

        said = self._predictions(self.outcome.reported.level.ticket)["test"]
        return confusion_matrix(confusion(said.labels, said.scores, self.ticket.classes), ax)

    def _predictions(self, spec: RunSpec) -> Mapping[str, Predictions]:
        if spec.key not in self._said:
            self._said[spec.key] = Realiser(self.store, []).predictions(spec)
        return self._said[spec.key]

    @cached_property
    def _said(self) -> dict[str, Mapping[str, Predictions]]:
        """What was asked for so far, by key."""
        return {}

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draws test and validation accuracy against the weights that are left, the mean over
        seeds.

        Args:
            ax: where to draw; by default on axes of a new figure.

        Returns:
            The axes: accuracy in % against weights left in %, the least sparse on the left.
        """
        from tflottery.experiments.ticket.drawing import accuracy_against_weights

        return accuracy_against_weights(self.rounds, self.verdict, ax)

    def plot_intervals(self, ax: Axes | None = None) -> Axes:
        """Draws what the verdict rests on: each difference with its interval, and the margin that
        it was held against: the tolerance, or half of what dense gains where that is less.

        Args:
            ax: where to draw; by default on axes of a new figure.

        Returns:
            The axes: a line a comparison, points from left to right.
        """
        from tflottery.experiments.ticket.drawing import intervals_against_margin

        return intervals_against_margin(self.intervals, self.judged.margin, ax)

    def __repr__(self) -> str:
        return f"<FoundTicket: {self.sentence} {self.ticket.folder}>"

    def _repr_html_(self) -> str:
        from tflottery.notebook import as_html

        shown = self.rounds[
            ["network", "sparsity", "remaining", "validation_accuracy", "test_accuracy",
             "difference", "matches"]
        ]  # fmt: skip
        return as_html(
            self.sentence, shown, (*self.remarks, *self.cautions, f"Ticket: {self.ticket.folder}")
        )


def _rows(outcome: Outcome) -> list[dict[str, Any]]:
    """The rows of ``FoundTicket.rounds`` of one seed."""
    plan, reported = outcome.plan, outcome.reported
    whole = Count(reported.counted.total, reported.counted.total)
    rows = [_row("dense", plan.dense, outcome.dense, whole, whole, 0.0, outcome.seed)]
    for one in outcome.rounds:
        row = _row(
            f"round {one.level.number}", one.level.ticket, one.run, one.counted, one.non_embedding,
            one.difference, outcome.seed, one.collapsed,
        )  # fmt: skip
        rows.append(row | {"matches": one.matches, "reported": one is reported})
    rows.append(
        _row(
            "reinit", reported.level.reinit, outcome.reinit, reported.counted,
            reported.non_embedding, outcome.reinit_difference, outcome.seed, reported.collapsed,
        )
    )  # fmt: skip
    return rows


def _row(
    network: str,
    spec: RunSpec,
    run: Run,
    counted: Count,
    non_embedding: Count,
    difference: float,
    seed: int,
    collapsed: Sequence[str] = (),
) -> dict[str, Any]:
    return {
        "network": network,
        "sparsity": counted.sparsity,
        "sparsity_without_embedding": non_embedding.sparsity,
        "remaining": counted.remaining,
        "validation_accuracy": run.metrics["val_accuracy"],
        "test_accuracy": run.metrics["test_accuracy"],
        "difference": difference,
        "matches": None,
        "reported": False,
        "learning_rate": rate(spec),
        "run_key": run.key,
        "seed": seed,
        "collapsed": ", ".join(collapsed),
        "alike": bool(answers_alike(run)),
    }


def rate(spec: RunSpec) -> float:
    """The highest rate that a network is trained at."""
    return spec.recipe.training.learning_rate
