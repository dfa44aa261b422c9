"""The network that is served: its layers fit its weights, and it lacks what only training needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tf_keras as keras

from tflottery.data.vocabulary import PADDING
from tflottery.data.wording import PLAIN, Wording
from tflottery.models import weights as named_weights
from tflottery.models.architecture import Architecture, Initializers
from tflottery.pruning import masks
from tflottery.pruning.masks import Masks
from tflottery.tickets.ticket import Ticket

SHARED = 1
"""The embedding row that words without a row of their own share."""


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
        if self.own_rows is None:
            return np.arange(self.words, dtype=np.int32)
        rows = np.where(self.own_rows, SHARED + np.cumsum(self.own_rows), SHARED)
        rows[PADDING] = PADDING
        return rows.astype(np.int32)

    def plain(self) -> keras.Model:
        """The architecture's own model with these weights.

        Raises:
            ValueError: weights were removed, so they do not fit the architecture.
        """
        model = self.architecture.build(self.words, len(self.classes), Initializers(0))
        named_weights.put(model, self.weights)
        return model

    def build(self) -> keras.Model:
        """A plain Keras model: embedding rows int32 [batch, words] → logits float32.

        The sizes of its layers are those of the weights, which may be smaller than the
        architecture's. An LSTM or a GRU is a loop over its cell. It computes the same as Keras'
        layer, whose extra graphs for GPUs and gradients would make a small export several times
        larger.
        """
        plain = self.architecture.build(self.words, len(self.classes), Initializers(0))
        model = keras.models.clone_model(plain, clone_function=self._layer)
        named_weights.put(model, self.weights)
        return model

    def _layer(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, (keras.layers.LSTM, keras.layers.GRU)):
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
        if isinstance(layer, keras.layers.Conv1D):
            config["filters"] = self.weights[f"{layer.name}/kernel"].shape[-1]
        return type(layer).from_config(config)


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
        architecture=ticket.recipe.model,
        words=len(ticket.vocabulary),
        classes=ticket.classes,
        max_length=ticket.recipe.data.max_length,
        wording=ticket.recipe.data.wording,
        weights=masks.apply(pruned, weights),
    )
