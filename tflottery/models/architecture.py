"""What an architecture is, and the initializers that each is given.

Sizes are settings, which are read and checked without TensorFlow. Keras is imported only when a
network is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from tflottery import seeds
from tflottery.models.roles import Roles
from tflottery.models.units import Units

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
