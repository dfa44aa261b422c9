"""What a worker is given and what it says, wherever it runs."""

from __future__ import annotations

import io
import pickle
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tflottery.errors import TflotteryError, TrainingError
from tflottery.runs.realise import Realiser
from tflottery.runs.observer import Silent
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.runs.store import Run, Store
from tflottery.training.listener import Logs


@dataclass(frozen=True)
class Task:
    """A run to realise, the snapshots that it is to keep, and the seconds at least from one
    ``Stepped`` to the next."""

    spec: RunSpec
    snapshots: tuple[str, ...]
    pause: float = 0.0

    def __reduce__(self) -> tuple[Any, ...]:
        # One ancestor after the other: pickle's own way goes as deep as the chain is long.
        return _unpack, (_pack(self.spec), self.snapshots, self.pause)


@dataclass(frozen=True)
class Ready:
    """The worker waits for a task."""


@dataclass(frozen=True)
class Begun:
    """The training began; the run is not in the store."""


@dataclass(frozen=True)
class Stepped:
    """As a ``Listener``'s ``step_ended``, now and then."""

    step: int
    steps: int
    logs: Logs


@dataclass(frozen=True)
class Validated:
    """As a ``Listener``'s."""

    epoch: float
    epochs: int
    logs: Logs


@dataclass(frozen=True)
class Ended:
    """The run is in the store; ``trained`` says whether this worker did it."""

    trained: bool


@dataclass(frozen=True)
class Failed:
    """The training gave no usable weights."""

    reason: str


@dataclass(frozen=True)
class Broken:
    """Something that no other run would be spared."""

    error: Exception


@dataclass(frozen=True)
class Lost:
    """The worker is gone."""

    reason: str


Message = Ready | Begun | Stepped | Validated | Ended | Failed | Broken | Lost


def last_line(text: str) -> str:
    """The last line with something in it: of a traceback, the error."""
    return next((line.strip() for line in reversed(text.split("\n")) if line.strip()), "")


def perform(task: Task, store: Store, tell: Callable[[Message], None]) -> None:
    """Realises the task's run; tells how that goes, and last ``Ended``, ``Failed`` or ``Broken``."""
    teller = _Teller(tell, task.pause)
    realise = Realiser(store, [], teller)
    realise.keep(task.spec, task.snapshots)
    try:
        realise(task.spec)
    except TrainingError as error:
        tell(Failed(str(error)))
    except (TflotteryError, OSError) as error:
        tell(Broken(error))
    except Exception:
        # Any other exception might not survive the way to the parent.
        tell(Broken(RuntimeError(f"in a worker:\n{traceback.format_exc()}")))
    else:
        tell(Ended(trained=teller.trained))


class _Teller(Silent):
    """Turns what an observer is told into messages."""

    def __init__(self, tell: Callable[[Message], None], pause: float) -> None:
        self._tell = tell
        self._pause = pause
        self._told = 0.0
        self.trained = False

    def run_begun(self, spec: RunSpec) -> None:
        self._tell(Begun())

    def step_ended(self, spec: RunSpec, step: int, steps: int, logs: Logs) -> None:
        self._last = Stepped(step, steps, dict(logs))
        if time.monotonic() - self._told > self._pause:
            self._tell(self._last)
            self._told = time.monotonic()

    def validated(self, spec: RunSpec, epoch: float, epochs: int, logs: Logs) -> None:
        self._tell(self._last)
        self._tell(Validated(epoch, epochs, dict(logs)))

    def run_ended(self, spec: RunSpec, run: Run) -> None:
        self.trained = True


class _Packer(pickle.Pickler):
    """Writes one spec; its parents are named by their keys."""

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
    """A spec and its ancestors, parents first."""
    packed = []
    for one in ancestry([spec]):
        stream = io.BytesIO()
        _Packer(stream, one).dump(one)
        packed.append(stream.getvalue())
    return packed


def _unpack(packed: list[bytes], snapshots: tuple[str, ...], pause: float) -> Task:
    known: dict[str, RunSpec] = {}
    for content in packed:
        spec = _Unpacker(content, known).load()
        known[spec.key] = spec
    return Task(spec, snapshots, pause)
