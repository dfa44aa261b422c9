"""What a registered network is: built twice, and told by what both builds have alike.

The networks of this package are told by their sizes, and need none of this.
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from tflottery import plugins, startup
from tflottery.errors import UserError
from tflottery.models.brought.built import Built
from tflottery.models.brought.registered import Registered, Unavailable, trust
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
    """Lines on what is to be known of a registered network: what is not pruned in it, whether
    padding changes its scores, and which weights no seed changes."""
    built = getattr(recipe.model, "built", None)
    if built is None:
        return ()
    name, lines = recipe.model.name, []
    if built.held:
        lines.append(f"Held dense in the network {name}: {', '.join(built.held)}.")
    if built.padding:
        lines.append(built.padding)
    if built.partly:
        lines.append(
            f"Set by the network {name} itself, in a reinit too: {', '.join(built.partly)}."
        )
    if built.fixed and built.varies:
        lines.append(
            f"The same for every seed in the network {name}: {', '.join(built.fixed)}; a reinit "
            "draws the other weights anew."
        )
    elif built.fixed:
        lines.append(
            f"No weight of the network {name} depends on the seed, so that a reinit is the ticket "
            "itself; set no seed in its function, and read no weights there, if that is not meant."
        )
    return tuple(lines)


@lru_cache(maxsize=_KEPT)
def _identified(model: Registered, vocabulary_size: int, classes: int) -> Registered:
    startup.start_tensorflow()
    from tflottery.models.brought.identity import told
    from tflottery.models.roles import roles_of
    from tflottery.pruning.masked_model import masked_model
    from tflottery.training import flow

    found = told(model.name, partial(model.with_assigned, vocabulary_size, classes))
    masked = masked_model(found.model, biases=True)
    built = Built(
        found.identity,
        found.structure,
        vocabulary_size,
        classes,
        roles_of(found.model, vocabulary_size),
        masked.held_dense,
        _padding(found.model, vocabulary_size).format(name=model.name),
        plugins.published(model.module),
        found.fixed,
        found.varies,
        found.partly,
        tuple(masked.prunable),
        flows=not flow.lacking(found.model),
    )
    made: Registered = dataclasses.replace(model, built=built)  # type: ignore[type-var]
    trust(made)
    return made


def _padding(model: keras.Model, vocabulary_size: int) -> str:
    """A line where padding changes a score, with the mend; else empty."""
    from tflottery.models.brought.padding import padding_difference

    apart = padding_difference(model, vocabulary_size)
    if apart <= _AS_ROUNDING:
        return ""
    return (
        "Padding changes the scores of the network {name}: a text has another score beside longer "
        "ones. Let its layers leave ids of 0 out: by Embedding(..., mask_zero=True) where they "
        "take masks, as recurrent ones do, else by x * tf.cast(ids != 0, x.dtype)[..., None]."
    )
