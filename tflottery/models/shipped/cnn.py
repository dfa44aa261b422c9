"""The text CNN of Kim (2014, arXiv 1408.5882): filters over windows of words, maximum over time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from tflottery.errors import UserError
from tflottery.models.architecture import EmbeddingInit, Initializers, KernelInit
from tflottery.models.shapes import Shapes, words_and_head
from tflottery.models.shipped.classifier import PLACE, Classifier, head, read_by_head
from tflottery.models.units import Columns, Filters, Part, Units

if TYPE_CHECKING:
    import tf_keras as keras

_MOST_WIDTHS = 100


@dataclass(frozen=True)
class Cnn(Classifier):
    """A convolution of ``filters`` filters for each of ``widths`` (in words), and one output layer.

    ``embedding`` is the length of a word's vector. Embeddings begin uniform in ±
    ``embedding_scale``; the smaller it is, the sooner magnitude pruning removes the rows of rare
    words. ``word_dropout`` is the fraction of words that a training step drops (Iyyer et al. 2015),
    ``embedding_dropout`` the fraction of numbers in embeddings, ``dropout`` the fraction of
    features before the head.

    ``embedding_init`` is how the words' vectors begin: ``uniform`` in ± ``embedding_scale``, or
    ``normal`` with that standard deviation, where padding and the unknown word begin as zeros.
    ``kernel_init`` is how other connections begin: ``glorot_uniform``, or ``xavier_normal`` as
    PyTorch draws it. With ``xavier_normal_2d`` as ``kernel_init`` filters begin as those that
    PyTorch moves over a picture, words by numbers, as the founding note's code did: at its sizes
    seven times smaller.

    ``vectors`` is a file of words' vectors (GloVe, word2vec, fastText): a word that stands there
    begins with its vector, times ``vectors_scale``. With ``vectors_frozen`` the embedding stays as
    it begins, and is neither trained nor pruned.
    """

    name: ClassVar[str] = "cnn"
    sizes: ClassVar[tuple[str, ...]] = ("embedding", "filters", "widths")

    embedding: int = 100
    widths: tuple[int, ...] = (3, 4, 5)
    filters: int = 100
    embedding_scale: float = 0.05
    word_dropout: float = 0.0
    embedding_dropout: float = 0.2
    dropout: float = 0.5
    embedding_init: EmbeddingInit = "uniform"
    kernel_init: Literal["glorot_uniform", "xavier_normal", "xavier_normal_2d"] = "glorot_uniform"
    vectors: str = field(default="", metadata=PLACE)
    vectors_hash: str = ""
    vectors_scale: float = 1.0
    vectors_frozen: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < len(set(self.widths)) == len(self.widths) <= _MOST_WIDTHS:
            raise UserError(
                f"model.widths is a list of different widths in words, at most {_MOST_WIDTHS}."
            )

    def build(self, vocabulary_size: int, classes: int, initializers: Initializers) -> keras.Model:
        import tf_keras as keras

        from tflottery.models.shipped.convolution import ConvMaxOverTime
        from tflottery.models.shipped.layers import BlankPadding, SeededDropout

        layers = keras.layers
        ids, mask, words = self._words(vocabulary_size, initializers)
        words = SeededDropout(self.embedding_dropout, name="embedding_dropout")(words)
        words = BlankPadding(name="blank_padding")([words, mask])
        features = []
        for width in self.widths:
            convolution = ConvMaxOverTime(
                self.filters,
                width,
                padding="same",
                kernel_initializer=self._filters(width, initializers),
                name=f"conv_{width}",
            )
            features.append(convolution(words, mask=mask))
        joined = layers.Concatenate(name="features")(features) if features[1:] else features[0]
        # ReLU after the maximum gives the same numbers as before it, for a fraction of the work.
        joined = layers.ReLU(name="relu")(joined)
        joined = SeededDropout(self.dropout, name="dropout")(joined)
        kernel: KernelInit = (
            "xavier_normal" if self.kernel_init == "xavier_normal_2d" else self.kernel_init
        )
        return keras.Model(ids, head(classes, initializers, kernel)(joined), name="cnn")

    def _filters(self, width: int, initializers: Initializers) -> keras.initializers.Initializer:
        if self.kernel_init != "xavier_normal_2d":
            return initializers.kernel(f"conv_{width}", self.kernel_init)
        # What a filter reads, and what PyTorch takes for the places that it writes to.
        fan_in, fan_out = width * self.embedding, width * self.embedding * self.filters
        return initializers.normal(f"conv_{width}", math.sqrt(2 / (fan_in + fan_out)))

    def shapes(self, vocabulary_size: int, classes: int) -> Shapes:
        """See ``models.shapes.Shaped``."""
        features = self.filters * len(self.widths)
        found = words_and_head(
            vocabulary_size, self.embedding, features, classes, self.vectors_frozen
        )
        for width in self.widths:
            found[f"conv_{width}/kernel"] = (width, self.embedding, self.filters)
            found[f"conv_{width}/bias"] = (self.filters,)
        return found

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
