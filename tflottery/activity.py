"""What goes on, told to whoever listens: reading, encoding, loading, testing.

Silent by default: rooms below say what they do, and only a call that shows progress listens. A
worker's process or thread has no listener, so nothing is said twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, TypeVar

_Item = TypeVar("_Item")
# How many items are counted before a listener hears of them: what it does must cost nothing.
_EVERY = 1_000


@dataclass
class Activity:
    """Something that takes a while.

    ``what``: a few words, as "reading reviews.csv". ``done`` of ``total`` items, of which ``unit``
    says what they are; a total of 0 is not known. ``long``: takes seconds wherever it runs, and may
    keep every other thread from running.
    """

    what: str
    total: int = 0
    unit: str = "texts"
    long: bool = False
    done: int = 0

    def __str__(self) -> str:
        if not self.done:
            return self.what
        of_all = f" of {self.total:,}" if self.total else ""
        return f"{self.what}: {self.done:,}{of_all} {self.unit}"


class Listener(Protocol):
    """Is told what goes on."""

    def changed(self, now: Activity | None) -> None:
        """This goes on now; None: nothing that has a name."""
        ...

    def moved(self, now: Activity) -> None:
        """More of it is done; called often."""
        ...

    def quiet(self) -> None:
        """Something else is about to be printed."""
        ...


class Deaf:
    """A listener that does nothing."""

    def changed(self, now: Activity | None) -> None: ...

    def moved(self, now: Activity) -> None: ...

    def quiet(self) -> None: ...


DEAF = Deaf()
_listener: ContextVar[Listener] = ContextVar("listener", default=DEAF)
_going_on: ContextVar[tuple[Activity, ...]] = ContextVar("going_on", default=())


def listener() -> Listener:
    """Who listens now."""
    return _listener.get()


def now() -> Activity | None:
    """What goes on now: of several activities the innermost."""
    stack = _going_on.get()
    return stack[-1] if stack else None


@contextmanager
def told_to(other: Listener) -> Iterator[None]:
    """What goes on meanwhile is told to this listener, and no longer to the one before."""
    before = _listener.get()
    before.changed(None)
    token = _listener.set(other)
    try:
        if (current := now()) is not None:
            other.changed(current)
        yield
    finally:
        other.changed(None)
        _listener.reset(token)
        before.changed(now())


@contextmanager
def doing(
    what: str, total: int = 0, unit: str = "texts", *, long: bool = False
) -> Iterator[Activity]:
    """Says that something goes on, until the block ends; see ``Activity``."""
    begun = Activity(what, total, unit, long)
    _going_on.set((*_going_on.get(), begun))
    try:
        _listener.get().changed(begun)
        yield begun
    finally:
        # Not what was before: two that overlap may end in either order.
        _going_on.set(tuple(one for one in _going_on.get() if one is not begun))
        _listener.get().changed(now())


def advance(count: int = 1) -> None:
    """So many more items of what goes on are done."""
    current = now()
    if current is not None:
        current.done += count
        _listener.get().moved(current)


def counted(items: Iterable[_Item]) -> Iterator[_Item]:
    """The items, each counted as done when the next one is asked for."""
    count = 0
    for item in items:
        yield item
        count += 1
        if count == _EVERY:
            advance(count)
            count = 0
    advance(count)


def quiet() -> None:
    """Takes what is shown of an activity away, since something else is printed next."""
    _listener.get().quiet()
