"""Typed loading of settings: a table, as TOML and JSON have them, into a checked dataclass.

It knows no section: whoever has settings brings a dataclass, whose annotations say which keys there
are and which values they take. ``Literal`` is a choice; a value of another type is an error, never
converted (but for a whole number where a fraction is wanted).
"""

from __future__ import annotations

import dataclasses
import os
import types
import typing
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from cattrs import Converter

from tflottery.errors import UserError, suggest

Tables = dict[str, dict[str, Any]]
T = TypeVar("T")


class _WrongTypeError(Exception):
    """The part of a value that is wrong, and the type that it should have."""

    def __init__(self, value: Any, kind: Any) -> None:
        self.value, self.kind = value, kind


def plain(value: Any) -> Any:
    """A number of numpy's as Python's own, an array as a list; also within lists."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value


def _strict(value: Any, kind: Any) -> Any:
    if kind is float and type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise _WrongTypeError(value, kind) from None
    if type(value) is not kind:
        raise _WrongTypeError(value, kind)
    return value


def _chosen(value: Any, kind: Any) -> Any:
    # By type too: True is no 1.
    if not any(type(value) is type(choice) and value == choice for choice in _choices(kind)):
        raise _WrongTypeError(value, kind)
    return value


def _one_of(value: Any, kind: Any) -> Any:
    for option in typing.get_args(kind):
        try:
            return _converter().structure(value, option)
        except _WrongTypeError:
            continue
    raise _WrongTypeError(value, kind)


def _sequence(value: Any, kind: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        raise _WrongTypeError(value, kind)
    item = typing.get_args(kind)[0]
    return tuple(_converter().structure(one, item) for one in value)


NumbersByName = tuple[tuple[str, float], ...]
"""A table of numbers by name, as ``{embedding=0.3, head=0.0}``; a value of settings can be asked
for its hash, so it is kept as pairs."""


def in_one_form(key: str, table: NumbersByName) -> NumbersByName:
    """The pairs sorted by name, so that their order is no part of a key.

    Raises:
        UserError: a name stands there twice.
    """
    names = [name for name, _ in table]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"{key} holds {twice[0]} twice; name it once.")
    return tuple(sorted(table))


def _numbers_by_name(value: Any, kind: Any) -> NumbersByName:
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    if not isinstance(pairs, (list, tuple)):
        raise _WrongTypeError(value, kind)
    made = []
    for pair in pairs:
        try:
            name, number = pair
            made.append((_strict(name, str), _strict(plain(number), float)))
        except (_WrongTypeError, TypeError, ValueError):
            raise _WrongTypeError(value, kind) from None
    return tuple(made)


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType)


@cache
def _converter() -> Converter:
    """Converts single values, and nothing that is of another type."""
    made = Converter(detailed_validation=False)
    for plain in (bool, int, float, str, type(None)):
        made.register_structure_hook(plain, _strict)
    made.register_structure_hook_func(_is_union, _one_of)
    made.register_structure_hook_func(lambda kind: typing.get_origin(kind) is Literal, _chosen)
    made.register_structure_hook_func(lambda kind: typing.get_origin(kind) is tuple, _sequence)
    # Asked before the one above, which would take its items for texts.
    made.register_structure_hook_func(lambda kind: kind == NumbersByName, _numbers_by_name)
    return made


def _choices(kind: Any) -> tuple[Any, ...]:
    return typing.get_args(kind)


def in_words(kind: Any) -> str:
    """A type as a user reads it: ``int``, ``list``, ``float or 'auto'``."""
    if _is_union(kind) or typing.get_origin(kind) is Literal:
        return " or ".join(
            in_words(one) if _is_union(kind) else repr(one) for one in _choices(kind)
        )
    if kind is type(None):
        return "None"
    if kind == NumbersByName:
        return "table of numbers"
    return "list" if typing.get_origin(kind) is tuple else str(kind.__name__)


def _mistake(key: str, wrong: _WrongTypeError) -> UserError:
    value, kind = wrong.value, wrong.kind
    if typing.get_origin(kind) is Literal and isinstance(value, str):
        return UserError(f"{key} is not {value!r}. {suggest(value, map(str, _choices(kind)))}")
    return UserError(f"{key} is {_short(value)}; it takes a value of type {in_words(kind)}.")


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def from_table(
    kind: type[T], section: str, table: Mapping[str, Any], computed: Collection[str] = ()
) -> T:
    """A settings dataclass from a table, every key and value checked.

    Args:
        kind: the dataclass.
        section: what the table is called, for messages.
        table: values by key, as TOML and JSON have them; keys that are left out have their
            defaults.
        computed: fields that the program fills in and a table must not hold.

    Raises:
        UserError: there is no such key, or a value is of another type or out of range; the line
            names the nearest right one.
    """
    hints = typing.get_type_hints(kind)
    known = {item.name for item in dataclasses.fields(kind)} - set(computed)  # type: ignore[arg-type]
    values = {}
    for key, value in table.items():
        if key not in known:
            raise UserError(f"There is no key {section}.{key}. {suggest(key, known)}")
        try:
            values[key] = _converter().structure(plain(value), hints[key])
        except _WrongTypeError as wrong:
            raise _mistake(f"{section}.{key}", wrong) from None
    return kind(**values)


def argument(name: str, value: Any, kind: Any) -> Any:
    """A keyword's value as the type that it should have; numbers of numpy's become Python's own.

    Args:
        name: what the keyword is called.
        value: as it was given.
        kind: a type, or a union of types.

    Raises:
        UserError: it is of another type.
    """
    try:
        return _converter().structure(plain(value), kind)
    except _WrongTypeError:
        raise _mistake(name, _WrongTypeError(value, kind)) from None


def count(name: str, value: Any) -> int | None:
    """A keyword's value as a number from 1 on, or None where it was not given.

    Raises:
        UserError: it is another thing.
    """
    number: int | None = argument(name, value, int | None)
    if number is not None and number < 1:
        raise UserError(f"--{name} takes a whole number from 1 on, not {number}.")
    return number


LATER = {"later": True}
"""Metadata of a field that came after names were made of its settings: see ``as_named``."""


def as_named(settings: Any) -> dict[str, Any]:
    """The fields that names of folders are made of: all but those that came later (``LATER``) and
    are at their defaults, so that older settings keep their names."""
    return {
        item.name: getattr(settings, item.name)
        for item in dataclasses.fields(settings)
        if not item.metadata.get("later") or getattr(settings, item.name) != item.default
    }


def place(name: str, value: Any) -> Path:
    """A folder or file as a call is given it.

    Raises:
        UserError: it is no path, or none that a file system has.
    """
    if not isinstance(value, (str, os.PathLike)) or not str(value) or "\0" in str(value):
        raise UserError(f"{name} is {_short(value)}; it takes the path of a folder or file.")
    return Path(value)


def check_choices(settings: Any, section: str) -> None:
    """Makes sure that every field whose type is a ``Literal`` has one of its values; settings call
    it when they are made, since Python itself does not check annotations.

    Raises:
        UserError: one has not.
    """
    for name, kind in typing.get_type_hints(type(settings)).items():
        if typing.get_origin(kind) is Literal:
            try:
                _chosen(getattr(settings, name), kind)
            except _WrongTypeError as wrong:
                raise _mistake(f"{section}.{name}", wrong) from None


def check_bounds(settings: Any, section: str, bounds: Mapping[str, tuple[int, int]]) -> None:
    """Makes sure that whole numbers, or all of a list, are neither too small nor so large that no
    machine would come to an end with them.

    Args:
        settings: a dataclass with these fields.
        section: what it is called, for messages.
        bounds: the least and the most of each key.

    Raises:
        UserError: one is beyond; the line names the key and its bounds.
    """
    for key, (least, most) in bounds.items():
        value = getattr(settings, key)
        numbers = value if isinstance(value, tuple) else (value,)
        if not all(least <= number <= most for number in numbers):
            each = ", each" if isinstance(value, tuple) else ""
            raise UserError(f"{section}.{key} is from {least} to {most:,}{each}.")
