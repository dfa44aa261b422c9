"""How long the trainings of a plan take."""

from __future__ import annotations

from collections.abc import Sequence

from tflottery.progress.watch import clock
from tflottery.runs.realise import Realiser
from tflottery.runs.resources import Resources
from tflottery.runs.specs import RunSpec
from tflottery.runs.store import Store

_ALONE = Resources()


def plan_in_words(
    specs: Sequence[RunSpec], realise: Realiser, resources: Resources = _ALONE
) -> str:
    """How many of the trainings are done, and about how long the others take."""
    done = [spec for spec in specs if realise.is_done(spec)]
    missing = [spec for spec in specs if not realise.is_done(spec)]
    epochs = sum(spec.recipe.training.epochs for spec in missing)
    return (
        f"{len(specs)} trainings: {len(done)} in the store, {len(missing)} to train; "
        f"{time_for(epochs, done, realise.store, resources.at_a_time)}."
    )


def time_for(epochs: int, done: Sequence[RunSpec], store: Store, at_a_time: int = 1) -> str:
    """About how long so many epochs take, as finished trainings of the plan tell."""
    known = [(spec, run) for spec in done if (run := store.find(spec.key))]
    if not known:
        return "how long that takes is known after the first"
    an_epoch = sum(run.seconds for _, run in known) / sum(
        spec.recipe.training.epochs for spec, _ in known
    )
    workers = f" with {at_a_time} workers" if at_a_time > 1 else ""
    return f"about {clock(epochs * an_epoch / at_a_time)}{workers}"
