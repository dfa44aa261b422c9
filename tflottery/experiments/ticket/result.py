"""What ``find_ticket`` gives: the verdict, the levels behind it, and the ticket on disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflottery.data.corpus import Corpus
from tflottery.pruning.masks import Count
from tflottery.runs.realise import Realiser
from tflottery.runs.recipes import Recipe
from tflottery.runs.run import Run
from tflottery.runs.specs import Pruned, RunSpec, ancestry
from tflottery.runs.store import Store
from tflottery.tickets.plan import Plan
from tflottery.tickets.ticket import Ticket, write_ticket
from tflottery.tickets.verdict import Outcome, Round, points
from tflottery.training import steps

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from tflottery.tickets.rule import Rule


@dataclass(frozen=True)
class FoundTicket:
    """A search that came to its end.

    ``outcome``: the plan, and the runs that it ended in. ``ticket``: on disk. ``rule``: what set
    the learning rates, if one did. ``cautions``: lines to be read beside any number. ``trained``:
    trainings done now; the others were in the store. ``remarks``: what was assumed or left out in
    reading the data.
    """

    outcome: Outcome
    ticket: Ticket
    rule: Rule | None
    cautions: tuple[str, ...]
    trained: int
    store: Store
    remarks: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """``winning ticket``, ``matching subnetwork``, ``matches`` or ``no ticket``."""
        return self.outcome.verdict

    @property
    def sentence(self) -> str:
        """The verdict in a sentence, with what it rests on."""
        return verdict_in_words(self.outcome)

    @cached_property
    def rounds(self) -> pd.DataFrame:
        """A row a network: dense, each level, and the reinit of the level that is reported.

        Columns: ``network``; ``sparsity`` and ``sparsity_without_embedding`` (fractions pruned);
        ``remaining`` (weights); ``validation_accuracy`` and ``test_accuracy`` (fractions);
        ``difference`` (points of validation accuracy to dense); ``matches`` (bool; empty for dense
        and reinit); ``reported`` (bool); ``learning_rate``; ``run_key``.
        """
        import pandas as pd

        outcome = self.outcome
        total = outcome.reported.counted.total
        whole = Count(total, total)
        rows = [_row("dense", outcome.plan.dense, outcome.dense, whole, whole, outcome)]
        for judged in outcome.rounds:
            row = _row(
                f"round {judged.level.number}",
                judged.level.ticket,
                judged.run,
                judged.counted,
                judged.non_embedding,
                outcome,
            )
            row |= {"matches": judged.matches, "reported": judged is outcome.reported}
            rows.append(row)
        reported = outcome.reported
        rows.append(
            _row(
                "reinit",
                reported.level.reinit,
                outcome.reinit,
                reported.counted,
                reported.non_embedding,
                outcome,
            )
        )
        return pd.DataFrame(rows).astype({"matches": "boolean"})

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draws test and validation accuracy against the weights that are left.

        Args:
            ax: where to draw; by default on axes of a new figure.

        Returns:
            The axes: accuracy in % against weights left in %, the least sparse on the left.
        """
        from tflottery.experiments.ticket.drawing import accuracy_against_weights

        return accuracy_against_weights(self.rounds, self.verdict, ax)

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


@dataclass(frozen=True)
class PlannedSearch:
    """What a search would train: ``names`` are the runs' by key."""

    plan: Plan
    store: Store
    names: Mapping[str, str]

    @property
    def total(self) -> int:
        """Trainings that the whole plan takes at most."""
        return len(self._chain) + 1

    @property
    def missing(self) -> int:
        """Those of them that are to be trained now, at most."""
        return int((~self.runs["done"]).sum()) + self.plan.is_open

    @property
    def _chain(self) -> list[RunSpec]:
        return ancestry([self.plan.dense, *(level.ticket for level in self.plan.levels)])

    @cached_property
    def specs(self) -> list[RunSpec]:
        """The runs that are known beforehand. Results decide which reinit of an open plan is
        trained; it is always one."""
        chain = {spec.key for spec in self._chain}
        reinits = [spec for spec in self.plan.specs() if spec.key not in chain]
        return self._chain if self.plan.is_open else self._chain + reinits

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row a run: ``network``, ``done`` (bool: in the store), ``run_key``."""
        import pandas as pd

        realise = Realiser(self.store, self.plan.specs())
        return pd.DataFrame(
            [
                {
                    "network": self.names[spec.key],
                    "done": realise.is_done(spec),
                    "run_key": spec.key,
                }
                for spec in self.specs
            ]
        )

    def __repr__(self) -> str:
        return f"<PlannedSearch: {self.missing} of {self.total} runs to train>"


def _row(
    network: str, spec: RunSpec, run: Run, counted: Count, non_embedding: Count, outcome: Outcome
) -> dict[str, Any]:
    return {
        "network": network,
        "sparsity": counted.sparsity,
        "sparsity_without_embedding": non_embedding.sparsity,
        "remaining": counted.remaining,
        "validation_accuracy": run.metrics["val_accuracy"],
        "test_accuracy": run.metrics["test_accuracy"],
        "difference": points(run, outcome.dense),
        "matches": None,
        "reported": False,
        "learning_rate": _rate(spec),
        "run_key": run.key,
    }


def verdict_in_words(outcome: Outcome) -> str:
    """The verdict in a sentence, with what it rests on."""
    counted = outcome.reported.counted
    matches = "matches" if outcome.reported.matches else "does not match"
    beats = "beats" if outcome.beats_reinit else "does not beat"
    times = counted.total / max(counted.remaining, 1)
    return (
        f"{outcome.verdict.capitalize()}: with {100 * counted.sparsity:.1f} % pruned ({times:.1f} "
        f"times fewer weights) it {matches} dense within {outcome.plan.settings.tolerance:g} "
        f"points and {beats} the reinit of its mask, on validation data."
    )


def write_found(
    output: Path,
    outcome: Outcome,
    recipe: Recipe,
    rule: Rule | None,
    realise: Realiser,
    corpus: Corpus,
    seed: int,
    cautions: Sequence[str] = (),
) -> Ticket:
    """Writes the reported ticket of a search into a folder of its own in ``output``, with what to
    mind of its data."""
    settings, reported = outcome.plan.settings, outcome.reported
    name = (
        f"{corpus.name}-{recipe.model.name}-{settings.method}-{settings.init.replace(':', '_')}"
        f"-{reported.counted.sparsity:.3f}-seed{seed}-{reported.run.key[:8]}"
    )
    judged = {"dense": outcome.dense, "ticket": reported.run, "reinit": outcome.reinit}
    about = {
        "dataset": recipe.data.dataset,
        "model": recipe.model.name,
        **dataclasses.asdict(settings),
        "goal": settings.sparsity,
        "seed": seed,
        "learning_rate": _rate(reported.level.ticket),
        "found_learning_rate": _rate_found(reported.level.ticket),
        "learning_rate_rule": rule and dataclasses.asdict(rule),
        "verdict": outcome.verdict,
        "cautions": list(cautions),
        **{f"{name}_test_accuracy": run.metrics["test_accuracy"] for name, run in judged.items()},
        **{
            f"{name}_validation_accuracy": run.metrics["val_accuracy"]
            for name, run in judged.items()
        },
        "rounds": [_record(one) for one in outcome.rounds],
        "run_key": reported.run.key,
        "dense_run_key": outcome.dense.key,
        "reinit_run_key": outcome.reinit.key,
    }
    weights = realise.initial_weights(reported.level.ticket)
    with realise.store.lock(name):  # another process may be writing the same ticket
        return write_ticket(
            output / name,
            about,
            recipe,
            corpus.classes,
            corpus.vocabulary,
            reported.run.masks(),
            weights,
            reported.run.snapshot(steps.END),
        )


def _record(judged: Round) -> dict[str, Any]:
    return {
        "round": judged.level.number,
        "sparsity": judged.counted.sparsity,
        "sparsity_without_embedding": judged.non_embedding.sparsity,
        "validation_accuracy": judged.run.metrics["val_accuracy"],
        "test_accuracy": judged.run.metrics["test_accuracy"],
        "matches": judged.matches,
        "learning_rate": _rate(judged.level.ticket),
        "run_key": judged.run.key,
    }


def _rate(spec: RunSpec) -> float:
    """The highest rate that a network is trained at."""
    return spec.recipe.training.learning_rate


def _rate_found(spec: RunSpec) -> float:
    """That of the network whose weights decide its mask."""
    assert isinstance(spec.mask, Pruned)
    return _rate(spec.mask.of)
