"""The network that is served: its layers fit its weights, and it lacks what only training needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from tflottery.data.words.vocabulary import PADDING
from tflottery.data.words.wording import PLAIN, Wording
from tflottery.exports.reading import embedding_rows
from tflottery.models import weights as named_weights
from tflottery.models.architecture import Architecture, Initializers
from tflottery.models.brought.kept import Rebuilt
from tflottery.models.brought.registered import Registered
from tflottery.models.shipped.convolution import ConvMaxOverTime
from tflottery.models.shipped.gated import UnrolledGru
from tflottery.models.shipped.layers import WordMask
from tflottery.models.shipped.recurrence import BlockLstm
from tflottery.pruning import masks
from tflottery.pruning.masks import Masks
from tflottery.tickets.ticket import Ticket


@dataclass(frozen=True)
class Network:
    """A trained network, and the vocabulary size, classes, text length and wording that it is made
    for.

    ``words``: the number of ids. ``max_length``: the most words of a text. ``weights``: float32
    arrays by tensor. ``own_rows``: bool [words], which words have an embedding row of their own, in
    the order of their ids; all others share the row ``SHARED``. None if each word has its own.
    """

    architecture: Architecture
    words: int
    classes: tuple[str, ...]
    max_length: int
    weights: Mapping[str, np.ndarray]
    own_rows: np.ndarray | None = None
    wording: Wording = PLAIN

    @property
    def numbers(self) -> int:
        """The number of weights and biases."""
        return sum(weight.size for weight in self.weights.values())

    @property
    def rows(self) -> np.ndarray:
        """int32 [words]: the embedding row of each id."""
        return embedding_rows(self.words, self.own_rows)

    @property
    def is_registered(self) -> bool:
        """Whether the network is somebody's own, of which nothing is known but what it is built
        of."""
        return isinstance(self.architecture, (Rebuilt, Registered))

    @cached_property
    def ids_name_rows(self) -> bool:
        """Whether ids do nothing but name rows of the embedding, and tell padding from words; so
        that words with equal rows can share one. That can be shown where the input goes to nothing
        else."""
        if not self.is_registered:
            return True
        model = self.architecture.build(self.words, len(self.classes), Initializers(0))
        tables = {name.partition("/")[0] for name in self.architecture.roles().embedding}
        (ids,) = model.inputs
        readers = [
            (layer, node)
            for layer in model.layers
            for node in layer._inbound_nodes
            if any(tensor is ids for tensor in node.keras_inputs)
            and not isinstance(layer, keras.layers.InputLayer)
        ]
        return all(layer.name in tables or _tells_padding(layer, node) for layer, node in readers)

    def plain(self) -> keras.Model:
        """The architecture's own model with these weights.

        Raises:
            ValueError: weights were removed, so they do not fit the architecture.
        """
        model = self.architecture.build(self.words, len(self.classes), Initializers(0))
        named_weights.put(model, self.weights)
        return model

    def build(self, *, by_loop: bool = False) -> keras.Model:
        """A plain Keras model: embedding rows int32 [batch, words] → logits float32.

        The sizes of its layers are those of the weights, which may be smaller than the
        architecture's. An ``UnrolledGru`` is a loop over its cell, which computes the same as
        Keras' layer, whose extra graphs for GPUs and gradients would make a small export several
        times larger.

        Args:
            by_loop: whether a ``BlockLstm`` is such a loop too, for runtimes that do not have its
                fused op. That op takes half the time, and of what it takes smaller matrices
                save more.
        """

        def layer_of(layer: keras.layers.Layer) -> keras.layers.Layer:
            return self._layer(layer, by_loop)

        plain = self.architecture.build(self.words, len(self.classes), Initializers(0))
        model = keras.models.clone_model(plain, clone_function=layer_of)
        named_weights.put(model, self.weights)
        return model

    def _layer(self, layer: keras.layers.Layer, by_loop: bool) -> keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, BlockLstm) and not by_loop:
            config["units"] = len(self.weights[f"{layer.name}/recurrent_kernel"])
        elif isinstance(layer, (BlockLstm, UnrolledGru)):
            units = len(self.weights[f"{layer.name}/recurrent_kernel"])
            return keras.layers.RNN(
                keras.layers.LSTMCell(units)
                if isinstance(layer, keras.layers.LSTM)
                else keras.layers.GRUCell(units, reset_after=config["reset_after"]),
                return_sequences=config["return_sequences"],
                go_backwards=config["go_backwards"],
                name=layer.name,
            )
        if isinstance(layer, keras.layers.Embedding):
            rows, columns = self.weights[f"{layer.name}/embeddings"].shape
            config |= {"input_dim": rows, "output_dim": columns}
        if isinstance(layer, keras.layers.Dense):
            config["units"] = self.weights[f"{layer.name}/kernel"].shape[-1]
        if isinstance(layer, ConvMaxOverTime):
            config["filters"] = self.weights[f"{layer.name}/kernel"].shape[-1]
        made = type(layer).from_config(config)
        if isinstance(made, BlockLstm):
            made.learns = False
        return made


def _tells_padding(layer: keras.layers.Layer, node: Any) -> bool:
    """Whether a layer asks of ids only whether they are padding."""
    if isinstance(layer, WordMask):
        return True
    if getattr(layer, "function", None) not in (tf.not_equal, tf.equal):
        return False
    others = [
        *node.call_args[1:],
        *(node.call_kwargs[key] for key in ("y",) if key in node.call_kwargs),
    ]
    return len(others) == 1 and isinstance(others[0], int) and others[0] == PADDING


def of_ticket(ticket: Ticket) -> Network:
    """The trained network of a ticket; every pruned weight is exactly zero."""
    return of_weights(ticket, ticket.final_weights, ticket.masks)


def of_weights(ticket: Ticket, weights: Mapping[str, np.ndarray], pruned: Masks) -> Network:
    """A ticket's architecture and vocabulary with other weights.

    Args:
        ticket: gives architecture, vocabulary and classes.
        weights: float32 arrays for every trainable tensor.
        pruned: masks that are applied to them; tensors without a mask stay as they are.
    """
    return Network(
        architecture=ticket.architecture,
        words=len(ticket.vocabulary),
        classes=ticket.classes,
        max_length=ticket.recipe.data.max_length,
        wording=ticket.recipe.data.wording,
        weights=masks.apply(pruned, weights),
    )
