"""How the commands are called here, and commands as text that can be pasted into a shell."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

# Set by the scripts in bin/: the folder as the user typed it.
_FOLDER = "TFLOTTERY_BIN"
_BIN = "bin"
# As messages and examples write a command; a path that ends so is another thing.
_MENTIONED = re.compile(r"(?<![\w/.~-])bin/([a-z]\w*)(?![\w/.]*/)(?!\w)")
_called: tuple[str, ...] = ()


def call_me(*words: str) -> None:
    """From now on a command's name stands behind these words: ``("tflottery",)``."""
    global _called
    _called = words


def words(command: str) -> list[str]:
    """What calls a command: ``bin/study``, or ``tflottery study`` where that was called."""
    if _called:
        return [*_called, command]
    return [f"{(os.environ.get(_FOLDER) or _BIN).rstrip('/')}/{command}"]


def mentioned(text: str, commands: Iterable[str]) -> str:
    """A text with ``bin/<command>`` as the commands are called here."""
    known = set(commands)

    def called(found: re.Match[str]) -> str:
        name = found[1]
        return " ".join(map(quoted, words(name))) if name in known else found[0]

    return _MENTIONED.sub(called, text)


def quoted(word: str) -> str:
    """A word as a shell reads it back. One that holds what a terminal obeys, or bytes that are no
    text, is in the form ``$'…'`` of bash, zsh and ksh; the end of a line is harmless in quotes."""
    if all(sign.isprintable() or sign in "\n\t" for sign in word):
        return shlex.quote(word)
    return "$'" + "".join(map(_escaped, word)) + "'"


def _escaped(sign: str) -> str:
    if sign.isprintable():
        return f"\\{sign}" if sign in "\\'" else sign
    return "".join(f"\\x{byte:02x}" for byte in sign.encode("utf-8", "surrogateescape"))


def line(command: str, *arguments: str, **flags: Any) -> str:
    """A command with its flags, quoted.

    Args:
        command: its name, as ``study``.
        arguments: words without a flag.
        flags: values by name; those that are None, False or empty are left out, and a list gives
            its flag several times.
    """
    return _joined(words(command), arguments, flags)


def recorded(command: str, **flags: Any) -> str:
    """``line`` as results keep it, whatever the command was called here: ``bin/study …``."""
    return _joined([f"{_BIN}/{command}"], (), flags)


def _joined(called: list[str], arguments: tuple[str, ...], flags: Mapping[str, Any]) -> str:
    given: list[str] = []
    for name, value in flags.items():
        if value is None or value is False or value == "" or value == () or value == []:
            continue
        for one in value if isinstance(value, (list, tuple)) else (value,):
            if one is True:
                given.append(f"--{name}")
            elif str(one).startswith("-"):
                given.append(f"--{name}={one}")
            else:
                given += [f"--{name}", str(one)]
    if any(one.startswith("-") for one in arguments):
        # Behind a bare "--", nothing is a flag.
        return " ".join(map(quoted, [*called, *given, "--", *arguments]))
    return " ".join(map(quoted, [*called, *arguments, *given]))
