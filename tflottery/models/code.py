"""What Python code says, as a JSON value: an edited function or class says something else.

Bytecode is told, which is what runs; where it stands, what it is called and its comments are not.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping
from typing import Any

import numpy as np

from tflottery.files import sha256_of_bytes

# Their versions stand in the record of each run, and they do not change between two calls.
_KNOWN = frozenset(
    {"tensorflow", "tf_keras", "keras", "numpy", "tflottery", "tensorflow_model_optimization"}
    | set(sys.stdlib_module_names)
)
# What every class has, or what says nothing of what it does.
_BESIDE = {"__module__", "__dict__", "__weakref__", "__doc__", "__qualname__", "__firstlineno__",
           "__annotations__", "__static_attributes__"}  # fmt: skip


def is_foreign(value: Any) -> bool:
    """Whether a function or class is neither Python's nor of a library that is known here."""
    module = getattr(value, "__module__", None) or ""
    return module.partition(".")[0] not in _KNOWN


def described(value: Any) -> Any:
    """A function, a class, or a value that these use, with all the foreign code that it calls by
    name, as a JSON value."""
    return _described(value, {})


def _described(value: Any, seen: dict[int, int]) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (bytes, complex)) or value is Ellipsis:
        return repr(value)
    if isinstance(value, np.ndarray):
        return [str(value.dtype), list(value.shape), sha256_of_bytes(value.tobytes())]
    if isinstance(value, (tuple, list)):
        return [_described(one, seen) for one in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_described(one, seen) for one in value), key=repr)
    if isinstance(value, Mapping):
        return {repr(key): _described(one, seen) for key, one in value.items()}
    if isinstance(value, types.ModuleType):
        return f"module {value.__name__}"
    if isinstance(value, types.CodeType):
        return _code(value, seen)
    if isinstance(value, (staticmethod, classmethod, types.MethodType)):
        return _described(value.__func__, seen)
    if isinstance(value, property):
        return [_described(one, seen) for one in (value.fget, value.fset)]
    if isinstance(value, (types.FunctionType, type)):
        if not is_foreign(value):
            return f"{value.__module__}.{value.__qualname__}"
        if id(value) in seen:
            return f"seen {seen[id(value)]}"
        seen[id(value)] = len(seen)
        return _class(value, seen) if isinstance(value, type) else _function(value, seen)
    return _described(type(value), seen)


def _function(function: types.FunctionType, seen: dict[int, int]) -> Any:
    closure = [_cell(cell, seen) for cell in function.__closure__ or ()]
    used = {
        name: _described(function.__globals__[name], seen)
        for name in sorted(_names(function.__code__))
        if name in function.__globals__
    }
    return {
        "code": _code(function.__code__, seen),
        "defaults": _described(function.__defaults__, seen),
        "keywords": _described(function.__kwdefaults__, seen),
        "closure": closure,
        "used": used,
    }


def _cell(cell: types.CellType, seen: dict[int, int]) -> Any:
    try:
        return _described(cell.cell_contents, seen)
    except ValueError:  # nothing is in it yet
        return "empty"


def _class(kind: type[Any], seen: dict[int, int]) -> Any:
    return {
        "bases": [_described(base, seen) for base in kind.__bases__],
        "members": {
            name: _described(member, seen)
            for name, member in sorted(vars(kind).items())
            if name not in _BESIDE
        },
    }


def _code(code: types.CodeType, seen: dict[int, int]) -> Any:
    return [
        sha256_of_bytes(code.co_code + getattr(code, "co_exceptiontable", b"")),
        list(code.co_names),
        [_described(one, seen) for one in code.co_consts],
    ]


def _names(code: types.CodeType) -> set[str]:
    """The names that code and the functions within it use."""
    inner = [_names(one) for one in code.co_consts if isinstance(one, types.CodeType)]
    return set(code.co_names).union(*inner)
