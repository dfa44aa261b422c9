"""What an architecture is, and what all of them share: initializers and the head.

Sizes are settings, which are read and checked without TensorFlow. Keras is imported only when a
network is built.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from tflottery import seeds
from tflottery.errors import UserError
from tflottery.models.roles import Roles
from tflottery.models.units import Part, Units
from tflottery.settings import check_bounds

if TYPE_CHECKING:
    import tf_keras as keras


class Architecture(Protocol):
    """The sizes of a network, and how to build it."""

    name: ClassVar[str]

    @property
    def dropout(self) -> float:
        """The fraction of units that is dropped before the head."""
        ...

    def __hash__(self) -> int: ...

    def build(self, vocabulary_size: int, classes: int, initializers: Initializers) -> keras.Model:
        """An uncompiled plain Keras model: ids int32 [batch, words] → logits float32.

        Logits are [batch, 1] for two classes, [batch, classes] for more. Padding never changes
        them. Every layer with weights has a name of its own, the same at every call.

        Args:
            vocabulary_size: the number of ids, padding and the unknown word among them.
            classes: at least 2.
            initializers: draw the initial weights.
        """
        ...

    def gates(self, tensor: str) -> tuple[str, ...]:
        """The names of the gates that lie side by side along the last axis of a tensor, in equal
        parts; empty if it has none."""
        ...

    def unit_layers(self) -> tuple[Units, ...]:
        """The units of each layer but the last, in the order of the layers; empty where whole units
        cannot be pruned."""
        ...

    def roles(self) -> Roles:
        """The tensors that are the embedding of words, and those that are the head."""
        ...


EmbeddingInit = Literal["uniform", "normal"]
KernelInit = Literal["glorot_uniform", "xavier_normal"]

# The roles in networks whose layers are called so, as those of this package are.
ROLES = Roles(embedding=("embedding/embeddings",), head=("head/kernel",))

# Of a field that the content of its file stands for in a key.
PLACE = {"key": False}
# Far beyond what was ever built. What a machine can hold is another question: see
# ``runs/footprint.py``.
_LARGEST = {"layers": 1_000, "widths": 10_000, "positions": 1_000_000}
_LARGEST_LAYER = 100_000


def check_sizes(architecture: Any, sizes: Iterable[str]) -> None:
    """Makes sure that a network of these sizes can be built, and that its dropouts are fractions.

    Raises:
        UserError: it cannot; the line names the key.
    """
    bounds = {name: (1, _LARGEST.get(name, _LARGEST_LAYER)) for name in sizes}
    check_bounds(architecture, "model", bounds)
    for name in ("word_dropout", "embedding_dropout", "dropout"):
        if not 0 <= getattr(architecture, name) < 1:
            raise UserError(f"model.{name} is a fraction in [0, 1).")


def check_vectors(architecture: Any) -> None:
    """Makes sure that what is said of vectors goes with a file of them.

    Raises:
        UserError: there is none, or the scale is no number above 0.
    """
    if not 0 < architecture.vectors_scale < math.inf:
        raise UserError("model.vectors_scale is above 0.")
    if architecture.vectors or architecture.vectors_hash:
        return
    for name, default in (("vectors_scale", 1.0), ("vectors_frozen", False)):
        if getattr(architecture, name) != default:
            raise UserError(f"model.{name} goes with model.vectors, a file of words' vectors.")


@dataclass(frozen=True)
class Initializers:
    """Keras initializers from one seed; each tensor has a random stream of its own."""

    seed: int

    def glorot_uniform(self, tensor: str) -> keras.initializers.Initializer:
        """Glorot and Bengio (2010), for the tensor of that name."""
        import tf_keras as keras

        return keras.initializers.GlorotUniform(seed=self._seed(tensor))

    def orthogonal(self, tensor: str) -> keras.initializers.Initializer:
        """An orthogonal matrix (Saxe et al. 2014, arXiv 1312.6120)."""
        import tf_keras as keras

        return keras.initializers.Orthogonal(seed=self._seed(tensor))

    def uniform(self, tensor: str, limit: float) -> keras.initializers.Initializer:
        """Uniform in ± ``limit``."""
        import tf_keras as keras

        return keras.initializers.RandomUniform(-limit, limit, seed=self._seed(tensor))

    def embedding(
        self, tensor: str, kind: EmbeddingInit, scale: float
    ) -> keras.initializers.Initializer:
        """The vectors of words: uniform in ± ``scale``, or normal with that standard deviation and
        zeros for padding and the unknown word."""
        if kind == "uniform":
            return self.uniform(tensor, scale)
        from tflottery.models.shipped.initial import NormalWords

        return NormalWords(scale, seed=self._seed(tensor))

    def kernel(self, tensor: str, kind: KernelInit) -> keras.initializers.Initializer:
        """The connections of a layer: ``glorot_uniform``, or normal with the same variance as
        ``torch.nn.init.xavier_normal_`` draws it; Keras' own is cut off at two deviations."""
        if kind == "glorot_uniform":
            return self.glorot_uniform(tensor)
        import tf_keras as keras

        return keras.initializers.VarianceScaling(
            1.0, "fan_avg", "untruncated_normal", seed=self._seed(tensor)
        )

    def normal(self, tensor: str, deviation: float) -> keras.initializers.Initializer:
        """Normal around 0 with a standard deviation."""
        import tf_keras as keras

        return keras.initializers.RandomNormal(0.0, deviation, seed=self._seed(tensor))

    def _seed(self, tensor: str) -> int:
        return seeds.derive("init", self.seed, tensor)


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
