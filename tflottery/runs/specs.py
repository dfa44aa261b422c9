"""A trained network as a value that names its ancestors.

A ``RunSpec`` is a recipe, a mask and initial weights; mask and weights may refer to other runs.
Its key is the SHA-256 of its canonical form: parents by their keys, defaults left out (so that a
field added later leaves old keys alone), places on disk left out, the data's fingerprint in.

A new control or initialisation is one more dataclass here with ``needs`` and ``make``.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from tflottery import seeds
from tflottery.data.settings import DataSettings
from tflottery.files import Arrays, canonical_json, sha256_of_bytes
from tflottery.pruning import criteria
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.gradual import Gradual
from tflottery.pruning.masks import By, Masks, Scope, To
from tflottery.runs.recipes import Recipe
from tflottery.training import steps
from tflottery.training.settings import TrainingSeeds

# The tensor that is most of a text network, and the one behind every score; ``Pruned.embedding``
# and ``Pruned.head`` switch them.
EMBEDDING = "embedding/embeddings"
HEAD = "head/kernel"

# Raise it when the same spec would train to other weights; old runs then have other keys.
SPEC_VERSION = 1


class Ancestors(Protocol):
    """What a mask or an initialisation can ask for while it is made."""

    @property
    def prunable(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the tensors that have a mask, in the network to be trained."""
        ...

    def masks(self, run: RunSpec) -> Masks: ...

    def snapshot(self, run: RunSpec, step: str) -> Arrays: ...

    def fresh_weights(self, seed: int) -> Arrays: ...

    def rows_in(self, data: DataSettings) -> np.ndarray:
        """int64 [words]: for each embedding row of the network to be trained, the row that the
        same word has in a network on other data; -1 where it has none."""
        ...


Need = tuple["RunSpec", str]
"""A run, and the snapshot of it that is wanted."""


class MaskSpec(ABC):
    """Which weights a training keeps."""

    def needs(self) -> Iterable[Need]:
        """Runs that the mask is made from."""
        return ()

    @abstractmethod
    def make(self, ancestors: Ancestors) -> Masks:
        """The mask at the beginning of the training."""

    def gradual(self, total_steps: int) -> Gradual | None:
        """How TF-MOT prunes within the training; none where the mask holds.

        Args:
            total_steps: optimizer steps of a training that is not stopped early.
        """
        del total_steps
        return None


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
class Pruned(MaskSpec):
    """The mask of a run, pruned further by its final weights.

    ``amount`` is ``By(0.2)`` of what is left or ``To(0.832)`` of all. ``embedding=False`` leaves
    the embedding out: unpruned and uncounted; so does ``head=False`` with the output layer's
    kernel. A criterion of units prunes them whole and ``amount`` counts units; the head's weights
    that read a unit go with it in any case. ``seed`` serves the criteria that draw.
    """

    of: RunSpec
    amount: By | To
    scope: Scope = "layerwise"
    criterion: str = "magnitude"
    embedding: bool = True
    head: bool = True
    seed: int = 0

    def needs(self) -> Iterable[Need]:
        return ((self.of, steps.END),)

    def make(self, ancestors: Ancestors) -> Masks:
        masks = ancestors.masks(self.of)
        final = ancestors.snapshot(self.of, steps.END)
        exclude = excluded(self.embedding, self.head)
        if self.criterion in criteria.UNIT_CRITERIA:
            layers = self.of.recipe.model.unit_layers()
            units = criteria.unit_scores(self.criterion, final, layers)
            return mask_ops.prune_units(
                masks, layers, units, self.amount, scope=self.scope, exclude=exclude
            )
        scores = criteria.scores(self.criterion, final, list(masks), self.seed)
        return mask_ops.prune(masks, scores, self.amount, scope=self.scope, exclude=exclude)


def excluded(embedding: bool, head: bool) -> tuple[str, ...]:
    """The tensors that pruning leaves out, by ``Pruned``'s switches."""
    return (() if embedding else (EMBEDDING,)) + (() if head else (HEAD,))


@dataclass(frozen=True)
class Shuffled(MaskSpec):
    """Another mask with its entries permuted within each tensor (Frankle et al. 2021)."""

    of: MaskSpec
    seed: int

    def needs(self) -> Iterable[Need]:
        return self.of.needs()

    def make(self, ancestors: Ancestors) -> Masks:
        return mask_ops.shuffle(self.of.make(ancestors), self.seed)


@dataclass(frozen=True)
class GraduallyPruned(MaskSpec):
    """Gradual magnitude pruning to a sparsity over the first part of the training; ``embedding``
    and ``head`` as in ``Pruned``."""

    to: float
    over: float = 0.5
    embedding: bool = True
    head: bool = True

    def make(self, ancestors: Ancestors) -> Masks:
        return mask_ops.dense(ancestors.prunable)

    def gradual(self, total_steps: int) -> Gradual | None:
        end = max(1, round(self.over * total_steps))
        return Gradual(self.to, end, excluded(self.embedding, self.head))


@dataclass(frozen=True)
class Fresh(InitSpec):
    """Newly drawn weights."""

    seed: int

    def make(self, ancestors: Ancestors) -> Arrays:
        return ancestors.fresh_weights(self.seed)


@dataclass(frozen=True)
class Snapshot(InitSpec):
    """The weights of a run at a step: ``0ep`` is original init, ``1ep`` late rewinding, ``end``
    of the round before is fine-tuning. The training that follows has the full number of epochs,
    and its data order begins anew."""

    of: RunSpec
    at: str

    def needs(self) -> Iterable[Need]:
        return ((self.of, self.at),)

    def make(self, ancestors: Ancestors) -> Arrays:
        return ancestors.snapshot(self.of, self.at)


@dataclass(frozen=True)
class Signs(InitSpec):
    """Of other initial weights nothing but the signs: each kernel's weights become plus or minus
    its standard deviation, biases stay (Zhou et al. 2019, "sign, constant")."""

    of: InitSpec

    def needs(self) -> Iterable[Need]:
        return self.of.needs()

    def make(self, ancestors: Ancestors) -> Arrays:
        weights = self.of.make(ancestors)
        return {
            name: np.sign(weight) * weight.std() if name in ancestors.prunable else weight
            for name, weight in weights.items()
        }


@dataclass(frozen=True)
class Fit:
    """How a network on other data is made to fit this one.

    ``words_of``: the data whose vocabulary the other network's embedding rows belong to; its rows
    are carried over word by word. None where both networks have the same vocabulary.
    ``without``: layers that are not carried over, neither their weights nor their mask.
    ``seed``: of what is drawn anew.
    """

    words_of: DataSettings | None = None
    without: tuple[str, ...] = ()
    seed: int = 0

    def leaves_out(self, tensor: str) -> bool:
        return tensor.partition("/")[0] in self.without

    def rows(self, tensor: str, ancestors: Ancestors) -> np.ndarray | None:
        """Where each row of a tensor comes from, -1 for nowhere; None if all stay in place."""
        if self.words_of is None or tensor != EMBEDDING:
            return None
        return ancestors.rows_in(self.words_of)


@dataclass(frozen=True)
class TransferredMask(MaskSpec):
    """A mask from other data. Layers that are left out are dense; rows of words that the other
    data lack keep as large a part of their weights as the carried tensor does, by chance."""

    of: MaskSpec
    fit: Fit

    def needs(self) -> Iterable[Need]:
        return self.of.needs()

    def make(self, ancestors: Ancestors) -> Masks:
        masks = self.of.make(ancestors)
        return {
            name: np.ones(shape, bool)
            if self.fit.leaves_out(name)
            else self._carried(name, masks[name], ancestors)
            for name, shape in ancestors.prunable.items()
        }

    def _carried(self, name: str, mask: np.ndarray, ancestors: Ancestors) -> np.ndarray:
        rows = self.fit.rows(name, ancestors)
        if rows is None:
            return mask
        carried = mask[rows]
        new = np.zeros(carried[rows < 0].size, bool)
        new[: round(new.size * mask.mean())] = True
        random = seeds.generator("transferred mask", self.fit.seed, name)
        carried[rows < 0] = random.permutation(new).reshape(-1, mask.shape[1])
        return carried


@dataclass(frozen=True)
class TransferredWeights(InitSpec):
    """Weights from other data; newly drawn are those of layers that are left out, and the rows of
    words that the other data lack."""

    of: InitSpec
    fit: Fit

    def needs(self) -> Iterable[Need]:
        return self.of.needs()

    def make(self, ancestors: Ancestors) -> Arrays:
        weights = self.of.make(ancestors)
        return {
            name: new if self.fit.leaves_out(name) else self._carried(name, weights, new, ancestors)
            for name, new in ancestors.fresh_weights(self.fit.seed).items()
        }

    def _carried(
        self, name: str, weights: Arrays, new: np.ndarray, ancestors: Ancestors
    ) -> np.ndarray:
        rows = self.fit.rows(name, ancestors)
        if rows is None:
            return weights[name]
        return np.where((rows < 0)[:, np.newaxis], new, weights[name][rows])


@dataclass(frozen=True)
class RunSpec:
    """One training, fully said."""

    recipe: Recipe
    mask: MaskSpec
    init: InitSpec
    seeds: TrainingSeeds
    version: int = field(default=SPEC_VERSION, repr=False)

    def with_training(self, **changes: Any) -> RunSpec:
        """The same mask, initial weights and seeds with other training settings."""
        return dataclasses.replace(self, recipe=self.recipe.with_training(**changes))

    def needs(self) -> Iterator[Need]:
        """Parents and the snapshots wanted of them."""
        yield from self.mask.needs()
        yield from self.init.needs()

    @cached_property
    def canonical(self) -> dict[str, Any]:
        """A JSON value that says the same, parents by key."""
        if not self.recipe.data.fingerprint:
            raise ValueError("a run needs data with a fingerprint: see sources.identify")
        body = _canonical_fields(self)
        # A version is never a default to leave out: raising it must change every key.
        return {**body, "version": self.version}

    @cached_property
    def key(self) -> str:
        """64 hexadecimal digits."""
        return sha256_of_bytes(canonical_json(self.canonical).encode())

    def __hash__(self) -> int:
        return hash(self.key)


def ancestry(specs: Iterable[RunSpec]) -> list[RunSpec]:
    """The specs and all their ancestors, each once, parents before children."""
    ordered: dict[str, RunSpec] = {}
    # By identity: a key asks for the keys of all ancestors at once, and a chain of many rounds is
    # longer than Python's stack, so keys are asked for parents first.
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
    """For each key in the ancestry, the snapshots that some descendant asks for."""
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
    return {"kind": type(value).__name__, **chosen}
