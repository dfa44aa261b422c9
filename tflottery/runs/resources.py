"""Where trainings run, and how many at a time; said before TensorFlow is imported."""

from __future__ import annotations

import os
from dataclasses import dataclass

from tflottery.arithmetic import ONEDNN, THREADS, cores
from tflottery.errors import UserError

LOCAL, PROCESSES, RAY = "local", "processes", "ray"
_GROWTH = "TF_FORCE_GPU_ALLOW_GROWTH"


@dataclass(frozen=True)
class Resources:
    """What an executor may use.

    ``workers``: trainings at a time; None leaves it to the executor. ``threads`` of each training;
    None leaves it to TensorFlow, which takes all cores. ``address``: of a Ray cluster.
    """

    executor: str = LOCAL
    workers: int | None = None
    threads: int | None = None
    address: str = "auto"

    @classmethod
    def shared(
        cls, executor: str, workers: int | None, threads: int | None, address: str
    ) -> Resources:
        """With what was not said filled in: several workers are processes, and each has its share
        of the cores, unless TF_NUM_INTRAOPTHREADS says otherwise.

        Raises:
            UserError: it says no number.
        """
        executor = executor or (LOCAL if workers is None else PROCESSES)
        if threads is None and executor != LOCAL:
            share = cores() // (workers or cores()) if executor == PROCESSES else 1
            said = os.environ.get(THREADS) or str(max(1, share))
            if not said.isdecimal():
                raise UserError(f"{THREADS} takes a whole number, not {said!r}.")
            threads = int(said)
        return cls(executor, workers, threads, address)

    @property
    def at_a_time(self) -> int:
        """Trainings at a time; 1 where only a cluster knows."""
        if self.executor == PROCESSES:
            return self.workers or cores()
        return self.workers or 1


def environment(threads: int | None) -> dict[str, str]:
    """Variables that hold TensorFlow to so many threads; it reads them when it is imported.

    The order in which floating-point numbers are added goes with the number of threads, so equal
    bits need equal numbers. On a GPU, memory is taken as it is needed, so that processes can share
    one.
    """
    names = (THREADS, "TF_NUM_INTEROPTHREADS", "OMP_NUMTHREADS")
    chosen = {} if threads is None else {name: str(threads) for name in names}
    return {**chosen, _GROWTH: os.environ.get(_GROWTH, "true")}
