"""The keys of configurations and of ``--set``, as the settings' dataclasses define them."""

from __future__ import annotations

import dataclasses
import inspect
import re
import textwrap
import typing
from collections.abc import Iterable, Iterator
from typing import Any

from tflottery.experiments.configuration import kinds
from tflottery.models.registry import ARCHITECTURES
from tflottery.runs.recipes import DEFAULT_MODEL
from tflottery.settings import NumbersByName, in_words

_WIDTH = 80
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])")


def help_on_keys(sections: Iterable[str]) -> str:
    """Every key of the sections with its type, its default, and what is said of it."""
    lines = ["section.key=value, for --set; or a key of that section in a configuration."]
    for section in sections:
        if section == "model":
            names = " or ".join(f'"{name}"' for name in ARCHITECTURES)
            lines += ["", "[model]", f'  model.name = "{DEFAULT_MODEL}"  ({names})']
        for title, kind in kinds(section):
            lines += ["", f"[{title}]", *_keys(section, kind)]
    return "\n".join(lines)


def _keys(section: str, kind: type[Any]) -> Iterator[str]:
    hints = typing.get_type_hints(kind)
    for item in dataclasses.fields(kind):
        if item.name in _COMPUTED:
            continue
        default = item.default
        if default is dataclasses.MISSING and item.default_factory is not dataclasses.MISSING:
            default = item.default_factory()
        is_table = hints[item.name] == NumbersByName
        value = "{}" if is_table and not default else _value(default)
        shown = "" if default is dataclasses.MISSING else f" = {value}"
        yield f"  {section}.{item.name}{shown}  ({in_words(hints[item.name])})"
        if meaning := meaning_of(kind, item.name):
            yield from textwrap.wrap(
                meaning, _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6,
                break_on_hyphens=False,
            )  # fmt: skip


# Filled in by the program.
_COMPUTED = ("fingerprint", "vocabulary_from", "division", "built", "vectors_hash")


def _value(value: object) -> str:
    """As ``--set`` takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def meaning_of(kind: type[Any], name: str) -> str:
    """What a dataclass says of one of its fields: the sentences that name it."""
    text = inspect.cleandoc(kind.__doc__ or "")
    found = [
        sentence
        for paragraph in text.split("\n\n")
        for sentence in _SENTENCE.split(" ".join(paragraph.split()))
        if f"``{name}``" in sentence
    ]
    return " ".join(found).replace("``", "")
