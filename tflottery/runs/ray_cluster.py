"""The executor ``ray``: workers on the machines of a Ray cluster, which share the store's folder."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import ray

from tflottery.errors import UserError
from tflottery.runs.pool import realise_in
from tflottery.runs.realise import Realiser
from tflottery.runs.resources import Resources, environment
from tflottery.runs.specs import RunSpec
from tflottery.runs.store import Store
from tflottery.runs.tasks import (
    Broken,
    Ended,
    Failed,
    Lost,
    Message,
    Ready,
    Task,
    last_line,
    perform,
)

# A cluster grows and shrinks; it is asked now and then.
_SECONDS_BETWEEN_LOOKS = 5.0
_SECONDS_TO_ANSWER = 10.0
_THIS_MACHINE = "auto"
# What a worker says of a task at its end.
_LAST = (Ended, Failed, Broken)


@dataclass(frozen=True)
class RayCluster:
    """Trains in actors of a Ray cluster: as many as it has cores for, or GPUs where it has any.

    Every machine needs tflottery installed, and sees the store under the same path.
    """

    resources: Resources

    def __call__(self, specs: Iterable[RunSpec], realise: Realiser) -> dict[str, str]:
        """As ``realise_all``.

        Raises:
            UserError: there is no cluster at the address.
        """
        store = realise.store.root.resolve()
        return realise_in(lambda: RayPool(self.resources, store), specs, realise)


class RayPool:
    """A ``Pool`` of Ray actors.

    Entering it connects to the cluster, where this process is not connected yet.
    """

    def __init__(self, resources: Resources, store: Path) -> None:
        self._resources = resources
        self._threads = resources.threads or 1
        self._store = store
        self._numbers = count()
        self._actors: dict[int, Any] = {}
        # What each worker will say next: that it has started, or how its task goes.
        self._next: dict[Any, int] = {}
        self._looked = -_SECONDS_BETWEEN_LOOKS
        self._size = self._gpus = 0
        self._connected_here = False

    def __enter__(self) -> RayPool:
        if not ray.is_initialized():
            address = self._resources.address
            try:
                if address != _THIS_MACHINE:
                    _require_answer(address)
                ray.init(address, log_to_driver=False, logging_level="error")
            except OSError:
                raise UserError(
                    f"There is no Ray cluster at {address}; start one with ray start --head, or "
                    "give its head's host:port with --address."
                ) from None
            except RuntimeError as error:  # other versions there than here
                raise UserError(f"The Ray cluster at {address} cannot be used: {error}") from None
            self._connected_here = True
        return self

    def __exit__(self, *_: object) -> None:
        for actor in self._actors.values():
            ray.kill(actor)
        if self._connected_here:
            ray.shutdown()

    def keep(self, most: int) -> int:
        if time.monotonic() - self._looked > _SECONDS_BETWEEN_LOOKS:
            self._look()
        while len(self._actors) < min(self._size, most):
            number = next(self._numbers)
            actor = (
                ray.remote(_Worker)
                .options(
                    num_cpus=self._threads,
                    num_gpus=gpu_share(self._gpus, self._size),
                    runtime_env={"env_vars": environment(self._threads)},
                )
                .remote(self._store)
            )
            self._actors[number] = actor
            self._next[actor.ready.remote()] = number
        return len(self._actors)

    def _look(self) -> None:
        self._looked = time.monotonic()
        there = ray.cluster_resources()
        self._gpus = int(there.get("GPU", 0))
        room = self._gpus or int(there.get("CPU", 0)) // self._threads
        self._size = self._resources.workers or max(1, room)

    def give(self, worker: int, task: Task) -> None:
        said = self._actors[worker].perform.options(num_returns="streaming").remote(task)
        self._next[said] = worker

    def messages(self) -> list[tuple[int, Message]]:
        waiting = list(self._next)
        ready, _ = ray.wait(waiting, timeout=_SECONDS_BETWEEN_LOOKS, fetch_local=False)
        if ready:
            # Whoever else has something to say by now.
            ready, _ = ray.wait(waiting, num_returns=len(waiting), timeout=0, fetch_local=False)
        return [(self._next[one], self._receive(one)) for one in ready]

    def _receive(self, said: Any) -> Message:
        worker = self._next[said]
        try:
            goes_on = isinstance(said, ray.ObjectRefGenerator)
            message: Message = ray.get(next(said) if goes_on else said)
        except (ray.exceptions.RayError, StopIteration) as error:
            del self._next[said]
            ray.kill(self._actors.pop(worker))  # it may only be out of reach
            return Lost(f"{type(error).__name__}: {last_line(str(error))}")
        if isinstance(message, (Ready, *_LAST)):
            del self._next[said]
        return message


def gpu_share(gpus: int, workers: int) -> float:
    """The part of a GPU that each worker asks for. Ray puts an actor on one GPU, so what is asked
    for has to fit it a whole number of times."""
    return 1 / math.ceil(workers / gpus) if gpus else 0.0


def _require_answer(address: str) -> None:
    """Raises OSError where nobody listens; Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise UserError(f"--address takes {_THIS_MACHINE} or host:port, not {address!r}.")
    socket.create_connection((host, int(port)), timeout=_SECONDS_TO_ANSWER).close()


class _Worker:
    """What runs in an actor: trainings in a thread of their own, so that they can be told of."""

    def __init__(self, store: Path) -> None:
        self._store = Store(store)
        self._tasks: SimpleQueue[Task] = SimpleQueue()
        self._messages: SimpleQueue[Message] = SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            perform(self._tasks.get(), self._store, self._messages.put)

    def ready(self) -> Message:
        return Ready()

    def perform(self, task: Task) -> Iterator[Message]:
        """Says how the task goes while it does."""
        self._tasks.put(task)
        while True:
            message = self._messages.get()
            yield message
            if isinstance(message, _LAST):
                return
