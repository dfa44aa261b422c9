"""What formats were asked for, checked before TensorFlow is imported."""

from __future__ import annotations

import typing
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflottery.errors import UserError, suggest
from tflottery.exports.formats import registry, tflite
from tflottery.exports.formats.format import Format, Quantize
from tflottery.exports.formats.registry import SAVED_MODEL
from tflottery.settings import argument

if TYPE_CHECKING:
    from tflottery.tickets.ticket import Ticket

__all__ = ["QUANTIZE", "SAVED_MODEL", "Asked", "checked"]

QUANTIZE: tuple[str, ...] = tuple(filter(None, typing.get_args(Quantize)))
_MOST = 0.05


@dataclass(frozen=True)
class Asked:
    """``formats``: those beside the SavedModel; ``quantize`` and ``max_score_difference`` as of
    ``Also``."""

    formats: tuple[Format, ...]
    quantize: Quantize
    max_score_difference: float

    def require_writable(self, ticket: Ticket) -> None:
        """As ``registry.require_writable``; and whether the ticket's network can be quantised so.

        Raises:
            UserError: it cannot, or a format does not take it.
        """
        registry.require_writable(self.formats, ticket)
        if not tflite.takes(self.quantize, ticket.recipe.model):
            raise UserError(f"{tflite.NO_LOOPS}.")


def checked(
    format: str | Sequence[str], quantize: str | None, max_score_difference: float | None
) -> Asked:
    """The keywords of ``export`` as a value.

    Raises:
        UserError: one of them is wrong, or goes without another.
    """
    formats = registry.chosen(format)
    given = argument("quantize", quantize, str | None)
    most = argument("max_score_difference", max_score_difference, float | None)
    if given is not None and given not in QUANTIZE:
        raise UserError(f"--quantize does not take {given!r}. {suggest(given, QUANTIZE)}")
    if given is not None and "tflite" not in [one.name for one in formats]:
        raise UserError("--quantize is for TFLite files: add --format tflite.")
    if most is not None and given is None:
        raise UserError(
            "--max_score_difference goes with --quantize; other files have the Python model's "
            "scores."
        )
    if most is not None and not 0 <= most <= 1:
        raise UserError(f"--max_score_difference takes a number from 0 to 1, not {most:g}.")
    return Asked(formats, typing.cast(Quantize, given or ""), _MOST if most is None else most)
