"""What the executors with several workers share: they hand a plan's runs out to a pool."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol

from tflottery import activity
from tflottery.errors import TrainingError
from tflottery.runs.carrying import require_carried
from tflottery.runs.encoded import load_corpus
from tflottery.runs.networks import CACHED, network
from tflottery.runs.realise import Realiser, realise_all
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
    Testing,
    Validated,
)

# How often a worker reports its step: often enough for a progress bar, but no more messages than
# the one process that reads them all can take.
_SECONDS_BETWEEN_MESSAGES = 0.25
_MESSAGES_A_SECOND = 200
# Failed starts in a row that are tolerated, for each worker of the pool.
_STARTS = 3


class Pool(Protocol):
    """Numbered workers; a number is never used again."""

    def keep(self, most: int) -> int:
        """Starts workers until the pool has its size, but at most ``most``; returns how many there
        are."""
        ...

    def give(self, worker: int, task: Task) -> None:
        """Gives a task to an idle worker. If the worker has ended, its next message is ``Lost``."""
        ...

    def messages(self) -> Sequence[tuple[int, Message]]:
        """Waits for messages; returns them in order, each with the number of its worker."""
        ...


def realise_in(
    start: Callable[[], AbstractContextManager[Pool]],
    specs: Iterable[RunSpec],
    realise: Realiser,
) -> dict[str, str]:
    """Trains the runs that the store lacks in the workers of a pool; returns the reason of each
    failure by key, as ``realise_all`` does.

    Args:
        start: makes the pool; leaving its context ends every worker.
        specs: the runs that shall be in the store at the end.
        realise: gives the store, the snapshots to keep and the observer.

    Raises:
        UserError: a run in the store is damaged, or uses what workers cannot know.
        TrainingError: workers cannot be started, or do not write to this store.
    """
    specs = list(specs)
    missing = realise.missing(specs)
    require_carried(missing)
    if missing:
        with start() as pool:
            # Encoded once, here: otherwise all workers would encode the same texts at once.
            for data in {spec.recipe.data for spec in ancestry(specs)}:
                load_corpus(data, realise.store)
            _Drive(pool, Schedule(missing), realise).go()
    # The realiser reports the failures it already knows.
    return realise_all(specs, realise)


class _Drive:
    """Works through one schedule with one pool."""

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
        with ExitStack() as starting:
            starting.enter_context(activity.doing("starting workers"))
            while self._schedule.open:
                size = self._pool.keep(self._schedule.open)
                self._hand_out(pause=max(_SECONDS_BETWEEN_MESSAGES, size / _MESSAGES_A_SECOND))
                for worker, message in self._pool.messages():
                    if isinstance(message, Begun):
                        starting.close()
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
            # A worker keeps its last ``CACHED`` compiled models.
            self._compiled[worker] = deque(maxlen=CACHED)
            return
        spec = self._busy[worker]
        if isinstance(message, Begun):
            self._observer.run_begun(spec)
        elif isinstance(message, Stepped):
            self._observer.step_ended(spec, message.step, message.steps, message.logs)
        elif isinstance(message, Validated):
            self._observer.validated(spec, message.epoch, message.epochs, message.logs)
        elif isinstance(message, Testing):
            self._observer.testing(spec)
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
