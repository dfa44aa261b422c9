"""A ticket whose weights somebody trained on: written back, without what was measured on others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tflottery import startup
from tflottery.errors import UserError
from tflottery.files import Arrays
from tflottery.pruning.masks import Masks
from tflottery.tickets.verdict import NO_VERDICT

if TYPE_CHECKING:
    import tf_keras as keras

# Said of the weights that the ticket had, and not of any others.
_MEASURED = (
    "by_seed", "baseline", "cautions", "collapsed", "files", "format_version", "intervals",
    "metrics", "more", "rounds", "sentence", "texts", "verdict",
)  # fmt: skip
_ACCURACY = "_accuracy"


def require_model(model: object) -> None:
    """Makes sure that it is a model that could be of a ticket.

    Raises:
        UserError: it is another thing, as a path, or a model of Keras 3.
    """
    startup.start_tensorflow()
    from tflottery.models import weights as named_weights

    if not named_weights.is_model(model):
        raise UserError(
            f"save_as takes a model of tf_keras, as ticket.build() made it, not "
            f"{type(model).__module__}.{type(model).__name__}."
        )


def weights_of(model: keras.Model, folder: Path, rewind_weights: Arrays, masks: Masks) -> Arrays:
    """A model's weights by tensor, once they are shown to be those of a ticket's network.

    Args:
        model: that was trained on.
        folder, rewind_weights, masks: the ticket's.

    Raises:
        UserError: they are not.
    """
    from tflottery.models import weights as named_weights

    weights = named_weights.get(model)
    expected = {name: weight.shape for name, weight in rewind_weights.items()}
    odd = sorted(
        name
        for name in {*weights, *expected}
        if name not in weights or weights[name].shape != expected.get(name)
    )
    if odd:
        raise UserError(
            f"This model's network is not that of the ticket {folder}: {', '.join(odd)}; "
            "give one that ticket.build() made."
        )
    broken = sorted(name for name, weight in weights.items() if not np.isfinite(weight).all())
    if broken:
        raise UserError(f"This model has weights that are not a number: {', '.join(broken)}.")
    revived = sorted(name for name, kept in masks.items() if weights[name][~kept].any())
    if revived:
        raise UserError(
            f"This model has weights that the ticket prunes in {', '.join(revived)}; train one "
            "that ticket.build() made, which holds the mask."
        )
    return weights


def about_of(about: Mapping[str, Any], verdict: str, sentence: str) -> dict[str, Any]:
    """How a ticket was found. What was measured is left out, since it was measured on other
    weights.

    Args:
        about: what ``ticket.json`` says.
        verdict, sentence: in words of today.
    """
    kept = {
        key: value
        for key, value in about.items()
        if key not in _MEASURED and not key.endswith(_ACCURACY)
    }
    none = (
        "No verdict: the weights were trained on after the search, and nothing was measured since. "
        f"The ticket that they come from: {sentence}"
    )
    origin = {
        "verdict": verdict,
        "sentence": sentence,
        "files": about["files"],
    }
    return {**kept, "verdict": NO_VERDICT, "sentence": none, "trained_on_from": origin}
