"""What a network is that a user's function builds, told by two builds from two seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tf_keras as keras

from tflottery.errors import UserError
from tflottery.models import weights as named_weights
from tflottery.models.brought import canonical
from tflottery.models.brought.building import build_plain

Build = Callable[[int], tuple[keras.Model, list[np.ndarray]]]
"""From a seed to what ``building.build_with_assigned`` gives."""


@dataclass(frozen=True, eq=False)
class Told:
    """A network, as built from seed 0.

    ``structure``: the digest of its configuration, its weights' shapes and its code. ``identity``:
    that of these and of all weights that are read or computed by the function. ``fixed``: the
    prunable tensors that are the same for every seed, but for those of one value, as zeros are.
    ``partly``: how many rows the function sets of others, in words. ``varies``: whether a seed
    decides any prunable tensor.
    """

    model: keras.Model
    structure: str
    identity: str
    fixed: tuple[str, ...]
    partly: tuple[str, ...]
    varies: bool


def told(name: str, build: Build) -> Told:
    """What a function builds.

    Args:
        name: of the network, for messages.
        build: calls the function.

    Raises:
        UserError: it cannot be built or carried, or changes from one build to the next.
    """
    (one, assigned), (other, _) = (build(seed) for seed in (0, 1))
    try:
        structure = canonical.structure(one)
        content = _content(one, other, assigned)
    except UserError as error:
        raise UserError(f"The network {name} cannot be used: {error}") from None
    if structure != canonical.structure(other):
        raise UserError(
            f"The network {name} changes from one build to the next, in "
            f"{canonical.first_difference(one, other)}; let its function build the same each time."
        )
    identity = canonical.identity(one, content)
    fixed, varies = _fixed(one, other)
    return Told(one, structure, identity, fixed, _partly(one, other, assigned), varies)


def _content(
    one: keras.Model, other: keras.Model, assigned: list[np.ndarray]
) -> dict[int, np.ndarray]:
    """What of the weights no configuration tells, by their place: tensors that are the same
    whatever the seed and that no initializer gives, as those read from a file; and of others the
    elements that the function set itself, as rows of known words among rows that were drawn, with
    zeros elsewhere."""
    drawn = build_plain(lambda: keras.models.clone_model(one), seed=0)
    # An initializer of one's own may read a file as well.
    is_told = not any(where.endswith("_initializer") for where in canonical.code_of(one))
    content = {}
    for place, weights in enumerate(
        zip(one.get_weights(), other.get_weights(), drawn.get_weights(), strict=True)
    ):
        first, second, anew = weights
        if np.array_equal(first, second):
            if not (is_told and np.array_equal(first, anew)):
                content[place] = first
        elif assigned[place].any():
            content[place] = np.where(assigned[place], first, np.zeros_like(first))
    return content


def _fixed(one: keras.Model, other: keras.Model) -> tuple[tuple[str, ...], bool]:
    """``fixed`` and ``varies`` of ``Told``."""
    names = [name for layer in one.layers for name in named_weights.prunable(layer)]
    ones, others = named_weights.get(one), named_weights.get(other)
    same = [name for name in names if np.array_equal(ones[name], others[name])]
    return tuple(name for name in same if np.ptp(ones[name]) > 0), len(same) < len(names)


def _partly(one: keras.Model, other: keras.Model, assigned: list[np.ndarray]) -> tuple[str, ...]:
    """``partly`` of ``Told``."""
    told = []
    names = {id(value): name for name, value in named_weights.variables(one).items()}
    prunable = {name for layer in one.layers for name in named_weights.prunable(layer)}
    for variable, twin, is_set in zip(one.weights, other.weights, assigned, strict=True):
        name = names[id(variable)]
        if name not in prunable or not is_set.any():
            continue
        same = is_set & (variable.numpy() == twin.numpy())
        rows = same.reshape(len(same), -1).all(axis=1)
        if rows.any() and not rows.all():
            told.append(f"{rows.sum():,} of {len(rows):,} rows of {name}")
    return tuple(told)
