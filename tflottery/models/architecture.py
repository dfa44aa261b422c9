"""What an architecture is, and what all of them share: initializers and the head.

Sizes are settings, which are read and checked without TensorFlow; Keras is imported when a network
is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from tflottery import seeds
from tflottery.models.units import Part, Units

if TYPE_CHECKING:
    import tf_keras as keras


class Architecture(Protocol):
    """Sizes of a network, and how to build it."""

    name: ClassVar[str]

    @property
    def dropout(self) -> float:
        """The fraction that is dropped before the head."""
        ...

    def __hash__(self) -> int: ...

    def build(self, vocabulary_size: int, classes: int, initializers: Initializers) -> keras.Model:
        """An uncompiled plain Keras model: ids int32 [batch, words] → logits float.

        Logits are [batch, 1] for two classes, [batch, classes] for more. Padding never changes
        them. Every layer with weights has a name of its own, the same at every call.
        """
        ...

    def gates(self, tensor: str) -> tuple[str, ...]:
        """Names of the equal parts that a tensor has along its last axis, if it has any."""
        ...

    def unit_layers(self) -> tuple[Units, ...]:
        """Every layer's units but the last layer's, in the order of the layers."""
        ...


@dataclass(frozen=True)
class Initializers:
    """Keras initializers that draw from one seed, each tensor from its own stream."""

    seed: int

    def glorot_uniform(self, tensor: str) -> keras.initializers.Initializer:
        import tf_keras as keras

        return keras.initializers.GlorotUniform(seed=self._seed(tensor))

    def orthogonal(self, tensor: str) -> keras.initializers.Initializer:
        import tf_keras as keras

        return keras.initializers.Orthogonal(seed=self._seed(tensor))

    def uniform(self, tensor: str, limit: float) -> keras.initializers.Initializer:
        import tf_keras as keras

        return keras.initializers.RandomUniform(-limit, limit, seed=self._seed(tensor))

    def _seed(self, tensor: str) -> int:
        return seeds.derive("init", self.seed, tensor)


def head(classes: int, initializers: Initializers) -> keras.layers.Layer:
    """The last layer: one logit for two classes, one each for more."""
    import tf_keras as keras

    return keras.layers.Dense(
        1 if classes == 2 else classes,
        kernel_initializer=initializers.glorot_uniform("head"),
        name="head",
    )


def read_by_head(start: int) -> Part:
    """Where the last layer reads units that come after ``start`` others."""
    return Part("head/kernel", 0, start, bias="head/bias")
