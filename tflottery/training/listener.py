"""Listeners: they follow one training, step by step."""

from __future__ import annotations

from typing import Protocol

Logs = dict[str, float]


class Listener(Protocol):
    """Is called during a training."""

    def step_ended(self, step: int, steps: int, logs: Logs) -> None:
        """``step`` optimizer steps of at most ``steps`` are done.

        ``logs``: ``loss`` and ``accuracy`` on the training data so far in this period.
        """
        ...

    def validated(self, epoch: float, epochs: int, logs: Logs) -> None:
        """``epoch`` passes over the data, with a fraction, of at most ``epochs`` are done.

        ``logs``: losses and accuracies on training and (``val_``) validation data.
        """
        ...

    def testing(self) -> None:
        """The steps are done; what is left is the evaluation on test data."""
        ...
