"""The registry of criteria, of weights and of whole units, and what a key holds of each."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

import numpy as np

from tflottery import digests, steps
from tflottery.digests import NoDigestError
from tflottery.errors import UserError, suggest
from tflottery.files import canonical_json
from tflottery.pruning.context import PruningContext
from tflottery.registry import Registry, origin, true_or_false

Of = Literal["weights", "units"]
OfTensor = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""Takes a tensor's weights (float32) and a random stream; gives a score a weight."""
OfRun = Callable[[PruningContext], Mapping[str, np.ndarray]]
"""Takes a context; gives the scores of each tensor, or of the units of each layer, by name."""
# Of this package.
_OF_ACTIVATIONS = ("taylor_units", "activation_norm", "latency")
BY_CHANCE: dict[Of, str] = {"weights": "random", "units": "random_units"}
"""The criteria that leave all to chance: of one, what is shuffled, has new weights or inverted
scores is another mask by chance."""
C = TypeVar("C", bound=Callable[..., Any])


@dataclass(frozen=True)
class Criterion:
    """A registered criterion.

    ``at`` is the step whose weights it reads, ``reads`` are further ones. ``of`` says what gets a
    score. With ``rounds`` above 1 one pruning is done in as many rounds, each with scores of what
    is left. ``in_context`` says that the function takes a context instead of a tensor, ``scales``
    that the run that it scores is trained with a scale for each unit, ``signed`` that some of its
    scores are below 0.
    """

    function: Callable[..., Any]
    at: str = steps.END
    reads: tuple[str, ...] = ()
    of: Of = "weights"
    rounds: int = 1
    in_context: bool = False
    scales: bool = False
    signed: bool = False

    @property
    def steps(self) -> tuple[str, ...]:
        """Every step that it reads, the first one first."""
        return tuple(dict.fromkeys((self.at, *self.reads)))


CRITERIA: Registry[Criterion] = Registry("criterion")
"""Every registered criterion by name, those of tflottery first."""


def register_criterion(
    name: str,
    at: str = steps.END,
    reads: Iterable[str] = (),
    of: Of = "weights",
    rounds: int = 1,
    scales: bool = False,
    signed: bool = False,
) -> Callable[[C], C]:
    """Registers a function that scores weights or units; those with the highest scores are kept.

    >>> import tflottery as tfl
    >>> @tfl.register_criterion("spread")                           # doctest: +SKIP
    ... def spread(weight, random):
    ...     "How far a weight is from the mean of its column."
    ...     return abs(weight - weight.mean(axis=0))
    >>> @tfl.register_criterion("sensitive", at="0ep")              # doctest: +SKIP
    ... def sensitive(context):
    ...     "How far the loss moves when a weight of the untrained network is left out."
    ...     slopes = context.gradients(batches=2)
    ...     return {name: abs(context.weights[name] * slopes[name]) for name in context.names}
    >>> tfl.find_ticket("toy", criterion="spread")                  # doctest: +SKIP

    A function of two arguments gets a copy of each tensor in turn (float32, of any shape with two
    axes or more) and a ``numpy.random.Generator``, which is the only randomness it may use; it
    gives finite numbers of the same shape. A function of one argument gets a ``PruningContext`` of
    the run that is pruned, and gives scores for each tensor of ``context.names``; with
    ``of="units"`` for each layer of ``context.units``, a number a unit. Weights that were pruned
    before are 0 and stay pruned, whatever their score.

    What the function computes is part of the key of every run that it pruned: one that is edited
    prunes anew (``tflottery.digests`` says what of it is told). Registering the same function
    again, as a notebook's cell does, replaces it.

    Args:
        name: what ``--criterion`` takes, and ``pruning.criterion``.
        at: the step whose weights it scores: ``end`` of the run that is pruned; any other, as
            ``0ep`` for pruning at initialisation, of the training in which its weights were drawn:
            as a rule the dense network's.
        reads: further steps that it asks for with ``context.weights_at``.
        of: ``weights``, or ``units`` for whole filters, recurrent units and columns.
        rounds: in how many rounds one pruning is done, sparser by the same factor each, with scores
            anew for what is left.
        scales: of units alone: it reads ``context.scales()``, so the run that it scores is trained
            with a scale for each unit.
        signed: some of its scores are below 0, so that ``--scope lamp``, which squares them, is
            refused before anything is trained, and not when it has scored. It is no part of a key.

    Raises:
        UserError: another function has the name, it is no name, or what is declared makes no sense.
    """
    CRITERIA.check_name(name)
    if of not in get_args(Of):
        raise UserError(f'The criterion {name!r} is of "weights" or of "units", not of {of!r}.')
    declared = _declared(name, at, reads)
    scales = true_or_false(f"scales of the criterion {name!r}", scales)
    signed = true_or_false(f"signed of the criterion {name!r}", signed)
    if not isinstance(rounds, int) or rounds < 1:
        raise UserError(f"The criterion {name!r} prunes in at least one round, not {rounds!r}.")
    if rounds > 1 and of == "units":
        raise UserError(f"The criterion {name!r} scores units, which are pruned in one round.")
    if scales and of != "units":
        raise UserError(f'The criterion {name!r} reads scales of units, so it is of="units".')
    at, *further = map(steps.parse, declared)

    def register(function: C) -> C:
        in_context = _takes_one(function)
        if not in_context and (further or of == "units"):
            raise UserError(
                f"The criterion {name!r} reads other steps or scores units, so it is a function of "
                "one argument, a context."
            )
        CRITERIA.add(
            name,
            function,
            Criterion(function, at, tuple(further), of, rounds, in_context, scales, signed),
        )
        return function

    return register


def _declared(name: str, at: object, reads: object) -> tuple[str, ...]:
    """The steps that a criterion declares, as they were written, ``at`` the first.

    Raises:
        UserError: what was given are no texts.
    """
    # A set has another order in each process, and the order is part of a key.
    listed = sorted(reads, key=str) if isinstance(reads, (set, frozenset)) else reads
    if isinstance(listed, Iterable) and not isinstance(listed, str):
        found = (at, *listed)
        if all(isinstance(step, str) for step in found):
            return found
    raise UserError(f'The criterion {name!r} reads a tuple of steps, as reads=("0ep",).')


def _takes_one(function: Callable[..., Any]) -> bool:
    """Whether a function can take one argument and not two."""
    try:
        signature = inspect.signature(function)
        signature.bind(None)
    except (TypeError, ValueError):
        return False
    try:
        signature.bind(None, None)
    except TypeError:
        return True
    return False


def require_known(name: str) -> None:
    """Makes sure that there is a criterion of that name.

    Raises:
        UserError: there is none; the line names the nearest one.
    """
    if name not in CRITERIA:
        raise UserError(
            f"pruning.criterion is not {name!r}. {suggest(name, CRITERIA)} One of your own comes "
            "with --plugin."
        )


def shipped(of: Of) -> list[str]:
    """The names of this package's criteria, of weights or of units."""
    return [name for name, one in CRITERIA.items() if one.of == of and origin(one.function).is_ours]


def kind(name: str) -> Of:
    """What a criterion gives scores to; where there is none of that name, weights."""
    return CRITERIA[name].of if name in CRITERIA else "weights"


def scores_units(name: str) -> bool:
    """Whether a criterion keeps or prunes whole units."""
    return kind(name) == "units"


def reads_scales(name: str) -> bool:
    """Whether a criterion reads scales that are trained along with the weights."""
    return name in CRITERIA and CRITERIA[name].scales


def has_negative(name: str) -> bool:
    """Whether a criterion declares that some of its scores are below 0."""
    return name in CRITERIA and CRITERIA[name].signed


def may_read_activations(name: str) -> bool:
    """Whether a criterion reads what units give; of one of the user's own that takes a context, it
    may be."""
    found = CRITERIA.get(name)
    if found is None or not found.in_context:
        return False
    return name in _OF_ACTIVATIONS or not origin(found.function).is_ours


def prunes_in_rounds(name: str) -> bool:
    """Whether a criterion prunes in several rounds of its own."""
    return name in CRITERIA and CRITERIA[name].rounds > 1


def steps_of(name: str) -> tuple[str, ...]:
    """The steps that a criterion reads; where there is none of that name, the end."""
    return CRITERIA[name].steps if name in CRITERIA else (steps.END,)


def needs_no_training(name: str) -> bool:
    """Whether a criterion can prune before anything is trained: it reads the beginning alone, or,
    as ``random``, nothing."""
    return name in BY_CHANCE.values() or steps_of(name) == (steps.BEGINNING,)


def computes(name: str) -> str:
    """What a key holds of a criterion beside its name: a digest of what it computes and declares;
    empty for those of this package, whose names say it, and where there is none of that name.

    Raises:
        UserError: it uses something whose content cannot be told.
    """
    found = CRITERIA.get(name)
    if found is None or origin(found.function).is_ours:
        return ""
    try:
        told = digests.digest(found.function)
    except NoDigestError as error:
        raise UserError(
            f"The criterion {name!r} uses {error}, whose content no key can hold; use functions, "
            "numbers, texts, lists, dicts or numpy arrays, or make it inside the function."
        ) from None
    declared = {
        key: value
        for key, value in (
            ("at", found.at), ("reads", list(found.reads)), ("of", found.of),
            ("rounds", found.rounds), ("scales", found.scales),
        )
        if value != _DEFAULTS[key]
    }  # fmt: skip
    if not declared:
        return told
    return hashlib.sha256(f"{told} {canonical_json(declared)}".encode()).hexdigest()


_DEFAULTS: dict[str, Any] = {
    "at": steps.END, "reads": [], "of": "weights", "rounds": 1, "scales": False,
}  # fmt: skip


def require_unchanged(name: str, computed: str) -> None:
    """Makes sure that a criterion is known here and is the one that a run's key holds.

    Raises:
        UserError: it is not known, or computes something else.
    """
    CRITERIA.find(name)
    if computes(name) != computed:
        raise UserError(
            f"The criterion {name!r} is not what it was when its runs were planned: it was edited, "
            "workers have another version of it, or it changes what it uses (a counter, a cache). "
            "Run the same again; a criterion computes its scores from its arguments alone."
        )
