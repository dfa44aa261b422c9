"""Configurations: which settings a command or a call works with, from a TOML file, flags and
``--set section.key=value``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tflottery.data.reading.tfds_source import ALIASES
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError, suggest
from tflottery.experiments.learning_rate.design import TuningSettings
from tflottery.experiments.study.settings import StudySettings
from tflottery.models.architecture import Architecture
from tflottery.models.registry import ARCHITECTURES
from tflottery.runs.recipes import DEFAULT_MODEL, Recipe, recipe_from_settings, require_used
from tflottery.settings import Tables, from_table
from tflottery.tickets.given import located
from tflottery.tickets.settings import PruningSettings
from tflottery.tickets.ticket import Ticket
from tflottery.toml import assignment, folder, parse_assignment, read_toml
from tflottery.training.settings import TrainingSettings

_RECIPE = ("data", "model", "training")
# The file of the settings' own defaults, and the name of what has no file.
DEFAULTS = "defaults"
# What ``config`` is called where settings are to be scaled to the data, whatever file fits them.
SCALED = "scaled"
_OTHERS = {"pruning": PruningSettings, "study": StudySettings, "tuning": TuningSettings}
SECTIONS = (*_RECIPE, *_OTHERS)


@dataclass(frozen=True)
class Configuration:
    """A recipe's parts, how to prune, what a study and a search hold.

    ``name`` is the file's. ``set_keys`` were set beside it, as ``section.key``. ``to_scale``: there
    is no file, and ``scaling.scale`` fits what was not set to the data.
    """

    data: DataSettings
    model: Architecture
    training: TrainingSettings
    pruning: PruningSettings
    study: StudySettings
    tuning: TuningSettings = field(default_factory=TuningSettings)
    name: str = field(default=DEFAULTS, compare=False)
    set_keys: frozenset[str] = field(default=frozenset(), compare=False)
    to_scale: bool = field(default=False, compare=False)

    @property
    def recipe(self) -> Recipe:
        return Recipe(self.data, self.model, self.training)


def kinds(section: str) -> list[tuple[str, type[Any]]]:
    """The dataclasses whose fields are the keys of a section, each with a title."""
    if section == "model":
        return [(f'model, name = "{name}"', kind) for name, kind in ARCHITECTURES.items()]
    known = {"data": DataSettings, "training": TrainingSettings, **_OTHERS}
    return [(section, known[section])]


# The contrasts of claims, which are no configuration (``claims/contrasts.py``).
_CONTRASTS = "claims.toml"


def shipped() -> list[Path]:
    """The files of configurations that ship."""
    return sorted(file for file in folder().glob("*.toml") if file.name != _CONTRASTS)


# Keywords of a call, and flags of a command, that set a key of the configuration.
KEYS = {
    "dataset": "data.dataset",
    "data_dir": "data.data_dir",
    "train_size": "data.train_size",
    "model": "model.name",
    "method": "pruning.method",
    "rate": "pruning.rate",
    "sparsity": "pruning.sparsity",
    "init": "pruning.init",
    "scope": "pruning.scope",
    "criterion": "pruning.criterion",
    "tolerance": "pruning.tolerance",
    "metric": "pruning.metric",
    "levels": "tuning.levels",
    "arms": "tuning.arms",
    "tuner": "tuning.tuner",
    "trials": "tuning.trials",
}

Settings = Mapping[str, Any] | Sequence[str]
"""Single settings: ``{"training.epochs": 6}``, or ``["training.epochs=6"]`` as in ``--set``."""


def changes(**keywords: Any) -> dict[str, Any]:
    """The configuration keys that keywords set, but for those that are None."""
    return {KEYS[name]: value for name, value in keywords.items() if value is not None}


def assigned(settings: Settings) -> dict[str, Any]:
    """Single settings as values by ``section.key``.

    Raises:
        UserError: one has another form.
    """
    if isinstance(settings, str):
        settings = [settings]
    if not isinstance(settings, Mapping):
        if not isinstance(settings, (list, tuple)) or not all(
            isinstance(one, str) for one in settings
        ):
            raise UserError(f"set={settings!r}: give {{'section.key': value}}.")
        return dict(map(parse_assignment, settings))
    for key in settings:
        if str(key).count(".") != 1:
            raise UserError(f"set={{{key!r}: ...}}: write the key as section.key.")
    return dict(settings)


def recorded(settings: Settings, columns: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Single settings as ``--set`` takes them, without where files lie on this machine.

    Args:
        settings: as a call is given them; texts stay as they were written.
        columns: settings that the call was given by words of their own.
    """
    if isinstance(settings, str):
        settings = [settings]
    texts = (
        [assignment(key, value) for key, value in settings.items()]
        if isinstance(settings, Mapping)
        else list(settings)
    )
    texts += [assignment(key, value) for key, value in (columns or {}).items()]
    by_key = [(text.partition("=")[0].strip(), text) for text in texts]
    return tuple(
        assignment(key, Path(parse_assignment(text)[1]).name) if key == "model.vectors" else text
        for key, text in by_key
        if key != "data.data_dir"
    )


def load(path: str | Path, overrides: Mapping[str, Any], settings: Settings = ()) -> Configuration:
    """The configuration of a command or a call.

    Args:
        path: a TOML file, or the name of one in ``configs/``; empty picks the one that fits the
            data set and the model. Where none does, and for ``scaled``, it is the defaults, to be
            scaled to the data.
        overrides: values by ``section.key``, from flags; they win over the file.
        settings: single settings, from ``--set``; they win over all.

    Raises:
        UserError: an unknown key, a value of the wrong type, out of range or without a use.
    """
    chosen = {**overrides, **assigned(settings)}
    file = _file(str(path), chosen)
    tables = read_toml(file, SECTIONS) if file else {}
    for key, value in chosen.items():
        section, _, name = key.partition(".")
        table = tables.setdefault(section, {})
        if key == "model.name" and table.get("name", value) != value:
            table.clear()  # sizes of another architecture
        table[name] = value
    made = _build(tables, file.stem if file else DEFAULTS)
    require_used(made.training, chosen)
    return dataclasses.replace(made, set_keys=frozenset(chosen), to_scale=file is None)


def load_tuning(
    path: str | Path, overrides: Mapping[str, Any], settings: Settings = ()
) -> TuningSettings:
    """What a search holds, where data and network come from elsewhere.

    Args:
        path: a TOML file, or the name of one in ``configs/``, whose ``[tuning]`` alone is read;
            empty for none.
        overrides: values by ``tuning.key``, from flags.
        settings: single settings, from ``--set``.

    Raises:
        UserError: an unknown key, a value of the wrong type or out of range, or another section.
    """
    table: dict[str, Any] = {}
    if path:
        table.update(read_toml(_find(str(path)), SECTIONS).get("tuning", {}))
    for key, value in {**overrides, **assigned(settings)}.items():
        section, _, name = key.partition(".")
        if section != "tuning":
            raise UserError(f"--set {key}: the ticket brings its own; only tuning can be set.")
        table[name] = value
    return from_table(TuningSettings, "tuning", table)


def for_ticket(
    ticket: Ticket, data_dir: str | Path | None, path: str | Path, settings: Settings = ()
) -> Configuration:
    """The configuration of a study of a ticket's data and network.

    Args:
        ticket: what it is of.
        data_dir: folder of prepared TFDS data; None or empty for where the ticket's data were.
        path: a TOML file, or the name of one in ``configs/``, whose ``[study]`` alone is read;
            empty for none.
        settings: single settings of ``study``.

    Raises:
        UserError: an unknown key, a value of the wrong type or out of range, or another section.
    """
    file = _find(str(path)) if path else None
    table = read_toml(file, SECTIONS).get("study", {}) if file else {}
    for key, value in assigned(settings).items():
        section, _, name = key.partition(".")
        if section != "study":
            raise UserError(f"--set {key}: the ticket brings its own; only study can be set.")
        table[name] = value
    recipe = ticket.recipe
    return Configuration(
        located(recipe.data, data_dir),
        recipe.model,
        recipe.training,
        ticket.pruning,
        from_table(StudySettings, "study", table),
        name=file.stem if file else ticket.folder.name,
    )


def _file(path: str, chosen: Mapping[str, Any]) -> Path | None:
    if path == SCALED:
        return None
    return _find(path) if path else _fitting(chosen)


def _find(path: str) -> Path:
    named = folder() / f"{path}.toml"
    if named.is_file():
        return named
    if not Path(path).is_file():
        known = [SCALED, *(file.stem for file in shipped())]
        raise UserError(f"There is no configuration {path!r}; give a file or a name. "
                        f"{suggest(path, known)}")  # fmt: skip
    return Path(path)


def _fitting(chosen: Mapping[str, Any]) -> Path | None:
    dataset = str(chosen.get("data.dataset", DataSettings.dataset))
    model = chosen.get("model.name", DEFAULT_MODEL)
    builder = ALIASES.get(dataset, dataset)
    names = [dataset, *(alias for alias, name in ALIASES.items() if name == builder)]
    candidates = [*(f"{name}_{model}.toml" for name in names), f"{dataset}.toml"]
    known = {file.name: file for file in shipped()}
    return next((known[name] for name in candidates if name in known), None)


def _build(tables: Tables, name: str) -> Configuration:
    for section in tables:
        if section not in SECTIONS:
            raise UserError(f"There is no section {section!r}. {suggest(section, SECTIONS)}")
    recipe = recipe_from_settings(tables)
    others: dict[str, Any] = {
        section: from_table(kind, section, tables.get(section, {}))
        for section, kind in _OTHERS.items()
    }
    return Configuration(recipe.data, recipe.model, recipe.training, **others, name=name)
