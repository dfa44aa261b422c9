"""What docs/results/fast/README.md states, from the committed tables once more, with pandas, numpy
and scipy alone.

``python -m tests.fast_page`` prints its tables.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from tests.criteria_page import interval, line, signed
from tests.recomputing import RESULTS

FAST = RESULTS / "fast"
NETWORKS = {"cnn": "CNN", "lstm": "LSTM"}
FRONTIERS = ("cnn", "lstm")
SEARCHES = {
    ("cnn", "throughput-3x"): "`throughput 3x`",
    ("lstm", "throughput-1.8x"): "`throughput 1.8x`",
}
CHAINS = {"layerwise": "taylor, layerwise", "global": "taylor, global"}
PRUNED = {"dense": "nothing", "weights": "single weights"}


def frontier(name: str) -> pd.DataFrame:
    """A row for each network in each form, as ``bin/export --frontier`` measured them."""
    return pd.read_csv(FAST / name / "frontier.csv")


def search(name: str, budget: str) -> pd.DataFrame:
    """A row for each network in each form that a search for a budget measured."""
    return pd.read_csv(FAST / name / f"{budget}.csv")


def rounds(model: str, method: str) -> pd.DataFrame:
    """A row for each network of several seeds; accuracies in points."""
    table = pd.read_csv(FAST / "rounds.csv")
    table = table[(table["model"] == model) & (table["method"] == method)]
    return table.assign(
        validation=100 * table["validation_accuracy"], test=100 * table["test_accuracy"]
    )


def lost(table: pd.DataFrame, network: str, number: int, split: str = "test") -> pd.Series:
    """What one network of a search gains over dense, in points by seed."""
    of = table[(table["network"] == network) & (table["round"] == number)]
    dense = table[table["network"] == "dense"]
    return of.set_index("seed")[split] - dense.set_index("seed")[split]


def verdict(model: str, method: str, other: str, split: str = "test") -> pd.Series:
    """The interval of a ticket to dense or reinit over texts and seeds that its verdict has."""
    table = pd.read_csv(FAST / "intervals.csv")
    table = table[(table["model"] == model) & (table["method"] == method)]
    (row,) = table[(table["comparison"] == f"ticket - {other}") & (table["split"] == split)].iloc
    return row


def given(row: pd.Series) -> str:
    """An interval that a table has."""
    return f"{signed(row['difference'])} [{signed(row['low'])}, {signed(row['high'])}]"


def speed(model: str, scope: str, number: int) -> float | None:
    """Times dense of a round of seed 1, as a SavedModel: in the search, else on the frontier."""
    (budget,) = [name for of, name in SEARCHES if of == model]
    table = search(model, budget)
    table = table[table["pruned"] == CHAINS[scope]]
    found = table.loc[np.isclose(table["sparsity"], 1 - 0.8**number), "throughput"]
    if not len(found) and model in FRONTIERS:
        mine = rounds(model, "iterative").query(f"round == {number} and seed == 1")
        shown = frontier(model).query("form == 'SavedModel'")
        found = shown.loc[np.isclose(shown["sparsity"], mine["sparsity"].iloc[0]), "times_dense"]
    return found.iloc[0] if len(found) else None


def by_round() -> Iterator[str]:
    """A row for each round of units of several seeds: speed, and accuracy to dense."""
    for model, name in NETWORKS.items():
        table = rounds(model, "iterative")
        (scope,) = {*table["scope"]}
        tickets = table[table["network"] == "ticket"]
        for number, rows in tickets.groupby("round"):
            yield line(
                name if number == 1 else "",
                f"{100 * (1 - 0.8**number):.1f}",
                f"{100 * rows['sparsity'].mean():.0f}",
                "" if (fast := speed(model, scope, number)) is None else f"{fast:.2f}",
                *(interval(lost(table, "ticket", number, split)) for split in
                  ("validation", "test")),
            )  # fmt: skip


def unbeaten(name: str) -> Iterator[str]:
    """A row for dense, and for each file that no other beats in accuracy and throughput, or in
    accuracy and size."""
    for _, row in frontier(name).iterrows():
        if row["pruned"] == "dense" or row["fastest"] or row["smallest"]:
            yield line(
                PRUNED.get(row["pruned"], row["pruned"]),
                row["form"],
                f"{100 * row['sparsity']:.1f}",
                f"{100 * row['test_accuracy']:.2f}",
                given(row),
                f"{row['times_dense']:.2f}",
                f"{row['times_smaller']:.1f}",
            )


def chosen() -> Iterator[str]:
    """A row for each search: what it chose, and what that reaches."""
    for (name, budget), said in SEARCHES.items():
        (row,) = search(name, budget).query("chosen").iloc
        yield line(
            NETWORKS[name],
            said,
            row["pruned"],
            row["form"],
            f"{100 * row['sparsity']:.1f}",
            signed(row["accuracy"]),
            f"{row['throughput']:.2f}",
            f"{row['size']:.1f}",
        )


if __name__ == "__main__":
    for rows in (chosen(), by_round(), *map(unbeaten, FRONTIERS)):
        print(*rows, "", sep="\n")
