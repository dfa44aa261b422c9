"""The text CNN of Kim (2014, arXiv 1408.5882): filters over windows of words, maximum over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tflottery.errors import UserError
from tflottery.models.architecture import ROLES, Initializers, check_sizes, head, read_by_head
from tflottery.models.roles import Roles
from tflottery.models.units import Columns, Filters, Part, Units

if TYPE_CHECKING:
    import tf_keras as keras


@dataclass(frozen=True)
class Cnn:
    """A convolution of ``filters`` filters for each of ``widths`` (in words), and one output layer.

    ``embedding`` is the length of a word's vector. Embeddings begin uniform in ±
    ``embedding_scale``; the smaller it is, the sooner magnitude pruning removes the rows of rare
    words. ``word_dropout`` is the fraction of words that a training step drops (Iyyer et al. 2015),
    ``embedding_dropout`` the fraction of numbers in embeddings, ``dropout`` the fraction of
    features before the head.
    """

    name: ClassVar[str] = "cnn"

    embedding: int = 100
    widths: tuple[int, ...] = (3, 4, 5)
    filters: int = 100
    embedding_scale: float = 0.05
    word_dropout: float = 0.0
    embedding_dropout: float = 0.2
    dropout: float = 0.5

    def __post_init__(self) -> None:
        check_sizes(self, ("embedding", "filters"))
        if not self.widths or min(self.widths) < 1 or len(set(self.widths)) != len(self.widths):
            raise UserError("model.widths is a list of different widths, each at least 1 word.")

    def build(self, vocabulary_size: int, classes: int, initializers: Initializers) -> keras.Model:
        import tf_keras as keras

        from tflottery.models.shipped.convolution import ConvMaxOverTime
        from tflottery.models.shipped.layers import BlankPadding, SeededDropout, WordMask

        layers = keras.layers
        ids = keras.Input([None], dtype="int32", name="ids")
        mask = WordMask(name="word_mask")(ids)
        words = layers.Embedding(
            vocabulary_size,
            self.embedding,
            embeddings_initializer=initializers.uniform("embedding", self.embedding_scale),
            name="embedding",
        )(ids)
        words = SeededDropout(self.word_dropout, whole=True, name="word_dropout")(words)
        words = SeededDropout(self.embedding_dropout, name="embedding_dropout")(words)
        words = BlankPadding(name="blank_padding")([words, mask])
        features = []
        for width in self.widths:
            convolution = ConvMaxOverTime(
                self.filters,
                width,
                padding="same",
                kernel_initializer=initializers.glorot_uniform(f"conv_{width}"),
                name=f"conv_{width}",
            )
            features.append(convolution(words, mask=mask))
        joined = layers.Concatenate(name="features")(features) if features[1:] else features[0]
        # ReLU after the maximum gives the same numbers as before it, for a fraction of the work.
        joined = layers.ReLU(name="relu")(joined)
        joined = SeededDropout(self.dropout, name="dropout")(joined)
        return keras.Model(ids, head(classes, initializers)(joined), name="cnn")

    def unit_layers(self) -> tuple[Units, ...]:
        convolutions = [f"conv_{width}" for width in self.widths]
        columns = tuple(Part(f"{name}/kernel", 1) for name in convolutions)
        return (
            Columns("embedding", self.embedding, columns),
            *(
                Filters(name, self.filters, (read_by_head(number * self.filters),))
                for number, name in enumerate(convolutions)
            ),
        )

    def gates(self, tensor: str) -> tuple[str, ...]:
        del tensor
        return ()

    def roles(self) -> Roles:
        return ROLES
