"""Registries: things by name, added by a decorator; one rule for all of them.

A name has small letters, digits and underscores. The same function again, as a notebook's cell
registers it, takes its own place; another function under a name that is taken is refused.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import numpy as np

from tflottery.errors import UserError, suggest

T = TypeVar("T")
_NAME = re.compile("[a-z][a-z0-9_]*")
_PACKAGE = __name__.partition(".")[0]
MAIN = "__main__"


@dataclass(frozen=True)
class Origin:
    """Where a function or class was written. ``file`` is None where there is none, as in a
    notebook."""

    module: str
    name: object
    file: Path | None

    @property
    def is_ours(self) -> bool:
        """Whether this package ships it."""
        return self.module.partition(".")[0] == _PACKAGE

    def is_same(self, other: Origin) -> bool:
        """Whether both are the same function, loaded twice or edited in between."""
        same_file = self.file is not None and self.file == other.file
        return self.name == other.name and (self.module == other.module or same_file)

    def __str__(self) -> str:
        if self.is_ours:
            return f"{_PACKAGE} itself"
        return str(self.file) if self.file else self.module


def origin(thing: Any) -> Origin:
    """Where a function or class was written; what has no name of its own is only itself."""
    while isinstance(thing, functools.partial):
        thing = thing.func
    module = str(getattr(thing, "__module__", None) or MAIN)
    code = getattr(thing, "__code__", None)
    file = code.co_filename if code else getattr(sys.modules.get(module), "__file__", None)
    path = Path(file).resolve() if file else None
    # The cells of a notebook have names of files that are not there.
    return Origin(
        module, getattr(thing, "__qualname__", thing), path if path and path.is_file() else None
    )


def of_file(function: Any) -> Callable[[FrameType], bool]:
    """Whether a frame is of the file that a function was written in."""
    while isinstance(function, functools.partial):
        function = function.func
    code = getattr(function, "__code__", None)
    if code is None:  # a class or an object that is called
        module = getattr(function, "__module__", None)
        return lambda frame: frame.f_globals.get("__name__") == module
    return lambda frame: frame.f_code.co_filename == code.co_filename


@dataclass
class _Load:
    """A plugin that is being loaded, and how to undo what it has registered: by registry, name and
    the module that the thing is of."""

    plugin: str
    undo: dict[tuple[int, str, str], Callable[[], None]] = field(default_factory=dict)


# Those that go on, the innermost last.
_LOADS: list[_Load] = []


@contextmanager
def one_load(plugin: str) -> Iterator[None]:
    """Within it, a plugin is loaded: what a module of it registers under a name that it has given
    already is refused, whatever it is called in the code. Where loading fails, nothing of it stays
    registered.

    Args:
        plugin: what loads it in another process, a module's name or a file's path.
    """
    load = _Load(plugin)
    _LOADS.append(load)
    try:
        yield
    except BaseException:
        for undo in reversed(load.undo.values()):
            undo()
        raise
    finally:
        _LOADS.pop()


def loading() -> str:
    """What loads the plugin that registers now; empty where none does."""
    return _LOADS[-1].plugin if _LOADS else ""


def true_or_false(what: str, value: object) -> bool:
    """What was declared of a thing, where it is True or False.

    Args:
        what: what it is, for the message, as ``higher_is_better of the metric 'mine'``.
        value: what was given.

    Raises:
        UserError: it is something else, as a text, which would be taken for True.
    """
    if isinstance(value, (int, np.bool_)) and value in (0, 1):
        return bool(value)
    raise UserError(f"{what} is True or False, not a {type(value).__name__}.")


class Registry(dict[str, T]):
    """Things of one kind by name, with what was registered for each.

    Args:
        kind: what one of them is called in messages, as ``metric``.
        taken: names that none of them may have.
    """

    def __init__(self, kind: str, taken: Collection[str] = ()) -> None:
        super().__init__()
        self.kind = kind
        self._taken = tuple(taken)
        self._registered: dict[str, Any] = {}
        self._plugins: dict[str, str] = {}

    @property
    def _one(self) -> str:
        return f"{'an' if self.kind[0] in 'aeiou' else 'a'} {self.kind}"

    def check_name(self, name: object) -> str:
        """The name, where it is one.

        Raises:
            UserError: it is none, or none of them may have it.
        """
        if isinstance(name, str) and _NAME.fullmatch(name) and name not in self._taken:
            return name
        if callable(name):
            decorator = f"register_{self.kind.replace('network', 'architecture')}"
            called = getattr(name, "__name__", "my_name").lower()
            raise UserError(
                f"{decorator} takes a name, and then the function: write "
                f'@tfl.{decorator}("{called}") above it.'
            )
        but = f", and is not {' or '.join(map(repr, self._taken))}" if self._taken else ""
        raise UserError(
            f"{self._one.capitalize()} is not called {name!r}: a name has small letters, digits "
            f"and underscores, begins with a letter{but}."
        )

    def add(self, name: str, registered: Any, value: T) -> None:
        """Puts a thing under its name.

        Args:
            name: see ``check_name``.
            registered: the function or class that was registered.
            value: what is kept of it.

        Raises:
            UserError: it is no name, or another function or class has it, or what was registered
                is neither.
        """
        self.check_name(name)
        if not callable(registered):
            raise UserError(
                f"{self._one.capitalize()} is a function or class, and {name!r} is given for a "
                f"{type(registered).__name__}."
            )
        if name in self and not (there := origin(self.registered(name))).is_same(
            origin(registered)
        ):
            raise UserError(
                f"There is {self._one} {name!r} already, of {there}; choose another name."
            )
        given = (id(self), name, origin(registered).module)
        if any(given in load.undo for load in _LOADS):
            raise UserError(f"{self._one.capitalize()} {name!r} is registered twice; name it once.")
        undo = self._put_back(name)
        for load in _LOADS:
            load.undo[given] = undo
        self._plugins.pop(name, None)
        if loading():
            self._plugins[name] = loading()
        self[name] = value
        self._registered[name] = registered

    def _put_back(self, name: str) -> Callable[[], None]:
        """What gives a name back the meaning that it has now."""
        books: tuple[dict[str, Any], ...] = (self, self._registered, self._plugins)
        before = [{name: book[name]} if name in book else {} for book in books]

        def undo() -> None:
            for book, then in zip(books, before, strict=True):
                book.pop(name, None)
                book.update(then)

        return undo

    def find(self, name: object) -> T:
        """The thing of a name.

        Raises:
            UserError: there is none; the line names the nearest one.
        """
        if not isinstance(name, str) or name not in self:
            raise UserError(
                f"There is no {self.kind} {name!r}. {suggest(str(name), self)} One of your own "
                "comes with --plugin."
            )
        return self[name]

    def plugin_of(self, name: str) -> str:
        """What loads the plugin that registered a name; empty where none did."""
        return self._plugins.get(name, "")

    def registered(self, name: str) -> Any:
        """The function or class that has a name."""
        return self._registered.get(name, self.find(name))
