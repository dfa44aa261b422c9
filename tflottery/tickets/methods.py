"""Methods: how a sparse network is found. What each is, what it takes, and what it refuses.

``iterative`` and ``one_shot`` prune trained networks and train what is left again: they find
tickets. The others are one sparse training, whose mask moves (docs/moving_masks.md): what they find
was never trained by itself.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tflottery.errors import UserError
from tflottery.pruning.scopes import Scope

if TYPE_CHECKING:
    from tflottery.tickets.settings import PruningSettings

MethodName = Literal["iterative", "one_shot", "gradual", "movement", "rigl", "set"]
AUTO: Literal["auto"] = "auto"
Auto = float | Literal["auto"]
# The settings that say how masks move, and what they are where a method does not differ.
SHARE = 0.3
OF_MOVES = {"move_every": AUTO, "move_share": SHARE, "move_until": AUTO}
# Scopes by the shapes and places of tensors, which can share out what no score has chosen yet.
_WITHOUT_SCORES: tuple[Scope, ...] = ("layerwise", "erk", "uniform+")


@dataclass(frozen=True)
class Moved:
    """How the mask of a method moves, where settings do not say.

    ``every``: epochs between two moves. ``until``: the part of the training in which there are
    any. ``has_share``: whether ``pruning.move_share`` says how much moves. ``by_scores``: whether
    the sparsity is shared out by scores, and not before there are any. ``drops_by``: what the
    scores are. ``has_negative``: whether some of them are below 0.
    """

    every: float
    until: float
    has_share: bool = True
    by_scores: bool = False
    drops_by: str = "magnitude"
    has_negative: bool = False


@dataclass(frozen=True)
class Method:
    """One way to a sparse network.

    ``about``: in a few words, for help and model cards. ``is_chain``: each level prunes what the
    level before left, so that a search goes in rounds. ``moved``: its mask moves within one
    training; None where it prunes trained networks.
    """

    about: str
    is_chain: bool = False
    moved: Moved | None = None

    @property
    def finds_tickets(self) -> bool:
        """Whether what it finds is trained under its mask from the beginning."""
        return self.moved is None


METHODS: dict[MethodName, Method] = {
    "iterative": Method("iterative pruning", is_chain=True),
    "one_shot": Method("one-shot pruning"),
    "gradual": Method(
        "gradual pruning in one training",
        moved=Moved(every=0.25, until=0.75, has_share=False, by_scores=True),
    ),
    "movement": Method(
        "movement pruning in one training",
        moved=Moved(
            every=0.25,
            until=0.75,
            has_share=False,
            by_scores=True,
            drops_by="scores that it learns",
            has_negative=True,
        ),
    ),
    "rigl": Method("one sparse training by RigL", moved=Moved(every=0.25, until=0.75)),
    "set": Method("one sparse training by SET", moved=Moved(every=1.0, until=1.0)),
}
FINDING_TICKETS = tuple(name for name, method in METHODS.items() if method.finds_tickets)
MOVING = tuple(name for name, method in METHODS.items() if not method.finds_tickets)


def require_tickets(method: MethodName, what: str) -> None:
    """Makes sure that a method finds tickets.

    Args:
        method: by its name.
        what: what needs tickets, as ``bin/study``.

    Raises:
        UserError: it is a sparse training.
    """
    if not METHODS[method].finds_tickets:
        raise UserError(
            f"{what} needs a method that finds tickets, {' or '.join(FINDING_TICKETS)}, and "
            f"{method} is a sparse training, whose mask moves."
        )


def check(settings: PruningSettings) -> None:
    """Makes sure that settings go with their method.

    Raises:
        UserError: they do not; the line names the setting.
    """
    moved = METHODS[settings.method].moved
    given = [name for name, own in OF_MOVES.items() if getattr(settings, name) != own]
    if moved is None:
        if given:
            raise UserError(
                f"pruning.{given[0]} says how a mask moves, and with --method {settings.method} "
                f"none does; give --method {', '.join(MOVING)}, or leave it out."
            )
        return
    _check_moves(settings, moved)
    alone = f"--method {settings.method} is one training"
    if settings.init != "original":
        raise UserError(
            f"{alone} from its own initial weights; leave out --init {settings.init}, which is of "
            "what is trained again."
        )
    if settings.criterion != "magnitude":
        raise UserError(
            f"{alone} that drops weights by {moved.drops_by}; leave out --criterion "
            f"{settings.criterion}."
        )
    if moved.has_negative and settings.scope == "lamp":
        raise UserError(
            f"--scope lamp squares scores, and some of --method {settings.method} are below 0; "
            "choose global or global:normalised."
        )
    if not moved.by_scores and settings.scope not in _WITHOUT_SCORES:
        raise UserError(
            f"--scope {settings.scope} compares weights, and the mask of --method "
            f"{settings.method} is drawn before there are any; choose "
            f"{', '.join(_WITHOUT_SCORES)}."
        )


def require_used(settings: PruningSettings, set_keys: Collection[str]) -> None:
    """Makes sure that a method whose mask moves has a use for what was set.

    Args:
        settings: of a configuration, and what was set beside it.
        set_keys: what that was, as ``section.key``.

    Raises:
        UserError: it has none.
    """
    is_moved = METHODS[settings.method].moved is not None
    has_levels = settings.sparsity == AUTO or settings.rates
    if is_moved and not has_levels and "pruning.rate" in set_keys:
        raise UserError(
            f"--method {settings.method} is one training, to --sparsity; leave out --rate "
            f"{settings.rate:g}, which is of rounds."
        )


def _check_moves(settings: PruningSettings, moved: Moved) -> None:
    every, until, share = settings.move_every, settings.move_until, settings.move_share
    if every != AUTO and not 0 < every < math.inf:
        raise UserError(f"pruning.move_every is above 0 epochs, not {every:g}.")
    if until != AUTO and not 0 < until <= 1:
        raise UserError(f"pruning.move_until is a fraction of a training in (0, 1], not {until:g}.")
    if not 0 < share <= 1:
        raise UserError(f"pruning.move_share is a fraction in (0, 1], not {share:g}.")
    if share != SHARE and not moved.has_share:
        raise UserError(
            f"--method {settings.method} moves what the sparsity asks for; leave out "
            "pruning.move_share."
        )
