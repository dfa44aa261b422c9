"""Who is told how a training goes on."""

from __future__ import annotations

from typing import Protocol

Logs = dict[str, float]


class Listener(Protocol):
    """Is told how a training goes on; epochs are counted as done, with fractions."""

    def step_ended(self, step: int, steps: int, logs: Logs) -> None:
        """Optimizer steps done of at most ``steps``."""
        ...

    def validated(self, epoch: float, epochs: int, logs: Logs) -> None: ...
