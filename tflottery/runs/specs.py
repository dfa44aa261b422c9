"""A trained network as a value that names its ancestors.

A ``RunSpec`` is a recipe, a mask, initial weights and seeds; mask and weights may refer to other
runs. Its key is the SHA-256 of its canonical form. That form names parents by their keys, leaves
out fields at their defaults (so that a new field leaves old keys alone) and folders on disk, and
holds the fingerprint of the data.

A new control or initialisation is one more dataclass here with ``needs`` and ``make``.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np

from tflottery import seeds, steps
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.files import Arrays, canonical_json, sha256_of_bytes
from tflottery.models.biases import biases_beside, is_bias
from tflottery.models.brought.registered import Registered
from tflottery.models.roles import Roles
from tflottery.models.units import Units
from tflottery.pruning import criteria, scopes
from tflottery.pruning import masks as mask_ops
from tflottery.pruning import rates as rates_by_name
from tflottery.pruning.context import Computed, PruningContext
from tflottery.pruning.gradual import Gradual
from tflottery.pruning.masks import By, Masks, To
from tflottery.pruning.rates import Rates
from tflottery.pruning.rounds import Partly, in_rounds, partly
from tflottery.pruning.scopes import Scope
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
    """The mask of a run, pruned further by its final weights (magnitude pruning, one-shot or in
    rounds: Han et al. 2015; Frankle and Carbin 2019, arXiv 1803.03635), or by whatever else a
    criterion scores (``tflottery.pruning.criteria``).

    ``amount`` is ``By(0.2)`` of the remaining weights or ``To(0.832)`` of all; ``scope`` says which
    weights compete. ``rates`` are fractions by name, one for every tensor (``pruning.rates``): then
    ``By`` prunes each tensor by its own rate, and ``To`` is of all together. ``embedding=False``
    excludes the embedding: it is neither pruned nor counted. ``head=False`` does the same with the
    output layer's kernel. A criterion of units prunes whole units, and ``amount`` counts units; the
    head's weights that read a pruned unit are pruned even with ``head=False``. ``biases`` prunes
    and counts biases too, each as a tensor of its own, but for those of layers that are excluded.
    ``seed`` is for criteria that draw random numbers. ``computes``, filled in, is a digest of what
    a criterion of the user's computes; it is empty for those of tflottery.
    """

    of: RunSpec
    amount: By | To
    scope: Scope = "layerwise"
    criterion: str = "magnitude"
    embedding: bool = True
    head: bool = True
    seed: int = 0
    biases: bool = False
    rates: Rates = ()
    computes: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "computes", criteria.computes(self.criterion))

    def needs(self) -> Iterable[Need]:
        # The mask is that of the run that is pruned, even if weights of another one are read.
        read = criteria.steps_of(self.criterion)
        return tuple(self._read_at(step) for step in dict.fromkeys((*read, steps.END)))

    def _read_at(self, step: str) -> Need:
        """Where the weights at a step are kept: at the end they are those of the run that is
        pruned, at any other of the one in which its weights were drawn."""
        return (self.of if step == steps.END else drawn_in(self.of)), step

    def make(self, ancestors: Ancestors) -> Masks:
        criteria.require_unchanged(self.criterion, self.computes)
        weights = {
            step: _later(ancestors, *self._read_at(step))
            for step in criteria.steps_of(self.criterion)
        }
        masks = ancestors.masks(self.of)
        return self._prune(masks, weights, lambda: ancestors.computed(self.of))

    def prune(
        self, masks: Masks, final: Arrays, computed: Callable[[], Computed] | None = None
    ) -> Masks:
        """The mask that these weights give: those of the run at its end, or of another moment in
        its place.

        Args:
            masks: bool arrays for every prunable tensor: what is left so far.
            final: float32 arrays for every trainable tensor.
            computed: gives gradients and activations; None if there are no data.

        Raises:
            UserError: the criterion reads other steps, or asks for data that are not there.
        """
        criteria.require_unchanged(self.criterion, self.computes)
        return self._prune(masks, {steps.END: lambda: final}, computed)

    def _prune(
        self,
        masks: Masks,
        weights: dict[str, Callable[[], Arrays]],
        computed: Callable[[], Computed] | None,
    ) -> Masks:
        criterion = criteria.CRITERIA.find(self.criterion)
        if criterion.at not in weights:
            raise UserError(
                f"The criterion {self.criterion!r} reads {criterion.at}, which is not this moment."
            )
        scored = weights[criterion.at]()
        if self.biases:
            # The dense network is the same with and without them, and has no masks of them.
            shapes = {name: scored[name].shape for name in biases_beside(masks, scored)}
            masks = {**mask_ops.dense(shapes), **masks}
        model = self.of.recipe.model
        exclude = excluded(model.roles(), self.embedding, self.head)
        exclude += biases_beside(exclude, masks)
        rates_by_name.require_named(self.rates, masks, model.roles())
        layers = model.unit_layers()

        def score(left: Masks) -> Arrays:
            return criteria.score(
                PruningContext(
                    self.criterion,
                    mask_ops.apply(left, scored),
                    left,
                    tuple(sorted(set(masks) - set(exclude))),
                    model.roles(),
                    layers,
                    self.seed,
                    weights,
                    computed,
                )
            )

        if criterion.of == "units":
            return mask_ops.prune_units(
                masks, layers, score(masks), self.amount, scope=self.scope, exclude=exclude,
                rates=self._rates_of_units(layers, masks, model.roles()),
            )  # fmt: skip
        rates, ends = self._rates(masks, model.roles()), ends_in(masks, model.roles())

        def prune(scores: Arrays, amount: By | To | Partly) -> Masks:
            at, own = partly(amount, rates)
            return mask_ops.prune(
                masks, scores, at, scope=self.scope, exclude=exclude, rates=own, ends=ends
            )

        return in_rounds(masks, self.amount, criterion.rounds, score, prune)

    def require_reached(self, masks: Masks) -> None:
        """Makes sure that masks can be pruned as far as is asked, where that can be told without
        scores.

        Args:
            masks: bool arrays for every prunable tensor: what is left so far.

        Raises:
            BeyondReachError: the scope, or rates of 0, keep more than that.
        """
        is_by_rates = bool(self.rates) and isinstance(self.amount, To)
        if criteria.scores_units(self.criterion) or not (is_by_rates or self.scope == "uniform+"):
            return
        roles = self.of.recipe.model.roles()
        exclude = excluded(roles, self.embedding, self.head)
        exclude += biases_beside(exclude, masks)
        open_ = {name: mask for name, mask in masks.items() if name not in exclude}
        rates = self._rates(open_, roles)
        floors = (
            scopes.floors_by_place(open_, ends_in(masks, roles))
            if rates is None
            else scopes.floors_by_rates(open_, rates)
        )
        counted = mask_ops.count(open_)
        total = self.amount.kept(counted.remaining, counted.total)
        what = "uniform+" if rates is None else "rates"
        scopes.require_reached(what, sum(floors.values()), total, counted.total)

    def _rates(self, masks: Masks, roles: Roles) -> dict[str, float] | None:
        if not self.rates:
            return None
        return rates_by_name.by_tensor(self.rates, masks, roles)

    def _rates_of_units(
        self, layers: Iterable[Units], masks: Masks, roles: Roles
    ) -> dict[str, float] | None:
        if not self.rates:
            return None
        return rates_by_name.by_layer(self.rates, kernels_of(layers), masks, roles)


def ends_in(masks: Masks, roles: Roles) -> scopes.Ends:
    """The tensors at the ends of a network that has these masks and roles."""
    shapes = {name: mask.shape for name, mask in masks.items()}
    return scopes.ends_of(shapes, roles.embedding, roles.head)


def kernels_of(layers: Iterable[Units]) -> dict[str, tuple[str, ...]]:
    """The tensors that compute the units of each layer, biases left out, by the layer's name."""
    return {
        units.layer: tuple(part.tensor for part in units.made if not is_bias(part.tensor))
        for units in layers
    }


def _later(ancestors: Ancestors, run: RunSpec, step: str) -> Callable[[], Arrays]:
    """Reads a snapshot when it is asked for."""
    return lambda: ancestors.snapshot(run, step)


def drawn_in(run: RunSpec) -> RunSpec:
    """The run in which the weights were drawn that this one began with, at that moment or a later
    one: for original init and rewinding the dense network, for newly drawn weights the run
    itself."""
    while isinstance(run.init, Snapshot):
        run = run.init.of
    return run


def excluded(roles: Roles, embedding: bool, head: bool) -> tuple[str, ...]:
    """The names of the tensors that ``Pruned`` excludes with these values of its fields, in a
    network with these roles."""
    return (() if embedding else roles.embedding) + (() if head else roles.head)


@dataclass(frozen=True)
class Shuffled(MaskSpec):
    """Another mask with its entries permuted within each tensor (Frankle et al. 2021, arXiv
    2009.08576)."""

    of: MaskSpec
    seed: int

    @property
    def biases(self) -> bool:
        return self.of.biases

    def needs(self) -> Iterable[Need]:
        return self.of.needs()

    def make(self, ancestors: Ancestors) -> Masks:
        return mask_ops.shuffle(self.of.make(ancestors), self.seed)


@dataclass(frozen=True)
class ShuffledWords(MaskSpec):
    """Another mask with the embedding's entries permuted within each word's row, so that each word
    keeps as many weights as it had.

    ``dealt``: how many weights a word keeps is dealt out anew, the counts permuted over the words.
    ``others``: whether all other tensors are permuted too, as ``Shuffled`` with the same seed
    permutes them; else they keep their mask.
    """

    of: MaskSpec
    seed: int
    dealt: bool = False
    others: bool = True

    @property
    def biases(self) -> bool:
        return self.of.biases

    def needs(self) -> Iterable[Need]:
        return self.of.needs()

    def make(self, ancestors: Ancestors) -> Masks:
        masks = self.of.make(ancestors)
        permuted = mask_ops.deal_rows if self.dealt else mask_ops.shuffle_in_rows
        words = {
            name: permuted(masks[name], seeds.generator("shuffle words", self.seed, name))
            for name in ancestors.roles.embedding
            if name in masks
        }
        return {**(mask_ops.shuffle(masks, self.seed) if self.others else masks), **words}


@dataclass(frozen=True)
class GraduallyPruned(MaskSpec):
    """Gradual magnitude pruning during the training (Zhu and Gupta 2017, arXiv 1710.01878).

    ``to``: the sparsity at the end, a fraction. ``over``: the fraction of the training in which
    sparsity grows. ``embedding``, ``head`` and ``biases`` as in ``Pruned``.
    """

    to: float
    over: float = 0.5
    embedding: bool = True
    head: bool = True
    biases: bool = False

    def make(self, ancestors: Ancestors) -> Masks:
        return mask_ops.dense(ancestors.prunable)

    def gradual(self, total_steps: int, roles: Roles) -> Gradual | None:
        end = max(1, round(self.over * total_steps))
        return Gradual(self.to, end, excluded(roles, self.embedding, self.head))


@dataclass(frozen=True)
class Fresh(InitSpec):
    """Newly drawn weights."""

    seed: int

    def make(self, ancestors: Ancestors) -> Arrays:
        return ancestors.fresh_weights(self.seed)


@dataclass(frozen=True)
class Snapshot(InitSpec):
    """The weights of a run at a step.

    Of the dense run, ``0ep`` is the original init and ``1ep`` late rewinding (Frankle et al. 2019,
    arXiv 1903.01611); ``end`` of the round before is fine-tuning. The training that follows has the
    full number of epochs, and its data order begins anew.
    """

    of: RunSpec
    at: str

    def needs(self) -> Iterable[Need]:
        return ((self.of, self.at),)

    def make(self, ancestors: Ancestors) -> Arrays:
        return ancestors.snapshot(self.of, self.at)


@dataclass(frozen=True)
class Signs(InitSpec):
    """The signs of other initial weights: each weight of a kernel becomes plus or minus the
    kernel's standard deviation; biases stay (Zhou et al. 2019, arXiv 1905.01067, "sign,
    constant")."""

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
class EmbeddingFrom(InitSpec):
    """The embedding of one start in another: ``embedding`` gives the tables that hold a vector for
    each word, ``rest`` everything else."""

    embedding: InitSpec
    rest: InitSpec

    def needs(self) -> Iterable[Need]:
        return (*self.embedding.needs(), *self.rest.needs())

    def make(self, ancestors: Ancestors) -> Arrays:
        words = self.embedding.make(ancestors)
        tables = ancestors.roles.embedding
        return {
            name: words[name] if name in tables else weight
            for name, weight in self.rest.make(ancestors).items()
        }


@dataclass(frozen=True)
class Fit:
    """How masks and weights of a network on other data are made to fit this network.

    ``words_of``: the data whose vocabulary the other network has; its embedding rows are matched
    word by word. None if both networks have the same vocabulary.
    ``without``: layers that are excluded: neither their weights nor their masks are transferred.
    ``seed``: for everything that is drawn anew.
    """

    words_of: DataSettings | None = None
    without: tuple[str, ...] = ()
    seed: int = 0

    def excludes(self, tensor: str) -> bool:
        """Whether the tensor belongs to an excluded layer."""
        return tensor.partition("/")[0] in self.without

    def rows(self, tensor: str, ancestors: Ancestors) -> np.ndarray | None:
        """int64 [rows]: for each row of the tensor, the other network's row that it takes, or -1
        for none; None if all rows stay in place."""
        if self.words_of is None or tensor not in ancestors.roles.embedding:
            return None
        return ancestors.rows_in(self.words_of)


@dataclass(frozen=True)
class TransferredMask(MaskSpec):
    """A mask from other data.

    Excluded layers are dense. The embedding rows of words that the other data lack are pruned at
    random, ``like`` the rows that are ``carried`` over, which keep as large a part of their
    weights, or, as once, like the whole ``table`` of the other network. The two differ where rare
    words, which other data lack, keep fewer weights than frequent ones.
    """

    of: MaskSpec
    fit: Fit
    like: Literal["table", "carried"] = "table"

    @property
    def biases(self) -> bool:
        return self.of.biases

    def needs(self) -> Iterable[Need]:
        return self.of.needs()

    def make(self, ancestors: Ancestors) -> Masks:
        masks = self.of.make(ancestors)
        return {
            name: np.ones(shape, bool)
            if self.fit.excludes(name)
            else self._transferred(name, masks[name], ancestors)
            for name, shape in ancestors.prunable.items()
        }

    def _transferred(self, name: str, mask: np.ndarray, ancestors: Ancestors) -> np.ndarray:
        rows = self.fit.rows(name, ancestors)
        if rows is None:
            return mask
        transferred = mask[rows]
        is_new = rows < 0
        # Where no word is carried over, the other table is all there is to go by.
        like = mask if self.like == "table" or is_new.all() else transferred[~is_new]
        new = np.zeros(transferred[is_new].size, bool)
        new[: round(new.size * like.mean())] = True
        random = seeds.generator("transferred mask", self.fit.seed, name)
        transferred[is_new] = random.permutation(new).reshape(-1, mask.shape[1])
        return transferred


@dataclass(frozen=True)
class TransferredWeights(InitSpec):
    """Weights from other data. Excluded layers are newly drawn, and so are the embedding rows of
    words that the other data lack."""

    of: InitSpec
    fit: Fit

    def needs(self) -> Iterable[Need]:
        return self.of.needs()

    def make(self, ancestors: Ancestors) -> Arrays:
        weights = self.of.make(ancestors)
        return {
            name: new
            if self.fit.excludes(name)
            else self._transferred(name, weights, new, ancestors)
            for name, new in ancestors.fresh_weights(self.fit.seed).items()
        }

    def _transferred(
        self, name: str, weights: Arrays, new: np.ndarray, ancestors: Ancestors
    ) -> np.ndarray:
        rows = self.fit.rows(name, ancestors)
        if rows is None:
            return weights[name]
        return np.where((rows < 0)[:, np.newaxis], new, weights[name][rows])


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
