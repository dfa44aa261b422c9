"""The frontier: accuracy against throughput and against bytes, of dense and of every ticket of one
network, each as SavedModel and as TFLite files, measured in turns in one run."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from tflottery import activity, arithmetic, paired, steps
from tflottery.data.encoded import Corpus
from tflottery.exports import forms, network, units
from tflottery.exports.candidates import Chain, beside
from tflottery.exports.compaction import compact
from tflottery.exports.network import Network
from tflottery.paired import Paired
from tflottery.pruning import criteria
from tflottery.pruning.masks import count
from tflottery.runs.realise import Realiser
from tflottery.runs.store import Store
from tflottery.tickets.evidence import of_their_own
from tflottery.tickets.ticket import Ticket
from tflottery.tickets.verdict import TEST
from tflottery.versions import versions

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

DENSE, WEIGHTS = "dense", "weights"
FORMS = (forms.SAVED_MODEL, "TFLite", "TFLite int8")
# Each is loaded as many times as there are forms.
MOST_NETWORKS = 12
_ROUNDS = 25
Against = Literal["throughput", "size"]


@dataclass(frozen=True)
class Shown:
    """A network in a form.

    ``pruned``: ``dense``, ``weights``, or how whole units were pruned. ``form``: what runs it.
    ``sparsity``: the fraction of all weights pruned. ``numbers``: weights and biases stored.
    ``raw`` and ``gzipped``: bytes of the files, and of one archive of them. ``texts_per_second``,
    ``throughput``: with 32 texts at a time and one thread, and as a multiple of dense's SavedModel.
    ``accuracy``: a fraction of all test texts. ``test``: to dense's SavedModel, with its interval.
    ``fastest``, ``smallest``: whether no other is both as accurate and faster, or smaller.
    """

    pruned: str
    form: str
    sparsity: float
    numbers: int
    raw: int
    gzipped: int
    texts_per_second: float
    throughput: float
    accuracy: float
    test: Paired
    fastest: bool = False
    smallest: bool = False


@dataclass(frozen=True)
class Frontier:
    """What was measured: ``shown`` in order, dense first. ``words``: the length of the texts that
    were timed. ``left_out``: how many networks more the store holds. ``markdown``: the table as
    text. ``files``: what was written."""

    title: str
    words: int
    shown: tuple[Shown, ...]
    machine: str
    left_out: int = 0
    markdown: str = ""
    files: tuple[Path, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """A row for each that was measured, as in ``frontier.csv``."""
        import pandas as pd

        from tflottery.exports import frontier_tables

        return pd.DataFrame(frontier_tables.rows(self))

    def plot(self, ax: Axes | None = None, against: Against = "throughput") -> Axes:
        """Draws test accuracy, in points to dense with its interval, against throughput or size.

        Args:
            ax: where to draw; by default on axes of a new figure.
            against: ``throughput`` or ``size``, times dense.
        """
        from tflottery.exports import frontier_figure

        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
        return frontier_figure.draw(ax, self.shown, against)


@dataclass(frozen=True)
class _Of:
    """A network before it is measured; ``validation``: its accuracy, a fraction."""

    pruned: str
    sparsity: float
    network: Network
    validation: float


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
        TflotteryError: a network cannot be written or run.
    """
    whole = network.of_weights(ticket, dense, {})
    pruned = _pruned(ticket, chains, store)
    kept = _fewer(pruned)
    listed = [_Of(DENSE, 0.0, whole, 0.0), *kept]
    with tempfile.TemporaryDirectory() as temporary:
        models: dict[str, Path] = {}
        with activity.doing("writing models", len(listed) * len(FORMS), "models"):
            for number, one in enumerate(listed):
                for form in FORMS:
                    folder = Path(temporary) / f"{number} {form}"
                    folder.mkdir()
                    written = forms.write(form, one.network, ticket.vocabulary, examples, folder)
                    models[folder.name] = written
                    activity.advance()
        with activity.doing("measuring speeds", long=True):
            speeds = forms.speeds(models, corpus.test, whole.max_length, _ROUNDS)
        sizes = forms.sizes(models)
        scores = {}
        with activity.doing("scoring the test texts", len(models), "models"):
            for name, model in models.items():
                scores[name] = forms.scores(model, corpus.test, whole.max_length)
                activity.advance()
    labels, own = np.asarray(corpus.test.labels), of_their_own(corpus, TEST)
    first = next(iter(models))
    shown = []
    for number, one in enumerate(listed):
        for form in FORMS:
            name = f"{number} {form}"
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
        f"{ticket.recipe.model.name} on {ticket.recipe.data.dataset}",
        whole.max_length,
        marked(shown),
        f"{os.cpu_count()} cores of {platform.machine()}, {arithmetic.instructions()}, "
        f"TensorFlow {versions()['tensorflow']}",
        len(pruned) - len(kept),
    )


def marked(shown: Sequence[Shown]) -> tuple[Shown, ...]:
    """The same, with what lies on the two frontiers marked."""
    accuracy = np.array([one.test.difference for one in shown])
    fast = on_frontier(accuracy, np.array([one.throughput for one in shown]))
    small = on_frontier(accuracy, np.array([-one.gzipped for one in shown]))
    return tuple(
        replace(one, fastest=bool(first), smallest=bool(second))
        for one, first, second in zip(shown, fast, small, strict=True)
    )


def on_frontier(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """bool [points]: which have no other that is as good in both values and better in one; higher
    is better."""
    at_least = (one >= one[:, np.newaxis]) & (other >= other[:, np.newaxis])
    better = (one > one[:, np.newaxis]) | (other > other[:, np.newaxis])
    found: np.ndarray = ~(at_least & better).any(axis=1)
    return found


def _pruned(ticket: Ticket, chains: Sequence[Chain], store: Store) -> list[_Of]:
    """The tickets beside this one, and the levels of chains that the store holds, each once."""
    found: dict[str, _Of] = {}
    realise = Realiser(store, [])
    for chain in chains:
        for level in chain.plan.levels:
            run = store.find(level.ticket.key)
            if run is None:
                continue
            masks = realise(level.ticket).masks()
            small = compact(network.of_weights(ticket, run.snapshot(steps.END), masks))
            validation = run.metrics["val_accuracy"]
            found.setdefault(run.key, _Of(chain.name, count(masks).sparsity, small, validation))
    for other in beside(ticket):
        if other.about["run_key"] in found or "final.npz" not in other.about["files"]:
            continue
        is_of_units = criteria.scores_units(other.pruning.criterion)
        name = other.pruning.criterion if is_of_units else WEIGHTS
        small = compact(network.of_ticket(other))
        validation = float(other.about["ticket_validation_accuracy"])
        found[other.about["run_key"]] = _Of(name, other.about["sparsity"], small, validation)
    return sorted(found.values(), key=lambda one: (one.pruned, one.sparsity))


def _fewer(pruned: Sequence[_Of]) -> list[_Of]:
    """At most so many that all can be loaded at a time: those first that no other beats in both
    validation accuracy and the numbers stored, then by validation accuracy."""
    if len(pruned) <= MOST_NETWORKS:
        return list(pruned)
    accuracy = np.array([one.validation for one in pruned])
    first = on_frontier(accuracy, -np.array([one.network.numbers for one in pruned]))
    order = np.lexsort((-accuracy, ~first))[:MOST_NETWORKS]
    return [pruned[place] for place in sorted(order)]


def chains_of(ticket: Ticket, data_dir: str | Path | None, store: Store) -> list[Chain]:
    """Those of whole units; none where the network does not tell its units."""
    if not ticket.recipe.model.unit_layers():
        return []
    return units.planned(ticket, data_dir, store)
