"""What the recurrent classifiers share: layers in one or both directions, and their pooling."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from tflottery.models.architecture import Initializers, KernelInit
from tflottery.models.shapes import Shapes, dense_layer, words_and_head
from tflottery.models.shipped.classifier import Classifier, head, read_by_head
from tflottery.models.units import Cells, Columns, Part, Units

if TYPE_CHECKING:
    import tf_keras as keras

DIRECTIONS = ("forward", "backward")


class Recurrent(Classifier, ABC):
    """Layers of ``units`` units in each direction; the base of ``Lstm`` and ``Gru``.

    Each direction is a layer of its own, because TF-MOT refuses Keras' Bidirectional.
    """

    sizes: ClassVar[tuple[str, ...]] = ("embedding", "units", "layers")
    # Gates are not linear, so that no sum of paths through them says what a weight is worth.
    flows: ClassVar[bool] = False
    cells: ClassVar[type[Cells]]

    units: int
    layers: int
    bidirectional: bool
    pooling: str
    kernel_init: KernelInit

    @property
    def gives_backwards(self) -> bool:
        """Whether a layer gives its states of a text from its end to its beginning."""
        return self.bidirectional and (self.layers > 1 or self.pooling != "last")

    @abstractmethod
    def _layer(
        self, name: str, sequences: bool, backwards: bool, initializers: Initializers
    ) -> keras.layers.Layer:
        """A layer of one direction.

        Args:
            name: the layer's.
            sequences: give the states at all words instead of the last one.
            backwards: read from the last word to the first.
            initializers: draw its weights.
        """

    def build(self, vocabulary_size: int, classes: int, initializers: Initializers) -> keras.Model:
        import tf_keras as keras

        from tflottery.models.shipped.layers import MaxOverTime, MeanOverTime, SeededDropout

        ids, mask, words = self._words(vocabulary_size, initializers)
        words = SeededDropout(self.embedding_dropout, name="embedding_dropout")(words)
        for number in range(1, self.layers + 1):
            sequences = number < self.layers or self.pooling != "last"
            words = self._both_ways(words, mask, number, sequences, initializers)
            if sequences and number == self.layers:
                kind = MaxOverTime if self.pooling == "max" else MeanOverTime
                words = kind(name=self.pooling)([words, mask])
            words = SeededDropout(self.dropout, name=f"dropout_{number}")(words)
        return keras.Model(
            ids, head(classes, initializers, self.kernel_init)(words), name=self.name
        )

    def _both_ways(
        self,
        words: keras.KerasTensor,
        mask: keras.KerasTensor,
        number: int,
        sequences: bool,
        initializers: Initializers,
    ) -> keras.KerasTensor:
        import tf_keras as keras

        from tflottery.models.shipped.layers import ReverseTime

        outputs = []
        for direction in self._directions:
            backwards = direction == "backward"
            layer = self._layer(
                f"{self.name}_{direction}_{number}", sequences, backwards, initializers
            )
            output = layer(words, mask=mask)
            if backwards and sequences:
                output = ReverseTime(name=f"reverse_{number}")(output)
            outputs.append(output)
        if not self.bidirectional:
            return outputs[0]
        return keras.layers.Concatenate(name=f"states_{number}")(outputs)

    @property
    def _directions(self) -> tuple[str, ...]:
        return DIRECTIONS if self.bidirectional else DIRECTIONS[:1]

    def shapes(self, vocabulary_size: int, classes: int) -> Shapes:
        """See ``models.shapes.Shaped``."""
        made = self.units * len(self._directions)
        found = words_and_head(vocabulary_size, self.embedding, made, classes, self.vectors_frozen)
        columns = self.units * len(self.cells.gates)
        for number in range(1, self.layers + 1):
            for direction in self._directions:
                layer = f"{self.name}_{direction}_{number}"
                read = self.embedding if number == 1 else made
                found |= dense_layer(layer, read, columns)
                found[f"{layer}/recurrent_kernel"] = (self.units, columns)
        return found

    def unit_layers(self) -> tuple[Units, ...]:
        def read(number: int, start: int) -> tuple[Part, ...]:
            if number > self.layers:
                return (read_by_head(start),)
            return tuple(
                Part(f"{self.name}_{way}_{number}/kernel", 0, start) for way in self._directions
            )

        return (
            Columns("embedding", self.embedding, read(1, 0)),
            *(
                self.cells(
                    f"{self.name}_{way}_{number}",
                    self.units,
                    read(number + 1, place * self.units),
                )
                for number in range(1, self.layers + 1)
                for place, way in enumerate(self._directions)
            ),
        )

    def gates(self, tensor: str) -> tuple[str, ...]:
        return self.cells.gates if tensor.startswith(f"{self.name}_") else ()
