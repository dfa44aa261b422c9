"""Which fitted rule sets the learning rates of a recipe's networks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tflottery.data.reading.sources import same_published
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.pruning.rates import with_rest
from tflottery.runs.recipes import Recipe
from tflottery.tickets import plan as plans
from tflottery.tickets.rule import RULE, Rule, read_rule
from tflottery.tickets.settings import PruningSettings


def find_rule(recipe: Recipe, pruning: PruningSettings, places: Iterable[Path]) -> tuple[Rule, str]:
    """The rule for a recipe, and a line that says which, and how far it fits.

    The newest rule of the same data, network and training at whatever rate, in the first place that
    has one; else the newest one of the same data and architecture, whose change with the sparsity
    is applied to the recipe's own rate. For that, published data may have been prepared anew. In
    both cases tickets were pruned alike. Files that cannot be read are passed over.

    Args:
        recipe: with the data's fingerprint.
        pruning: how its tickets are found.
        places: folders of rules, or of searches.

    Raises:
        UserError: there is none.
    """
    searched = list(places)
    model, data = recipe.model.name, recipe.data
    like: tuple[Rule, str] | None = None
    for place in searched:
        files = (*place.glob("*.json"), *place.glob(f"[!.]*/{RULE}"))
        for file in sorted(files, key=lambda file: file.stat().st_mtime_ns, reverse=True):
            try:
                rule, document = read_rule(file)
            except UserError:
                continue
            if document.get("pruned") != how_pruned(pruning):
                continue
            if document.get("fits") == key_at_any_rate(recipe):
                return rule, f"Rule: {file}{_ends(document)}."
            if like is None and document.get("model") == model and _of_the_data(document, data):
                own = recipe.training.learning_rate
                line = (
                    f"Rule: {file}, of another {model}, training or preparation of these data; its "
                    "change with the sparsity goes on from the configured rate, "
                    f"{own:g}{_ends(document)}."
                )
                like = rule.around(own), line
    if like:
        return like
    raise UserError(
        f"There is no rule for these data and a {model} that is pruned like this in "
        f"{' or '.join(map(str, searched))}; make one with bin/tune_lr, or give --learning_rate a "
        "number or a rule's file."
    )


def _of_the_data(document: Mapping[str, Any], data: DataSettings) -> bool:
    """Whether a rule is of these data, or of the same published ones prepared elsewhere."""
    if document.get("fingerprint") == data.fingerprint:
        return True
    dataset = document.get("config", {}).get("data", {}).get("dataset", "")
    return same_published(dataset, data.dataset)


def _ends(document: Mapping[str, Any]) -> str:
    """Where a rule rests on best rates at an end of those that were tried."""
    points = document.get("points") or []
    ends = [f"{100 * one['sparsity']:.1f} %" for one in points if one.get("edge")]
    if not ends:
        return ""
    return f"; best at an end of the rates that were tried at {', '.join(ends)} pruned"


def how_pruned(pruning: PruningSettings) -> dict[str, Any]:
    """What of the pruning decides what a sparsity means."""
    names = ("criterion", "scope", "embedding", "head")
    decides = {name: getattr(pruning, name) for name in names}
    # Rules of before rates came have no word on them.
    rates = {"rates": [list(pair) for pair in with_rest(pruning.rates, pruning.rate)]}
    costs = {"costs": [list(pair) for pair in pruning.costs]} if pruning.costs else {}
    heads = {"attention_heads": True} if pruning.attention_heads else {}
    return {**decides, **(rates if pruning.rates else {}), **costs, **heads}


def key_of(recipe: Recipe) -> str:
    """The key of dense, which stands for the recipe."""
    return plans.make_plan(recipe, PruningSettings(), seed=0).dense.key


def key_at_any_rate(recipe: Recipe) -> str:
    """The key of dense, the same for every learning rate."""
    training = dataclasses.replace(recipe.training, learning_rate=1.0)
    return key_of(dataclasses.replace(recipe, training=training))
