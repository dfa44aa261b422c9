"""How long a plan would take on many workers, from the times of trainings that were done.

The schedule is the executors' own; only the clock is simulated. The times to start workers, to
compile, and to read and write the store are left out.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tflottery import seeds
from tflottery.errors import UserError
from tflottery.runs.recipes import Recipe
from tflottery.runs.schedule import Schedule
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.runs.store import Store

# A plan within this factor of its longest chain gains nothing from more workers.
_NEAR = 1.05


@dataclass(frozen=True)
class Timing:
    """The time of a plan on a number of workers. ``seconds``: from its beginning to its end.
    ``work``: seconds of all its trainings together."""

    workers: int
    seconds: float
    work: float

    @property
    def speed_up(self) -> float:
        """How many times as fast as on one worker."""
        return self.work / self.seconds

    @property
    def busy(self) -> float:
        """The fraction of the time that workers spend on training."""
        return self.speed_up / self.workers


class Simulation:
    """A plan whose trainings take known times.

    Args:
        specs: the plan; they and all their ancestors are trained.
        seconds: how long each training takes, by key.
    """

    def __init__(self, specs: Iterable[RunSpec], seconds: Mapping[str, float]) -> None:
        self.runs = ancestry(specs)
        self._seconds = seconds
        self.work = sum(seconds[spec.key] for spec in self.runs)

    def longest_chain(self) -> list[RunSpec]:
        """The chain of runs, each the parent of the next, that takes the longest. More workers
        cannot make the plan faster than this chain."""
        until: dict[str, float] = {}
        before: dict[str, RunSpec | None] = {}
        for spec in self.runs:
            parents = [parent for parent, _ in spec.needs()]
            last = max(parents, key=lambda parent: until[parent.key], default=None)
            before[spec.key] = last
            until[spec.key] = self._seconds[spec.key] + (until[last.key] if last else 0.0)
        chain: list[RunSpec] = []
        at: RunSpec | None = max(self.runs, key=lambda spec: until[spec.key])
        while at is not None:
            chain.append(at)
            at = before[at.key]
        return chain[::-1]

    def longest(self) -> float:
        """Seconds that the longest chain takes."""
        return sum(self._seconds[spec.key] for spec in self.longest_chain())

    def on(self, workers: int) -> Timing:
        """The time of the plan on this many workers, all available from the beginning."""
        schedule = Schedule(self.runs)
        now, idle = 0.0, workers
        ends: list[tuple[float, str, RunSpec]] = []
        while schedule.open:
            while idle and (spec := schedule.take()):
                heapq.heappush(ends, (now + self._seconds[spec.key], spec.key, spec))
                idle -= 1
            now, _, ended = heapq.heappop(ends)
            schedule.done(ended)
            idle += 1
        return Timing(workers, now, self.work)

    def saturation(self) -> Timing:
        """The fewest workers that finish the plan within 1.05 times its longest chain."""
        goal = _NEAR * self.longest()
        few = int(self.work / goal)
        enough = self.on(few + 1)
        while enough.seconds > goal:
            few, enough = enough.workers, self.on(2 * enough.workers)
        while enough.workers - few > 1:
            tried = self.on((few + enough.workers) // 2)
            if tried.seconds <= goal:
                enough = tried
            else:
                few = tried.workers
        return enough


def recorded_seconds(specs: Sequence[RunSpec], store: Store) -> tuple[dict[str, float], int]:
    """The seconds of each training in an ancestry, by key, and how many of them the store recorded.

    The time of a run that is not in the store is drawn from the recorded times of runs with the
    same recipe. If there are none, it is drawn from runs whose recipe differs only in the length of
    the training, and scaled by the epochs.

    Raises:
        UserError: the store holds no such run.
    """
    runs = ancestry(specs)
    found = {spec.key: run.seconds for spec in runs if (run := store.find(spec.key))}
    same_recipe: defaultdict[Recipe, list[float]] = defaultdict(list)
    an_epoch: defaultdict[Recipe, list[float]] = defaultdict(list)
    for spec in runs:
        if spec.key in found:
            same_recipe[spec.recipe].append(found[spec.key])
            epochs = spec.recipe.training.epochs
            an_epoch[_without_length(spec.recipe)].append(found[spec.key] / epochs)
    random = seeds.generator("simulation")
    seconds = dict(found)
    for spec in runs:
        if spec.key in found:
            continue
        if spec.recipe in same_recipe:
            seconds[spec.key] = float(random.choice(same_recipe[spec.recipe]))
        elif _without_length(spec.recipe) in an_epoch:
            drawn = float(random.choice(an_epoch[_without_length(spec.recipe)]))
            seconds[spec.key] = spec.recipe.training.epochs * drawn
        else:
            raise UserError(
                f"{store.root} holds no training that tells how long these take; do one seed "
                "first, with --seeds 1."
            )
    return seconds, len(found)


def _without_length(recipe: Recipe) -> Recipe:
    # A warmup of an epoch and more would be longer than the training.
    return recipe.with_training(epochs=1, patience=1, warmup=0.0)
