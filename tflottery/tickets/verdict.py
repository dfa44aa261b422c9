"""The verdict on a search: which level matches dense, and whether its own weights were needed."""

from __future__ import annotations

from dataclasses import dataclass

from tflottery.pruning.masks import Count, count
from tflottery.runs.run import Run
from tflottery.runs.specs import EMBEDDING
from tflottery.tickets.plan import Level, Plan


@dataclass(frozen=True)
class Round:
    """A level that was trained. ``counted`` is over all prunable weights, ``non_embedding`` over
    those outside the embedding; ``difference`` is validation accuracy minus dense, in points."""

    level: Level
    run: Run
    counted: Count
    non_embedding: Count
    difference: float
    matches: bool


@dataclass(frozen=True)
class Outcome:
    """What the search found: ``reported`` is the sparsest level that matches, or the level that was
    asked for; ``reinit`` is its mask with new weights."""

    plan: Plan
    dense: Run
    rounds: tuple[Round, ...]
    reported: Round
    reinit: Run

    @property
    def beats_reinit(self) -> bool:
        return _accuracy(self.reported.run) > _accuracy(self.reinit)

    @property
    def verdict(self) -> str:
        """``winning ticket`` (from the original weights) or ``matching subnetwork`` (from later
        ones) where it matches dense and beats its reinit; else ``matches`` or ``no ticket``."""
        if not self.reported.matches:
            return "no ticket"
        if not self.beats_reinit:
            return "matches"
        return "winning ticket" if self.plan.settings.init == "original" else "matching subnetwork"


def judge(level: Level, run: Run, dense: Run, tolerance: float) -> Round:
    """Compares a trained level with dense; ``tolerance`` is in points of validation accuracy."""
    masks = run.masks()
    difference = points(run, dense)
    return Round(
        level=level,
        run=run,
        counted=count(masks),
        non_embedding=count(masks, without=[EMBEDDING]),
        difference=difference,
        matches=difference >= -tolerance,
    )


def points(run: Run, dense: Run) -> float:
    """Validation accuracy of a run minus that of dense, in points."""
    # Accuracies are counts over thousands of texts; rounding keeps a tie a tie.
    return round(100 * (_accuracy(run) - _accuracy(dense)), 6)


def sparsest_match(rounds: list[Round]) -> Round:
    """The sparsest level that matches dense; the first one where none does."""
    return next((judged for judged in reversed(rounds) if judged.matches), rounds[0])


def _accuracy(run: Run) -> float:
    return run.metrics["val_accuracy"]
