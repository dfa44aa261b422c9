"""Epochs with and without length buckets; one process of two threads, two processes of one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from statistics import median

import numpy as np

from benchmarks.harness import Table, in_turns, ratio
from benchmarks.reviews import reviews
from tflottery import configuration
from tflottery.data import batches
from tflottery.models.architecture import Initializers
from tflottery.training.optimizers import optimizer
from tflottery.training.trainer import loss

NAMES = ("imdb_cnn", "imdb_lstm")
Batch = tuple[np.ndarray, np.ndarray]

_BATCHES = 50
_BUCKETED = "bucketed"


def buckets(turns: int) -> Table:
    """The same texts in batches of like length, in shuffled ones, and all padded alike."""
    return Table(
        title="Batches of texts of like length",
        about=f"An epoch of {_BATCHES} batches, {turns} turns. *Time*: in epochs of bucketed "
        "batches.",
        columns=("network", "batches", "examples a second", "time"),
        rows=tuple(row for name in NAMES for row in _buckets_of(name, turns)),
    )


def _buckets_of(name: str, turns: int) -> list[tuple[str, ...]]:
    chosen = configuration.load(name, {})
    batch, length = chosen.training.batch_size, chosen.data.max_length
    encoded = reviews(_BATCHES * batch, chosen.data.vocabulary_size, length)
    shuffled = np.random.default_rng(1).permutation(len(encoded)).reshape(_BATCHES, batch)
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
    variants = {
        _BUCKETED: lambda: epoch(bucketed, batch_of),
        "padded to the longest of a batch": lambda: epoch(shuffled, batch_of),
        "padded to the limit": lambda: epoch(shuffled, to_the_limit),
    }
    times = in_turns(variants, turns)
    return [
        (
            name,
            variant,
            f"{_BATCHES * batch / median(spent):,.0f}",
            ratio(times, variant, _BUCKETED),
        )
        for variant, spent in times.items()
    ]


def threads(turns: int) -> Table:
    """Two trainings one after the other on two threads, and side by side on one each."""
    rows = []
    for name in NAMES:
        variants = {
            "one process, two threads": lambda name=name: _together([(name, 2, 2)]),
            "two processes, one thread each": lambda name=name: _together([(name, 1, 1)] * 2),
        }
        spent: dict[str, list[float]] = {variant: [] for variant in variants}
        for _ in range(turns):
            for variant, work in variants.items():
                spent[variant].append(work())
        one = median(spent["one process, two threads"])
        rows += [
            (name, variant, f"{median(times):.1f}", f"{one / median(times):.2f}")
            for variant, times in spent.items()
        ]
    return Table(
        title="Two threads, or two processes",
        about=f"Two epochs of {_BATCHES} batches, compiling not counted, {turns} turns.",
        columns=("network", "workers", "seconds", "throughput"),
        rows=tuple(rows),
    )


def _together(workers: list[tuple[str, int, int]]) -> float:
    """Seconds until the last of these workers has trained its epochs, once all are ready."""
    processes = []
    for name, thread_count, epochs in workers:
        environment = {
            **os.environ,
            "TF_NUM_INTRAOP_THREADS": str(thread_count),
            "TF_NUM_INTEROP_THREADS": str(thread_count),
        }
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.processes", name, str(epochs)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                text=True,
            )
        )
    for process in processes:
        _wait_for(process)
    began = time.perf_counter()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _wait_for(process)
    spent = time.perf_counter() - began
    for process in processes:
        process.communicate()
    return spent


def _wait_for(process: subprocess.Popen[str]) -> None:
    """Until the process says something."""
    if not process.stdout.readline():
        raise RuntimeError("a process has died")


def _worker(name: str, epochs: int) -> None:
    chosen = configuration.load(name, {})
    batch = chosen.training.batch_size
    encoded = reviews(_BATCHES * batch, chosen.data.vocabulary_size, chosen.data.max_length)
    model = chosen.model.build(chosen.data.vocabulary_size, 2, Initializers(1))
    model.compile(optimizer(chosen.training), loss=loss(classes=2))

    def fit(count: int) -> None:
        data = batches.training_batches(encoded, batch, seed=1)
        model.fit(data, epochs=count, steps_per_epoch=_BATCHES, verbose=0)

    fit(1)
    print("ready", flush=True)
    sys.stdin.readline()
    fit(epochs)
    print("done", flush=True)


if __name__ == "__main__":
    _worker(sys.argv[1], int(sys.argv[2]))
