"""The executor ``ray``: workers on a Ray cluster's machines, which share the store's folder."""

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
from tflottery.runs.resources import THIS_MACHINE, Resources
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
    Unreadable,
    last_line,
    perform,
)
from tflottery.startup import environment

# A cluster may grow and shrink, so its size is asked for this often.
_SECONDS_BETWEEN_LOOKS = 5.0
_SECONDS_TO_ANSWER = 10.0
# One of these is a worker's last message about a task.
_LAST = (Ended, Failed, Broken)


@dataclass(frozen=True)
class RayCluster:
    """Trains in actors of a Ray cluster: one for each GPU, or as many as the cores allow if there
    is no GPU.

    Every machine needs tflottery, and must see the store and the files of plugins under the same
    paths.
    """

    resources: Resources

    def require_reachable(self) -> None:
        """Makes sure that the cluster answers, before anything else is done.

        Raises:
            UserError: there is none at the address, or one of other versions.
        """
        if _connect(self.resources.address):
            ray.shutdown()

    def __call__(self, specs: Iterable[RunSpec], realise: Realiser) -> dict[str, str]:
        """See ``Executor``.

        Raises:
            UserError: there is no cluster at the address.
        """
        store = realise.store.root.resolve()
        return realise_in(lambda: RayPool(self.resources, store), specs, realise)


class RayPool:
    """A ``Pool`` of Ray actors.

    Entering its context connects this process to the cluster, unless it is connected already.
    """

    def __init__(self, resources: Resources, store: Path) -> None:
        self._resources = resources
        self._threads = resources.threads or 1
        self._store = store
        self._numbers = count()
        self._actors: dict[int, Any] = {}
        # The next message of each worker, to wait for: that it has started, or about its task.
        self._next: dict[Any, int] = {}
        self._looked = -_SECONDS_BETWEEN_LOOKS
        self._size = self._gpus = 0
        self._connected_here = False

    def __enter__(self) -> RayPool:
        self._connected_here = _connect(self._resources.address)
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
            # Take every other message that has arrived meanwhile.
            ready, _ = ray.wait(waiting, num_returns=len(waiting), timeout=0, fetch_local=False)
        return [(self._next[one], self._receive(one)) for one in ready]

    def _receive(self, said: Any) -> Message:
        worker = self._next[said]
        try:
            is_stream = isinstance(said, ray.ObjectRefGenerator)
            message: Message = ray.get(next(said) if is_stream else said)
        except (ray.exceptions.RayError, StopIteration) as error:
            del self._next[said]
            ray.kill(self._actors.pop(worker))  # it may still run, on a machine out of reach
            return Lost(f"{type(error).__name__}: {last_line(str(error))}")
        if isinstance(message, (Ready, *_LAST)):
            del self._next[said]
        return message


def gpu_share(gpus: int, workers: int) -> float:
    """The fraction of a GPU that each worker asks for. Ray never splits an actor between GPUs, so
    a GPU must hold a whole number of such fractions."""
    return 1 / math.ceil(workers / gpus) if gpus else 0.0


def _connect(address: str) -> bool:
    """Connects this process to a cluster; False where it is connected already.

    Raises:
        UserError: there is no cluster at the address, or one of other versions.
    """
    if ray.is_initialized():
        return False
    try:
        if address != THIS_MACHINE:
            _require_answer(address)
        ray.init(address, log_to_driver=False, logging_level="error")
    except (OSError, UnicodeError):  # no name of a machine can be so long, or so dotted
        raise UserError(
            f"There is no Ray cluster at {address}; start one with ray start --head, or "
            "give its head's host:port with --address."
        ) from None
    except RuntimeError as error:  # the cluster has other versions of Ray or Python
        raise UserError(f"The Ray cluster at {address} cannot be used: {error}") from None
    return True


def _require_answer(address: str) -> None:
    """Raises OSError, or UnicodeError where the host can be no name, if nothing listens at the
    address; Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or len(port) > 5 or not 0 < int(port) < 1 << 16:
        raise UserError(f"--address takes {THIS_MACHINE} or host:port, not {address!r}.")
    socket.create_connection((host, int(port)), timeout=_SECONDS_TO_ANSWER).close()


class _Worker:
    """The actor. It trains in a second thread, so that it can send messages meanwhile."""

    def __init__(self, store: Path) -> None:
        self._store = Store(store)
        self._tasks: SimpleQueue[Task | Unreadable] = SimpleQueue()
        self._messages: SimpleQueue[Message] = SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            perform(self._tasks.get(), self._store, self._messages.put)

    def ready(self) -> Message:
        return Ready()

    def perform(self, task: Task | Unreadable) -> Iterator[Message]:
        """Performs the task; yields its messages as they come."""
        self._tasks.put(task)
        while True:
            message = self._messages.get()
            yield message
            if isinstance(message, _LAST):
                return
