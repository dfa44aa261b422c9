"""Measuring the frontier: dense and every ticket of one network, each as SavedModel and as TFLite
files, in turns in one run."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from tflottery import activity, arithmetic, paired, steps
from tflottery.data.encoded import Corpus
from tflottery.exports import network
from tflottery.exports.compaction import compact
from tflottery.exports.fast import forms, units
from tflottery.exports.fast.candidates import Chain, beside
from tflottery.exports.fast.frontier import Frontier
from tflottery.exports.fast.shown import SAVED_MODEL, Shown, marked, on_frontier
from tflottery.exports.formats.left_out import LeftOut
from tflottery.exports.formats.tflite import UnconvertibleError
from tflottery.exports.network import Network
from tflottery.files import scratch_folder
from tflottery.pruning import criteria
from tflottery.pruning.masks import count
from tflottery.runs.store import Store
from tflottery.tickets.evidence import of_their_own
from tflottery.tickets.ticket import Ticket
from tflottery.tickets.verdict import TEST
from tflottery.versions import versions

DENSE, WEIGHTS = "dense", "weights"
# Each network is loaded as many times as there are forms, dense among them.
MOST_MODELS = 40
_ROUNDS = 25


@dataclass(frozen=True)
class _Of:
    """A network before it is measured; ``validation``: its accuracy, a fraction."""

    pruned: str
    sparsity: float
    network: Network
    validation: float

    @cached_property
    def left(self) -> int:
        """How many of the numbers stored are not zero, by which a compressed file is large."""
        return sum(int(np.count_nonzero(one)) for one in self.network.weights.values())


def measure(
    ticket: Ticket,
    dense: Mapping[str, np.ndarray],
    chains: Sequence[Chain],
    store: Store,
    corpus: Corpus,
    examples: np.ndarray,
) -> Frontier:
    """Writes each network in each form to a temporary folder, and measures all of them in turns.

    Args:
        ticket: whose network it is.
        dense: the weights of dense, float32 arrays by tensor.
        chains: of whole units; of these what the store holds is measured.
        store: where runs are kept; nothing is trained.
        corpus: the ticket's data.
        examples: int32 [texts, max_length], training texts for ``int8-full``.

    Raises:
        TflotteryError: a network cannot be written as a SavedModel, or run.
    """
    whole = network.of_weights(ticket, dense, {})
    pruned = _pruned(ticket, chains, store)
    wanted = (SAVED_MODEL, *units.precisions_of(ticket.recipe.model))
    kept, thinned = _fewer(pruned, MOST_MODELS // len(wanted) - 1)
    listed = [_Of(DENSE, 0.0, whole, 0.0), *kept]
    refused = LeftOut()
    with scratch_folder() as temporary:
        models: dict[str, Path] = {}
        with activity.doing("writing models", len(listed) * len(wanted), "models"):
            for number, one in enumerate(listed):
                for form in wanted:
                    folder = temporary / f"{number} {form}"
                    folder.mkdir()
                    try:
                        models[folder.name] = forms.write(
                            form, one.network, ticket.vocabulary, examples, folder
                        )
                    except UnconvertibleError as error:
                        refused.add(form, error)
                    activity.advance()
        with activity.doing("measuring speeds", long=True):
            speeds = forms.speeds(models, corpus.test, whole.max_length, _ROUNDS)
        sizes = forms.sizes(models, ticket.vocabulary)
        scores = {}
        with activity.doing("scoring the test texts", len(models), "models"):
            for name, model in models.items():
                scores[name] = forms.scores(model, corpus.test, whole.max_length)
                activity.advance()
    labels, own = np.asarray(corpus.test.labels), of_their_own(corpus, TEST)
    first = next(iter(models))
    shown = []
    for number, one in enumerate(listed):
        for form in wanted:
            name = f"{number} {form}"
            if name not in models:
                continue
            speed = speeds[name].throughput(forms.BATCH)
            shown.append(
                Shown(
                    pruned=one.pruned,
                    form=form,
                    sparsity=one.sparsity,
                    numbers=one.network.numbers,
                    raw=sizes[name].raw,
                    gzipped=sizes[name].gzipped,
                    texts_per_second=speed,
                    throughput=speed / speeds[first].throughput(forms.BATCH),
                    accuracy=float((scores[name].argmax(axis=1) == labels).mean()),
                    test=paired.compare(labels[own], [scores[name][own]], [scores[first][own]]),
                )
            )
    return Frontier(
        f"{ticket.recipe.model.name} on {Path(ticket.recipe.data.dataset).name}",
        whole.max_length,
        marked(shown),
        f"{os.cpu_count()} cores of {platform.machine()}, {arithmetic.instructions()}, "
        f"TensorFlow {versions()['tensorflow']}",
        len(pruned) - len(kept),
        thinned,
        refused=refused.lines,
    )


def _pruned(ticket: Ticket, chains: Sequence[Chain], store: Store) -> list[_Of]:
    """The tickets beside this one, and the levels of chains that the store holds, each once."""
    found: dict[str, _Of] = {}
    for chain in chains:
        for level in chain.plan.levels:
            run = store.find(level.ticket.key)
            if run is None:
                continue
            masks = run.masks()
            small = compact(network.of_weights(ticket, run.snapshot(steps.END), masks))
            validation = run.metrics["val_accuracy"]
            found.setdefault(run.key, _Of(chain.name, count(masks).sparsity, small, validation))
    for other in beside(ticket):
        is_measured = "ticket_validation_accuracy" in other.about
        if other.about["run_key"] in found or not (other.is_trained and is_measured):
            continue
        is_of_units = criteria.scores_units(other.pruning.criterion)
        name = other.pruning.criterion if is_of_units else WEIGHTS
        small = compact(network.of_ticket(other))
        validation = float(other.about["ticket_validation_accuracy"])
        found[other.about["run_key"]] = _Of(name, other.about["sparsity"], small, validation)
    return sorted(found.values(), key=lambda one: (one.pruned, one.sparsity))


def _fewer(pruned: Sequence[_Of], most: int) -> tuple[list[_Of], int]:
    """At most so many that all can be loaded at a time, and how many of those that are left out no
    other beats.

    A network is beaten where another is at least as accurate on validation data and no larger,
    neither in numbers stored, which are what a file holds, nor in those that are not zero, which
    are what is left of it when it is compressed. Beaten ones go first, the least accurate of them
    before all. Of those that nothing beats, more than can be loaded are thinned along the numbers
    that are not zero.
    """
    if len(pruned) <= most:
        return list(pruned), 0
    accuracy = np.array([one.validation for one in pruned])
    numbers = np.array([one.network.numbers for one in pruned])
    left = np.array([one.left for one in pruned])
    first = on_frontier(accuracy, -numbers, -left)
    thinned = int(first.sum()) - most
    if thinned > 0:
        unbeaten = np.flatnonzero(first)
        places = unbeaten[_spread(np.log(np.maximum(left[unbeaten], 1)), most)]
    else:
        places = np.lexsort((-accuracy, ~first))[:most]
    return [pruned[place] for place in sorted(places)], max(thinned, 0)


def _spread(values: np.ndarray, count: int) -> np.ndarray:
    """int [count]: which of more values than that lie nearest to places evenly between the least
    and the greatest, each once; these two are among them."""
    order = np.argsort(values, kind="stable")
    found = [int(order[0]), int(order[-1])]
    for place in np.linspace(values.min(), values.max(), count)[1:-1]:
        distance = np.abs(values - place)
        distance[found] = np.inf
        found.append(int(distance.argmin()))
    return np.array(found)


def chains_of(ticket: Ticket, data_dir: str | Path | None, store: Store) -> list[Chain]:
    """Those of whole units; none where the network does not tell its units."""
    if not ticket.recipe.model.unit_layers():
        return []
    return units.planned(ticket, data_dir, store)
