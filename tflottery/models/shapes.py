"""What a network prunes, known before it is built: the names and shapes of its tensors."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

Shapes = dict[str, tuple[int, ...]]


@runtime_checkable
class Shaped(Protocol):
    """An architecture that knows the shapes of its tensors without Keras, as those of this package
    do."""

    def shapes(self, vocabulary_size: int, classes: int) -> Shapes:
        """The shapes of all tensors that have a mask where biases have one, by name.

        Args:
            vocabulary_size: the number of ids, padding and the unknown word among them.
            classes: at least 2.
        """
        ...


def dense_layer(name: str, read: int, units: int, bias: bool = True) -> Shapes:
    """The tensors of a Dense layer."""
    return {f"{name}/kernel": (read, units), **({f"{name}/bias": (units,)} if bias else {})}


def words_and_head(
    vocabulary_size: int, embedding: int, features: int, classes: int, frozen: bool
) -> Shapes:
    """The tensors of the embedding of words, unless it is frozen, and of the last layer."""
    table = {} if frozen else {"embedding/embeddings": (vocabulary_size, embedding)}
    return {**table, **dense_layer("head", features, 1 if classes == 2 else classes)}


def names_of(model: object) -> tuple[str, ...]:
    """The names of all tensors of an architecture that have a mask where biases have one; none
    where they are not known before it is built."""
    built = getattr(model, "built", None)
    if built is not None:
        return tuple(getattr(built, "tensors", ()))
    return tuple(model.shapes(3, 2)) if isinstance(model, Shaped) else ()
