"""The errors that are raised on purpose, and their exit codes."""

from __future__ import annotations

import difflib
import re
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


def stopped_by(error: SystemExit) -> str:
    """A sentence on code that would end the program while it runs within tflottery, as a layer of a
    network of one's own that calls ``sys.exit``."""
    # Code that autograph makes of theirs is in files that are not there.
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.line]
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return (
        f"Code of a plugin or a network ends the program (SystemExit: {error.code}){place}; let it "
        "raise an error instead."
    )


# Errors in code that somebody else wrote. Whoever calls such code catches these, so that a program
# that it would end (sys.exit) is told in a line as well; Ctrl-C goes through.
OF_OTHERS = (Exception, SystemExit)
_LONGEST = 300
# Keras writes the reason between a headline and the arguments, and autograph puts it last.
_ARGUMENTS, _TRACED = "Call arguments received by", "in user code:"
_FRAME = re.compile(r'File "(.+)", line (\d+), in ')


def in_a_line(error: BaseException, is_theirs: Callable[[FrameType], bool] | None = None) -> str:
    """What an error in somebody else's code says, in one line, with its kind and the line of theirs
    that it comes from.

    Args:
        error: with its traceback.
        is_theirs: whether a frame is of their code; None for none.
    """
    text = str(getattr(error, "msg", None) or error).partition(_ARGUMENTS)[0]
    headline, traced, trace = text.partition(_TRACED)
    if traced:
        # Between them is a traceback, with paths of this machine; layers in layers nest it.
        reason = next((line for line in reversed(trace.splitlines()) if line.strip()), "")
        text = f"{headline}{reason.strip().removeprefix(f'{type(error).__name__}: ')}"
    text = " ".join(text.split())
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    name, place, file = type(error).__name__, "", ""
    if isinstance(error, SyntaxError):
        text += f" in {Path(error.filename).name}" if error.filename else ""
        place = f" (line {error.lineno})" if error.lineno else ""
    for frame, number in traceback.walk_tb(error.__traceback__):
        if is_theirs is not None and is_theirs(frame):
            place = f" (line {number})"
            file = frame.f_code.co_filename
    if traced and file:
        # Autograph keeps the frames within a layer in the text alone.
        lines = [int(line) for path, line in _FRAME.findall(trace) if path == file]
        place = f" (line {lines[-1]})" if lines else place
    if isinstance(error, SystemExit):
        return f"it ends the program (SystemExit: {error.code}){place}"
    text = text.removeprefix(f"{name}: ")
    return f"{name}{f': {text}' if text else ''}{place}"
