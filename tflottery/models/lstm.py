"""The LSTM classifier: the last states of one or more layers, in one or both directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import tf_keras as keras

from tflottery.errors import UserError
from tflottery.models.layers import ReverseTime, SeededDropout, WordMask
from tflottery.models.registry import Initializers, head

DIRECTIONS = ("forward", "backward")
# In the order in which Keras lays them side by side in a kernel.
GATES = ("input", "forget", "candidate", "output")


@dataclass(frozen=True)
class Lstm:
    """``layers`` LSTM layers of ``units`` units a direction.

    ``forget_bias`` starts the forget gate's bias at 1 (Jozefowicz et al. 2015) instead of 0. Both
    directions are LSTM layers of their own: TF-MOT refuses Keras' Bidirectional.
    """

    name: ClassVar[str] = "lstm"

    embedding: int = 64
    units: int = 32
    layers: int = 1
    bidirectional: bool = True
    forget_bias: bool = True
    embedding_dropout: float = 0.2
    dropout: float = 0.5

    def __post_init__(self) -> None:
        if min(self.embedding, self.units, self.layers) < 1:
            raise UserError("model.embedding, model.units and model.layers are at least 1.")

    def build(self, vocabulary_size: int, classes: int, initializers: Initializers) -> keras.Model:
        ids = keras.Input([None], dtype="int32", name="ids")
        mask = WordMask(name="word_mask")(ids)
        words = keras.layers.Embedding(
            vocabulary_size,
            self.embedding,
            embeddings_initializer=initializers.uniform("embedding", 0.05),
            name="embedding",
        )(ids)
        words = SeededDropout(self.embedding_dropout, name="embedding_dropout")(words)
        directions = DIRECTIONS if self.bidirectional else DIRECTIONS[:1]
        for number in range(1, self.layers + 1):
            last = number == self.layers
            outputs = []
            for direction in directions:
                layer = self._layer(f"lstm_{direction}_{number}", initializers, last)
                output = layer(words, mask=mask)
                if direction == "backward" and not last:
                    output = ReverseTime(name=f"reverse_{number}")(output)
                outputs.append(output)
            words = outputs[0]
            if self.bidirectional:
                words = keras.layers.Concatenate(name=f"states_{number}")(outputs)
            words = SeededDropout(self.dropout, name=f"dropout_{number}")(words)
        return keras.Model(ids, head(classes, initializers)(words), name="lstm")

    def gates(self, tensor: str) -> tuple[str, ...]:
        return GATES if tensor.startswith("lstm_") else ()

    def _layer(self, name: str, initializers: Initializers, last: bool) -> keras.layers.LSTM:
        return keras.layers.LSTM(
            self.units,
            return_sequences=not last,
            go_backwards=name.startswith("lstm_backward"),
            kernel_initializer=initializers.glorot_uniform(f"{name}/kernel"),
            recurrent_initializer=initializers.orthogonal(f"{name}/recurrent_kernel"),
            unit_forget_bias=self.forget_bias,
            name=name,
        )
