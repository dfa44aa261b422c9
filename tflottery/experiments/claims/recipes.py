"""Whether what a transfer or a search trained are the networks of a study, as they stand."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any

from tflottery.errors import UserError
from tflottery.experiments import configuration
from tflottery.experiments.configuration import Configuration
from tflottery.runs.recipes import TEXT_KEYS, Recipe, recipe_from_tables
from tflottery.settings import from_table
from tflottery.tickets.settings import AUTO, PruningSettings

# Which of the data's settings decide what is trained, wherever they lie and however they are read.
_OF_TEXTS = (*TEXT_KEYS, "train_size", "share_vocabulary", "split", "split_seed")


@cache
def _of_study(study: str) -> Configuration:
    return configuration.load(study, {})


def is_of(study: str, *tables: Mapping[str, Any], pruning: Mapping[str, Any]) -> bool:
    """Whether recipes are those of a study, on whatever data: text settings, network and training;
    and tickets are found as there, to whatever sparsity.

    Documents of before some setting was made had its default.

    Args:
        study: the name of its configuration.
        tables: of each recipe ``data``, ``model`` and ``training``, as documents keep them.
        pruning: likewise.

    Raises:
        UserError: there is no such configuration.
    """
    own = _of_study(study)
    try:
        recipes = [recipe_from_tables(one) for one in tables]
        pruned = from_table(PruningSettings, "pruning", pruning)
    except UserError:  # of a network of somebody's own, say
        return False
    found_alike = dataclasses.replace(pruned, sparsity=AUTO) == dataclasses.replace(
        own.pruning, sparsity=AUTO
    )
    return found_alike and all(_is_alike(one, own.recipe) for one in recipes)


def _is_alike(one: Recipe, other: Recipe) -> bool:
    return (
        one.model == other.model
        and one.training == other.training
        and all(getattr(one.data, key) == getattr(other.data, key) for key in _OF_TEXTS)
    )
