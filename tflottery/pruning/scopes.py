"""Scopes: which weights compete with which, and so how many of them each tensor keeps.

``layerwise`` and ``global`` are decided in ``masks.prune``, by the scores alone. Here are the
scopes that share a total out between tensors: by scores that were made comparable first
(``global:normalised``, ``lamp``), by the shapes of tensors (``erk``), or by their places in the
network (``uniform+``); and rates, one a tensor. docs/scopes.md has the formulas.

Whoever shares out says how many weights each tensor keeps; which of them is decided by the scores,
as ever. Every total is exact, and no tensor keeps more than it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from tflottery.errors import TrainingError, UserError
from tflottery.pruning.sizes import competing, norm_of

Scope = Literal["layerwise", "global", "global:normalised", "lamp", "erk", "uniform+"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
# Whole units have no shape of their own, and no norm of single weights.
OF_UNITS: tuple[Scope, ...] = ("layerwise", "global", "global:normalised")
# What uniform+ leaves of the head (Gale et al. 2019).
HEAD_KEEPS = 0.2
_HALVINGS = 200

Arrays = Mapping[str, np.ndarray]
Counts = dict[str, int]


class BeyondReachError(TrainingError):
    """A sparsity that cannot be reached, since too much is kept whatever happens."""


@dataclass(frozen=True)
class Ends:
    """Tensors at the ends of a network, as ``uniform+`` treats them: ``first`` are the convolutions
    that read the words' vectors, ``head`` what makes the logits."""

    first: tuple[str, ...] = ()
    head: tuple[str, ...] = ()


NO_ENDS = Ends()


def ends_of(
    shapes: Mapping[str, tuple[int, ...]], embedding: Iterable[str], head: Iterable[str]
) -> Ends:
    """The ends of a network, told by shapes and roles.

    A first convolution is a kernel with three axes or more, the last but one of which is as wide
    as a word's vector.

    Args:
        shapes: of all tensors that are pruned or could be, by name.
        embedding, head: the names of the tensors with these roles.
    """
    widths = {shapes[name][-1] for name in embedding if name in shapes}
    first = tuple(
        name
        for name, shape in sorted(shapes.items())
        if len(shape) >= 3 and name.endswith("kernel") and shape[-2] in widths
    )
    return Ends(first, tuple(head))


def share_out(
    scope: Scope, masks: Arrays, scores: Arrays, total: int, ends: Ends = NO_ENDS
) -> Counts:
    """How many weights each tensor keeps, ``total`` in all.

    Args:
        scope: one in which tensors share a total, but ``global``.
        masks: bool arrays by tensor: the weights that remain so far.
        scores: float arrays of the same shapes.
        total: from 0 to as many as remain.
        ends: for ``uniform+``.

    Raises:
        UserError: scores are below 0, and the scope squares them, or infinite, and it divides them.
        BeyondReachError: ``uniform+`` keeps more than that.
    """
    return _SHARED[scope](masks, scores, total, ends)


def _by_normalised(masks: Arrays, scores: Arrays, total: int, ends: Ends) -> Counts:
    """Scores divided by the Euclidean norm of those that remain in their tensor (Molchanov et al.
    2017, arXiv 1611.06440)."""
    del ends
    scaled = {}
    for name, mask in masks.items():
        left = competing(name, mask, scores[name], "global:normalised")
        norm = norm_of(left)
        scaled[name] = left / norm if norm > 0 else left
    return _compete(scaled, total)


def _by_lamp(masks: Arrays, scores: Arrays, total: int, ends: Ends) -> Counts:
    """LAMP (Lee et al. 2021, arXiv 2010.07611): a squared score over the sum of its own square and
    those of all that are as large or larger, of what remains in the tensor."""
    del ends
    scaled = {}
    for name, mask in masks.items():
        left = competing(name, mask, scores[name], "lamp")
        if left.size and left.min() < 0:
            raise UserError(
                f"pruning.scope lamp squares scores, and some of the tensor {name} are below 0; "
                "choose global or global:normalised, or another criterion."
            )
        # Of equal scores the first comes first, and so has the larger one of LAMP. The ratio is the
        # same for all sizes of scores; without a unit their squares might overflow.
        squares = (np.sort(left)[::-1] / (left.max() if left.any() else 1.0)) ** 2
        sums = np.cumsum(squares)
        scaled[name] = np.divide(squares, sums, out=np.zeros_like(squares), where=sums > 0)
    return _compete(scaled, total)


def _by_shape(masks: Arrays, scores: Arrays, total: int, ends: Ends) -> Counts:
    """Erdős-Rényi-kernel (Evci et al. 2020, arXiv 1911.11134): a density in proportion to the sum
    of a tensor's axes over their product, so many weights in proportion to the sum."""
    del scores, ends
    # A single number is as an axis of one.
    axes = {name: sum(mask.shape or (1,)) for name, mask in masks.items()}
    return _fill(total, _left(masks), axes)


def _by_place(masks: Arrays, scores: Arrays, total: int, ends: Ends) -> Counts:
    """uniform+ (Gale et al. 2019, arXiv 1902.09574): the first convolutions are not pruned, the
    head keeps a fifth of its weights at least, and all else loses the same part."""
    del scores
    left, floors = _left(masks), floors_by_place(masks, ends)
    require_reached("uniform+", sum(floors.values()), total, _size(masks))
    fixed = {name: floor for name, floor in floors.items() if name in ends.first}
    for given in (fixed, floors):
        others = {name: count for name, count in left.items() if name not in given}
        shared = {**given, **_fill(total - sum(given.values()), others, others)}
        if all(shared[name] >= floor for name, floor in floors.items()):
            break
    return shared


_SHARED: dict[Scope, Callable[[Arrays, Arrays, int, Ends], Counts]] = {
    "global:normalised": _by_normalised,
    "lamp": _by_lamp,
    "erk": _by_shape,
    "uniform+": _by_place,
}


def by_rates(
    masks: Arrays, rates: Mapping[str, float], total: int | None, of: str = "weights"
) -> Counts:
    """How many weights each tensor keeps where each has a rate.

    After t rounds a tensor has (1 - rate)^t of its weights left. Without a total this is one more
    round; with one it is as many rounds, whole and in part, as leave that total.

    Args:
        masks: bool arrays by tensor: the weights that remain so far.
        rates: fractions in [0, 1) by tensor.
        total: how many weights are kept in all; None for one round.
        of: what there are so many of, for messages.

    Raises:
        BeyondReachError: tensors with a rate of 0 have more weights than that.
    """
    left = _left(masks)
    if total is None:
        return {name: count - round(count * rates[name]) for name, count in left.items()}
    whole = floors_by_rates(masks, rates)
    held = sum(whole.values())
    require_reached("rates", held, total, _size(masks), of)
    pruned = [name for name in left if rates[name]]

    def after(rounds: float) -> dict[str, float]:
        return {
            name: min(float(left[name]), masks[name].size * (1 - rates[name]) ** rounds)
            for name in pruned
        }

    low, high = 0.0, 1.0
    while sum(after(high).values()) > total - held and high < 1e9:
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if sum(after(middle).values()) > total - held:
            low = middle
        else:
            high = middle
    return {**whole, **_rounded(total - held, {name: left[name] for name in pruned}, after(high))}


def floors_by_place(masks: Arrays, ends: Ends) -> Counts:
    """How many weights ``uniform+`` leaves to tensors whatever happens, by their names."""
    left = _left(masks)
    first = {name: left[name] for name in masks if name in ends.first}
    head = {
        name: min(left[name], round(HEAD_KEEPS * masks[name].size))
        for name in masks
        if name in ends.head and name not in first
    }
    return {**first, **head}


def floors_by_rates(masks: Arrays, rates: Mapping[str, float]) -> Counts:
    """How many weights the tensors have whose rate is 0, by their names."""
    return {name: count for name, count in _left(masks).items() if not rates[name]}


def require_reached(what: str, least: int, total: int, size: int, of: str = "weights") -> None:
    """Makes sure that what a scope or rates keep whatever happens is no more than is asked for.

    Args:
        what: ``uniform+`` or ``rates``.
        least: how many weights they keep whatever happens.
        total: how many are to be kept, of ``size``.
        of: what there are so many of.

    Raises:
        BeyondReachError: it is more.
    """
    if total >= least:
        return
    why = {
        "uniform+": "uniform+ keeps the first convolution and a fifth of the head",
        "rates": "pruning.rates keep whatever has a rate of 0",
    }[what]
    raise BeyondReachError(
        f"{why}, {least:,} of {size:,} {of}, so that {_percent(least, size)} can be pruned at "
        f"most, and not {_percent(total, size)}."
    )


def _percent(kept: int, size: int) -> str:
    return f"{100 * (1 - kept / size):.1f} %"


def _size(masks: Arrays) -> int:
    return sum(mask.size for mask in masks.values())


def _left(masks: Arrays) -> Counts:
    return {name: int(np.count_nonzero(mask)) for name, mask in masks.items()}


def _compete(scaled: Arrays, total: int) -> Counts:
    """How many of the ``total`` highest values each tensor has; of equal ones the first by name
    count, as in ``masks.prune``."""
    names = list(scaled)
    values = np.concatenate([scaled[name] for name in names]) if names else np.zeros(0)
    of = np.repeat(np.arange(len(names)), [scaled[name].size for name in names])
    best = of[np.argsort(-values, kind="stable")[:total]]
    counts = np.bincount(best, minlength=len(names))
    return {name: int(count) for name, count in zip(names, counts, strict=True)}


def _fill(total: int, room: Mapping[str, int], shares: Mapping[str, int]) -> Counts:
    """Whole numbers with this total, in proportion to ``shares`` but for tensors without so much
    room, which are filled. Whole numbers throughout, so that no rounding decides."""
    kept: Counts = {}
    open_ = [name for name in room if room[name]]
    while open_:
        whole, rest = sum(shares[name] for name in open_), total - sum(kept.values())
        full = [name for name in open_ if rest * shares[name] >= room[name] * whole]
        if not full:
            break
        kept |= {name: room[name] for name in full}
        open_ = [name for name in open_ if name not in kept]
    rest = total - sum(kept.values())
    if open_:
        whole = sum(shares[name] for name in open_)
        floors = {name: rest * shares[name] // whole for name in open_}
        # To the largest remainders, and of equal ones to the first.
        order = sorted(open_, key=lambda name: -(rest * shares[name] % whole))
        for name in order[: rest - sum(floors.values())]:
            floors[name] += 1
        kept |= floors
    return {name: kept.get(name, 0) for name in room}


def _rounded(total: int, room: Mapping[str, int], wanted: Mapping[str, float]) -> Counts:
    """Whole numbers near the wanted ones with this total, each within its room."""
    kept = {name: min(int(wanted[name]), room[name]) for name in room}
    missing = total - sum(kept.values())
    while missing:
        step = 1 if missing > 0 else -1
        able = [name for name in kept if (kept[name] < room[name] if step > 0 else kept[name] > 0)]
        nearest = max(able, key=lambda name: step * (wanted[name] - kept[name]))
        kept[nearest] += step
        missing -= step
    return kept
