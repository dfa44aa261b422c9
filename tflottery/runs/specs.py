"""A trained network as a value that names its ancestors.

A ``RunSpec`` is a recipe, a mask, initial weights and seeds; mask and weights may refer to other
runs. Its key is the SHA-256 of its canonical form. That form names parents by their keys, leaves
out fields at their defaults (so that a new field leaves old keys alone) and folders on disk, and
holds the fingerprint of the data.

A new control or initialisation is one more dataclass with ``needs`` and ``make``. Masks are in
``pruned.py``, ``moving.py``, ``scaled.py``, ``shuffled.py`` and ``transferred.py``, weights in
``inits.py`` and ``transferred.py``.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from tflottery.data.settings import DataSettings
from tflottery.files import Arrays, canonical_json, sha256_of_bytes
from tflottery.models.brought.registered import Registered
from tflottery.models.roles import Roles
from tflottery.models.units import Units
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.context import Computed
from tflottery.pruning.gradual import Gradual
from tflottery.pruning.masks import Masks
from tflottery.pruning.moving.moves import Moves, Reads
from tflottery.pruning.slimming import Scales
from tflottery.runs.recipes import Recipe
from tflottery.training.settings import TrainingSeeds

# Raise it when the same specs train to other weights; every key changes with it.
SPEC_VERSION = 1


class Ancestors(Protocol):
    """What a mask or an initialisation can be made from."""

    @property
    def prunable(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the tensors that have a mask, in the network to be trained."""
        ...

    @property
    def roles(self) -> Roles:
        """The embedding and the head of the network to be trained."""
        ...

    def masks(self, run: RunSpec) -> Masks:
        """bool arrays by tensor: the mask at the end of a run."""
        ...

    def snapshot(self, run: RunSpec, step: str) -> Arrays:
        """float32 arrays for every trainable tensor: a run's weights at a step."""
        ...

    def scales(self, run: RunSpec) -> Arrays:
        """float32 [units] by layer: the scales that a run was trained with (``runs.scaled``)."""
        ...

    def computed(self, run: RunSpec) -> Computed:
        """Gradients and activations of a run's network on that run's training data."""
        ...

    def fresh_weights(self, seed: int) -> Arrays:
        """float32 arrays for every trainable tensor, newly drawn."""
        ...

    def rows_in(self, data: DataSettings) -> np.ndarray:
        """int64 [words]: for each embedding row of the network to be trained, the row of the same
        word in a network on other data; -1 if that network does not know the word."""
        ...


Need = tuple["RunSpec", str]
"""A run, and the step of the snapshot that is needed of it."""


class MaskSpec(ABC):
    """Which weights a training keeps."""

    @property
    def biases(self) -> bool:
        """Whether biases have a mask too."""
        return False

    def needs(self) -> Iterable[Need]:
        """Runs that the mask is made from."""
        return ()

    @abstractmethod
    def make(self, ancestors: Ancestors) -> Masks:
        """bool arrays for every prunable tensor: the mask at the beginning of the training."""

    def gradual(self, total_steps: int, roles: Roles) -> Gradual | None:
        """How TF-MOT prunes during the training; None if the mask stays as it is.

        Args:
            total_steps: optimizer steps of a training that is not stopped early.
            roles: of the network to be trained.
        """
        del total_steps, roles
        return None

    def scales(self, layers: Iterable[Units]) -> Scales | None:
        """Which units have a scale that is trained along, which is compiled in; None for none.

        Args:
            layers: the units of the network to be trained.
        """
        del layers
        return None

    @property
    def reads(self) -> Reads:
        """What of the training's steps its moves are told, which is compiled in."""
        return "nothing"

    def moves(self, per_epoch: int, epochs: int, roles: Roles) -> Moves | None:
        """How the masks move during the training; None if they stay as they are.

        Args:
            per_epoch: optimizer steps in one pass over the data.
            epochs: of a training that is not stopped early.
            roles: of the network to be trained.

        Raises:
            UserError: the training is too short for them to move.
        """
        del per_epoch, epochs, roles
        return None


class MaskOfMask(MaskSpec):
    """A mask that is made from another one, ``of``, and has biases where that has them."""

    of: MaskSpec

    @property
    def biases(self) -> bool:
        return self.of.biases

    def needs(self) -> Iterable[Need]:
        return self.of.needs()


class InitSpec(ABC):
    """What a training starts from."""

    def needs(self) -> Iterable[Need]:
        """Runs that the weights are taken from."""
        return ()

    @abstractmethod
    def make(self, ancestors: Ancestors) -> Arrays:
        """float32 arrays for every trainable tensor, before the mask."""


@dataclass(frozen=True)
class Dense(MaskSpec):
    """Every weight is kept."""

    def make(self, ancestors: Ancestors) -> Masks:
        return mask_ops.dense(ancestors.prunable)


@dataclass(frozen=True)
class Fresh(InitSpec):
    """Newly drawn weights."""

    seed: int

    def make(self, ancestors: Ancestors) -> Arrays:
        return ancestors.fresh_weights(self.seed)


@dataclass(frozen=True)
class RunSpec:
    """One training, fully described: its key decides its weights bit for bit."""

    recipe: Recipe
    mask: MaskSpec
    init: InitSpec
    seeds: TrainingSeeds
    version: int = field(default=SPEC_VERSION, repr=False)

    def with_training(self, **changes: Any) -> RunSpec:
        """The same mask, initial weights and seeds with other training settings."""
        return dataclasses.replace(self, recipe=self.recipe.with_training(**changes))

    def needs(self) -> Iterator[Need]:
        """The parents, each with the step of a snapshot that is needed of it."""
        yield from self.mask.needs()
        yield from self.init.needs()

    @cached_property
    def canonical(self) -> dict[str, Any]:
        """The spec as a JSON value, its parents by key.

        Raises:
            ValueError: the data have no fingerprint, or it is not known what a registered network
                builds.
        """
        if not self.recipe.data.fingerprint:
            raise ValueError("a run needs data with a fingerprint: see sources.identify")
        if getattr(self.recipe.model, "built", True) is None:
            raise ValueError("a run needs a network that is identified: see identify_network")
        body = _canonical_fields(self)
        # The version is in the form even at its default: raising it must change every key.
        return {**body, "version": self.version}

    @cached_property
    def key(self) -> str:
        """The SHA-256 of the canonical form, 64 hexadecimal digits."""
        return sha256_of_bytes(canonical_json(self.canonical).encode())

    def __hash__(self) -> int:
        return hash(self.key)


def ancestry(specs: Iterable[RunSpec]) -> list[RunSpec]:
    """The specs and all their ancestors, each once, parents before children."""
    ordered: dict[str, RunSpec] = {}
    # Specs are told apart by identity, not by key: computing a key computes the keys of all
    # ancestors by recursion, and a chain of many rounds would overflow Python's stack. Here the
    # keys are computed parents first, and each spec keeps its own.
    visited: dict[int, RunSpec] = {}
    stack = list(specs)[::-1]
    while stack:
        spec = stack[-1]
        parents = [parent for parent, _ in spec.needs() if id(parent) not in visited]
        if parents:
            stack += parents[::-1]
            continue
        visited[id(stack.pop())] = spec
        ordered.setdefault(spec.key, spec)
    return list(ordered.values())


def snapshots_wanted(specs: Iterable[RunSpec]) -> dict[str, set[str]]:
    """For each key in the ancestry, the steps of the snapshots that descendants need."""
    wanted: dict[str, set[str]] = {}
    for spec in ancestry(specs):
        wanted.setdefault(spec.key, set())
        for parent, step in spec.needs():
            wanted[parent.key].add(step)
    return wanted


def canonical_form(value: Any) -> Any:
    """A part of a spec as a JSON value: its class, and the fields that are not at their defaults.

    Raises:
        TypeError: a value is neither a dataclass, a tuple, a number, a string nor None.
    """
    if isinstance(value, RunSpec):
        return {"run": value.key}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _canonical_fields(value)
    if isinstance(value, tuple):
        return [canonical_form(item) for item in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _canonical_fields(value: Any) -> dict[str, Any]:
    chosen = {
        item.name: canonical_form(getattr(value, item.name))
        for item in dataclasses.fields(value)
        if item.metadata.get("key", True) and getattr(value, item.name) != item.default
    }
    kind = value.name if isinstance(value, Registered) else type(value).__name__
    return {"kind": kind, **chosen}
