"""Executors: they train the runs of a plan, one after the other or several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

from tflottery.errors import UserError, suggest
from tflottery.runs.processes import Processes
from tflottery.runs.realise import Realiser, realise_all
from tflottery.runs.resources import LOCAL, PROCESSES, RAY, Resources
from tflottery.runs.specs import RunSpec


class Executor(Protocol):
    """Trains those of the given runs that the store lacks."""

    def __call__(self, specs: Iterable[RunSpec], realise: Realiser) -> dict[str, str]:
        """Returns the reason of each failure, by key of the run.

        A run begins when its parents are finished, and no run is trained twice. If a training
        fails, its descendants fail too; all others go on.
        """
        ...


@runtime_checkable
class Remote(Protocol):
    """An executor that trains on other machines."""

    def require_reachable(self) -> None:
        """Raises UserError where they do not answer."""
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
    """The executor that the resources name.

    Raises:
        UserError: there is none of that name, or its package is not installed.
    """
    name = resources.executor
    if name not in EXECUTORS:
        raise UserError(f"There is no executor {name!r}. {suggest(name, EXECUTORS)}")
    return EXECUTORS[name](resources)


def require_reachable(execute: Executor) -> None:
    """Makes sure that what an executor trains on can be reached, before data are read for it.

    Raises:
        UserError: it cannot.
    """
    if isinstance(execute, Remote):
        execute.require_reachable()
