"""The defaults, scaled to data that no configuration is for.

The settings' own defaults are sized for tens of thousands of texts. On a few thousand they end
after some dozen optimizer steps with a network that has hardly learnt, and a tolerance of half a
point is two texts. What is set by hand always wins.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from tflottery.data.reading.sources import name_of
from tflottery.data.settings import DataSettings
from tflottery.data.sizes import Sizes, sizes_of
from tflottery.experiments.configuration import DEFAULTS, SCALED, Configuration
from tflottery.tickets.settings import PruningSettings
from tflottery.training.settings import TrainingSettings

T = TypeVar("T")

# Optimizer steps that a training needs, and the fewest and most epochs that it has to get there.
# With more passes over a few hundred texts, validation loss only rises.
STEPS = 600
EPOCHS = (4, 20)
# Half of the default's: twice the steps from as many texts read.
BATCH = 32
# Of the epochs: for how many the rate rises, and how many without a better loss end a training.
WARMUP, PATIENCE = 0.1, 0.25
# Below this an embedding's magnitude says little about how often its word is met.
EPSILON = 1e-5
WEIGHT_DECAY = 0.1
# The fraction of texts on which of two equally good networks one is right and the other wrong; the
# normal quantile of a 95 % interval; and of what tolerances are whole multiples, in points.
DISAGREEMENT, QUANTILE, READABLE = 0.1, 1.96, 0.5

# By architecture: the sizes that differ from its own, and the highest learning rate for them.
_NETWORKS: dict[str, tuple[dict[str, Any], float]] = {
    "cnn": (
        {"embedding": 40, "filters": 32, "word_dropout": 0.2, "embedding_dropout": 0.0},
        0.004,
    ),
    "lstm": (
        {
            "embedding": 32, "units": 24, "pooling": "max", "word_dropout": 0.2,
            "embedding_dropout": 0.0,
        },
        0.006,
    ),
    "gru": (
        {
            "embedding": 32, "units": 24, "pooling": "max", "word_dropout": 0.2,
            "embedding_dropout": 0.0,
        },
        0.006,
    ),
    "transformer": (
        {"embedding": 32, "heads": 2, "feed_forward": 64, "word_dropout": 0.2},
        0.004,
    ),
}  # fmt: skip


def fit(chosen: Configuration, data: DataSettings) -> tuple[Configuration, tuple[str, ...]]:
    """A configuration that fits the data, and a line on what was scaled.

    Args:
        chosen: as ``configuration.load`` gives it; one of a file is left as it is, and where
            ``train_size`` leaves it few steps, the line says so.
        data: its settings, with what identifies the data.

    Raises:
        UserError: the data cannot be read.
    """
    if not chosen.to_scale:
        return chosen, _too_few_steps(chosen, data)
    sizes = sizes_of(data)
    scaled = scale(chosen, sizes)
    return scaled, _in_words(chosen, scaled, sizes, name_of(data) or data.dataset)


def scale(chosen: Configuration, sizes: Sizes) -> Configuration:
    """The configuration with whatever was not set by hand scaled to the sizes.

    Of small data (``is_small``) everything of the training, and the sizes of the networks that are
    shipped; of all data the tolerance. The text settings and the way of pruning stay: vocabulary
    and length are limited by what the texts hold. Classes are not weighted: that trades accuracy
    for the rare classes' sake, which is for the user to want.
    """
    model, training = chosen.model, chosen.training
    if is_small(sizes):
        network, rate = _NETWORKS.get(model.name, ({}, training.learning_rate))
        model = _changed(chosen, "model", model, network)
        training = _training(chosen, sizes, rate)
    tolerance = {"tolerance": resolution(sizes.validation)}
    return dataclasses.replace(
        chosen,
        model=model,
        training=training,
        pruning=_changed(chosen, "pruning", chosen.pruning, tolerance),
        name=SCALED,
        to_scale=False,
    )


def _changed(chosen: Configuration, section: str, settings: T, values: Mapping[str, Any]) -> T:
    """The settings with those values that were not set by hand."""
    free = {
        name: value
        for name, value in values.items()
        if f"{section}.{name}" not in chosen.set_keys
    }  # fmt: skip
    return dataclasses.replace(settings, **free)  # type: ignore[type-var]


def _training(chosen: Configuration, sizes: Sizes, rate: float) -> TrainingSettings:
    """Epochs follow from the batches, and what is counted in epochs from these, whoever set
    them."""
    made = chosen.training
    first: dict[str, Any] = {
        "batch_size": BATCH, "epsilon": EPSILON, "weight_decay": WEIGHT_DECAY, "decay": "linear",
    }  # fmt: skip
    if made.optimizer == TrainingSettings.optimizer:
        first["learning_rate"] = rate
    made = _changed(chosen, "training", made, first)
    fewest, most = EPOCHS
    wanted = math.ceil(STEPS / _steps(sizes.train, made.batch_size))
    made = _changed(chosen, "training", made, {"epochs": min(max(wanted, fewest), most)})
    in_epochs = {
        "warmup": round(WARMUP * made.epochs, 2),
        "patience": max(1, math.ceil(PATIENCE * made.epochs)),
    }
    return _changed(chosen, "training", made, in_epochs)


def is_small(sizes: Sizes) -> bool:
    """Whether the default number of epochs gives fewer steps than a training needs."""
    default = TrainingSettings()
    return default.epochs * _steps(sizes.train, default.batch_size) < STEPS


def resolution(texts: int) -> float:
    """The finest tolerance that so many validation texts can tell, in points, not below the
    default.

    Two networks differ only on texts that one has right and the other wrong. Where that is a
    fraction d of n texts, the difference of two equally good networks has the standard deviation
    sqrt(d / n), and 1.96 times that is what chance alone gives in one of 20 comparisons. d is taken
    as a tenth. Rounded up to half a point.
    """
    chance = 100 * QUANTILE * math.sqrt(DISAGREEMENT / max(texts, 1))
    return max(PruningSettings().tolerance, READABLE * math.ceil(round(chance / READABLE, 6)))


def _steps(texts: int, batch_size: int) -> int:
    return max(1, -(-texts // batch_size))


def _too_few_steps(chosen: Configuration, data: DataSettings) -> tuple[str, ...]:
    """A file that is for a whole data set fits no part of it."""
    if not data.train_size or {"training.epochs", "training.batch_size"} & chosen.set_keys:
        return ()
    sizes, training = sizes_of(data), chosen.training
    steps = _steps(sizes.train, training.batch_size)
    if training.epochs * steps >= STEPS:
        return ()
    return (
        f"{chosen.name} has {training.epochs} epochs of {steps} steps for about {sizes.train:,} "
        f"training texts, which is little to learn from; --config {SCALED} scales the settings to "
        "that many.",
    )


def _knows_rate(chosen: Configuration) -> bool:
    return chosen.model.name in _NETWORKS or "training.learning_rate" in chosen.set_keys


def _in_words(
    before: Configuration, made: Configuration, sizes: Sizes, name: str
) -> tuple[str, ...]:
    """What was scaled, for the user to read; nothing where nothing was."""
    changed = []
    if made.recipe != before.recipe:
        training = made.training
        changed += [
            f"{training.epochs} epochs of {_steps(sizes.train, training.batch_size)} steps",
            f"learning rate {training.learning_rate:g}"
            + ("" if _knows_rate(before) else " (not scaled, as the network is not known)"),
        ]
        if made.model != before.model:
            changed.append(f"a small {made.model.name}")
    if made.pruning != before.pruning:
        changed.append(
            f"tolerance {made.pruning.tolerance:g} points, the least that about "
            f"{sizes.validation:,} validation texts can tell"
        )
    if not changed:
        return ()
    return (
        f"No configuration is for {name}: the defaults are scaled to about {sizes.train:,} "
        f"training texts: {', '.join(changed)}. Set others with --set or --config; --config "
        f"{DEFAULTS} takes them unscaled.",
    )
