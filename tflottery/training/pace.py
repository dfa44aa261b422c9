"""A training in optimizer steps: its validations, its snapshots, its length."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tflottery import steps
from tflottery.data.encoded import Corpus
from tflottery.errors import UserError
from tflottery.training.settings import TrainingSettings


@dataclass(frozen=True)
class Pace:
    """A training in optimizer steps.

    ``per_epoch``: in one pass over the data. ``period``: from one validation to the next.
    ``total``: in all epochs, if the training does not stop early.
    """

    per_epoch: int
    period: int
    total: int

    @classmethod
    def of(cls, settings: TrainingSettings, corpus: Corpus) -> Pace:
        return cls.over(settings, len(corpus.train))

    @classmethod
    def over(cls, settings: TrainingSettings, texts: int) -> Pace:
        """That of a training on so many texts."""
        per_epoch = math.ceil(texts / settings.batch_size)
        period = math.ceil(per_epoch / settings.validations_per_epoch)
        return cls(per_epoch, period, per_epoch * settings.epochs)

    def epochs(self, step: float) -> float:
        """Passes over the data at a step; an int if it is a whole number."""
        passes = round(step / self.per_epoch, 4)
        return int(passes) if passes.is_integer() else passes

    def moments(self, snapshots: Iterable[str]) -> dict[str, int]:
        """The optimizer step of each snapshot but ``end``.

        Raises:
            UserError: a snapshot lies beyond the last epoch.
        """
        moments = {
            step: steps.iteration(step, self.per_epoch) for step in snapshots if step != steps.END
        }
        for step, moment in moments.items():
            if moment > self.total:
                raise UserError(
                    f"The step {step} lies beyond the training ({self.total // self.per_epoch} "
                    f"epochs of {self.per_epoch} steps); choose an earlier one."
                )
        return moments

    def history(self, logs: Mapping[str, list[float]]) -> list[dict[str, float]]:
        """A dict for each validation, with its ``step``, from the values by name."""
        return [
            {
                "step": min(self.period * number, self.total),
                **dict(zip(logs, values, strict=True)),
            }
            for number, values in enumerate(zip(*logs.values(), strict=True), start=1)
        ]
