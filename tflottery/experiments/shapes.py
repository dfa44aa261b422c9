"""What a sealed document has to hold: the kind of each value, also in its rows, and the range of
each number. A document that somebody sealed anew may hold anything."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Number:
    """A finite number from ``low`` to ``high``; ``whole``: one without a fraction."""

    low: float = -math.inf
    high: float = math.inf
    whole: bool = False


@dataclass(frozen=True)
class Many:
    """A list of ``least`` or more of a kind."""

    of: Shape
    least: int = 0


@dataclass(frozen=True)
class Maybe:
    """A value of a kind, or null."""

    of: Shape


@dataclass(frozen=True)
class Each:
    """An object whose values are of a kind, whatever they are called."""

    of: Shape


Shape: TypeAlias = "type | Number | Many | Maybe | Each | Mapping[str, Shape]"
"""A type, one of the kinds above, or the shapes of an object's keys, beside which it may have
others."""

FRACTION, POSITIVE, COUNT = Number(0, 1), Number(0), Number(0, whole=True)
SUMMARY: Mapping[str, Shape] = {
    "n": Number(1, whole=True), "mean": Number(), "deviation": Maybe(POSITIVE),
    "low": Maybe(Number()), "high": Maybe(Number()),
}  # fmt: skip
DIFFERENCE: Mapping[str, Shape] = {**SUMMARY, "p": Maybe(FRACTION)}


def fault(value: Any, shape: Shape, name: str) -> str:
    """Which value is not of its shape, as ``arms[2].level``; empty where all are.

    Args:
        value: as JSON has it.
        shape: what it has to be.
        name: of the value itself.
    """
    if isinstance(shape, Maybe):
        return "" if value is None else fault(value, shape.of, name)
    if isinstance(shape, Number):
        return "" if _is_number(value, shape) else name
    if isinstance(shape, type):
        return "" if isinstance(value, shape) else name
    if isinstance(shape, Many):
        if not isinstance(value, list) or len(value) < shape.least:
            return name
        parts = [(one, shape.of, f"{name}[{place}]") for place, one in enumerate(value)]
    elif not isinstance(value, dict):
        return name
    elif isinstance(shape, Each):
        parts = [(one, shape.of, f"{name}.{key}") for key, one in value.items()]
    else:
        missing = next((key for key in shape if key not in value), None)
        if missing is not None:
            return f"{name}.{missing}"
        parts = [(value[key], of, f"{name}.{key}") for key, of in shape.items()]
    return next(filter(None, (fault(*part) for part in parts)), "")


def _is_number(value: Any, shape: Number) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
        and shape.low - _ROUNDING <= value <= shape.high + _ROUNDING
        and not (shape.whole and value % 1)
    )
