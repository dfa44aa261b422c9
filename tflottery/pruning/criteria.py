"""Pruning criteria: which weights are worth keeping.

A criterion is a function that scores each weight of a tensor; the weights with the highest scores
are kept. ``register_criterion`` adds one, as it does those of this package. A criterion in
``UNIT_CRITERIA`` scores the units of a layer instead, which are then kept or pruned whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import numpy as np

from tflottery import digests, seeds
from tflottery.digests import NoDigestError
from tflottery.errors import OF_OTHERS, UserError, in_a_line, suggest
from tflottery.models.units import Units
from tflottery.registry import Registry, of_file, origin

Criterion = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""Takes a tensor's weights after training (float32) and a random stream; gives a score a weight."""
C = TypeVar("C", bound=Criterion)
UnitCriterion = Callable[[Units, Mapping[str, np.ndarray]], np.ndarray]
_UNITS = ("filters",)

CRITERIA: Registry[Criterion] = Registry("criterion", _UNITS)
"""Every registered criterion of weights by name, those of tflottery first."""


def register_criterion(name: str) -> Callable[[C], C]:
    """Registers a function that scores the weights of a tensor; those with the highest scores are
    kept.

    >>> import tflottery as tfl
    >>> @tfl.register_criterion("spread")                           # doctest: +SKIP
    ... def spread(weight, random):
    ...     "How far a weight is from the mean of its column."
    ...     return abs(weight - weight.mean(axis=0))
    >>> tfl.find_ticket("toy", criterion="spread")                  # doctest: +SKIP

    The function gets a copy of the weights (float32, of any shape with two axes or more) and a
    ``numpy.random.Generator``, which is the only randomness it may use; it gives finite numbers of
    the same shape. Weights that were pruned before are 0 and stay pruned, whatever their score.

    What the function computes is part of the key of every run that it pruned: one that is edited
    prunes anew (``tflottery.digests`` says what of it is told). Registering the same function
    again, as a notebook's cell does, replaces it.

    Args:
        name: what ``--criterion`` takes, and ``pruning.criterion``.

    Raises:
        UserError: another function has the name, or it is no name.
    """
    CRITERIA.check_name(name)

    def register(function: C) -> C:
        CRITERIA.add(name, function, function)
        return function

    return register


@register_criterion("magnitude")
def magnitude(weight: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """|w| after training (Han et al. 2015; Frankle and Carbin 2019)."""
    del random
    return np.abs(weight)


@register_criterion("random")
def chance(weight: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A random number in [0, 1): the control that every criterion must beat."""
    return random.random(weight.shape)


def filters(units: Units, weights: Mapping[str, np.ndarray]) -> np.ndarray:
    """float [units]: the mean |w| of the remaining weights that compute a unit.

    This is the norm of Li et al. (2017, arXiv 1608.08710), divided by the number of weights, so
    that layers of different sizes can compete.
    """
    everyone = np.arange(units.count)
    kernels = [part for part in units.made if not part.tensor.endswith("bias")]
    entries = np.concatenate(
        [part.of(weights[part.tensor], everyone, units.count) for part in kernels], axis=1
    )
    return np.abs(entries).sum(axis=1) / np.maximum(np.count_nonzero(entries, axis=1), 1)


UNIT_CRITERIA: dict[str, UnitCriterion] = {"filters": filters}


def require_known(name: str) -> None:
    """Makes sure that there is a criterion of that name, of weights or of units.

    Raises:
        UserError: there is none; the line names the nearest one.
    """
    known = (*CRITERIA, *UNIT_CRITERIA)
    if name not in known:
        raise UserError(
            f"pruning.criterion is not {name!r}. {suggest(name, known)} One of your own comes with "
            "--plugin."
        )


def computes(name: str) -> str:
    """What a key holds of a criterion beside its name: a digest of what it computes; empty for
    those of this package, whose names say it, and where there is none of that name.

    Raises:
        UserError: it uses something whose content cannot be told.
    """
    function = CRITERIA.get(name)
    if function is None or origin(function).is_ours:
        return ""
    try:
        return digests.digest(function)
    except NoDigestError as error:
        raise UserError(
            f"The criterion {name!r} uses {error}, whose content no key can hold; use functions, "
            "numbers, texts, lists, dicts or numpy arrays, or make it inside the function."
        ) from None


def require_unchanged(name: str, computed: str) -> None:
    """Makes sure that a criterion is known here and is the one that a run's key holds.

    Raises:
        UserError: it is not known, or computes something else.
    """
    if name not in UNIT_CRITERIA and name not in CRITERIA:
        CRITERIA.find(name)
    if computes(name) != computed:
        raise UserError(
            f"The criterion {name!r} is not what it was when its runs were planned: it was edited, "
            "workers have another version of it, or it changes what it uses (a counter, a cache). "
            "Run the same again; a criterion computes its scores from its arguments alone."
        )


def scores(
    criterion: str, weights: Mapping[str, np.ndarray], names: list[str], seed: int
) -> dict[str, np.ndarray]:
    """The scores of the named tensors: float arrays of their shapes.

    Args:
        criterion: a key of ``CRITERIA``.
        weights: float32 arrays by tensor.
        names: the tensors to score.
        seed: for criteria that draw; each tensor has a random stream of its own.

    Raises:
        UserError: a criterion of the user's failed, or gave no score for each weight.
    """
    function = CRITERIA.find(criterion)
    return {
        name: _checked(
            criterion, function, name, weights[name], seeds.generator("criterion", seed, name)
        )
        for name in names
    }


def _checked(
    criterion: str,
    function: Criterion,
    tensor: str,
    weight: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """The scores of a tensor, which are finite numbers of its shape."""
    if origin(function).is_ours:
        return function(weight, random)
    what = f"The criterion {criterion!r}"
    try:
        given = function(weight.copy(), random)
    except OF_OTHERS as error:
        said = in_a_line(error, of_file(function))
        raise UserError(f"{what} failed for the tensor {tensor}: {said}.") from error
    scored = _numbers(given)
    if scored is None:
        raise UserError(
            f"{what} gave a {type(given).__name__} for the tensor {tensor}; it has to give an "
            "array with a number for each weight."
        )
    if scored.shape != weight.shape:
        raise UserError(
            f"{what} gave scores of shape {scored.shape} for the tensor {tensor}, whose shape is "
            f"{weight.shape}; it has to give a score for each weight."
        )
    finite = np.isfinite(scored)
    if not finite.all():
        odd = scored[~finite].flat[0]
        raise UserError(
            f"{what} gave {odd} among the scores of the tensor {tensor}; scores are finite numbers."
        )
    return scored.astype(np.float64)


def _numbers(given: object) -> np.ndarray | None:
    """What a criterion gave, as an array; None where that is no array of numbers."""
    try:
        scored = np.asarray(given)
    except Exception:  # whatever a foreign type does when it is asked for an array
        return None
    return scored if scored.dtype.kind in "biuf" else None


def unit_scores(
    criterion: str, weights: Mapping[str, np.ndarray], layers: Iterable[Units]
) -> dict[str, np.ndarray]:
    """The scores of the units of each layer: float [units] by the layer's name.

    Args:
        criterion: a key of ``UNIT_CRITERIA``.
        weights: float32 arrays by tensor.
        layers: the units of each layer.
    """
    return {units.layer: UNIT_CRITERIA[criterion](units, weights) for units in layers}
