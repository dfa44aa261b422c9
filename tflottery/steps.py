"""Moments of a training: ``0ep``, ``1ep`` (epochs), ``500it`` (optimizer steps), ``end``."""

from __future__ import annotations

import re

from tflottery.errors import UserError

BEGINNING = "0ep"
END = "end"
_FORM = re.compile(r"(\d{1,9})(ep|it)")


def parse(text: str) -> str:
    """A moment in its only canonical form: without leading zeros, and ``0ep`` for ``0it``.

    Raises:
        UserError: the text names no moment.
    """
    if text == END:
        return END
    form = _FORM.fullmatch(text)
    if form is None:
        raise UserError(
            f"{text!r} names no step: write 0ep, 1ep (epochs), 500it (optimizer steps) or end."
        )
    number = int(form[1])
    return f"{number}{form[2]}" if number else BEGINNING


def is_after(step: str, epochs: int) -> bool:
    """Whether a moment lies behind so many epochs, where that can be told without the data, which
    say how many steps an epoch has."""
    return step.endswith("ep") and int(step[:-2]) > epochs


def iteration(step: str, steps_per_epoch: int) -> int:
    """Optimizer steps done at that moment (not defined for ``end``)."""
    number, unit = int(step[:-2]), step[-2:]
    return number * steps_per_epoch if unit == "ep" else number
