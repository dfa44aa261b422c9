"""What a registered network is: built twice, and told by what both builds have alike.

The networks of this package are told by their sizes, and need none of this.
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from tflottery import startup
from tflottery.errors import UserError
from tflottery.models.brought.registered import Built, Registered, Unavailable, trust
from tflottery.runs.recipes import Recipe

if TYPE_CHECKING:
    import tf_keras as keras

# A recipe is identified anew for each call and each value of dropout that is tried.
_KEPT = 64
# Other sums in another order: what padding may change of a logit.
_AS_ROUNDING = 1e-4


def identify_network(recipe: Recipe, classes: int) -> Recipe:
    """The recipe with what its network builds, where somebody registered that; imports TensorFlow
    for such networks alone.

    Args:
        recipe: its data settings say how many ids there are.
        classes: at least 2.

    Raises:
        UserError: the network cannot be built or trained, or changes from one build to the next.
    """
    model = recipe.model
    if not isinstance(model, Registered):
        return recipe
    return dataclasses.replace(
        recipe, model=identified(model, recipe.data.vocabulary_size, classes)
    )


def identified(model: Registered, vocabulary_size: int, classes: int) -> Registered:
    """A registered network with what it builds; see ``identify_network``."""
    if isinstance(model, Unavailable):
        raise UserError(model.why)
    before = model.built
    alone: Registered = dataclasses.replace(model, built=None)  # type: ignore[type-var]
    if before and _identified(alone, before.vocabulary_size, before.classes).built != before:
        raise UserError(
            f"The network {model.name} was edited since the ticket was found: it builds another "
            "one now. Find a ticket anew, or register the network as it was."
        )
    return _identified(alone, vocabulary_size, classes)


def with_sizes(model: Registered, **sizes: object) -> Registered:
    """An identified network with other sizes, which make it another.

    Raises:
        UserError: it has no such size, or as ``identify_network``.
    """
    assert model.built is not None
    try:
        changed: Registered = dataclasses.replace(model, **{**sizes, "built": None})  # type: ignore[type-var]
    except TypeError:
        names = " or ".join(f"model.{name}" for name in sizes)
        raise UserError(f"The network {model.name} has no keyword {names}.") from None
    return identified(changed, model.built.vocabulary_size, model.built.classes)


def remarks_on(recipe: Recipe) -> tuple[str, ...]:
    """Lines on what is to be known of a registered network: what is not pruned in it, and whether
    padding changes its scores."""
    built = getattr(recipe.model, "built", None)
    if built is None:
        return ()
    held = f"Held dense in the network {recipe.model.name}: {', '.join(built.held)}."
    return tuple(filter(None, (held if built.held else "", built.padding)))


@lru_cache(maxsize=_KEPT)
def _identified(model: Registered, vocabulary_size: int, classes: int) -> Registered:
    startup.start_tensorflow()
    from tflottery.models.brought import canonical
    from tflottery.models.roles import roles_of

    one, other = (model.plain(vocabulary_size, classes, seed) for seed in (0, 1))
    structure = canonical.structure(one)
    if structure != canonical.structure(other):
        raise UserError(
            f"The network {model.name} changes from one build to the next, in "
            f"{canonical.first_difference(one, other)}; let its function build the same each time."
        )
    built = Built(
        canonical.identity(one, _constants(one, other)),
        structure,
        vocabulary_size,
        classes,
        roles_of(one, vocabulary_size),
        _held(one),
        _padding(one, vocabulary_size).format(name=model.name),
        model.module,
    )
    made: Registered = dataclasses.replace(model, built=built)  # type: ignore[type-var]
    trust(made)
    return made


def _constants(one: keras.Model, other: keras.Model) -> dict[int, np.ndarray]:
    """The weights, by their place, that are the same whatever the seed and that no initializer of
    the configuration gives: those that the function read from somewhere."""
    import tf_keras as keras

    from tflottery.models.brought.building import build_plain
    from tflottery.models.brought.canonical import code_of

    drawn = build_plain(lambda: keras.models.clone_model(one), seed=0)
    # An initializer of one's own may read a file as well.
    is_told = not any(where.endswith("_initializer") for where in code_of(one))
    constants = {}
    for place, weights in enumerate(
        zip(one.get_weights(), other.get_weights(), drawn.get_weights(), strict=True)
    ):
        first, second, anew = weights
        if np.array_equal(first, second) and not (is_told and np.array_equal(first, anew)):
            constants[place] = first
    return constants


def _held(model: keras.Model) -> tuple[str, ...]:
    """The tensors that are held dense under masks."""
    from tflottery.pruning.masked_model import masked_model

    return masked_model(model).held_dense


def _padding(model: keras.Model, vocabulary_size: int) -> str:
    """A line where padding changes a score, with the mend; else empty."""
    from tflottery.models.brought.padding import padding_difference

    apart = padding_difference(model, vocabulary_size)
    if apart <= _AS_ROUNDING:
        return ""
    return (
        "Padding changes the scores of the network {name}: a text alone and in a batch of longer "
        "ones are told apart. Leave ids of 0 out, as with a mask: x * tf.cast(ids != 0, "
        "x.dtype)[..., None]."
    )
