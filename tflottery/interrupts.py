"""Ctrl-C while a command starts, and while Python ends: silence, and the exit code of an interrupt.

Between these two moments it is an exception, and ``cli.app`` says what is kept.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType

EXIT_CODE = 128 + signal.SIGINT
_NAME = "tflottery"


def is_command() -> bool:
    """Whether this process was started to run a command: ``python -m tflottery…``, or
    ``tflottery``; asked while the package is imported."""
    word = sys.argv[0] if sys.argv else ""
    if word == "-m":  # Python looks for the module that it is to run
        return any(one.partition(".")[0] == _NAME for one in sys.orig_argv)
    return Path(word).stem == _NAME


def leave_quietly() -> None:
    """From now on Ctrl-C ends the process at once. Where the process ignores it, as a job in the
    background does, nothing changes."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    # ``bin/`` keeps it back until now.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def are_quiet() -> bool:
    """Whether Ctrl-C ends the process at once."""
    return signal.getsignal(signal.SIGINT) is _leave


def raise_again() -> None:
    """From now on Ctrl-C raises ``KeyboardInterrupt``."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(EXIT_CODE)
