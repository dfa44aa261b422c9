"""The search: train a plan's levels one after the other until the question is answered.

With several seeds there is a plan for each, and they are walked in step: a level matches dense
where it does in the mean over seeds. Whatever is decided here is decided on validation data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tflottery.pruning.collapse import collapsed
from tflottery.pruning.criteria import scores_units
from tflottery.pruning.masks import Count, count
from tflottery.pruning.scopes import BeyondReachError
from tflottery.runs.moving import Moving
from tflottery.runs.pruned import Pruned
from tflottery.runs.run import Run
from tflottery.runs.specs import RunSpec
from tflottery.tickets.plan import Level, Plan

# What a network is worth on validation data, higher is better: a fraction.
Worth = Callable[[RunSpec, Run], float]


@dataclass(frozen=True)
class Round:
    """A level that was trained with one seed. ``counted`` is over all prunable weights,
    ``non_embedding`` over those outside the embedding; ``difference`` is what it is worth on
    validation data minus dense, in points; ``matches`` is that of the mean over seeds;
    ``collapsed`` are the names of layers and tensors without a weight left."""

    level: Level
    run: Run
    counted: Count
    non_embedding: Count
    difference: float
    matches: bool
    collapsed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """Where a search ended with one seed: ``reported`` is the sparsest level that matches, or the
    level that was asked for; ``reinit`` is its mask with new weights, ``reinit_difference`` what it
    is worth on validation data minus dense, in points."""

    plan: Plan
    dense: Run
    rounds: tuple[Round, ...]
    reported: Round
    reinit: Run
    reinit_difference: float

    @property
    def seed(self) -> int:
        return self.plan.dense.seeds.order


def accuracy(spec: RunSpec, run: Run) -> float:
    """Validation accuracy."""
    return run.metrics["val_accuracy"]


def search(
    plans: Sequence[Plan],
    realise: Callable[[RunSpec], Run],
    on_round: Callable[[Round], None] = lambda judged: None,
    *,
    worth: Worth = accuracy,
    train: Callable[[Sequence[RunSpec]], Any] = lambda specs: None,
) -> tuple[Outcome, ...]:
    """Walks plans that differ in their seed alone: dense, level after level, and the reinit of the
    level to report. An open plan ends when two levels in a row no longer match, where its scope or
    its rates can prune no further, or where a level prunes nothing, as of units whose layers have
    one left.

    Args:
        plans: one a seed.
        realise: gives a finished run.
        on_round: is called with each level of each seed.
        worth: by what levels are judged.
        train: is called before with runs that can be trained at a time.

    Returns:
        One a plan.
    """
    first = plans[0]
    if first.is_open:
        train([plan.dense for plan in plans])
    else:
        train([spec for plan in plans for spec in plan.specs()])
    denses = [realise(plan.dense) for plan in plans]
    for plan, dense in zip(plans, denses, strict=True):
        worth(plan.dense, dense)  # a metric that is undefined is told before anything is pruned
    rounds: list[tuple[Round, ...]] = []
    for place in range(len(first.levels)):
        levels = [plan.levels[place] for plan in plans]
        reached = (_is_within_reach(*one, realise) for one in zip(plans, levels, strict=True))
        if first.is_open and rounds and not all(reached):
            break
        if first.is_open:
            train([level.ticket for level in levels])
        runs = [realise(level.ticket) for level in levels]
        judged_now = _judge(plans, levels, runs, denses, worth)
        if first.is_open and rounds and _prunes_nothing(plans[0], rounds[-1], judged_now):
            break
        rounds.append(judged_now)
        for judged in rounds[-1]:
            on_round(judged)
        last = [of_level[0].matches for of_level in rounds[-2:]]
        if first.is_open and len(last) == 2 and not any(last):
            break
    place = _reported(rounds) if first.is_open else len(rounds) - 1
    reinits = [plan.levels[place].reinit for plan in plans]
    if first.is_open:
        train(reinits)
    found = []
    for plan, dense, walked, spec in zip(
        plans, denses, zip(*rounds, strict=True), reinits, strict=True
    ):
        reinit = realise(spec)
        difference = points(spec, reinit, plan.dense, dense, worth)
        found.append(Outcome(plan, dense, tuple(walked), walked[place], reinit, difference))
    return tuple(found)


def points(
    spec: RunSpec, run: Run, dense_spec: RunSpec, dense: Run, worth: Worth = accuracy
) -> float:
    """What a run is worth minus what dense is, in points."""
    # Accuracies are counts over thousands of texts; rounding keeps a tie a tie.
    return round(100 * (worth(spec, run) - worth(dense_spec, dense)), 6)


def _judge(
    plans: Sequence[Plan],
    levels: Sequence[Level],
    runs: Sequence[Run],
    denses: Sequence[Run],
    worth: Worth,
) -> tuple[Round, ...]:
    differences = [
        points(level.ticket, run, plan.dense, dense, worth)
        for plan, level, run, dense in zip(plans, levels, runs, denses, strict=True)
    ]
    matches = round(float(np.mean(differences)), 6) >= -plans[0].settings.tolerance
    judged = []
    for level, run, difference in zip(levels, runs, differences, strict=True):
        masks = run.masks()
        outside = count(masks, without=level.ticket.recipe.model.roles().embedding)
        empty = collapsed(masks)
        judged.append(Round(level, run, count(masks), outside, difference, matches, empty))
    return tuple(judged)


def _prunes_nothing(plan: Plan, before: Sequence[Round], now: Sequence[Round]) -> bool:
    """Whether a level left what the one before has left, with every seed: of whole units, since
    layers keep their last one, or by rates of tensors of which each would lose less than half a
    weight. So will all that come."""
    if not scores_units(plan.settings.criterion) and not plan.settings.rates:
        return False
    pairs = zip(before, now, strict=True)
    return all(one.counted.remaining == other.counted.remaining for one, other in pairs)


def _is_within_reach(plan: Plan, level: Level, realise: Callable[[RunSpec], Run]) -> bool:
    """Whether scope and rates can prune as far as a level, whose parent is trained."""
    mask = level.ticket.mask
    assert isinstance(mask, Pruned | Moving)
    if mask.scope != "uniform+" and not mask.rates:
        return True
    before = mask.of if isinstance(mask, Pruned) else plan.dense
    try:
        mask.require_reached(realise(before).masks(), plan.dense.recipe.model.roles())
    except BeyondReachError:
        return False
    return True


def _reported(rounds: Sequence[tuple[Round, ...]]) -> int:
    """The place of the sparsest level that matches dense; the first one where none does."""
    matching = [place for place, of_level in enumerate(rounds) if of_level[0].matches]
    return matching[-1] if matching else 0
