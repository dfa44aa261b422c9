"""The errors that tflottery raises on purpose, and the exit code of each."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TflotteryError(Exception):
    """Something failed while running; commands end with exit code 1."""

    exit_code = 1


class UserError(TflotteryError):
    """The user can mend this; the text is one line that names the culprit and the mend."""

    exit_code = 2


class DamagedFileError(UserError):
    """A file does not hold what was once written to it."""


class TrainingError(TflotteryError):
    """A training ended without usable weights (a loss that is not finite, say)."""


def suggest(word: str, choices: Iterable[str]) -> str:
    """The choices in words, and the one nearest to a mistyped ``word`` first."""
    known = sorted(choices)
    near = difflib.get_close_matches(word, known, n=1)
    question = f"did you mean {near[0]!r}? " if near else ""
    return f"{question}Known: {', '.join(known)}."
