"""Recipes: everything about a training but its mask, its initial weights and its seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflottery.data.settings import DataSettings
from tflottery.errors import UserError, suggest
from tflottery.models.architecture import Architecture
from tflottery.models.brought.registered import COMPUTED, Registered, from_tables
from tflottery.models.registry import ARCHITECTURES
from tflottery.settings import Tables, from_table
from tflottery.training.settings import TrainingSettings

DEFAULT_MODEL = "cnn"
# The program fills these in; a configuration never does.
_COMPUTED = ("fingerprint", "vocabulary_from", "division")
_COMPUTED_OF_MODEL = (*COMPUTED, "vectors_hash")
# Settings that two data sets share if they are encoded for the same network.
TEXT_KEYS = ("vocabulary_size", "max_length", "validation", "tokens", "symbols", "keep")


@dataclass(frozen=True)
class Recipe:
    """Everything about a training but its mask, its initial weights and its seeds."""

    data: DataSettings
    model: Architecture
    training: TrainingSettings

    def with_training(self, **changes: Any) -> Recipe:
        """The same data and model with other training settings."""
        training = dataclasses.replace(self.training, **changes)
        return dataclasses.replace(self, training=training)


def recipe_to_tables(recipe: Recipe) -> Tables:
    """The recipe as JSON or TOML values; ``recipe_from_tables`` gives it back."""
    model = recipe.model
    sizes = model.table() if isinstance(model, Registered) else dataclasses.asdict(model)  # type: ignore[call-overload]
    return {
        "data": dataclasses.asdict(recipe.data),
        "model": {"name": model.name, **sizes},
        "training": dataclasses.asdict(recipe.training),
    }


def recipe_from_tables(tables: Mapping[str, Mapping[str, Any]]) -> Recipe:
    """The recipe that ``recipe_to_tables`` made these tables of.

    Raises:
        UserError: an unknown key or a value of the wrong type.
    """
    data = _data_from_table(tables.get("data", {}))
    model = dict(tables.get("model", {}))
    training = from_table(TrainingSettings, "training", tables.get("training", {}))
    if not model.get("built"):
        return Recipe(data, _model(model, COMPUTED), training)
    # Of a network that somebody registered, perhaps not in this process.
    return Recipe(data, from_tables(str(model.pop("name", "")), model), training)


def recipe_from_settings(tables: Mapping[str, Mapping[str, Any]]) -> Recipe:
    """A recipe from the tables of a configuration. It does not know yet what the data hold: their
    fingerprint is filled in by ``sources.identify``.

    Raises:
        UserError: an unknown key or a value of the wrong type.
    """
    model = tables.get("model", {})
    return Recipe(
        from_table(DataSettings, "data", tables.get("data", {}), computed=_COMPUTED),
        _model(model, _COMPUTED_OF_MODEL),
        from_table(TrainingSettings, "training", tables.get("training", {})),
    )


def _model(table: Mapping[str, Any], computed: Collection[str]) -> Architecture:
    sizes = dict(table)
    name = sizes.pop("name", DEFAULT_MODEL)
    if not isinstance(name, str) or name not in ARCHITECTURES:
        raise UserError(
            f"There is no model {name!r}. {suggest(str(name), ARCHITECTURES)} One of your own "
            "comes with --plugin."
        )
    kind = ARCHITECTURES[name]
    try:
        return from_table(kind, "model", sizes, computed=computed)
    except (TypeError, ValueError) as error:
        if not issubclass(kind, Registered):
            raise
        # A check of the one who wrote it.
        raise UserError(f"The network {name} takes no such sizes: {error}.") from error


def _data_from_table(table: Mapping[str, Any]) -> DataSettings:
    given = {key: value for key, value in table.items() if key != "vocabulary_from"}
    return dataclasses.replace(
        from_table(DataSettings, "data", given),
        vocabulary_from=tuple(map(_data_from_table, table.get("vocabulary_from", ()))),
    )


def without_places(tables: Tables) -> Tables:
    """A recipe's tables without the folders of this machine."""

    def of(data: Mapping[str, Any]) -> dict[str, Any]:
        others = [of(other) for other in data["vocabulary_from"]]
        kept = {key: value for key, value in data.items() if key != "data_dir"}
        return {**kept, "vocabulary_from": others}

    model = dict(tables["model"])
    if isinstance(model.get("vectors"), str) and "vectors_hash" in model:
        model["vectors"] = Path(model["vectors"]).name
    return {**tables, "data": of(tables["data"]), "model": model}


def retarget(
    recipe: Recipe, data: Mapping[str, Any], settings: Mapping[str, Any] | None = None
) -> Recipe:
    """A recipe for other data: the same model, training and text settings.

    Args:
        recipe: gives model, training and text settings.
        data: the keys of ``[data]`` that differ; columns and size go back to their defaults.
        settings: single settings of data and training, by ``section.key``.

    Raises:
        UserError: an unknown key, a value of the wrong type or without a use, or a change of the
            model.
    """
    kept = {key: getattr(recipe.data, key) for key in TEXT_KEYS}
    tables = {**recipe_to_tables(recipe), "data": {**kept, **data}, "model": {}}
    for key, value in (settings or {}).items():
        section, _, name = key.partition(".")
        if section not in ("data", "training"):
            raise UserError(f"--set {key}: only data and training can differ on other data.")
        tables[section][name] = value
    # The network is the same, and need not be registered here.
    made = dataclasses.replace(recipe_from_settings(tables), model=recipe.model)
    require_used(made.training, settings or {})
    return made


def require_used(settings: TrainingSettings, set_keys: Collection[str]) -> None:
    """Makes sure that an optimizer has a use for what was set.

    Args:
        settings: of a configuration, whose own epsilon another optimizer may leave unused, and what
            was set beside it.
        set_keys: what that was, as ``section.key``.

    Raises:
        UserError: it has none.
    """
    if settings.optimizer == "sgd" and "training.epsilon" in set_keys:
        raise UserError(
            "training.epsilon is Adam's and RMSprop's; leave it out, or set training.optimizer to "
            "adam or rmsprop, not sgd."
        )
