"""What runs need of what was registered, and how it comes to the workers that train them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tflottery import plugins
from tflottery.data.reading.source import REGISTERED
from tflottery.errors import UserError
from tflottery.metrics import METRICS
from tflottery.models.registry import ARCHITECTURES
from tflottery.pruning.criteria import CRITERIA
from tflottery.registry import MAIN, Registry, origin
from tflottery.runs.specs import MaskSpec, RunSpec, ancestry


@dataclass(frozen=True)
class _Used:
    """What a run uses that is not the package's own: its kind, its name, the function or class."""

    kind: str
    name: str
    thing: Any
    plugin: str

    @property
    def carried(self) -> str:
        """What a worker loads to know it; empty where no worker can."""
        return self.plugin or plugins.carried(origin(self.thing))


def plugins_of(spec: RunSpec) -> tuple[str, ...]:
    """What a worker has to load for a run: what registered something which it or an ancestor uses,
    or that reads its data, in the order in which it was loaded here. Other plugins may be broken by
    now, and are not this run's."""
    used = [one for run in ancestry([spec]) for one in _used(run)]
    used += _registered(REGISTERED, "source", spec.recipe.data.dataset)
    names = dict.fromkeys(one.carried for one in used if one.carried)
    order = plugins.loaded()
    if not all(one.plugin for one in used):
        # Registered before any plugin was loaded, perhaps by a module that was named later.
        names |= dict.fromkeys(one for one in order if plugins.is_module(one))
    return tuple(sorted(names, key=lambda one: order.index(one) if one in order else len(order)))


def require_carried(specs: Iterable[RunSpec]) -> None:
    """Makes sure that workers can know all that these runs and their ancestors use.

    Raises:
        UserError: something was registered in a notebook or in the script that runs.
    """
    for spec in ancestry(specs):
        for used in _used(spec):
            if used.carried:
                continue
            where = origin(used.thing)
            place = "the script that runs" if where.file else "a notebook or a session"
            place = place if where.module == MAIN else f"{where.module}, which has no file"
            raise UserError(
                f"The {used.kind} {used.name!r} was registered in {place}, where no worker finds "
                "it; write it into a file of its own, as mine.py, and give plugin='mine.py'."
            )


def _used(spec: RunSpec) -> Iterator[_Used]:
    metric = spec.recipe.training.metric
    if metric is not None:
        yield from _registered(METRICS, "metric", metric.name)
    for mask in _masks(spec.mask):
        criterion = getattr(mask, "criterion", "")
        yield from _registered(CRITERIA, "criterion", criterion)
    yield from _registered(ARCHITECTURES, "architecture", spec.recipe.model.name)


def _registered(known: Registry[Any], kind: str, name: str) -> Iterator[_Used]:
    if name in known and not origin(thing := known.registered(name)).is_ours:
        yield _Used(kind, name, thing, known.plugin_of(name))


def _masks(mask: MaskSpec) -> Iterator[MaskSpec]:
    """A mask, and what it was made from; runs that it needs are ancestors of their own."""
    yield mask
    inner = getattr(mask, "of", None)
    if isinstance(inner, MaskSpec):
        yield from _masks(inner)
