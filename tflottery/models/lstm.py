"""The LSTM classifier (Hochreiter and Schmidhuber 1997): layers in one or both directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from tflottery.errors import UserError
from tflottery.models.architecture import ROLES, Initializers, check_sizes, head, read_by_head
from tflottery.models.roles import Roles
from tflottery.models.units import GATES, Cells, Columns, Part, Units
from tflottery.settings import check_choices

if TYPE_CHECKING:
    import tf_keras as keras

DIRECTIONS = ("forward", "backward")


@dataclass(frozen=True)
class Lstm:
    """``layers`` LSTM layers, with ``units`` units in each direction.

    ``pooling`` makes one vector of the last layer's states: the ``last`` state, or the ``max`` of
    each unit over the words (Conneau et al. 2017, arXiv 1705.02364), which learns faster on long
    reviews. ``embedding``, ``embedding_scale``, ``word_dropout``, ``embedding_dropout`` and
    ``dropout`` are as in ``Cnn``. ``bidirectional`` reads each text from both ends.
    ``forget_bias`` starts the bias of the forget gate at 1 (Jozefowicz et al. 2015) instead of 0.
    Each direction is an LSTM layer of its own, because TF-MOT refuses Keras' Bidirectional.
    """

    name: ClassVar[str] = "lstm"

    embedding: int = 64
    units: int = 32
    layers: int = 1
    bidirectional: bool = True
    forget_bias: bool = True
    pooling: Literal["last", "max"] = "last"
    embedding_scale: float = 0.05
    word_dropout: float = 0.0
    embedding_dropout: float = 0.2
    dropout: float = 0.5

    def __post_init__(self) -> None:
        check_sizes(self, ("embedding", "units", "layers"))
        if min(self.embedding, self.units, self.layers) < 1:
            raise UserError("model.embedding, model.units and model.layers are at least 1.")
        check_choices(self, "model")

    def build(self, vocabulary_size: int, classes: int, initializers: Initializers) -> keras.Model:
        import tf_keras as keras

        from tflottery.models.layers import MaxOverTime, SeededDropout, WordMask

        ids = keras.Input([None], dtype="int32", name="ids")
        mask = WordMask(name="word_mask")(ids)
        words = keras.layers.Embedding(
            vocabulary_size,
            self.embedding,
            embeddings_initializer=initializers.uniform("embedding", self.embedding_scale),
            name="embedding",
        )(ids)
        words = SeededDropout(self.word_dropout, whole=True, name="word_dropout")(words)
        words = SeededDropout(self.embedding_dropout, name="embedding_dropout")(words)
        for number in range(1, self.layers + 1):
            sequences = number < self.layers or self.pooling == "max"
            words = self._both_ways(words, mask, number, sequences, initializers)
            if sequences and number == self.layers:
                words = MaxOverTime(name="max")([words, mask])
            words = SeededDropout(self.dropout, name=f"dropout_{number}")(words)
        return keras.Model(ids, head(classes, initializers)(words), name="lstm")

    def _both_ways(
        self,
        words: keras.KerasTensor,
        mask: keras.KerasTensor,
        number: int,
        sequences: bool,
        initializers: Initializers,
    ) -> keras.KerasTensor:
        import tf_keras as keras

        from tflottery.models.layers import ReverseTime
        from tflottery.models.recurrence import BlockLstm

        outputs = []
        for direction in self._directions:
            name = f"lstm_{direction}_{number}"
            layer = BlockLstm(
                self.units,
                return_sequences=sequences,
                go_backwards=direction == "backward",
                kernel_initializer=initializers.glorot_uniform(f"{name}/kernel"),
                recurrent_initializer=initializers.orthogonal(f"{name}/recurrent_kernel"),
                unit_forget_bias=self.forget_bias,
                name=name,
            )
            output = layer(words, mask=mask)
            if direction == "backward" and sequences:
                output = ReverseTime(name=f"reverse_{number}")(output)
            outputs.append(output)
        if not self.bidirectional:
            return outputs[0]
        return keras.layers.Concatenate(name=f"states_{number}")(outputs)

    @property
    def _directions(self) -> tuple[str, ...]:
        return DIRECTIONS if self.bidirectional else DIRECTIONS[:1]

    def unit_layers(self) -> tuple[Units, ...]:
        def read(number: int, start: int) -> tuple[Part, ...]:
            if number > self.layers:
                return (read_by_head(start),)
            return tuple(Part(f"lstm_{way}_{number}/kernel", 0, start) for way in self._directions)

        return (
            Columns("embedding", self.embedding, read(1, 0)),
            *(
                Cells(f"lstm_{way}_{number}", self.units, read(number + 1, place * self.units))
                for number in range(1, self.layers + 1)
                for place, way in enumerate(self._directions)
            ),
        )

    def gates(self, tensor: str) -> tuple[str, ...]:
        return GATES if tensor.startswith("lstm_") else ()

    def roles(self) -> Roles:
        return ROLES
