"""Who is told which runs are trained."""

from __future__ import annotations

from typing import Protocol

from tflottery.runs.specs import RunSpec
from tflottery.runs.store import Run
from tflottery.training.listener import Logs


class Observer(Protocol):
    """Is told which runs are trained, and how that goes on; several may go on at a time."""

    def run_begun(self, spec: RunSpec) -> None: ...

    def step_ended(self, spec: RunSpec, step: int, steps: int, logs: Logs) -> None:
        """As a ``Listener``'s."""
        ...

    def validated(self, spec: RunSpec, epoch: float, epochs: int, logs: Logs) -> None:
        """As a ``Listener``'s."""
        ...

    def run_ended(self, spec: RunSpec, run: Run) -> None: ...

    def run_stopped(self, spec: RunSpec, reason: str) -> None:
        """The training gave no run; it may be begun again."""
        ...

    def run_found(self, spec: RunSpec, run: Run) -> None:
        """The run was in the store already."""
        ...


class Silent:
    """An observer that says nothing."""

    def run_begun(self, spec: RunSpec) -> None: ...

    def step_ended(self, spec: RunSpec, step: int, steps: int, logs: Logs) -> None: ...

    def validated(self, spec: RunSpec, epoch: float, epochs: int, logs: Logs) -> None: ...

    def run_ended(self, spec: RunSpec, run: Run) -> None: ...

    def run_stopped(self, spec: RunSpec, reason: str) -> None: ...

    def run_found(self, spec: RunSpec, run: Run) -> None: ...
