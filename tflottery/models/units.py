"""The units of a network (embedding columns, filters, recurrent units, heads of attention) and
where their weights lie.

An architecture lists its units layer by layer (``Architecture.unit_layers``). That is all that
pruning of whole units, and removal of useless ones, must know of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

Weights = Mapping[str, np.ndarray]
# The gates of an LSTM and of a GRU, in the order in which they lie side by side in Keras' kernels.
GATES = ("input", "forget", "candidate", "output")
GRU_GATES = ("update", "reset", "candidate")


@dataclass(frozen=True)
class Part:
    """Where a layer's units lie in a tensor: along ``axis``, from index ``start`` on, in ``blocks``
    equal blocks (the gates of an LSTM or a GRU), each unit with ``width`` places side by side.

    ``bias``: the bias of the layer that reads them, which takes up a constant output of theirs;
    empty if such an output can only be 0.
    """

    tensor: str
    axis: int
    start: int = 0
    blocks: int = 1
    bias: str = ""
    width: int = 1

    def positions(self, units: np.ndarray, count: int) -> np.ndarray:
        """int [blocks * units * width]: the indices along ``axis`` of some units.

        Args:
            units: int, the numbers of the units in their layer.
            count: how many units the layer has.
        """
        offsets = self.start + count * self.width * np.arange(self.blocks)
        places = self.width * np.asarray(units)[:, np.newaxis] + np.arange(self.width)
        return (offsets[:, np.newaxis] + places.ravel()).ravel()

    def of(self, tensor: np.ndarray, units: np.ndarray, count: int) -> np.ndarray:
        """[units, entries]: the entries of the tensor that belong to each unit; arguments as in
        ``positions``."""
        taken = np.moveaxis(tensor, self.axis, 0)[self.positions(units, count)]
        return np.swapaxes(taken.reshape(self.blocks, len(units), -1), 0, 1).reshape(len(units), -1)


@dataclass(frozen=True)
class Units(ABC):
    """The units of one layer.

    ``layer``: its name. ``count``: the number of units. ``read``: where later layers read them.
    ``rectified``: whether what the layer gives goes through a ReLU, in a layer after it.
    """

    rectified: ClassVar[bool] = False

    layer: str
    count: int
    read: tuple[Part, ...]

    @property
    @abstractmethod
    def made(self) -> tuple[Part, ...]:
        """Where the layer's own tensors compute the units."""

    @property
    def width(self) -> int:
        """How many numbers a unit gives, side by side, where its layer gives any."""
        return 1

    @property
    def recurrent(self) -> Part | None:
        """Where the layer reads its own units; None if it does not."""
        return None

    @property
    def parts(self) -> tuple[Part, ...]:
        """Everything that computes or reads the units: what is pruned with a unit."""
        return (*self.made, *self.read, *((self.recurrent,) if self.recurrent else ()))

    @abstractmethod
    def constants(self, weights: Weights) -> np.ndarray:
        """float [count], or [count, width]: the output of each unit if it is the same for every
        text, else NaN."""


class Columns(Units):
    """The columns of an embedding."""

    @property
    def made(self) -> tuple[Part, ...]:
        return (Part(f"{self.layer}/embeddings", 1),)

    def constants(self, weights: Weights) -> np.ndarray:
        used = weights[f"{self.layer}/embeddings"].any(axis=0)
        return np.where(used, np.nan, 0.0)


class Filters(Units):
    """The filters of a Conv1D whose maximum over the words goes through a ReLU."""

    rectified: ClassVar[bool] = True

    @property
    def made(self) -> tuple[Part, ...]:
        return Part(f"{self.layer}/kernel", 2), Part(f"{self.layer}/bias", 0)

    def constants(self, weights: Weights) -> np.ndarray:
        used = weights[f"{self.layer}/kernel"].any(axis=(0, 1))
        return np.where(used, np.nan, np.maximum(weights[f"{self.layer}/bias"], 0))


class Rectified(Units):
    """The units of a Dense layer that go through a ReLU."""

    rectified: ClassVar[bool] = True

    @property
    def made(self) -> tuple[Part, ...]:
        return Part(f"{self.layer}/kernel", 1), Part(f"{self.layer}/bias", 0)

    def constants(self, weights: Weights) -> np.ndarray:
        used = weights[f"{self.layer}/kernel"].any(axis=0)
        return np.where(used, np.nan, np.maximum(weights[f"{self.layer}/bias"], 0))


class Cells(Units):
    """The units of an LSTM."""

    gates: ClassVar[tuple[str, ...]] = GATES

    @property
    def made(self) -> tuple[Part, ...]:
        return (
            Part(f"{self.layer}/kernel", 1, blocks=len(self.gates)),
            Part(f"{self.layer}/recurrent_kernel", 1, blocks=len(self.gates)),
            Part(f"{self.layer}/bias", 0, blocks=len(self.gates)),
        )

    @property
    def recurrent(self) -> Part | None:
        return Part(f"{self.layer}/recurrent_kernel", 0)

    def constants(self, weights: Weights) -> np.ndarray:
        """A unit whose candidate is always tanh(0) stays at 0; the output of others changes with
        time."""
        candidate = self.gates.index("candidate")
        columns = slice(candidate * self.count, (candidate + 1) * self.count)
        tensors = [np.atleast_2d(weights[part.tensor])[:, columns] for part in self.made]
        return np.where(np.concatenate(tensors).any(axis=0), np.nan, 0.0)


class GruCells(Cells):
    """The units of a GRU whose reset gate comes before the recurrent kernel, so that it has one
    bias."""

    gates: ClassVar[tuple[str, ...]] = GRU_GATES


@dataclass(frozen=True)
class Heads(Units):
    """The heads of an attention, each with the columns of query, key and value that are its own.

    ``query``, ``key`` and ``value``: the names of the Dense layers that make them; keys have no
    bias. ``size``: how many numbers of a word a head has.
    """

    query: str
    key: str
    value: str
    size: int

    @property
    def width(self) -> int:
        return self.size

    @property
    def made(self) -> tuple[Part, ...]:
        projections = (self.query, self.key, self.value)
        return (
            *(Part(f"{name}/kernel", 1, width=self.size) for name in projections),
            *(Part(f"{name}/bias", 0, width=self.size) for name in (self.query, self.value)),
        )

    def constants(self, weights: Weights) -> np.ndarray:
        """A head whose values are all alike gives that value, whatever it attends to."""
        used = weights[f"{self.value}/kernel"].any(axis=0).reshape(self.count, self.size)
        bias = weights[f"{self.value}/bias"].reshape(self.count, self.size)
        return np.where(used.any(axis=1, keepdims=True), np.nan, bias)


def chosen(
    layers: Iterable[Units], attention_heads: bool, masked: Collection[str] = ()
) -> tuple[Units, ...]:
    """The layers whose units are pruned: heads of attention only where they are asked for, and none
    that is frozen, as an embedding of given vectors may be.

    Args:
        layers: of the network.
        attention_heads: whether those are asked for.
        masked: the names of all tensors that have a mask; none where they are not known yet.
    """
    return tuple(
        one
        for one in layers
        if (attention_heads or not isinstance(one, Heads))
        and (not masked or any(part.tensor in masked for part in one.made))
    )
