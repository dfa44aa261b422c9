"""Which keys of ``[model]`` a network of one's own has: keywords of its function, or fields of its
dataclass, each with its type and default."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal

from tflottery.errors import UserError
from tflottery.settings import argument, in_words

# What a keyword must not be called: it would hide what every architecture has.
_RESERVED = frozenset(
    "name built module made build plain with_assigned roles gates unit_layers notes table "
    "usable".split()
)
_PLAIN = (bool, int, float, str)
_FORM = "write it as build(vocabulary_size, classes, units=32)"


def of_function(name: str, function: Any) -> Iterator[tuple[str, Any, Any]]:
    """(keyword, type, default) of a function.

    Raises:
        UserError: it cannot be called as it will be.
    """
    if not inspect.isfunction(function):
        raise UserError(
            f"The network {name!r} is {type(function).__name__}, and has to be a function: {_FORM}."
        )
    parameters = list(inspect.signature(function).parameters.values())
    first, others = parameters[:2], parameters[2:]
    simple = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if len(first) < 2 or any(
        one.kind not in simple or one.default is not inspect.Parameter.empty for one in first
    ):
        raise UserError(
            f"The function of the network {name!r} is called with the number of ids and of "
            f"classes: {_FORM}."
        )
    hints = _hints(function)
    for one in others:
        if one.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            stars = "*" if one.kind is inspect.Parameter.VAR_POSITIONAL else "**"
            raise UserError(
                f"The function of the network {name!r} takes {stars}{one.name}; name its keywords, "
                "each with a default."
            )
        if one.kind is inspect.Parameter.POSITIONAL_ONLY:
            raise UserError(
                f"{one.name} of the network {name!r} is positional-only, and is given by name."
            )
        if one.default is inspect.Parameter.empty:
            raise UserError(
                f"{one.name} of the network {name!r} has no default; give it one, as {one.name}=32."
            )
        yield _checked(name, one.name, hints.get(one.name), one.default)


def of_dataclass(name: str, kind: type[Any]) -> Iterator[tuple[Any, Any, Any]]:
    if not dataclasses.is_dataclass(kind) or not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise UserError(
            f"The network {name!r} is the class {kind.__name__}; register a function or a frozen "
            "dataclass, @dataclass(frozen=True)."
        )
    if not callable(getattr(kind, "build", None)):
        raise UserError(
            f"The dataclass {kind.__name__} of the network {name!r} has no method "
            "build(vocabulary_size, classes, initializers)."
        )
    hints = _hints(kind)
    for item in dataclasses.fields(kind):
        default = item.default
        if default is dataclasses.MISSING and item.default_factory is not dataclasses.MISSING:
            default = item.default_factory()
        if default is dataclasses.MISSING:
            raise UserError(f"{item.name} of the network {name!r} has no default; give it one.")
        key, hint, value = _checked(name, item.name, hints.get(item.name), default)
        del key
        yield item, hint, value


def _hints(value: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(value)
    except Exception:
        return {}  # names that are not there at run time: the defaults say the types


def _checked(name: str, key: str, hint: Any, default: Any) -> tuple[str, Any, Any]:
    """A keyword with its type and default.

    Raises:
        UserError: its name is taken, its type is none that a configuration has, or its default is
            of another.
    """
    if key in _RESERVED or key.startswith("_"):
        raise UserError(
            f"A keyword of the network {name!r} is called {key!r}, which is taken; choose another "
            "name."
        )
    kind = hint if hint is not None and _is_supported(hint) else _type_of(default)
    if kind is None or (hint is not None and not _is_supported(hint) and hint is not Any):
        said = in_words(hint) if isinstance(hint, type) else type(default).__name__
        raise UserError(
            f"{key} of the network {name!r} is of type {said}; a keyword is an int, a float, a "
            "bool, a str, or a tuple of one of these."
        )
    try:
        return key, kind, argument(f"{key} of the network {name!r}", default, kind)
    except UserError as error:
        raise UserError(f"The default of {error}") from None


def _is_supported(kind: Any) -> bool:
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if kind in _PLAIN or kind is type(None):
        return True
    if origin is Literal:
        return all(isinstance(part, _PLAIN) for part in parts)
    if origin in (typing.Union, types.UnionType):
        return all(map(_is_supported, parts))
    return origin is tuple and len(parts) == 2 and parts[1] is ... and _is_supported(parts[0])


def _type_of(default: Any) -> Any:
    """The type that a default tells; None where it tells none that a configuration has."""
    if type(default) in _PLAIN:
        return type(default)
    if isinstance(default, tuple) and default:
        kinds = {type(one) for one in default}
        kind = float if kinds == {int, float} else kinds.pop() if len(kinds) == 1 else None
        if kind in _PLAIN:
            return tuple[kind, ...]  # type: ignore[valid-type]
    return None
