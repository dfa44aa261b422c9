"""The roles of tensors in a network, told by its structure and not by names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tf_keras as keras


@dataclass(frozen=True)
class Roles:
    """Names of tensors. ``embedding``: tables with a row for each word. ``head``: what makes the
    logits."""

    embedding: tuple[str, ...] = ()
    head: tuple[str, ...] = ()


def roles_of(model: keras.Model, vocabulary_size: int) -> Roles:
    """The roles in a plain functional model.

    ``embedding`` are the tables of Embedding layers with ``vocabulary_size`` rows whose ids come
    from the input, directly or through layers without weights; ``head`` the kernels of the layers
    that give the output, again directly or through layers without weights.

    Args:
        model: plain.
        vocabulary_size: the number of ids.
    """
    from tflottery.models import weights

    embedding = [
        name
        for layer in model.layers
        if all(not before.weights for before in _before(layer))
        for name in _tables(layer, vocabulary_size)
    ]
    head: list[str] = []
    asked, open_ = set(), [tensor._keras_history.layer for tensor in model.outputs]
    while open_:
        layer = open_.pop(0)
        if layer not in asked:
            asked.add(layer)
            head += weights.connections(layer)
            open_ += [] if layer.weights else _parents(layer)
    return Roles(tuple(embedding), tuple(head))


def _tables(layer: keras.layers.Layer, rows: int) -> Iterator[str]:
    """The names of the tables in a layer that have so many rows."""
    import tf_keras as keras

    from tflottery.models import weights
    from tflottery.models.parts import parts

    within = [layer, *(part for _, part in parts(layer))]
    tables = {
        id(one.embeddings)
        for one in within
        if isinstance(one, keras.layers.Embedding) and one.input_dim == rows
    }
    for name, variable in weights.in_layer(layer).items():
        if id(variable) in tables:
            yield name


def _parents(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    return [
        tensor._keras_history.layer for node in layer._inbound_nodes for tensor in node.keras_inputs
    ]


def _before(layer: keras.layers.Layer) -> set[keras.layers.Layer]:
    """All layers whose outputs a layer depends on."""
    found: set[keras.layers.Layer] = set()
    open_ = _parents(layer)
    while open_:
        one = open_.pop()
        if one not in found:
            found.add(one)
            open_ += _parents(one)
    return found
