"""What a layer is made of: variables, random generators and inner layers, by the path that leads to
each."""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf
import tf_keras as keras
from tensorflow.python.trackable.autotrackable import AutoTrackable

# Where Keras keeps its books; whatever is listed there has an attribute of its own as well.
_BOOKS_OF_TENSORFLOW = "_self_"
_BOOKS = (
    "_trainable_weights",
    "_non_trainable_weights",
    "_self_tracked_trackables",
    "_inbound_nodes_value",
    "_outbound_nodes_value",
    "_obj_reference_counts_dict",
    "_callable_losses",
    "_eager_losses",
    "_losses",
    "_updates",
    "_metrics",
    "_initial_weights",
    "_saved_model_inputs_spec",
    "input_spec",
)


def layers_of(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers of a model, in order; of a wrapped one (see ``pruning``) those inside the
    wrappers, which have the same names."""
    # TF-MOT's wrapper is told by its masks: Keras' own wrappers are layers as any other.
    return [layer.layer if hasattr(layer, "pruning_vars") else layer for layer in model.layers]


def parts(layer: keras.layers.Layer) -> Iterator[tuple[tuple[str, ...], object]]:
    """Each variable, random generator (``tf.random.Generator``) and inner layer of a layer, with
    the attributes that lead to it, such as ``("cell", "kernel")``; underscores before a name are
    left out.

    Paths depend on the layer's code alone, so they are the same for each layer of its kind.
    """
    yield from _within(layer, (), {id(layer)})


def _within(
    whole: object, path: tuple[str, ...], seen: set[int]
) -> Iterator[tuple[tuple[str, ...], object]]:
    for name, value in _named(whole):
        if id(value) in seen:
            continue
        here = (*path, name)
        if isinstance(value, tf.Variable | tf.random.Generator):
            seen.add(id(value))
            yield here, value
        elif isinstance(value, keras.layers.Layer):
            seen.add(id(value))
            yield here, value
            yield from _within(value, here, seen)
        elif isinstance(value, list | tuple | dict | AutoTrackable):
            seen.add(id(value))
            yield from _within(value, here, seen)


def _named(whole: object) -> list[tuple[str, object]]:
    if isinstance(whole, dict):
        return [(str(key), value) for key, value in whole.items()]
    if isinstance(whole, list | tuple):
        return [(str(number), value) for number, value in enumerate(whole)]
    if hasattr(whole, "_maybe_init"):
        whole._maybe_init()  # Keras makes the generator of some layers at their first use only
    return [
        (name.lstrip("_"), value)
        for name, value in vars(whole).items()
        if name not in _BOOKS and not name.startswith(_BOOKS_OF_TENSORFLOW)
    ]
