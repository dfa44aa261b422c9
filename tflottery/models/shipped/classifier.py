"""What the networks that come along share: words looked up in a table, and one output layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from tflottery.errors import UserError
from tflottery.models.architecture import EmbeddingInit, Initializers, KernelInit
from tflottery.models.roles import Roles
from tflottery.models.units import Part
from tflottery.settings import check_bounds, check_choices

if TYPE_CHECKING:
    import tf_keras as keras

# Of a field that the content of its file stands for in a key.
PLACE = {"key": False}
_ROLES = Roles(embedding=("embedding/embeddings",), head=("head/kernel",))
# Far beyond what was ever built. What a machine can hold is another question: see
# ``runs/footprint.py``.
_LARGEST = {"layers": 1_000, "widths": 10_000, "positions": 1_000_000}
_LARGEST_LAYER = 100_000


class Classifier:
    """A network that begins with the vectors of words and ends with one output layer.

    Each network declares its fields itself, in an order of its own, which is that of its keywords;
    here stands what may be read of any.
    """

    name: ClassVar[str]
    # The fields that are numbers of units, layers, words or places.
    sizes: ClassVar[tuple[str, ...]]

    embedding: int
    embedding_scale: float
    word_dropout: float
    embedding_dropout: float
    dropout: float
    embedding_init: EmbeddingInit
    vectors: str
    vectors_hash: str
    vectors_scale: float
    vectors_frozen: bool

    def __post_init__(self) -> None:
        self._check_sizes()
        check_choices(self, "model")
        self._check_vectors()

    def _check_sizes(self) -> None:
        """Makes sure that a network of these sizes can be built, and that its dropouts are
        fractions.

        Raises:
            UserError: it cannot; the line names the key.
        """
        bounds = {name: (1, _LARGEST.get(name, _LARGEST_LAYER)) for name in self.sizes}
        check_bounds(self, "model", bounds)
        for name in ("word_dropout", "embedding_dropout", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"model.{name} is a fraction in [0, 1).")

    def _check_vectors(self) -> None:
        """Makes sure that what is said of vectors goes with a file of them.

        Raises:
            UserError: there is none, or the scale is no number above 0.
        """
        if not 0 < self.vectors_scale < math.inf:
            raise UserError("model.vectors_scale is above 0.")
        if self.vectors or self.vectors_hash:
            return
        for name, default in (("vectors_scale", 1.0), ("vectors_frozen", False)):
            if getattr(self, name) != default:
                raise UserError(f"model.{name} goes with model.vectors, a file of words' vectors.")

    def _words(
        self, vocabulary_size: int, initializers: Initializers
    ) -> tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]:
        """The network's input, ids int32 [batch, words]; bool [batch, words], true at words; and
        their vectors, float32 [batch, words, embedding], of which some words are dropped."""
        import tf_keras as keras

        from tflottery.models.shipped.layers import SeededDropout, WordMask

        ids = keras.Input([None], dtype="int32", name="ids")
        mask = WordMask(name="word_mask")(ids)
        words = keras.layers.Embedding(
            vocabulary_size,
            self.embedding,
            embeddings_initializer=initializers.embedding(
                "embedding", self.embedding_init, self.embedding_scale
            ),
            trainable=not self.vectors_frozen,
            name="embedding",
        )(ids)
        return ids, mask, SeededDropout(self.word_dropout, whole=True, name="word_dropout")(words)

    def gates(self, tensor: str) -> tuple[str, ...]:
        """See ``models.architecture.Architecture``."""
        del tensor
        return ()

    def roles(self) -> Roles:
        """See ``models.architecture.Architecture``."""
        return _ROLES


def head(
    classes: int, initializers: Initializers, kernel_init: KernelInit = "glorot_uniform"
) -> keras.layers.Layer:
    """The last layer: one logit for two classes; for more, one logit for each class."""
    import tf_keras as keras

    return keras.layers.Dense(
        1 if classes == 2 else classes,
        kernel_initializer=initializers.kernel("head", kernel_init),
        name="head",
    )


def read_by_head(start: int) -> Part:
    """Where the last layer reads a layer's units, of which the first has the index ``start``."""
    return Part("head/kernel", 0, start, bias="head/bias")
