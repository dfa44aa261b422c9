"""What runs need of what was registered, and how it comes to the workers that train them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tflottery import plugins
from tflottery.data.reading.source import REGISTERED
from tflottery.errors import UserError
from tflottery.metrics import METRICS
from tflottery.models.registry import ARCHITECTURES
from tflottery.pruning.criteria import CRITERIA
from tflottery.registry import MAIN, Registry, origin
from tflottery.runs.specs import MaskSpec, RunSpec, ancestry


def plugins_of(spec: RunSpec) -> tuple[str, ...]:
    """What a worker has to load for a run: the modules that registered something which it or an
    ancestor uses, or that reads its data, in the order in which they were loaded here. Others may
    be broken by now, and are not this run's."""
    things = [thing for one in ancestry([spec]) for _, _, thing in _used(one)]
    things += [thing for _, _, thing in _registered(REGISTERED, "source", spec.recipe.data.dataset)]
    names = dict.fromkeys(name for thing in things if (name := plugins.carried(origin(thing))))
    order = plugins.loaded()
    return tuple(sorted(names, key=lambda one: order.index(one) if one in order else len(order)))


def require_carried(specs: Iterable[RunSpec]) -> None:
    """Makes sure that workers can know all that these runs and their ancestors use.

    Raises:
        UserError: something was registered in a notebook or in the script that runs.
    """
    for spec in ancestry(specs):
        for kind, name, thing in _used(spec):
            where = origin(thing)
            if not plugins.carried(where):
                place = "the script that runs" if where.file else "a notebook or a session"
                place = place if where.module == MAIN else f"{where.module}, which has no file"
                raise UserError(
                    f"The {kind} {name!r} was registered in {place}, where no worker finds it; "
                    "write it into a file of its own, as mine.py, and give plugin='mine.py'."
                )


def _used(spec: RunSpec) -> Iterator[tuple[str, str, Any]]:
    """Kind, name and function or class of what a run uses that is not the package's own."""
    metric = spec.recipe.training.metric
    if metric is not None:
        yield from _registered(METRICS, "metric", metric.name)
    for mask in _masks(spec.mask):
        criterion = getattr(mask, "criterion", "")
        yield from _registered(CRITERIA, "criterion", criterion)
    yield from _registered(ARCHITECTURES, "architecture", spec.recipe.model.name)


def _registered(
    known: dict[str, Any] | Registry[Any], kind: str, name: str
) -> Iterator[tuple[str, str, Any]]:
    if name in known:
        thing = known.registered(name) if isinstance(known, Registry) else known[name]
        if not origin(thing).is_ours:
            yield kind, name, thing


def _masks(mask: MaskSpec) -> Iterator[MaskSpec]:
    """A mask, and what it was made from; runs that it needs are ancestors of their own."""
    yield mask
    inner = getattr(mask, "of", None)
    if isinstance(inner, MaskSpec):
        yield from _masks(inner)
