"""Tasks for workers, and the messages that workers send back, whatever carries them."""

from __future__ import annotations

import io
import pickle
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tflottery import disk, memory, plugins
from tflottery.errors import TflotteryError, TrainingError, UserError, stopped_by
from tflottery.runs.carrying import plugins_of
from tflottery.runs.observer import Silent
from tflottery.runs.realise import Realiser
from tflottery.runs.run import Run
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.runs.store import Store
from tflottery.training.listener import Logs


@dataclass(frozen=True)
class Task:
    """A run to realise. ``snapshots``: those that it must keep. ``pause``: the least number of
    seconds between two ``Stepped`` messages."""

    spec: RunSpec
    snapshots: tuple[str, ...]
    pause: float = 0.0

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickled one ancestor at a time: by itself pickle would recurse through the whole chain,
        # and a long one would overflow Python's stack.
        return _unpack, (_pack(self.spec), self.snapshots, self.pause, plugins_of(self.spec))


@dataclass(frozen=True)
class Unreadable:
    """A task that a worker cannot read, since it cannot load a plugin that the task needs."""

    error: UserError


@dataclass(frozen=True)
class Ready:
    """The worker has started and waits for a task."""


@dataclass(frozen=True)
class Begun:
    """The training begins, because the store lacks the run."""


@dataclass(frozen=True)
class Stepped:
    """See ``Listener.step_ended``; not every step is reported."""

    step: int
    steps: int
    logs: Logs


@dataclass(frozen=True)
class Validated:
    """See ``Listener.validated``."""

    epoch: float
    epochs: int
    logs: Logs


@dataclass(frozen=True)
class Testing:
    """See ``Listener.testing``."""


@dataclass(frozen=True)
class Ended:
    """The run is in the store. ``trained``: whether this worker trained it."""

    trained: bool


@dataclass(frozen=True)
class Failed:
    """The training gave no usable weights."""

    reason: str


@dataclass(frozen=True)
class Broken:
    """An error that would meet every other run too, as a full disk."""

    error: Exception


@dataclass(frozen=True)
class Lost:
    """The worker has ended or cannot be reached."""

    reason: str


Message = Ready | Begun | Stepped | Validated | Testing | Ended | Failed | Broken | Lost


def last_line(text: str) -> str:
    """The last line that is not blank; in a traceback, that is the error."""
    return next((line.strip() for line in reversed(text.split("\n")) if line.strip()), "")


def perform(task: Task | Unreadable, store: Store, send: Callable[[Message], None]) -> None:
    """Realises the task's run and sends messages about it; the last one is ``Ended``, ``Failed`` or
    ``Broken``."""
    if isinstance(task, Unreadable):
        send(Broken(task.error))
        return
    sender = _Sender(send, task.pause)
    realise = Realiser(store, [], sender)
    realise.keep(task.spec, task.snapshots)
    try:
        realise(task.spec)
    except TrainingError as error:
        send(Failed(str(error)))
    except (TflotteryError, OSError) as error:
        send(Broken(error))
    except SystemExit as error:
        # In the thread of a Ray worker this would end in silence, and the run would never end.
        send(Broken(UserError(f"In a worker: {stopped_by(error)}")))
    except Exception as error:
        # Any other exception may not survive pickling.
        unknown = RuntimeError(f"in a worker:\n{traceback.format_exc()}")
        told = TflotteryError("out of memory in a worker; give fewer --workers, or smaller sizes")
        send(Broken(told if memory.is_exhausted(error) else disk.refusal(error) or unknown))
    else:
        send(Ended(trained=sender.trained))


class _Sender(Silent):
    """An observer that sends the events of a training as messages."""

    def __init__(self, send: Callable[[Message], None], pause: float) -> None:
        self._send = send
        self._pause = pause
        self._sent_at = 0.0
        self.trained = False

    def run_begun(self, spec: RunSpec) -> None:
        self._send(Begun())

    def step_ended(self, spec: RunSpec, step: int, steps: int, logs: Logs) -> None:
        self._last = Stepped(step, steps, dict(logs))
        if time.monotonic() - self._sent_at > self._pause:
            self._send(self._last)
            self._sent_at = time.monotonic()

    def validated(self, spec: RunSpec, epoch: float, epochs: int, logs: Logs) -> None:
        self._send(self._last)
        self._send(Validated(epoch, epochs, dict(logs)))

    def testing(self, spec: RunSpec) -> None:
        self._send(Testing())

    def run_ended(self, spec: RunSpec, run: Run) -> None:
        self.trained = True


class _Packer(pickle.Pickler):
    """Pickles one spec; its parents are replaced by their keys."""

    def __init__(self, stream: io.BytesIO, spec: RunSpec) -> None:
        super().__init__(stream)
        self._spec = spec

    def persistent_id(self, value: Any) -> str | None:
        return value.key if isinstance(value, RunSpec) and value is not self._spec else None


class _Unpacker(pickle.Unpickler):
    def __init__(self, content: bytes, known: dict[str, RunSpec]) -> None:
        super().__init__(io.BytesIO(content))
        self._known = known

    def persistent_load(self, key: str) -> RunSpec:
        return self._known[key]


def _pack(spec: RunSpec) -> list[bytes]:
    """A spec and its ancestors, each pickled by itself, parents first."""
    packed = []
    for one in ancestry([spec]):
        stream = io.BytesIO()
        _Packer(stream, one).dump(one)
        packed.append(stream.getvalue())
    return packed


def _unpack(
    packed: list[bytes], snapshots: tuple[str, ...], pause: float, needed: tuple[str, ...]
) -> Task | Unreadable:
    known: dict[str, RunSpec] = {}
    try:
        # First: specs may hold classes that a plugin makes.
        plugins.load(needed, installed=False)
        for content in packed:
            spec = _Unpacker(content, known).load()
            known[spec.key] = spec
    except UserError as error:
        return Unreadable(UserError(f"In a worker: {error}"))
    return Task(spec, snapshots, pause)
