"""Keeping workers busy with a plan's runs: what the executors with several workers share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from tflottery.errors import TrainingError
from tflottery.runs.networks import CACHED, network
from tflottery.runs.realise import Realiser, realise_all
from tflottery.runs.encoded import load_corpus
from tflottery.runs.schedule import Schedule
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.runs.tasks import (
    Begun,
    Broken,
    Ended,
    Failed,
    Lost,
    Message,
    Ready,
    Stepped,
    Task,
    Validated,
)

# On steps: often enough for an eye, seldom enough for the one process that hears all workers.
_SECONDS_BETWEEN_MESSAGES = 0.25
_MESSAGES_A_SECOND = 200
# So many workers in a row that end before they are ready, for each that there should be.
_STARTS = 3


class Pool(Protocol):
    """Workers by number; a number is never given twice."""

    def keep(self, most: int) -> int:
        """Starts workers until there are as many as there should be, at most so many; gives how
        many there are."""
        ...

    def give(self, worker: int, task: Task) -> None:
        """Gives a task to a worker that waits for one. A worker that is gone by now is lost."""
        ...

    def messages(self) -> Sequence[tuple[int, Message]]:
        """What workers said, in their order; waits until one says something."""
        ...


def realise_in(
    start: Callable[[], AbstractContextManager[Pool]],
    specs: Iterable[RunSpec],
    realise: Realiser,
) -> dict[str, str]:
    """Trains what is missing in a pool's workers; gives the reasons of failures by key, as
    ``realise_all`` does.

    Args:
        start: makes the pool; leaving it ends every worker.
        specs: the runs to have in the end.
        realise: its store, snapshots and observer are used.

    Raises:
        UserError: a run in the store is damaged.
        TrainingError: workers cannot be started, or do not write to this store.
    """
    specs = list(specs)
    missing = realise.missing(specs)
    if missing:
        with start() as pool:
            # Once, here: workers would all encode the same texts at the same time.
            for data in {spec.recipe.data for spec in ancestry(specs)}:
                load_corpus(data, realise.store)
            _Drive(pool, Schedule(missing), realise).go()
    # What failed is known to the realiser by now; what a cell's failure is called, it decides.
    return realise_all(specs, realise)


class _Drive:
    """One pool's way through one schedule."""

    def __init__(self, pool: Pool, schedule: Schedule, realise: Realiser) -> None:
        self._pool = pool
        self._schedule = schedule
        self._realise = realise
        self._observer = realise.observer
        self._idle: list[int] = []
        self._busy: dict[int, RunSpec] = {}
        self._compiled: dict[int, deque[Hashable]] = {}
        self._false_starts = 0

    def go(self) -> None:
        while self._schedule.open:
            size = self._pool.keep(self._schedule.open)
            self._hand_out(pause=max(_SECONDS_BETWEEN_MESSAGES, size / _MESSAGES_A_SECOND))
            for worker, message in self._pool.messages():
                if isinstance(message, Lost):
                    self._lose(worker, message.reason, size)
                else:
                    self._hear(worker, message)

    def _hand_out(self, pause: float) -> None:
        waiting, self._idle = self._idle, []
        for worker in waiting:
            spec = self._schedule.take(self._compiled[worker])
            if spec is None:
                self._idle.append(worker)
                continue
            self._busy[worker] = spec
            self._compiled[worker].append(network(spec))
            self._pool.give(worker, Task(spec, tuple(sorted(self._realise.wants(spec))), pause))

    def _hear(self, worker: int, message: Message) -> None:
        if isinstance(message, Ready):
            self._false_starts = 0
            self._idle.append(worker)
            # As many as a process keeps.
            self._compiled[worker] = deque(maxlen=CACHED)
            return
        spec = self._busy[worker]
        if isinstance(message, Begun):
            self._observer.run_begun(spec)
        elif isinstance(message, Stepped):
            self._observer.step_ended(spec, message.step, message.steps, message.logs)
        elif isinstance(message, Validated):
            self._observer.validated(spec, message.epoch, message.epochs, message.logs)
        elif isinstance(message, Broken):
            raise message.error
        else:
            self._idle.append(worker)
            del self._busy[worker]
            if isinstance(message, Failed):
                self._realise.fail(spec, message.reason)
                self._schedule.fail(spec)
            elif isinstance(message, Ended):
                self._end(spec, message)

    def _end(self, spec: RunSpec, message: Ended) -> None:
        run = self._realise.store.find(spec.key)
        if run is None:
            raise TrainingError(
                f"a worker trained the run {spec.key[:12]}, and it is not in the store "
                f"{self._realise.store.root}; give --store a folder that all machines share"
            )
        self._schedule.done(spec)
        if message.trained:
            self._observer.run_ended(spec, run)
        else:
            self._observer.run_found(spec, run)

    def _lose(self, worker: int, reason: str, size: int) -> None:
        spec = self._busy.pop(worker, None)
        if worker in self._idle:
            self._idle.remove(worker)
        elif spec is None:
            self._false_starts += 1
            if self._false_starts >= _STARTS * size:
                raise TrainingError(f"workers end before they begin: {reason}")
        elif self._schedule.lose(spec):
            self._observer.run_stopped(spec, f"its worker was lost ({reason}); taken again")
        else:
            self._realise.fail(spec, f"its workers were lost one after the other ({reason})")
