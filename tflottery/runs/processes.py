"""The executor ``processes``: several workers on this machine, each a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import IO

from tflottery.arithmetic import cores
from tflottery.runs.pool import realise_in
from tflottery.runs.realise import Realiser
from tflottery.runs.resources import Resources
from tflottery.runs.specs import RunSpec
from tflottery.runs.tasks import Lost, Message, Task, last_line
from tflottery.startup import environment, start_tensorflow

# How long a worker may take to clean up after an interrupt.
_SECONDS_TO_END = 10.0


@dataclass(frozen=True)
class Processes:
    """Trains in processes of this machine: one for each GPU, or for each core if there is no GPU.

    Each process is a fresh interpreter with its share of the threads. It keeps compiled networks
    from run to run. It ends with the command, even if that is killed.
    """

    resources: Resources

    def __call__(self, specs: Iterable[RunSpec], realise: Realiser) -> dict[str, str]:
        """See ``Executor``."""
        gpus = visible_gpus()
        size = self.resources.workers or len(gpus) or cores()
        settings = environment(self.resources.threads)

        def start() -> ProcessPool:
            return ProcessPool(realise.store.root, size, settings, gpus)

        return realise_in(start, specs, realise)


def visible_gpus() -> list[str]:
    """The GPUs of this machine that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    start_tensorflow()
    import tensorflow as tf

    found = tf.config.list_physical_devices("GPU")
    named = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = named.split(",") if named else [str(number) for number in range(len(found))]
    return names[: len(found)]


@dataclass
class _Process:
    """A worker, the parent's end of its pipe, the file of its output, and its GPU."""

    process: subprocess.Popen[bytes]
    connection: Connection
    errors: IO[bytes]
    gpu: str | None

    def why_it_ended(self) -> str:
        code = self.process.wait()
        if code < 0:
            hint = "; out of memory? then give fewer --workers" if code == -signal.SIGKILL else ""
            return f"{signal.Signals(-code).name}{hint}"
        self.errors.seek(0)
        last = last_line(self.errors.read().decode(errors="replace"))
        return f"exit code {code}{': ' if last else ''}{last}"

    def close(self) -> None:
        self.connection.close()
        self.errors.close()


class ProcessPool:
    """A ``Pool`` of processes.

    Args:
        store: the store's folder.
        size: the number of workers.
        settings: environment variables for the workers, added to those of this process.
        gpus: GPUs as CUDA_VISIBLE_DEVICES names them; each worker gets the one with the fewest
            workers.
    """

    def __init__(
        self, store: Path, size: int, settings: dict[str, str], gpus: list[str] | None = None
    ) -> None:
        self._store = store
        self._size = size
        self._settings = settings
        self._gpus = gpus or []
        self._numbers = count()
        self.workers: dict[int, _Process] = {}

    def __enter__(self) -> ProcessPool:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends every worker. A worker in the middle of a run may delete what is half-written; a
        second Ctrl-C does not wait for that."""
        try:
            for worker in self.workers.values():
                worker.process.send_signal(signal.SIGINT)
            until = time.monotonic() + _SECONDS_TO_END
            for worker in self.workers.values():
                worker.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        finally:
            for worker in self.workers.values():
                worker.process.kill()
                worker.process.wait()
                worker.close()

    def keep(self, most: int) -> int:
        while len(self.workers) < min(self._size, most):
            self.workers[next(self._numbers)] = self._start()
        return len(self.workers)

    def _free_gpu(self) -> str | None:
        """The GPU with the fewest workers; None without GPUs."""
        taken = Counter(worker.gpu for worker in self.workers.values())
        return min(self._gpus, key=lambda gpu: taken[gpu], default=None)

    def _start(self) -> _Process:
        ours, theirs = Pipe()
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        # Workers import from the folders of this process, and from no others: its path may have
        # been changed, and Python would add the current folder.
        folders = os.pathsep.join(str(Path(folder).absolute()) for folder in sys.path)
        settings = {**self._settings, "PYTHONPATH": folders, "PYTHONSAFEPATH": "1"}
        gpu = self._free_gpu()
        if gpu is not None:
            settings["CUDA_VISIBLE_DEVICES"] = gpu
        process = subprocess.Popen(
            [sys.executable, "-m", "tflottery.runs.worker", str(theirs.fileno()), self._store],
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            pass_fds=[theirs.fileno()],
            # Ctrl-C in a terminal shall reach only the parent, which then ends its workers.
            start_new_session=True,
        )
        theirs.close()
        return _Process(process, ours, errors, gpu)

    def give(self, worker: int, task: Task) -> None:
        with suppress(OSError):  # the worker has ended; ``messages`` will find its pipe closed
            self.workers[worker].connection.send(task)

    def messages(self) -> list[tuple[int, Message]]:
        numbers: dict[object, int] = {w.connection: number for number, w in self.workers.items()}
        connections = [worker.connection for worker in self.workers.values()]
        return [(numbers[ready], self._receive(numbers[ready])) for ready in wait(connections)]

    def _receive(self, number: int) -> Message:
        worker = self.workers[number]
        try:
            message: Message = worker.connection.recv()
            return message
        except (EOFError, OSError):
            del self.workers[number]
            reason = worker.why_it_ended()
            worker.close()
            return Lost(reason)
