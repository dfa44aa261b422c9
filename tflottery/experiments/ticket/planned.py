"""What ``find_ticket`` would train: the plan of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tflottery.runs.realise import Realiser
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.runs.store import Store
from tflottery.tickets.plan import Plan

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PlannedSearch:
    """What a search would train: ``plans`` has one for each seed, ``names`` are the runs' by
    key."""

    plans: tuple[Plan, ...]
    store: Store
    names: Mapping[str, str]

    @property
    def plan(self) -> Plan:
        """That of the first seed."""
        return self.plans[0]

    @property
    def total(self) -> int:
        """Trainings that the whole plan takes at most."""
        return len(self._chain) + len(self.plans)

    @property
    def missing(self) -> int:
        """Those of them that are to be trained now, at most."""
        return int((~self.runs["done"]).sum()) + len(self.plans) * self.plan.is_open

    @property
    def _chain(self) -> list[RunSpec]:
        return [spec for plan in self.plans for spec in judged_runs(plan)]

    @cached_property
    def specs(self) -> list[RunSpec]:
        """The runs that are known beforehand. Results decide which reinit of an open plan is
        trained; it is always one a seed."""
        chain = {spec.key for spec in self._chain}
        known = [spec for plan in self.plans for spec in plan.specs()]
        reinits = [spec for spec in known if spec.key not in chain]
        return self._chain if self.plan.is_open else self._chain + reinits

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row a run: ``network``, ``done`` (bool: in the store), ``run_key``."""
        import pandas as pd

        realise = Realiser(self.store, [spec for plan in self.plans for spec in plan.specs()])
        return pd.DataFrame(
            [
                {
                    "network": self.names[spec.key],
                    "done": realise.is_done(spec),
                    "run_key": spec.key,
                }
                for spec in self.specs
            ]
        )

    @property
    def sentence(self) -> str:
        """How much of it is to be trained, and about how long that takes one after the other."""
        from tflottery.progress.times import time_for

        finished = [spec for spec in self.specs if self.store.find(spec.key)]
        # Every training of a plan has as many epochs as the dense one.
        epochs = self.missing * self.plan.dense.recipe.training.epochs
        limit = "at most " if self.plan.is_open else ""
        return (
            f"To train: {limit}{self.missing} of {self.total} runs; "
            f"{time_for(epochs, finished, self.store)}."
        )

    def __repr__(self) -> str:
        return f"<PlannedSearch: {self.missing} of {self.total} runs to train>"


def judged_runs(plan: Plan) -> list[RunSpec]:
    """The networks of a plan but reinits; where judged ones have rates of their own, also the chain
    that finds their masks."""
    return ancestry([plan.dense, *(level.ticket for level in plan.levels)])


def names_of_runs(planned: Sequence[Plan]) -> dict[str, str]:
    """What each run of the plans is called, by key."""
    names: dict[str, str] = {}
    for plan in planned:
        seed = f"seed {plan.dense.seeds.order} " if len(planned) > 1 else ""
        # Parents first: a key asks for those of all ancestors, and a chain may be longer than
        # Python's stack.
        ancestry(plan.specs())
        names[plan.dense.key] = f"{seed}dense"
        for level in plan.levels:
            names[level.ticket.key] = f"{seed}round {level.number}"
            names.setdefault(level.reinit.key, f"{seed}reinit of round {level.number}")
        for level in plan.levels:
            for spec in ancestry([level.ticket]):
                names.setdefault(spec.key, f"{seed}mask of round {level.number}")
    return names
