"""Whether settings of a search go with a network and its training, before anything is trained."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable

from tflottery import steps
from tflottery.errors import UserError
from tflottery.models import units
from tflottery.models.architecture import Architecture
from tflottery.models.biases import biases_beside, is_bias
from tflottery.models.shapes import Shaped, names_of
from tflottery.pruning import costs as unit_costs
from tflottery.pruning import criteria
from tflottery.pruning import masks as mask_ops
from tflottery.pruning import rates as rates_by_name
from tflottery.pruning.criteria.gradients import OF_FLOW
from tflottery.pruning.masks import By, To
from tflottery.pruning.scopes import BeyondReachError
from tflottery.pruning.shares import excluded
from tflottery.runs.moving import Moving
from tflottery.runs.pruned import Pruned, kernels_of
from tflottery.runs.specs import MaskSpec, RunSpec, ancestry, snapshots_wanted
from tflottery.tickets.settings import CARRIED, KEPT, PruningSettings
from tflottery.training.pace import Pace

# Between these lie the sizes of data that are not read yet: two ids that are no words, and a word;
# more classes than anybody has.
_FEWEST_IDS, _FEWEST_CLASSES, _MOST_CLASSES = 3, 2, 10_000


def require_within_reach(
    specs: Iterable[RunSpec], vocabulary: int | None = None, classes: int | None = None
) -> None:
    """Makes sure, before anything is trained, that what scope or rates keep whatever happens is no
    more than the sparsities ask for.

    How much that is depends on the sizes of embedding and head. Where the data are not read yet,
    only what no data can reach is refused.

    Args:
        specs: networks, each with the mask that it is judged with.
        vocabulary: the number of ids in their data; None where that is not known yet.
        classes: how many the data have; None where that is not known yet.

    Raises:
        UserError: it is more.
    """
    for spec in specs:
        mask = _to_goal(spec.mask)
        if mask is None or not isinstance(spec.recipe.model, Shaped):
            continue
        most_ids = spec.recipe.data.vocabulary_size
        # With more of either the part that has to stay grows all the way, or shrinks all the way.
        sizes = itertools.product(
            (most_ids, _FEWEST_IDS) if vocabulary is None else (vocabulary,),
            (_FEWEST_CLASSES, _MOST_CLASSES) if classes is None else (classes,),
        )
        told = _beyond(mask, spec, *next(sizes))
        if told and all(_beyond(mask, spec, *size) for size in sizes):
            raise UserError(told)


def require_steps_reached(specs: Iterable[RunSpec], texts: int) -> None:
    """Makes sure, before anything is trained, that trainings get as far as the steps whose weights
    others begin with, or criteria read.

    Args:
        specs: networks of one data set; of those that they come from, the same data's are judged.
        texts: how many its trainings have.

    Raises:
        UserError: one does not.
    """
    asked = tuple(specs)
    data = {spec.recipe.data for spec in asked}
    wanted = snapshots_wanted(asked)
    for spec in ancestry(asked):
        if spec.recipe.data in data:
            Pace.over(spec.recipe.training, texts).moments(wanted[spec.key])


def _to_goal(mask: MaskSpec) -> Pruned | Moving | None:
    """A mask with the sparsity that it comes to from dense, where a part of the weights is kept
    whatever happens; else None."""
    if not isinstance(mask, Pruned | Moving) or not (mask.rates or mask.scope == "uniform+"):
        return None
    if isinstance(mask, Moving) or isinstance(mask.amount, To):
        return mask
    if mask.rates:
        return None  # a round prunes each tensor as far as its own rate says
    left = 1.0
    before: MaskSpec = mask
    while isinstance(before, Pruned) and isinstance(before.amount, By):
        left *= 1 - before.amount.fraction
        before = before.of.mask
    return dataclasses.replace(mask, amount=To(1 - left))


def _beyond(mask: Pruned | Moving, spec: RunSpec, vocabulary: int, classes: int) -> str:
    """Why a mask cannot be reached with data of these sizes; empty where it can."""
    model = spec.recipe.model
    assert isinstance(model, Shaped)
    shapes = model.shapes(vocabulary, classes)
    shapes = {name: shape for name, shape in shapes.items() if mask.biases or not is_bias(name)}
    try:
        mask.require_reached(mask_ops.dense(shapes), spec.recipe.model.roles())
    except BeyondReachError as error:
        return str(error)
    return ""


def require_reached(settings: PruningSettings, epochs: int) -> None:
    """Makes sure that dense gets as far as the epoch that weights are rewound to, and those whose
    weights the criterion reads. How many steps an epoch has is known when the data are encoded.

    Raises:
        UserError: it does not.
    """
    init, criterion = settings.init, settings.criterion
    asked = [(f"--criterion {criterion}", step) for step in criteria.steps_of(criterion)]
    if init.startswith("rewind"):
        asked.append((f"--init {init}", init.partition(":")[2]))
    for what, step in asked:
        if steps.is_after(step, epochs):
            raise UserError(
                f"{what}: the step {step} lies beyond the training ({epochs} epochs); choose an "
                "earlier one."
            )


def require_roles(model: Architecture, settings: PruningSettings) -> None:
    """Makes sure that a network has the parts that the settings speak of.

    Raises:
        UserError: it has not.
    """
    roles = model.roles()
    for key, tensors, what in (
        ("embedding", roles.embedding, "embedding: a table of vectors, one a word"),
        ("head", roles.head, "head: a layer of weights that gives its logits"),
    ):
        if not getattr(settings, key) and not tensors:
            raise UserError(
                f"pruning.{key}=false, and the network {model.name} has no {what}; leave "
                f"pruning.{key} out."
            )
    is_of_units = criteria.scores_units(settings.criterion)
    known = model.unit_layers() if is_of_units or settings.costs else ()
    names = names_of(model)
    layers = units.chosen(known, settings.attention_heads, names)
    if settings.attention_heads and layers == units.chosen(known, False, names):
        raise UserError(
            f"pruning.attention_heads=true, and the network {model.name} has no heads of attention "
            "that it tells; leave it out."
        )
    masked = [name for name in names if settings.biases or not is_bias(name)]
    exclude = excluded(roles, settings.embedding, settings.head)
    exclude = (*exclude, *biases_beside(exclude, masked))
    if settings.rates and names:
        rates_by_name.require_usable(
            rates_by_name.with_rest(settings.rates, settings.rate),
            masked,
            roles,
            exclude,
            kernels_of(layers) if is_of_units else None,
        )
    if settings.init in (CARRIED, KEPT) and not roles.embedding:
        raise UserError(
            f"--init {settings.init} keeps the embedding, and the network {model.name} has none (a "
            "table of vectors, one a word); give --init random."
        )
    if is_of_units and not layers and units.chosen(known, settings.attention_heads):
        raise UserError(
            f"pruning.criterion {settings.criterion} prunes whole units, and the network "
            f"{model.name} trains no layer of those that it tells; prune by magnitude."
        )
    if is_of_units and not layers:
        raise UserError(
            f"pruning.criterion {settings.criterion} prunes whole units, and the network "
            f"{model.name} does not say where its units lie; register a dataclass that has "
            "unit_layers, or prune by magnitude."
        )
    left_out = [
        f"pruning.{key}=false" for key in ("embedding", "head") if not getattr(settings, key)
    ]
    of_one = [{part.tensor for part in one.made} for one in layers]
    pruned = of_one if is_of_units else [{name} for name in masked]
    if names and left_out and all(tensors & {*exclude} for tensors in pruned):
        raise UserError(
            f"Nothing is left to prune in the network {model.name} with {' and '.join(left_out)}; "
            "leave one out."
        )
    if settings.costs:
        unit_costs.require_named(settings.costs, layers, known)
    if settings.criterion in OF_FLOW and not getattr(model, "flows", True):
        raise UserError(
            f"pruning.criterion {settings.criterion} follows the flow through kernels and ReLU, "
            f"and the network {model.name} has layers, as gates, attention or norms, for which "
            "that has no meaning; choose another one, as snip."
        )


def excluding(settings: PruningSettings, model: Architecture, **excluded_: bool) -> PruningSettings:
    """The settings with another ``embedding`` or ``head``; rates of what is excluded then go."""
    changed = dataclasses.replace(settings, rates=(), **excluded_)  # type: ignore[arg-type]
    roles, names = model.roles(), names_of(model)
    exclude = excluded(roles, changed.embedding, changed.head)
    exclude = (*exclude, *biases_beside(exclude, names))
    rates = rates_by_name.without(settings.rates, names or exclude, roles, exclude)
    return dataclasses.replace(changed, rates=rates)
