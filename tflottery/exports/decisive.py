"""The words and n-grams that decide a class in an export: found in validation texts, written beside
the model, told in its card; ``bin/report --model`` reads the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tflottery import activity
from tflottery.data.encoded import Encoded
from tflottery.exports.network import Network
from tflottery.exports.verification import Scorer, as_served, padded
from tflottery.files import seal
from tflottery.reasons.deciding import Deciding, decide, drawn
from tflottery.reasons.words import Ask
from tflottery.reasons.written import FILE
from tflottery.runs.recipes import Recipe, recipe_to_tables, without_places
from tflottery.settings import Tables
from tflottery.tickets.ticket import Ticket
from tflottery.versions import versions

VALIDATION = "validation"
_TOGETHER = 256


def of_network(
    served: Network, ticket: Ticket, python_model: Scorer, validation: Encoded
) -> Deciding:
    """What decides a class in at most ``deciding.TEXTS`` validation texts.

    Args:
        served: the network whose filters are named.
        ticket: its vocabulary.
        python_model: gives the scores.
        validation: the validation texts.
    """
    some = validation.take(drawn(len(validation)))
    ids = [one.tolist() for one in np.split(some.ids, some.offsets[1:-1])] if len(some) else []
    with activity.doing("finding the words that decide a class", long=True):
        return decide(
            ids, asking(python_model), ticket.vocabulary.words, ticket.classes, served.weights,
            served.rows, VALIDATION, len(validation),
        )  # fmt: skip


def asking(python_model: Scorer) -> Ask:
    """Asks a model for texts of all lengths; those of like length together."""

    def ask(texts: Sequence[Sequence[int]]) -> np.ndarray:
        order = np.argsort([len(one) for one in texts], kind="stable")
        found: list[Any] = [None] * len(texts)
        for rows in np.array_split(order, max(-(-len(order) // _TOGETHER), 1)):
            some = [texts[row] for row in rows.tolist()]
            scores = python_model(as_served(padded(some, max(map(len, some)))))
            for row, score in zip(rows.tolist(), scores, strict=True):
                found[row] = score
        return np.array(found)

    return ask


def write(folder: Path, found: Deciding, ticket: Ticket) -> None:
    """Writes the file into a version's folder, or a bundle's.

    Args:
        folder: where it goes.
        found: what decides.
        ticket: what it was exported from.
    """
    about = ticket.about
    document = {
        **found.document(),
        "dataset": Path(ticket.recipe.data.dataset).name,
        "model": ticket.recipe.model.name,
        "classes": list(ticket.classes),
        "sentence": ticket.sentence,
        "sparsity": about["sparsity"],
        "test_accuracy": about.get("ticket_test_accuracy"),
        "run_key": about["run_key"],
        "config": _config(ticket.recipe),
        "versions": versions(),
    }
    (folder / FILE).write_text(seal(document), encoding="utf-8")


def _config(recipe: Recipe) -> Tables:
    """A recipe's tables without any folder of this machine: a model goes to others."""

    def of(data: Mapping[str, Any]) -> dict[str, Any]:
        others = [of(other) for other in data["vocabulary_from"]]
        return {**data, "dataset": Path(data["dataset"]).name, "vocabulary_from": others}

    tables = without_places(recipe_to_tables(recipe))
    return {**tables, "data": of(tables["data"])}
