"""The GRU classifier (Cho et al. 2014, arXiv 1406.1078): layers in one or both directions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from tflottery.models.architecture import EmbeddingInit, Initializers, KernelInit
from tflottery.models.shipped.classifier import PLACE
from tflottery.models.shipped.recurrent import Recurrent
from tflottery.models.units import Cells, GruCells

if TYPE_CHECKING:
    import tf_keras as keras


@dataclass(frozen=True)
class Gru(Recurrent):
    """``layers`` GRU layers, with ``units`` units in each direction.

    The reset gate is applied to the state before the recurrent kernel, as Cho et al. write it
    (Keras' ``reset_after=False``).

    ``pooling`` makes one vector of the last layer's states: the ``last`` state, or the ``max`` or
    the ``mean`` of each unit over the words. ``embedding``, ``embedding_scale``, ``word_dropout``,
    ``embedding_dropout`` and ``dropout`` are as in ``Cnn``. ``bidirectional`` reads each text from
    both ends.

    ``embedding_init`` is how the words' vectors begin: ``uniform`` in ± ``embedding_scale``, or
    ``normal`` with that standard deviation, where padding and the unknown word begin as zeros.
    ``kernel_init`` is how other connections begin: ``glorot_uniform``, or ``xavier_normal`` as
    PyTorch draws it; recurrent kernels are orthogonal in any case.

    ``vectors`` is a file of words' vectors (GloVe, word2vec, fastText): a word that stands there
    begins with its vector, times ``vectors_scale``. With ``vectors_frozen`` the embedding stays as
    it begins, and is neither trained nor pruned.
    """

    name: ClassVar[str] = "gru"
    cells: ClassVar[type[Cells]] = GruCells

    embedding: int = 64
    units: int = 32
    layers: int = 1
    bidirectional: bool = True
    pooling: Literal["last", "max", "mean"] = "last"
    embedding_scale: float = 0.05
    word_dropout: float = 0.0
    embedding_dropout: float = 0.2
    dropout: float = 0.5
    embedding_init: EmbeddingInit = "uniform"
    kernel_init: KernelInit = "glorot_uniform"
    vectors: str = field(default="", metadata=PLACE)
    vectors_hash: str = ""
    vectors_scale: float = 1.0
    vectors_frozen: bool = False

    def _layer(
        self, name: str, sequences: bool, backwards: bool, initializers: Initializers
    ) -> keras.layers.Layer:
        from tflottery.models.shipped.gated import UnrolledGru

        return UnrolledGru(
            self.units,
            return_sequences=sequences,
            go_backwards=backwards,
            kernel_initializer=initializers.kernel(f"{name}/kernel", self.kernel_init),
            recurrent_initializer=initializers.orthogonal(f"{name}/recurrent_kernel"),
            reset_after=False,
            name=name,
        )
