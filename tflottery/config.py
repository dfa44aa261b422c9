"""Configurations: TOML tables and ``--set section.key=value`` into checked settings, and back."""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tflottery.data.settings import DataSettings
from tflottery.data.tfds_source import ALIASES
from tflottery.errors import UserError, suggest
from tflottery.experiments.learning_rate.design import TuningSettings
from tflottery.experiments.study.design import StudySettings
from tflottery.lottery import PruningSettings
from tflottery.models.architecture import Architecture
from tflottery.models.registry import ARCHITECTURES
from tflottery.runs.specs import Recipe
from tflottery.training.settings import TrainingSettings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Tables = dict[str, dict[str, Any]]
_SECTIONS = ("data", "model", "training", "pruning", "study", "tuning")
_DEFAULT_MODEL = "cnn"
# Filled in by the program, never by a configuration.
_COMPUTED = {"fingerprint", "vocabulary_from"}
# What a data set shares with another one that is encoded for the same network.
_OF_TEXT = ("vocabulary_size", "max_length", "validation")
T = TypeVar("T")


@dataclass(frozen=True)
class Config:
    """What a command works with: a recipe's parts, how to prune, what a study and a search hold."""

    data: DataSettings
    model: Architecture
    training: TrainingSettings
    pruning: PruningSettings
    study: StudySettings
    tuning: TuningSettings = field(default_factory=TuningSettings)
    name: str = field(default="defaults", compare=False)

    @property
    def recipe(self) -> Recipe:
        return Recipe(self.data, self.model, self.training)


def config_folder() -> Path:
    """``configs/`` of the checkout, or where an installation put it."""
    checkout = Path(__file__).parent.parent / "configs"
    return checkout if checkout.is_dir() else Path(sys.prefix) / "share" / "tflottery" / "configs"


def load(path: str, overrides: Mapping[str, Any], assignments: Iterable[str] = ()) -> Config:
    """The configuration of a command.

    Args:
        path: a TOML file, or the name of one in ``configs/``; empty picks the one that fits the
            data set and the model, or the defaults.
        overrides: values by ``section.key``, from flags; they win over the file.
        assignments: ``section.key=value`` texts, from ``--set``; they win over all.

    Raises:
        UserError: an unknown key, a value of the wrong type or out of range.
    """
    changes = {**overrides, **dict(_parse_assignment(text) for text in assignments)}
    file = _find(path) if path else _fitting(changes)
    tables = _read(file) if file else {}
    for key, value in changes.items():
        section, _, name = key.partition(".")
        table = tables.setdefault(section, {})
        if key == "model.name" and table.get("name", value) != value:
            table.clear()  # sizes of another architecture
        table[name] = value
    return _build(tables, file.stem if file else "defaults")


def _find(path: str) -> Path:
    named = config_folder() / f"{path}.toml"
    if named.is_file():
        return named
    if not Path(path).is_file():
        known = [file.stem for file in config_folder().glob("*.toml")]
        raise UserError(f"There is no configuration {path!r}; give a file or a name. "
                        f"{suggest(path, known)}")  # fmt: skip
    return Path(path)


def _fitting(changes: Mapping[str, Any]) -> Path | None:
    dataset = str(changes.get("data.dataset", DataSettings.dataset))
    model = changes.get("model.name", _DEFAULT_MODEL)
    builder = ALIASES.get(dataset, dataset)
    names = [dataset, *(alias for alias, name in ALIASES.items() if name == builder)]
    candidates = [*(f"{name}_{model}.toml" for name in names), f"{dataset}.toml"]
    shipped = {file.name: file for file in config_folder().glob("*.toml")}
    return next((shipped[name] for name in candidates if name in shipped), None)


def _read(path: Path) -> Tables:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no TOML: {error}.") from None
    for section, table in tables.items():
        if not isinstance(table, dict):
            raise UserError(f"{path}: {section!r} stands outside the tables {list(_SECTIONS)}.")
    return tables


def _parse_assignment(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or key.count(".") != 1:
        raise UserError(f"--set {text}: write it as section.key=value.")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def _build(tables: Tables, name: str) -> Config:
    for section in tables:
        if section not in _SECTIONS:
            raise UserError(f"There is no section {section!r}. {suggest(section, _SECTIONS)}")
    recipe = _recipe(tables)
    pruning = settings_from_table(PruningSettings, "pruning", tables.get("pruning", {}))
    study = settings_from_table(StudySettings, "study", tables.get("study", {}))
    tuning = settings_from_table(TuningSettings, "tuning", tables.get("tuning", {}))
    return Config(recipe.data, recipe.model, recipe.training, pruning, study, tuning, name)


def _recipe(tables: Mapping[str, Mapping[str, Any]]) -> Recipe:
    model = dict(tables.get("model", {}))
    model_name = model.pop("name", _DEFAULT_MODEL)
    if model_name not in ARCHITECTURES:
        raise UserError(
            f"There is no model {model_name!r}. {suggest(str(model_name), ARCHITECTURES)}"
        )
    return Recipe(
        settings_from_table(DataSettings, "data", tables.get("data", {})),
        settings_from_table(ARCHITECTURES[model_name], "model", model),
        settings_from_table(TrainingSettings, "training", tables.get("training", {})),
    )


def recipe_to_tables(recipe: Recipe) -> Tables:
    """The recipe as JSON or TOML values; ``recipe_from_tables`` gives it back."""
    return {
        "data": dataclasses.asdict(recipe.data),
        "model": {"name": recipe.model.name, **dataclasses.asdict(recipe.model)},  # type: ignore[call-overload]
        "training": dataclasses.asdict(recipe.training),
    }


def without_places(tables: Tables) -> Tables:
    """A recipe's tables without where data lie on this machine."""

    def of(data: Mapping[str, Any]) -> dict[str, Any]:
        others = [of(other) for other in data["vocabulary_from"]]
        kept = {key: value for key, value in data.items() if key != "data_dir"}
        return {**kept, "vocabulary_from": others}

    return {**tables, "data": of(tables["data"])}


def recipe_from_tables(tables: Mapping[str, Mapping[str, Any]]) -> Recipe:
    """What ``recipe_to_tables`` wrote down.

    Raises:
        UserError: an unknown key or a value of the wrong type.
    """
    recipe = _recipe({**tables, "data": {}})
    return dataclasses.replace(recipe, data=_data_from_table(tables.get("data", {})))


def _data_from_table(table: Mapping[str, Any]) -> DataSettings:
    given = {key: value for key, value in table.items() if key not in _COMPUTED}
    return dataclasses.replace(
        settings_from_table(DataSettings, "data", given),
        fingerprint=str(table.get("fingerprint", "")),
        vocabulary_from=tuple(map(_data_from_table, table.get("vocabulary_from", ()))),
    )


def retarget(recipe: Recipe, data: Mapping[str, Any], assignments: Iterable[str] = ()) -> Recipe:
    """A recipe for other data: the same model, training and text settings.

    Args:
        recipe: what stays.
        data: keys of ``[data]`` that change; columns and size go back to their defaults.
        assignments: ``data.key=value`` or ``training.key=value`` texts, from ``--set``.

    Raises:
        UserError: an unknown key, a value of the wrong type, or a change of the model.
    """
    kept = {key: getattr(recipe.data, key) for key in _OF_TEXT}
    tables = {**recipe_to_tables(recipe), "data": {**kept, **data}}
    for key, value in map(_parse_assignment, assignments):
        section, _, name = key.partition(".")
        if section not in ("data", "training"):
            raise UserError(f"--set {key}: only data and training can differ on other data.")
        tables[section][name] = value
    return _recipe(tables)


def load_tuning(
    path: str, changes: Mapping[str, Any], assignments: Iterable[str] = ()
) -> TuningSettings:
    """What a search holds, where data and network come from elsewhere.

    Args:
        path: a TOML file, or the name of one in ``configs/``, whose ``[tuning]`` alone is read;
            empty for none.
        changes: values by ``tuning.key``, from flags.
        assignments: ``tuning.key=value`` texts, from ``--set``.

    Raises:
        UserError: an unknown key, a value of the wrong type or out of range, or another section.
    """
    table: dict[str, Any] = dict(_read(_find(path)).get("tuning", {})) if path else {}
    for key, value in (*changes.items(), *map(_parse_assignment, assignments)):
        section, _, name = key.partition(".")
        if section != "tuning":
            raise UserError(f"--set {key}: the ticket brings its own; only tuning can be set.")
        table[name] = value
    return settings_from_table(TuningSettings, "tuning", table)


def settings_from_table(kind: type[T], section: str, table: Mapping[str, Any]) -> T:
    """A settings dataclass from a table, every key and type checked."""
    hints = typing.get_type_hints(kind)
    known = {item.name for item in dataclasses.fields(kind)} - _COMPUTED  # type: ignore[arg-type]
    values = {}
    for key, value in table.items():
        if key not in known:
            raise UserError(f"There is no key {section}.{key}. {suggest(key, known)}")
        values[key] = _checked(f"{section}.{key}", value, hints[key])
    return kind(**values)


def _checked(key: str, value: Any, hint: Any) -> Any:
    """The value as the type that the settings declare."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        choices = typing.get_args(hint)
        for choice in choices:
            try:
                return _checked(key, value, choice)
            except UserError:
                continue
        names = " or ".join(choice.__name__ for choice in choices)
        raise UserError(f"{key} is {value!r}; it takes a value of type {names}.")
    if typing.get_origin(hint) is tuple and isinstance(value, (list, tuple)):
        return tuple(_checked(key, item, typing.get_args(hint)[0]) for item in value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is hint:
        return value
    name = "list" if typing.get_origin(hint) is tuple else hint.__name__
    raise UserError(f"{key} is {value!r}; it takes a value of type {name}.")
