"""How a call says what goes on before and between its trainings: one line on a terminal, which is
replaced; a line now and then in a pipe or a log; a text that changes in a notebook.

Nothing here needs rich, which takes longer to import than a mistake to be told.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any, Protocol, TextIO, TypeVar, cast

from tflottery import activity, printed
from tflottery.activity import Activity

_Call = TypeVar("_Call", bound=Callable[..., Any])
# How long something may go on before it is named, so that a second never passes without a word and
# what is over at once says nothing.
_PATIENCE = 0.6
# What begins late in that time may still be over at once.
_GRACE, _LATEST = 0.15, 0.8
# A log gets a line after so many seconds, and again after these.
_PAUSES = (5.0, 10.0, 20.0, 30.0)
_REFRESH = 0.2


class Place(Protocol):
    """Where a status is shown."""

    def show(self, text: str) -> None: ...

    def clear(self) -> None: ...

    def pause(self, times: int) -> float:
        """Seconds to the next look, after an activity was shown so many times."""
        ...


class Terminal:
    """A line that is replaced."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = ""

    def show(self, text: str) -> None:
        width = _width(self._stream)
        line = printed.visible(text)
        while _cells(line) >= width and len(line) > 1:
            line = f"{line[: -2 if line.endswith('…') else -1]}…"
        if line != self._shown:
            self._write(f"\r{line}\x1b[K")
            self._shown = line

    def clear(self) -> None:
        if self._shown:
            self._write("\r\x1b[K")
            self._shown = ""

    def pause(self, times: int) -> float:
        return _REFRESH

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):  # the terminal is gone; the work goes on
            self._stream.write(text)
            self._stream.flush()


class Log:
    """A line now and then.

    Args:
        write: is called with each line.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._last = ""

    def show(self, text: str) -> None:
        if text != self._last:
            self._last = text
            self._write(text)

    def clear(self) -> None: ...

    def pause(self, times: int) -> float:
        return _PAUSES[min(times, len(_PAUSES)) - 1]


class Status:
    """Shows what goes on once it has lasted a while.

    A thread of its own looks, so that work that says nothing meanwhile is named too.
    """

    def __init__(self, place: Place, first: str = "") -> None:
        self._place = place
        self._now: Activity | None = None
        self._times = 0
        self._born = time.monotonic()
        self._due = self._born + _PATIENCE
        self._has_shown = False
        self._is_open = True
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        if first:
            self.changed(Activity(first))

    def changed(self, now: Activity | None) -> None:
        with self._change:
            self._now, self._times = now, 0
            if now is None:
                self._place.clear()
                return
            moment = time.monotonic()
            late = max(self._due, min(moment + _GRACE, self._born + _LATEST))
            self._due = moment + _PATIENCE if self._has_shown else late
            if now.long:
                self._show(now)
            self._look()

    def moved(self, now: Activity) -> None:
        """Nothing: the thread looks by itself."""

    def quiet(self) -> None:
        with self._change:
            self._place.clear()
            self._has_shown = True
            self._due = time.monotonic() + _PATIENCE
            if self._now is not None and activity.now() is None:
                self._now = None  # the first words, before anything had a name

    def close(self) -> None:
        """Shows nothing any more."""
        with self._change:
            self._is_open, self._now = False, None
            self._place.clear()
            self._change.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=1.0)

    def _look(self) -> None:
        if self._thread is None and self._is_open:
            thread = threading.Thread(target=self._watch, name="status", daemon=True)
            thread.start()
            # Only now: Ctrl-C may fall into the start, and what has not begun cannot be waited for.
            self._thread = thread
        self._change.notify_all()

    def _watch(self) -> None:
        with self._change:
            while self._is_open:
                if self._now is None:
                    self._change.wait()
                elif (left := self._due - time.monotonic()) > 0:
                    self._change.wait(left)
                else:
                    self._show(self._now)

    def _show(self, now: Activity) -> None:
        self._place.show(str(now))
        self._has_shown = True
        self._times += 1
        self._due = time.monotonic() + self._place.pause(self._times)


class Cell:
    """A text in a notebook's cell that changes. Without a thread: what another thread displays may
    land in another cell."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._shown_at = 0.0
        self._handle: Any = None

    def changed(self, now: Activity | None) -> None:
        if now is None:
            self._clear()
        elif now.long or time.monotonic() - self._began > _PATIENCE:
            self._show(now)

    def moved(self, now: Activity) -> None:
        moment = time.monotonic()
        if moment - self._began > _PATIENCE and moment - self._shown_at > _REFRESH:
            self._show(now)

    def quiet(self) -> None:
        self._clear()

    def close(self) -> None:
        self._clear()

    def _show(self, now: Activity) -> None:
        from IPython.display import display

        self._shown_at = time.monotonic()
        shown = {"text/plain": printed.visible(str(now))}
        if self._handle is None:
            self._handle = display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)

    def _clear(self) -> None:
        if self._handle is not None:
            self._handle.update({"text/plain": ""}, raw=True)


@contextmanager
def shown(progress: object = True, *, first: str = "", on_errors: bool = False) -> Iterator[None]:
    """Shows what goes on in the block.

    Args:
        progress: False shows nothing; True does, unless it is shown already; anything else has its
            own way.
        first: what is said of work that has no name yet.
        on_errors: whether lines for a log go to standard error, where standard output is for data.
    """
    if progress is False:
        with activity.told_to(activity.DEAF):
            yield
    elif progress is not True or activity.listener() is not activity.DEAF:
        yield
    else:
        status = _status(first, on_errors)
        try:
            with activity.told_to(status):
                yield
        finally:
            status.close()


def said(function: _Call) -> _Call:
    """A call with the keyword ``progress`` that shows what goes on while it works."""

    @wraps(function)
    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        with shown(keywords.get("progress", True)):
            return function(*arguments, **keywords)

    return cast(_Call, wrapper)


def _status(first: str, on_errors: bool) -> Status | Cell:
    if _in_notebook():
        return Cell()
    for stream in (sys.stderr, sys.stdout):
        if _is_terminal(stream):
            return Status(Terminal(stream), first)
    return Status(Log(_line_on_errors if on_errors else _line), first)


# The streams of the moment: a test, or a user's code, may have put others in their place.
def _line(text: str) -> None:
    with suppress(OSError, ValueError):
        printed.say(text, now=True)


def _line_on_errors(text: str) -> None:
    with suppress(OSError, ValueError):
        printed.complain(text)


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:  # closed
        return False


def _cells(text: str) -> int:
    """Columns that a text takes: wide letters take two."""
    return sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text)


def _width(stream: TextIO) -> int:
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        columns = 80
    return max(columns or 80, 20)


def _in_notebook() -> bool:
    get_shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_shell is not None and type(get_shell()).__name__ == "ZMQInteractiveShell"
