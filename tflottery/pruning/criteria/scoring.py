"""What criteria say of a run, checked: finite scores, one for each weight or unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tflottery.errors import OF_OTHERS, TflotteryError, UserError, in_a_line
from tflottery.files import Arrays
from tflottery.models.units import Units
from tflottery.pruning.context import PruningContext
from tflottery.pruning.criteria.registry import CRITERIA, Criterion
from tflottery.registry import of_file, origin


def score(context: PruningContext) -> Arrays:
    """The scores of each tensor of ``context.names``, or of each layer of ``context.units``: float
    arrays by name.

    Raises:
        TrainingError: what it asked the network for is not finite, or cannot be computed.
        UserError: the criterion failed, or gave no finite score for each weight or unit.
    """
    found = CRITERIA.find(context.criterion)
    if found.in_context:
        return _in_context(context, found)
    return {name: _of_tensor(context, found, name) for name in context.names}


def scores(
    criterion: str, weights: Mapping[str, np.ndarray], names: list[str], seed: int
) -> Arrays:
    """The scores of the named tensors, of weights alone: float arrays of their shapes.

    Args:
        criterion: one of weights.
        weights: float32 arrays by tensor.
        names: the tensors to score.
        seed: for criteria that draw; each tensor has a random stream of its own.

    Raises:
        UserError: as of ``score``.
    """
    masks = {name: np.ones(weights[name].shape, bool) for name in names}
    return score(PruningContext(criterion, dict(weights), masks, tuple(names), _seed=seed))


def unit_scores(
    criterion: str, weights: Mapping[str, np.ndarray], layers: tuple[Units, ...]
) -> Arrays:
    """The scores of the units of each layer, of weights alone: float [units] by the layer's name.

    Args:
        criterion: one of units.
        weights: float32 arrays by tensor.
        layers: the units of each layer.

    Raises:
        UserError: as of ``score``.
    """
    masks = {name: np.ones(weight.shape, bool) for name, weight in weights.items()}
    return score(PruningContext(criterion, dict(weights), masks, (), units=layers))


def _of_tensor(context: PruningContext, criterion: Criterion, tensor: str) -> np.ndarray:
    function, weight = criterion.function, context.weights[tensor]
    what, where = f"The criterion {context.criterion!r}", f"the tensor {tensor}"
    given = _called(what, where, function, weight.copy(), context.random(tensor))
    return _checked(given, what, where, weight.shape, "weight", origin(function).is_ours)


def _in_context(context: PruningContext, criterion: Criterion) -> Arrays:
    what, is_ours = f"The criterion {context.criterion!r}", origin(criterion.function).is_ours
    if criterion.of == "units":
        wanted = {units.layer: (units.count,) for units in context.units}
        kind, one = "layer", "unit"
    else:
        wanted = {name: context.masks[name].shape for name in context.names}
        kind, one = "tensor", "weight"
    given = _called(what, "this run", criterion.function, context)
    if not isinstance(given, Mapping):
        raise UserError(
            f"{what} gave a {type(given).__name__}; it has to give a dict of scores by {kind}."
        )
    missing = [name for name in wanted if name not in given]
    if missing:
        raise UserError(f"{what} gave no scores for the {kind} {missing[0]}.")
    return {
        name: _checked(given[name], what, f"the {kind} {name}", shape, one, is_ours)
        for name, shape in wanted.items()
    }


def _called(what: str, where: str, function: Any, *arguments: Any) -> Any:
    """What a function gives.

    Raises:
        TflotteryError: what it asked its context for is not there or not finite.
        UserError: it failed.
    """
    if origin(function).is_ours:
        return function(*arguments)
    try:
        return function(*arguments)
    except TflotteryError:
        raise
    except OF_OTHERS as error:
        said = in_a_line(error, of_file(function))
        raise UserError(f"{what} failed for {where}: {said}.") from error


def _checked(
    given: object, what: str, where: str, shape: tuple[int, ...], one: str, is_ours: bool
) -> np.ndarray:
    """Scores as an array of finite numbers of a shape."""
    scored = _numbers(given)
    if scored is None:
        raise UserError(
            f"{what} gave a {type(given).__name__} for {where}; it has to give an array with a "
            f"number for each {one}."
        )
    if scored.shape != shape:
        raise UserError(
            f"{what} gave scores of shape {scored.shape} for {where}, whose shape is {shape}; it "
            f"has to give a score for each {one}."
        )
    finite = np.isfinite(scored)
    if not finite.all():
        odd = scored[~finite].flat[0]
        raise UserError(
            f"{what} gave {odd} among the scores of {where}; scores are finite numbers."
        )
    # Scores of this package keep their own precision, on which the order of near ones depends.
    return scored if is_ours else scored.astype(np.float64)


def _numbers(given: object) -> np.ndarray | None:
    """What a criterion gave, as an array; None where that is no array of numbers."""
    try:
        scored = np.asarray(given)
    except Exception:  # whatever a foreign type does when it is asked for an array
        return None
    return scored if scored.dtype.kind in "biuf" else None
