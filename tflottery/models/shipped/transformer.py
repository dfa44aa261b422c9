"""A small transformer encoder (Vaswani et al. 2017, arXiv 1706.03762) and one output layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from tflottery.errors import UserError
from tflottery.models.architecture import EmbeddingInit, Initializers, KernelInit
from tflottery.models.shapes import Shapes, dense_layer, words_and_head
from tflottery.models.shipped.classifier import PLACE, Classifier, head
from tflottery.models.units import Heads, Part, Rectified, Units

if TYPE_CHECKING:
    import tf_keras as keras


@dataclass(frozen=True)
class Transformer(Classifier):
    """``layers`` layers of attention in ``heads`` heads and ``feed_forward`` units, with a norm
    before each (Xiong et al. 2020, arXiv 2002.04745); the mean of all words, normed, is what the
    output layer reads.

    ``positions`` is the number of learned positions; words beyond share the last one, so it should
    be at least ``data.max_length``. The vectors of words and positions begin uniform in ±
    ``embedding_scale``. ``block_dropout`` is the fraction of numbers that each
    attention and each feed-forward part drops of what it adds. ``embedding``, ``word_dropout``,
    ``embedding_dropout`` and ``dropout`` are as in ``Cnn``.

    ``embedding_init`` is how the vectors of words begin: ``uniform``, or ``normal`` with the
    standard deviation ``embedding_scale``, where padding and the unknown word begin as zeros.
    ``kernel_init`` is how other connections begin: ``glorot_uniform``, or ``xavier_normal`` as
    PyTorch draws it.

    ``vectors`` is a file of words' vectors (GloVe, word2vec, fastText): a word that stands there
    begins with its vector, times ``vectors_scale``. With ``vectors_frozen`` the embedding stays as
    it begins, and is neither trained nor pruned.
    """

    name: ClassVar[str] = "transformer"
    sizes: ClassVar[tuple[str, ...]] = (
        "embedding", "heads", "feed_forward", "layers", "positions",
    )  # fmt: skip
    # Attention and norms are not linear.
    flows: ClassVar[bool] = False

    embedding: int = 64
    heads: int = 4
    feed_forward: int = 128
    layers: int = 1
    positions: int = 400
    embedding_scale: float = 0.05
    word_dropout: float = 0.0
    embedding_dropout: float = 0.0
    block_dropout: float = 0.1
    dropout: float = 0.5
    embedding_init: EmbeddingInit = "uniform"
    kernel_init: KernelInit = "glorot_uniform"
    vectors: str = field(default="", metadata=PLACE)
    vectors_hash: str = ""
    vectors_scale: float = 1.0
    vectors_frozen: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.block_dropout < 1:
            raise UserError("model.block_dropout is a fraction in [0, 1).")
        if self.embedding % self.heads:
            raise UserError("model.embedding is a multiple of model.heads.")

    def build(self, vocabulary_size: int, classes: int, initializers: Initializers) -> keras.Model:
        import tf_keras as keras

        from tflottery.models.shipped.attention import Positions
        from tflottery.models.shipped.layers import MeanOverTime, SeededDropout

        layers = keras.layers
        ids, mask, words = self._words(vocabulary_size, initializers)
        places = layers.Embedding(
            self.positions,
            self.embedding,
            embeddings_initializer=initializers.uniform("positions", self.embedding_scale),
            name="positions",
        )(Positions(self.positions, name="place")(ids))
        words = layers.Add(name="placed")([words, places])
        words = SeededDropout(self.embedding_dropout, name="embedding_dropout")(words)
        for number in range(1, self.layers + 1):
            words = self._attend(words, mask, number, initializers)
            words = self._feed_forward(words, number, initializers)
        text = MeanOverTime(name="mean")([words, mask])
        text = layers.LayerNormalization(name="norm")(text)
        text = SeededDropout(self.dropout, name="dropout")(text)
        made = head(classes, initializers, self.kernel_init)(text)
        return keras.Model(ids, made, name="transformer")

    def _attend(
        self,
        words: keras.KerasTensor,
        mask: keras.KerasTensor,
        number: int,
        initializers: Initializers,
    ) -> keras.KerasTensor:
        """What the words are after the attention of a layer."""
        import tf_keras as keras

        from tflottery.models.shipped.attention import Attention

        normed = keras.layers.LayerNormalization(name=f"attention_norm_{number}")(words)
        # A bias of the keys would move all scores of a word alike, which softmax does not see.
        query, key, value = (
            self._dense(f"{part}_{number}", self.embedding, initializers, part != "key")(normed)
            for part in ("query", "key", "value")
        )
        read = Attention(self.heads, name=f"heads_{number}")([query, key, value, mask])
        read = self._dense(f"attention_{number}", self.embedding, initializers)(read)
        return self._added("attention", words, read, number)

    def _feed_forward(
        self, words: keras.KerasTensor, number: int, initializers: Initializers
    ) -> keras.KerasTensor:
        """What the words are after the feed-forward part of a layer."""
        import tf_keras as keras

        normed = keras.layers.LayerNormalization(name=f"units_norm_{number}")(words)
        units = self._dense(f"units_{number}", self.feed_forward, initializers)(normed)
        units = keras.layers.ReLU(name=f"relu_{number}")(units)
        made = self._dense(f"feed_forward_{number}", self.embedding, initializers)(units)
        return self._added("feed_forward", words, made, number)

    def _added(
        self, name: str, words: keras.KerasTensor, made: keras.KerasTensor, number: int
    ) -> keras.KerasTensor:
        import tf_keras as keras

        from tflottery.models.shipped.layers import SeededDropout

        made = SeededDropout(self.block_dropout, name=f"{name}_dropout_{number}")(made)
        return keras.layers.Add(name=f"{name}_added_{number}")([words, made])

    def _dense(
        self, name: str, units: int, initializers: Initializers, bias: bool = True
    ) -> keras.layers.Layer:
        import tf_keras as keras

        return keras.layers.Dense(
            units,
            use_bias=bias,
            kernel_initializer=initializers.kernel(f"{name}/kernel", self.kernel_init),
            name=name,
        )

    def shapes(self, vocabulary_size: int, classes: int) -> Shapes:
        """See ``models.shapes.Shaped``."""
        size = self.embedding
        found = words_and_head(vocabulary_size, size, size, classes, self.vectors_frozen)
        found["positions/embeddings"] = (self.positions, size)
        for number in range(1, self.layers + 1):
            for part in ("query", "key", "value", "attention"):
                found |= dense_layer(f"{part}_{number}", size, size, bias=part != "key")
            found |= dense_layer(f"units_{number}", size, self.feed_forward)
            found |= dense_layer(f"feed_forward_{number}", self.feed_forward, size)
        return found

    def unit_layers(self) -> tuple[Units, ...]:
        """The heads of attention and the feed-forward units. All layers add to the columns of the
        embedding, so none of those can go alone."""
        size = self.embedding // self.heads
        layers: list[Units] = []
        for number in range(1, self.layers + 1):
            name = f"attention_{number}"
            read = Part(f"{name}/kernel", 0, bias=f"{name}/bias", width=size)
            query, key, value = (f"{part}_{number}" for part in ("query", "key", "value"))
            layers.append(Heads(f"heads_{number}", self.heads, (read,), query, key, value, size))
            name = f"feed_forward_{number}"
            read = Part(f"{name}/kernel", 0, bias=f"{name}/bias")
            layers.append(Rectified(f"units_{number}", self.feed_forward, (read,)))
        return tuple(layers)
