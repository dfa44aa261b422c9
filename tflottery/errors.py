"""The errors that are raised on purpose, and their exit codes."""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType


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


# Errors in code that somebody else wrote. Whoever calls such code catches these, so that a program
# that it would end (sys.exit) is told in a line as well; Ctrl-C goes through.
OF_OTHERS = (Exception, SystemExit)
_LONGEST = 300
# Keras writes the reason between a headline and the arguments, and autograph puts it last.
_ARGUMENTS, _TRACED = "Call arguments received by", "in user code:"


def in_a_line(error: BaseException, is_theirs: Callable[[FrameType], bool] | None = None) -> str:
    """What an error in somebody else's code says, in one line, with its kind and the line of theirs
    that it comes from.

    Args:
        error: with its traceback.
        is_theirs: whether a frame is of their code; None for none.
    """
    text = str(getattr(error, "msg", None) or error).partition(_ARGUMENTS)[0]
    if text.lstrip().startswith(_TRACED):
        text = next((line for line in reversed(text.splitlines()) if line.strip()), "")
    text = " ".join(text.split())
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    name, place = type(error).__name__, ""
    if isinstance(error, SyntaxError):
        text += f" in {Path(error.filename).name}" if error.filename else ""
        place = f" (line {error.lineno})" if error.lineno else ""
    for frame, number in traceback.walk_tb(error.__traceback__):
        if is_theirs is not None and is_theirs(frame):
            place = f" (line {number})"
    if isinstance(error, SystemExit):
        return f"it ends the program (SystemExit: {error.code}){place}"
    text = text.removeprefix(f"{name}: ")
    return f"{name}{f': {text}' if text else ''}{place}"
