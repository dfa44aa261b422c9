"""Observers: they follow the trainings of a plan, to show or log them."""

from __future__ import annotations

from typing import Protocol

from tflottery.runs.run import Run
from tflottery.runs.specs import RunSpec
from tflottery.training.listener import Logs


class Observer(Protocol):
    """Is called for every event of a plan's trainings; several runs may train at a time."""

    def run_begun(self, spec: RunSpec) -> None:
        """The training of a run begins."""
        ...

    def step_ended(self, spec: RunSpec, step: int, steps: int, logs: Logs) -> None:
        """See ``Listener.step_ended``."""
        ...

    def validated(self, spec: RunSpec, epoch: float, epochs: int, logs: Logs) -> None:
        """See ``Listener.validated``."""
        ...

    def testing(self, spec: RunSpec) -> None:
        """See ``Listener.testing``."""
        ...

    def run_ended(self, spec: RunSpec, run: Run) -> None:
        """The run is trained and in the store."""
        ...

    def run_stopped(self, spec: RunSpec, reason: str) -> None:
        """The training ended without a run; it may begin again."""
        ...

    def run_found(self, spec: RunSpec, run: Run) -> None:
        """The run was in the store already."""
        ...


class Silent:
    """An observer that does nothing."""

    def run_begun(self, spec: RunSpec) -> None: ...

    def step_ended(self, spec: RunSpec, step: int, steps: int, logs: Logs) -> None: ...

    def validated(self, spec: RunSpec, epoch: float, epochs: int, logs: Logs) -> None: ...

    def testing(self, spec: RunSpec) -> None: ...

    def run_ended(self, spec: RunSpec, run: Run) -> None: ...

    def run_stopped(self, spec: RunSpec, reason: str) -> None: ...

    def run_found(self, spec: RunSpec, run: Run) -> None: ...
