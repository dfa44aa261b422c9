"""What tables say of a finished run: size, accuracies, losses, speed of convergence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tflottery.models.roles import Roles
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.collapse import collapsed
from tflottery.runs.run import Run

# Keras computes accuracies in single precision.
_ROUNDING = 1e-6
# The columns that ``measures`` fills.
MEASURED = (
    "sparsity sparsity_without_embedding remaining total val_accuracy val_loss test_accuracy "
    "test_loss best_epoch epochs steps_per_epoch steps_to_best steps_to_99 trainings_behind "
    "epochs_behind collapsed alike"
).split()


def measures(run: Run, roles: Roles, behind: Iterable[Run]) -> dict[str, Any]:
    """The values of ``MEASURED`` by column; sparsities and accuracies are fractions.

    ``steps_to_best`` is the optimizer step of the lowest validation loss, ``steps_to_99`` that at
    which 99 % of the run's own last validation accuracy is reached first: a run that ends lower
    gets there sooner (``steps_until`` has a threshold in common). ``trainings_behind`` and
    ``epochs_behind`` are what this run would cost if it were made alone. ``collapsed`` counts
    layers and tensors without a weight left. ``alike`` is 1 where every validation text has the
    same scores, else 0, and None where predictions are not kept.

    Args:
        run: a finished run.
        roles: of its network.
        behind: the run and all its ancestors.
    """
    masks = run.masks()
    counted = mask_ops.count(masks)
    chain = list(behind)
    alike = answers_alike(run)
    return {
        "sparsity": counted.sparsity,
        "sparsity_without_embedding": mask_ops.count(masks, without=roles.embedding).sparsity,
        "remaining": counted.remaining,
        "total": counted.total,
        **{
            name: run.metrics[name]
            for name in ("val_accuracy", "val_loss", "test_accuracy", "test_loss")
        },
        "best_epoch": run.metrics["best_epoch"],
        "epochs": run.metrics["epochs"],
        "steps_per_epoch": run.metrics["steps_per_epoch"],
        "steps_to_best": _step_where(run, lambda loss, best: loss <= best, "val_loss", min),
        "steps_to_99": _step_where(
            run, lambda value, end: value >= 0.99 * end, "val_accuracy", lambda seen: seen[-1]
        ),
        "trainings_behind": len(chain),
        "epochs_behind": sum(parent.metrics["epochs"] for parent in chain),
        "collapsed": len(collapsed(masks)),
        "alike": None if alike is None else int(alike),
    }


def answers_alike(run: Run) -> bool | None:
    """Whether a finished run gives every validation text the same scores; None where its
    predictions are not kept."""
    said = run.predictions()
    return None if said is None else said["validation"].are_alike


def steps_until(run: Run, accuracy: float) -> int | None:
    """The optimizer step of the first validation with this accuracy (a fraction); None where no
    validation has it."""
    goal = accuracy - _ROUNDING
    return next((int(row["step"]) for row in run.history if row["val_accuracy"] >= goal), None)


def _step_where(
    run: Run,
    reached: Callable[[float, float], bool],
    metric: str,
    goal: Callable[[list[float]], float],
) -> int:
    """The optimizer step of the first validation whose metric has reached the goal.

    Args:
        run: a finished run.
        reached: takes a value and the goal; whether the value is good enough.
        metric: a column of the run's history.
        goal: computes the goal from the values of all validations.
    """
    values = [row[metric] for row in run.history]
    end = goal(values)
    return next(
        int(row["step"])
        for row, value in zip(run.history, values, strict=True)
        if reached(value, end)
    )
