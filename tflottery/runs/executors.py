"""The executors: how the runs of a plan become finished runs, one at a time or many."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from tflottery.errors import UserError, suggest
from tflottery.runs.processes import Processes
from tflottery.runs.realise import Realiser, realise_all
from tflottery.runs.resources import LOCAL, PROCESSES, RAY, Resources
from tflottery.runs.specs import RunSpec


class Executor(Protocol):
    """Trains what is missing of some runs."""

    def __call__(self, specs: Iterable[RunSpec], realise: Realiser) -> dict[str, str]:
        """Gives the reasons of failures by key.

        A run begins when its parents are done, and none is trained twice. A training that fails
        takes its descendants with it; the rest goes on.
        """
        ...


def _ray_cluster(resources: Resources) -> Executor:
    try:
        from tflottery.runs.ray_cluster import RayCluster
    except ImportError:
        raise UserError(
            "The executor ray needs Ray on every machine: pip install 'tflottery[ray]'."
        ) from None
    return RayCluster(resources)


EXECUTORS: dict[str, Callable[[Resources], Executor]] = {
    LOCAL: lambda resources: realise_all,
    PROCESSES: Processes,
    RAY: _ray_cluster,
}


def make_executor(resources: Resources) -> Executor:
    """The executor that was asked for.

    Raises:
        UserError: there is none of that name.
    """
    name = resources.executor
    if name not in EXECUTORS:
        raise UserError(f"There is no executor {name!r}: {suggest(name, EXECUTORS)}")
    return EXECUTORS[name](resources)
