"""What the networks of a search are worth by every metric, over all texts and class by class."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tflottery import metrics
from tflottery.pruning.moving.moves import OF_CHANGES, changes
from tflottery.runs.predictions import SPLITS, Predictions
from tflottery.runs.specs import RunSpec
from tflottery.tickets.search import Outcome

if TYPE_CHECKING:
    import pandas as pd

Predict = Callable[[RunSpec], Mapping[str, Predictions]]
"""Gives what a finished run says of each split."""

_PER_CLASS = ("precision", "recall", "f1")


def networks(outcome: Outcome) -> dict[str, RunSpec]:
    """Dense, each level that was trained, and the reinit of the one that is reported, by name."""
    rounds = {f"round {one.level.number}": one.level.ticket for one in outcome.rounds}
    return {"dense": outcome.plan.dense, **rounds, "reinit": outcome.reported.level.reinit}


def by_metric(outcomes: Iterable[Outcome], predict: Predict) -> pd.DataFrame:
    """See ``FoundTicket.metrics``."""
    import pandas as pd

    rows = [
        {**row, **{name: _or_nan(value) for name, value in said.metrics.items()}}
        for row, said in _said(outcomes, predict)
    ]
    return pd.DataFrame(rows)


def by_class(outcomes: Iterable[Outcome], predict: Predict, classes: Sequence[str]) -> pd.DataFrame:
    """See ``FoundTicket.per_class``."""
    import pandas as pd

    tables = []
    for row, said in _said(outcomes, predict):
        table = metrics.per_class(said.labels, said.scores, classes)
        tables.append(table.assign(**row)[[*row, *table.columns]])
    return pd.concat(tables, ignore_index=True)


def recorded(outcome: Outcome, predict: Predict, classes: Sequence[str]) -> dict[str, Any]:
    """What ticket.json says: for ``ticket``, ``dense`` and ``reinit``, on each split, every metric
    (null where it is undefined) and, as ``per_class``, a row a class."""
    judged = {
        "ticket": outcome.reported.level.ticket,
        "dense": outcome.plan.dense,
        "reinit": outcome.reported.level.reinit,
    }
    return {
        name: {split: _record(said, classes) for split, said in predict(spec).items()}
        for name, spec in judged.items()
    }


def by_move(outcomes: Iterable[Outcome]) -> pd.DataFrame:
    """See ``FoundTicket.moves``."""
    import pandas as pd

    rows = [
        {"network": f"round {one.level.number}", "seed": outcome.seed, **row}
        for outcome in outcomes
        for one in outcome.rounds
        for row in changes(one.run.moves())
    ]
    return pd.DataFrame(rows, columns=["network", "seed", *OF_CHANGES])


def _record(said: Predictions, classes: Sequence[str]) -> dict[str, Any]:
    rows = metrics.per_class(said.labels, said.scores, classes).to_dict("records")
    return {
        **said.metrics,
        "per_class": [
            {
                "class": str(row["class"]),
                **{name: _or_none(float(row[name])) for name in _PER_CLASS},
                "texts": int(row["texts"]),
            }
            for row in rows
        ],
    }


def _said(
    outcomes: Iterable[Outcome], predict: Predict
) -> Iterator[tuple[dict[str, Any], Predictions]]:
    """What each network says of each split, and what it is."""
    for outcome in outcomes:
        for name, spec in networks(outcome).items():
            predictions = predict(spec)
            for split in SPLITS:
                yield {"network": name, "seed": outcome.seed, "split": split}, predictions[split]


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def over_seeds(rounds: pd.DataFrame) -> pd.DataFrame:
    """A row a network with the means over seeds, and ``test_deviation``: the standard deviation of
    the test accuracy, a fraction, nan for one seed.

    Args:
        rounds: as ``FoundTicket.rounds``.
    """
    numbers = [
        "sparsity", "sparsity_without_embedding", "remaining", "validation_accuracy",
        "test_accuracy", "difference",
    ]  # fmt: skip
    groups = rounds.groupby("network", sort=False)
    means = groups[numbers].mean()
    means["test_deviation"] = groups["test_accuracy"].std(ddof=1)
    for name in ("matches", "reported"):
        means[name] = groups[name].first()
    # A level is collapsed, or answers alike, where it does with one seed.
    for name in ("collapsed", "alike"):
        means[name] = groups[name].max()
    return means.reset_index()
