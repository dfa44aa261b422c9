"""Masks that a criterion decides, before a training or while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tflottery import steps
from tflottery.errors import UserError
from tflottery.files import Arrays
from tflottery.models import units as unit_layers
from tflottery.models.biases import biases_beside, is_bias
from tflottery.models.roles import Roles
from tflottery.models.units import Units
from tflottery.pruning import criteria, scopes
from tflottery.pruning import masks as mask_ops
from tflottery.pruning import rates as rates_by_name
from tflottery.pruning.context import Computed, PruningContext
from tflottery.pruning.costs import Costs
from tflottery.pruning.gradual import Gradual
from tflottery.pruning.masks import Amount, By, Last, Masks, To
from tflottery.pruning.rates import Rates
from tflottery.pruning.rounds import Partly, in_rounds, partly
from tflottery.pruning.scopes import Scope
from tflottery.pruning.shares import Shares, ends_in, excluded
from tflottery.runs.inits import drawn_in
from tflottery.runs.scaled import Scaled
from tflottery.runs.specs import Ancestors, MaskSpec, Need, RunSpec


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
    ``attention_heads``: a criterion of units prunes whole heads of attention too. ``seed`` is for
    criteria that draw random numbers. ``computes``, filled in, is a digest of what a criterion of
    the user's computes; it is empty for those of tflottery. ``activations``, filled in too, is the
    version of those that it may read, ``distances`` that of distances between units, and
    ``rounds`` that of what the rounds of a criterion leave each tensor.
    ``inverted`` keeps the lowest scores: a check that they say anything (Frankle et al. 2021, arXiv
    2009.08576).
    ``costs``: what a unit of each layer takes, for criteria that weigh units by it.
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
    inverted: bool = False
    costs: Costs = ()
    attention_heads: bool = False
    computes: str = field(default="", init=False, repr=False)
    activations: int = field(default=1, init=False, repr=False)
    distances: int = field(default=1, init=False, repr=False)
    rounds: int = field(default=1, init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "computes", criteria.computes(self.criterion))
        # Once padding was told at the wrong end of layers that give their states backwards.
        if getattr(self.of.recipe.model, "gives_backwards", False) is True:
            version = 2 if criteria.may_read_activations(self.criterion) else 1
            object.__setattr__(self, "activations", version)
        # Once they were divided by inputs that were pruned, too, which tells where layers compete.
        is_by_distance = self.criterion == "geometric_median" and self.scope == "global"
        if is_by_distance and not self.rates and isinstance(self.of.mask, Pruned):
            object.__setattr__(self, "distances", 2)
        # Once a round could give a tensor a weight back.
        if self._shares_a_total and criteria.prunes_in_rounds(self.criterion):
            object.__setattr__(self, "rounds", 2)

    @property
    def _shares_a_total(self) -> bool:
        """Whether how many weights a tensor keeps follows from how many all keep, and from no
        score."""
        if self.rates:
            return isinstance(self.amount, To)
        return self.scope in ("erk", "uniform+")

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
        return self._prune(
            masks, weights, lambda: ancestors.computed(self.of), lambda: ancestors.scales(self.of)
        )

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
            UserError: the criterion reads other steps or scales, or asks for data that are not
                there.
        """
        criteria.require_unchanged(self.criterion, self.computes)
        return self._prune(masks, {steps.END: lambda: final}, computed)

    def _prune(
        self,
        masks: Masks,
        weights: dict[str, Callable[[], Arrays]],
        computed: Callable[[], Computed] | None,
        scales: Callable[[], Arrays] | None = None,
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
        told = unit_layers.chosen(model.unit_layers(), self.attention_heads)
        if criterion.of == "units":
            _require_there(told, scored, model.name)
        layers = unit_layers.chosen(told, self.attention_heads, masks)

        def score(left: Masks) -> Arrays:
            scores = criteria.score(
                PruningContext(
                    self.criterion,
                    mask_ops.apply(left, scored),
                    left,
                    tuple(sorted(set(masks) - set(exclude))),
                    model.roles(),
                    layers,
                    dict(self.costs),
                    self.seed,
                    weights,
                    computed,
                    scales,
                )
            )
            return {name: -one for name, one in scores.items()} if self.inverted else scores

        if criterion.of == "units":
            return mask_ops.prune_units(
                masks, layers, score(masks), self.now, scope=self.scope, exclude=exclude,
                rates=self._rates_of_units(layers, masks, model.roles()),
            )  # fmt: skip
        rates, ends = self._rates(masks, model.roles()), ends_in(masks, model.roles())

        def prune(scores: Arrays, amount: Amount | Partly) -> Masks:
            at, own = partly(amount, rates)
            return mask_ops.prune(
                masks, scores, at, scope=self.scope, exclude=exclude, rates=own, ends=ends
            )

        return in_rounds(
            masks, self.now, criterion.rounds, score, prune, by_total=self._shares_a_total
        )

    @property
    def now(self) -> Amount:
        """What is pruned of the masks of the run before: a goal may be that of rounds, which prune
        fractions."""
        before = self.of.mask
        before = before.held if isinstance(before, Scaled) else before
        is_of_rounds = isinstance(before, Pruned) and isinstance(before.amount, By)
        return Last(self.amount) if is_of_rounds and isinstance(self.amount, To) else self.amount

    def require_reached(self, masks: Masks, roles: Roles) -> None:
        """Makes sure that masks can be pruned as far as is asked, where that can be told without
        scores.

        Args:
            masks: bool arrays for every prunable tensor: what is left so far.
            roles: of the network.

        Raises:
            BeyondReachError: the scope, or rates of 0, keep more than that.
        """
        if criteria.scores_units(self.criterion):
            self._require_units_reached(masks, roles)
            return
        shares = Shares(roles, self.scope, self.rates, self.embedding, self.head)
        shares.require_reached(masks, self.amount)

    def _require_units_reached(self, masks: Masks, roles: Roles) -> None:
        if not self.rates or isinstance(self.amount, By):
            return
        model = self.of.recipe.model
        layers = unit_layers.chosen(model.unit_layers(), self.attention_heads, masks)
        exclude = excluded(roles, self.embedding, self.head)
        alive = mask_ops.alive_units(masks, layers, exclude + biases_beside(exclude, masks))
        rates = self._rates_of_units(layers, masks, roles)
        scopes.by_rates(alive, rates or {}, self.amount.kept(*_counted(alive)), "units")

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


def _require_there(layers: Iterable[Units], tensors: Arrays, network: str) -> None:
    """Makes sure that layers of units are layers of the network: one that is not would be taken for
    one that is frozen."""
    for units in layers:
        if not any(part.tensor in tensors for part in units.made):
            raise UserError(
                f"The network {network} says that {units.made[0].tensor} computes the units of "
                f"{units.layer}, and it has no such tensor; mend its unit_layers."
            )


def _counted(masks: Masks) -> tuple[int, int]:
    counted = mask_ops.count(masks)
    return counted.remaining, counted.total


def kernels_of(layers: Iterable[Units]) -> dict[str, tuple[str, ...]]:
    """The tensors that compute the units of each layer, biases left out, by the layer's name."""
    return {
        units.layer: tuple(part.tensor for part in units.made if not is_bias(part.tensor))
        for units in layers
    }


def _later(ancestors: Ancestors, run: RunSpec, step: str) -> Callable[[], Arrays]:
    """Reads a snapshot when it is asked for."""
    return lambda: ancestors.snapshot(run, step)


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
