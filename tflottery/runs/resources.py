"""Where trainings run, and how many at a time; decided before TensorFlow is imported."""

from __future__ import annotations

import os
from dataclasses import dataclass

from tflottery.arithmetic import THREADS, cores
from tflottery.errors import UserError

LOCAL, PROCESSES, RAY = "local", "processes", "ray"
# The address of whatever cluster this machine belongs to.
THIS_MACHINE = "auto"


@dataclass(frozen=True)
class Resources:
    """What an executor may use.

    ``workers``: trainings at a time; None lets the executor decide. ``threads``: of each training;
    None lets TensorFlow decide, which takes all cores. ``address``: of the Ray cluster.
    """

    executor: str = LOCAL
    workers: int | None = None
    threads: int | None = None
    address: str = THIS_MACHINE

    @classmethod
    def shared(
        cls, executor: str, workers: int | None, threads: int | None, address: str
    ) -> Resources:
        """Resources whose missing parts are filled in.

        Several workers are processes. Each has its share of the cores, unless the environment
        variable TF_NUM_INTRAOP_THREADS gives another number of threads.

        Raises:
            UserError: several workers are asked of ``local``, that variable holds no number, or
                there is an address and no cluster.
        """
        if executor == LOCAL and (workers or 1) > 1:
            raise UserError(f"--executor {LOCAL} trains one after the other; leave out --workers.")
        executor = executor or (LOCAL if workers is None else PROCESSES)
        if executor in (LOCAL, PROCESSES) and (address or THIS_MACHINE) != THIS_MACHINE:
            raise UserError(
                f"--address is of a Ray cluster, and --executor {executor} asks none; give "
                f"--executor {RAY}, or leave --address {address} out."
            )
        if threads is None and executor != LOCAL:
            share = cores() // (workers or cores()) if executor == PROCESSES else 1
            text = os.environ.get(THREADS) or str(max(1, share))
            if not text.isdecimal():
                raise UserError(f"{THREADS} takes a whole number, not {text!r}.")
            threads = int(text)
        return cls(executor, workers, threads, address)

    @property
    def at_a_time(self) -> int:
        """How many trainings run at a time; 1 if only the cluster knows."""
        if self.executor == PROCESSES:
            return self.workers or cores()
        return self.workers or 1
