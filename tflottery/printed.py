"""What is shown to people: a text in a line, with what a terminal obeys written out; and the one
place where lines are printed.

Labels, texts, names of files and what a server answers come from others. They are made harmless
here, where they leave the program, so that nobody has to remember it where a line is composed. What
is made with rich goes through ``progress.consoles``, which does the same.
"""

from __future__ import annotations

import sys
from typing import TextIO

# They join letters of Persian, and emoji.
JOINERS = "\u200c\u200d"


def visible(text: str, *, spaces: bool = False) -> str:
    """The text on one line, with what a terminal obeys, or cannot show, written out: ``\\x1b``.

    Args:
        text: any.
        spaces: keeps several spaces in a row, as a table has them.
    """
    shown = "".join(map(_visible, text))
    return shown if spaces else " ".join(shown.split())


def _visible(sign: str) -> str:
    if sign.isprintable() or sign in JOINERS:
        return sign
    # Some spaces are controls too.
    return " " if sign.isspace() else ascii(sign)[1:-1]


def say(*fields: str, now: bool = False) -> None:
    """Prints a line to standard output; fields are told apart by tabs.

    Args:
        fields: what stands in the line.
        now: not to wait until more is printed.
    """
    _print("\t".join(map(visible, fields)) + "\n", sys.stdout, now)


def complain(text: str) -> None:
    """Prints a line to standard error, at once."""
    _print(f"{visible(text)}\n", sys.stderr, now=True)


def show(text: str, *, end: str = "\n") -> None:
    """Prints several lines of the program's own: help, scripts for a shell."""
    _print(lines(text) + end, sys.stdout)


def lines(text: str) -> str:
    """Several lines of the program's own, each visible."""
    return "\n".join(visible(line, spaces=True) for line in text.split("\n"))


def _print(text: str, stream: TextIO | None, now: bool = False) -> None:
    if stream is None:  # the process was started without it
        return
    try:
        stream.write(text)
    except UnicodeEncodeError as error:
        # A letter that the terminal's encoding does not have is no reason to end.
        stream.write(text.encode(error.encoding, "backslashreplace").decode(error.encoding))
    if now:
        stream.flush()
