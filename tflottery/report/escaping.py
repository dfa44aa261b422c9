"""Texts that others wrote, made harmless in files and in Markdown: labels, names of files, notes,
reasons, commands. What is printed is made harmless by ``printed``."""

from __future__ import annotations

import re

# Controls, among them terminal escapes, marks that turn the direction of writing, and halves of
# characters, which no file of text can hold.
_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
# A character that Markdown could take for more than itself, wherever it stands in a line; the last
# ones are GitHub's: mathematics, mentions, and addresses that become links.
_ANYWHERE = re.compile(
    r"[\\`*\[\]|~$@]|[<&](?! )|(?<![^\W_])_|_(?![^\W_])|!$|:(?=//)|(?<=www)\.", re.IGNORECASE
)
_AT_THE_BEGINNING = re.compile(
    r"^(?:[#>=]|[+-](?=[ +-]|$)|:(?=-)|(?P<number>[0-9]{1,9})(?P<dot>[.)])(?= |$))"
)


def one_line(text: str) -> str:
    """The text on one line, without control characters."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def escaped(text: str) -> str:
    """The text as Markdown that shows it, on one line."""
    shown = _ANYWHERE.sub(r"\\\g<0>", one_line(text))
    return _AT_THE_BEGINNING.sub(_harmless, shown)


def _harmless(found: re.Match[str]) -> str:
    if found["number"]:
        return f"{found['number']}\\{found['dot']}"
    return f"\\{found.group()}"


def code(text: str) -> str:
    """The text as a span of code, on one line."""
    shown = one_line(text)
    if not shown:
        return ""
    ticks = "`" * (_longest_run(shown) + 1)
    room = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{room}{shown}{room}{ticks}"


def fenced(text: str) -> str:
    """The text as a block of code."""
    shown = "\n".join(_CONTROLS.sub(" ", line) for line in text.splitlines())
    ticks = "`" * max(3, _longest_run(shown) + 1)
    return f"{ticks}\n{shown}\n{ticks}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
