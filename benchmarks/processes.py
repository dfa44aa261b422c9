"""Epochs with and without length buckets; one process of two threads, two processes of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from benchmarks.asked import Answer, Asked, serve
from benchmarks.harness import Options, Table, Work, counted, in_turns, ratio, seconds
from benchmarks.ours import Initializers, batches, configuration, loss, optimizer
from benchmarks.reviews import reviews
from benchmarks.watch import Watch

NAMES = ("imdb_cnn", "imdb_lstm")
Batch = tuple[np.ndarray, np.ndarray]

_BATCHES = 50
_BUCKETED = "bucketed"


def buckets(options: Options, watch: Watch) -> Table:
    """The same texts in batches of like length, in shuffled ones, and all padded alike."""
    count = options.steps or _BATCHES
    watch.at("building networks")
    variants = {
        (name, variant): work for name in NAMES for variant, work in _epochs(name, count).items()
    }
    times = in_turns(
        {", ".join(both): work for both, work in variants.items()}, options.turns, watch
    )
    rows = []
    for name, variant in variants:
        each = median(times[f"{name}, {variant}"])
        batch = configuration(name, {}).training.batch_size
        rows.append(
            (
                name,
                variant,
                f"{count * batch / each:,.0f}",
                ratio(times, f"{name}, {variant}", f"{name}, {_BUCKETED}"),
            )
        )
    return Table(
        title="Batches of texts of like length",
        about=f"An epoch of {_batches(count)}, {counted(options.turns, 'turn')}. *Time*: in epochs "
        "of bucketed batches.",
        columns=("network", "batches", "examples a second", "time"),
        rows=tuple(rows),
    )


def _batches(count: int) -> str:
    return f"{count} batch{'es' * (count != 1)}"


def _epochs(name: str, count: int) -> dict[str, Work]:
    """An epoch of so many batches, made in three ways."""
    chosen = configuration(name, {})
    batch, length = chosen.training.batch_size, chosen.data.max_length
    encoded = reviews(count * batch, chosen.data.vocabulary_size, length)
    shuffled = np.random.default_rng(1).permutation(len(encoded)).reshape(count, batch)
    model = chosen.model.build(chosen.data.vocabulary_size, 2, Initializers(1))
    model.compile(optimizer(chosen.training), loss=loss(classes=2))

    def batch_of(rows: np.ndarray) -> Batch:
        part = encoded.take(rows)
        return batches.pad(part), part.labels

    def to_the_limit(rows: np.ndarray) -> Batch:
        ids, labels = batch_of(rows)
        # Batches are rounded up, at times beyond the limit.
        missing = max(0, length - ids.shape[1])
        return np.pad(ids, [(0, 0), (0, missing)]), labels

    def epoch(rows: Iterable[np.ndarray], make: Callable[[np.ndarray], Batch]) -> None:
        model.fit(batches.dataset_of(lambda: (make(taken) for taken in rows)), verbose=0)

    bucketed = batches.training_order(encoded.lengths, batch, 1, 0)
    return {
        _BUCKETED: partial(epoch, bucketed, batch_of),
        "padded to the longest of a batch": partial(epoch, shuffled, batch_of),
        "padded to the limit": partial(epoch, shuffled, to_the_limit),
    }


_ONE, _TWO = "one process, two threads", "two processes, one thread each"


def threads(options: Options, watch: Watch) -> Table:
    """Two trainings one after the other on two threads, and side by side on one each."""
    count = options.steps or _BATCHES
    # A worker: threads, and epochs to train.
    variants = {
        (name, variant): workers
        for name in NAMES
        for variant, workers in ((_ONE, [(2, 2)]), (_TWO, [(1, 1), (1, 1)]))
    }
    spent: dict[tuple[str, str], list[float]] = {both: [] for both in variants}
    watch.expect({", ".join(both): options.turns for both in variants})
    for turn in range(1, options.turns + 1):
        for (name, variant), workers in variants.items():
            kind = f"{name}, {variant}"
            with watch.piece(kind, f"turn {turn} of {options.turns}, {kind}"):
                spent[name, variant].append(_together(name, workers, count))
    return Table(
        title="Two threads, or two processes",
        about=f"Two epochs of {_batches(count)}, compiling not counted, "
        f"{counted(options.turns, 'turn')}.",
        columns=("network", "workers", "seconds", "throughput"),
        rows=tuple(
            (
                name,
                variant,
                f"{median(times):.1f}",
                f"{median(spent[name, _ONE]) / median(times):.2f}",
            )
            for (name, variant), times in spent.items()
        ),
    )


def _together(name: str, workers: list[tuple[int, int]], count: int) -> float:
    """Seconds until the last of these workers has trained its epochs, once all are ready."""
    with ExitStack() as open_now:
        processes = []
        for number, (thread_count, _) in enumerate(workers, start=1):
            environment = {
                "TF_NUM_INTRAOP_THREADS": str(thread_count),
                "TF_NUM_INTEROP_THREADS": str(thread_count),
            }
            process = Asked(f"worker {number}", "benchmarks.processes", environment)
            processes.append(open_now.enter_context(process))
            process.send({"name": name, "batches": count})
        for process in processes:
            process.receive()

        def train() -> None:
            for process, (_, epochs) in zip(processes, workers, strict=True):
                process.send(epochs)
            for process in processes:
                process.receive()

        return seconds(train)


def begin(asked: dict[str, Any]) -> tuple[str, Answer]:
    """Trains one epoch; then as many as it is told."""
    chosen, count = configuration(asked["name"], {}), asked["batches"]
    batch = chosen.training.batch_size
    encoded = reviews(count * batch, chosen.data.vocabulary_size, chosen.data.max_length)
    model = chosen.model.build(chosen.data.vocabulary_size, 2, Initializers(1))
    model.compile(optimizer(chosen.training), loss=loss(classes=2))

    def fit(epochs: int) -> None:
        data = batches.training_batches(encoded, batch, seed=1)
        model.fit(data, epochs=epochs, steps_per_epoch=count, verbose=0)

    fit(1)
    return "ready", fit


if __name__ == "__main__":
    serve(begin)
