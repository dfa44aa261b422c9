"""Methods: how a sparse network is found. What each is, and what it takes.

``iterative`` and ``one_shot`` prune trained networks and train what is left again: they find
tickets. The others are one sparse training, whose mask moves (docs/moving_masks.md): what they find
was never trained by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tflottery.errors import UserError

MethodName = Literal["iterative", "one_shot", "gradual", "movement", "rigl", "set"]
AUTO: Literal["auto"] = "auto"
Auto = float | Literal["auto"]
# The settings that say how masks move, and what they are where a method does not differ.
SHARE = 0.3
OF_MOVES = {"move_every": AUTO, "move_share": SHARE, "move_until": AUTO}


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
