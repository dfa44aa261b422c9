"""The errors that are raised on purpose, and their exit codes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TflotteryError(Exception):
    """Something failed while running; commands end with exit code 1. The base of all errors that
    tflottery raises on purpose."""

    exit_code = 1


class UserError(TflotteryError):
    """A user's mistake; one line says what is wrong and how to fix it. Commands end with exit code
    2.

    >>> import tflottery as tfl
    >>> tfl.find_ticket("toy", set={"pruning.metod": "one_shot"})
    Traceback (most recent call last):
    tflottery.errors.UserError: There is no key pruning.metod. Did you mean 'method'? Known: ...
    """

    exit_code = 2


class DamagedFileError(UserError):
    """A file is missing, or does not hold what was written to it."""


class TrainingError(TflotteryError):
    """A training ended without usable weights, for example because its loss was not finite."""


def suggest(word: str, choices: Iterable[str]) -> str:
    """A sentence with all choices, which first asks for the one nearest to a mistyped ``word``."""
    known = sorted(choices)
    near = difflib.get_close_matches(word, known, n=1)
    question = f"Did you mean {near[0]!r}? " if near else ""
    return f"{question}Known: {', '.join(known)}."
