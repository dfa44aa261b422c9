"""What a function computes, as a digest: of its source, and of all that it names.

A result that is kept under a key must not outlive the function that made it. The digest holds the
function's source without comments, docstrings, annotations and layout, and likewise the functions,
classes and values that it names: globals, defaults, closures, and what it takes from modules of
one's own. What is installed, Python itself and this package count by name alone; what a function
reads while it runs, as a file, does not count.
"""

from __future__ import annotations

import ast
import dis
import functools
import hashlib
import importlib
import importlib.util
import inspect
import logging
import re
import sys
import sysconfig
import textwrap
import types
from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

# The other paths of sysconfig hold no modules, and one of them is a whole environment, where code
# of one's own may lie too.
_LIBRARIES = ("stdlib", "platstdlib", "purelib", "platlib")
_INSTALLED_IN = {"site-packages", "dist-packages"}
_PACKAGE = __name__.partition(".")[0]
_MAIN = "__main__"
# What Python makes of slots, fields and members, beside the values that are read anyway.
_DESCRIPTORS = (
    types.MemberDescriptorType, types.GetSetDescriptorType, types.DynamicClassAttribute,
    type(vars(namedtuple("_Pair", "one"))["one"]),
)  # fmt: skip
_PLAIN = (type(None), bool, int, float, complex, str, bytes, range, slice, type(...), np.dtype)


def _installed(paths: Mapping[str, str]) -> tuple[Path, ...]:
    """The folders whose modules are installed, of sysconfig's paths."""
    return tuple(Path(paths[name]).resolve() for name in _LIBRARIES)


_INSTALLED = _installed(sysconfig.get_paths())


class NoDigestError(Exception):
    """A function names a value whose content cannot be told: ``value``, which it calls ``name``."""

    def __init__(self, name: str, value: Any) -> None:
        super().__init__(f"{name}, a {type(value).__name__}")
        self.name, self.value = name, value


def digest(function: Any) -> str:
    """64 hexadecimal digits, equal for what computes the same by its source.

    Args:
        function: a function, or an object of a class of one's own that can be called.

    Raises:
        NoDigestError: it names a value whose content cannot be told.
    """
    reader = _Reader(_top(function))
    reader.read(getattr(function, "__name__", type(function).__name__), function)
    return hashlib.sha256("\n".join(reader.parts).encode("utf-8", "surrogatepass")).hexdigest()


def _top(thing: Any) -> str:
    """The package that a function or class is of."""
    return str(getattr(thing, "__module__", "") or "").partition(".")[0]


class _Reader:
    """Reads a function and what it names, each once; ``own`` is the package that it belongs to."""

    def __init__(self, own: str) -> None:
        self._own = own
        self._numbers: dict[Any, int] = {}
        # What was seen stays alive, so that nothing else gets its identity.
        self._kept: list[Any] = []
        self.parts: list[str] = []

    def read(self, name: str, value: Any, names: frozenset[str] = frozenset()) -> None:
        """Reads a value. ``names``: what is taken from it, where it is a module."""
        if isinstance(value, _PLAIN):
            self.parts.append(f"{type(value).__name__} {value!r}")
            return
        seen = (id(value), names if isinstance(value, types.ModuleType) else None)
        if seen in self._numbers:
            self.parts.append(f"seen {self._numbers[seen]}")
            return
        self._numbers[seen] = len(self._numbers)
        self._kept.append(value)
        if isinstance(value, types.ModuleType):
            self._module(value, names)
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, types.MethodType):
            self._several("method", name, (value.__self__, value.__func__))
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, functools.partial):
            self._several("partial", name, (value.func, value.args, value.keywords))
        elif callable(getattr(value, "__wrapped__", None)):
            self.read(name, value.__wrapped__)
        elif not self._data(name, value):
            self._object(name, value)

    def _several(self, kind: str, name: str, values: Iterable[Any]) -> None:
        listed = list(values)
        self.parts.append(f"{kind} {len(listed)}")
        for value in listed:
            self.read(name, value)

    def _data(self, name: str, value: Any) -> bool:
        """Whether it is data, whose content was read."""
        if isinstance(value, (list, tuple)):
            self._several("list", name, value)
        elif isinstance(value, (set, frozenset)):
            self._several("set", name, sorted(value, key=repr))
        elif isinstance(value, Mapping):
            self._several("mapping", name, (part for item in value.items() for part in item))
        elif isinstance(value, (np.ndarray, np.generic)) and not np.asarray(value).dtype.hasobject:
            array = np.asarray(value)
            content = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
            self.parts.append(f"array {array.dtype.str} {array.shape} {content}")
        elif isinstance(value, re.Pattern):
            self.parts.append(f"pattern {value.pattern!r} {value.flags}")
        elif isinstance(value, Path):
            self.parts.append(f"path {value}")
        else:
            return False
        return True

    def _object(self, name: str, value: Any) -> None:
        if self._is_own(type(value)) and (hasattr(value, "__dict__") or _slots(value)):
            state = [dict(getattr(value, "__dict__", {})), *filter(None, [_slots(value)])]
            self._several("object", name, (type(value), *state))
        elif isinstance(value, (types.BuiltinFunctionType, np.ufunc, logging.Logger)) or (
            callable(value) and hasattr(value, "__name__")
        ):
            self.parts.append(f"named {getattr(value, '__module__', '')} {value.__name__}")
        else:
            raise NoDigestError(name, value)

    def _is_own(self, thing: Any) -> bool:
        """Whether it was written by whoever wrote the function, and is not merely installed."""
        return self._is_own_module(str(getattr(thing, "__module__", "") or ""))

    def _is_own_module(self, name: str) -> bool:
        top = name.partition(".")[0]
        if top in (self._own, _MAIN):
            return top != _PACKAGE
        if top in ("", _PACKAGE) or top in sys.stdlib_module_names:
            return False
        file = getattr(sys.modules.get(name), "__file__", None)
        if not file:
            return False
        place = Path(file).resolve()
        return not (
            _INSTALLED_IN & set(place.parts)
            or any(place.is_relative_to(folder) for folder in _INSTALLED)
        )

    def _module(self, module: types.ModuleType, names: frozenset[str]) -> None:
        if not self._is_own_module(module.__name__):
            self.parts.append(f"module {module.__name__}")
            return
        self._named(vars(module), names & set(vars(module)), names)

    def _named(
        self, namespace: Mapping[str, Any], wanted: Iterable[str], names: frozenset[str]
    ) -> None:
        for name in sorted(wanted):
            self.parts.append(name)
            self.read(name, namespace[name], names)

    def _function(self, function: types.FunctionType) -> None:
        if not self._is_own(function):
            self.parts.append(f"named {function.__module__} {function.__qualname__}")
            return
        code = function.__code__
        self.parts.append(f"function {_source_of(code)}")
        self._several("defaults", "default", (function.__defaults__, function.__kwdefaults__))
        names = frozenset(_names(code))
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            try:
                content = cell.cell_contents
            except ValueError:  # not filled yet
                continue
            self.parts.append(name)
            self.read(name, content, names)
        namespace = function.__globals__
        looked_up, imported = _looked_up(code)
        self._named(namespace, looked_up & set(namespace), names)
        for name in sorted(imported):
            module = _imported(name, namespace.get("__package__") or None)
            if module is not None:
                self.read(name, module, names)

    def _class(self, kind: type) -> None:
        if not self._is_own(kind):
            self.parts.append(f"named {kind.__module__} {kind.__qualname__}")
            return
        self._several(f"class {kind.__name__}", kind.__name__, kind.__bases__)
        for name, value in sorted(vars(kind).items()):
            value = getattr(value, "__func__", None) or getattr(value, "fget", None) or value
            is_data = isinstance(value, (*_PLAIN, list, tuple, dict, set, frozenset, np.ndarray))
            is_made = getattr(value, "__module__", None) == kind.__module__
            is_function = isinstance(value, types.FunctionType) and is_made
            is_named = not name.startswith("__") and name != "_abc_impl"
            if is_function or (is_named and (is_data or not isinstance(value, _DESCRIPTORS))):
                self.parts.append(name)
                self.read(
                    name, value.func if isinstance(value, functools.cached_property) else value
                )


def _slots(thing: Any) -> dict[str, Any]:
    """What an object keeps in slots, by name."""
    named = (
        name
        for kind in type(thing).__mro__
        for name, made in vars(kind).items()
        if isinstance(made, types.MemberDescriptorType)
    )
    return {name: getattr(thing, name) for name in sorted(set(named)) if hasattr(thing, name)}


def _names(code: types.CodeType) -> Iterator[str]:
    """Every name in a function and those within it, attributes among them."""
    for one in _codes(code):
        yield from one.co_names


def _looked_up(code: types.CodeType) -> tuple[set[str], set[str]]:
    """The globals that a function reads, and the modules that its body imports, with their dots."""
    found: set[str] = set()
    imported: set[str] = set()
    for one in _codes(code):
        level: Any = 0
        before: list[Any] = [None, None]
        for step in dis.get_instructions(one):
            if "GLOBAL" in step.opname or step.opname == "LOAD_NAME":
                found.add(str(step.argval))
            elif step.opname == "IMPORT_NAME":
                level = before[0] if isinstance(before[0], int) else 0
                imported.add("." * level + str(step.argval))
            before = [before[1], step.argval]
    return found, imported


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _imported(name: str, package: str | None) -> types.ModuleType | None:
    try:
        return importlib.import_module(importlib.util.resolve_name(name, package))
    except (ImportError, ValueError):
        return None  # it fails where the function runs


@functools.cache
def _source_of(code: types.CodeType) -> str:
    """A function's source without layout, as it was when it was first asked for: the file may
    change under a process that goes on with what it has read."""
    try:
        source = textwrap.dedent(inspect.getsource(code))
    except (OSError, TypeError):
        # Typed into a console, or made by dataclass: the bytecode has to do.
        return "\n".join(map(_bytecode, _codes(code)))
    try:
        return ast.unparse(ast.fix_missing_locations(_Bare().visit(ast.parse(source))))
    except SyntaxError:  # a lambda in the middle of a statement
        return " ".join(source.split())


def _bytecode(code: types.CodeType) -> str:
    constants = [
        repr(sorted(one, key=repr) if isinstance(one, frozenset) else one)
        for one in code.co_consts
        if not isinstance(one, types.CodeType)
    ]
    return repr((code.co_code.hex(), code.co_names, code.co_varnames, constants))


class _Bare(ast.NodeTransformer):
    """Drops what computes nothing: docstrings, annotations, and decorators, since what they made is
    what is read."""

    def visit(self, node: ast.AST) -> Any:
        self.generic_visit(node)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.decorator_list, node.returns = [], None
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
        return node
