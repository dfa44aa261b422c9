"""Eight processes on one store, killed at random: ``python -m tests.store_load <store> <seed>``.

Forked from one that has imported TensorFlow and not started it, so that they are cheap. What they
write is drawn instead of trained; locks, renames and checksums are the store's own. Each line of
``<store>.written`` is a run that was written, each of ``<store>.ended`` how a process ended.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
from multiprocessing.connection import wait
from pathlib import Path

import numpy as np

from tflottery.data.settings import DataSettings
from tflottery.models.shipped.cnn import Cnn
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import Dense, Fresh, RunSpec
from tflottery.runs.store import Store
from tflottery.training.settings import TrainingSeeds, TrainingSettings
from tflottery.training.trained import Trained

PROCESSES, SPECS, KILLS = 8, 200, 40


def specs() -> list[RunSpec]:
    recipe = Recipe(DataSettings(fingerprint="f"), Cnn(), TrainingSettings())
    return [
        RunSpec(recipe, Dense(), Fresh(number), TrainingSeeds(number, number))
        for number in range(SPECS)
    ]


def drawn(spec: RunSpec) -> Trained:
    """The result of a pretended training: random arrays that only the spec decides."""
    values = np.random.default_rng(int(spec.key[:8], 16)).normal(size=(40, 50))
    weights = {"head/kernel": values.astype(np.float32)}
    return Trained(
        masks={"head/kernel": values > 0},
        metrics={"val_accuracy": float(abs(values[0, 0]))},
        history=[],
        snapshots={"0ep": weights, "1ep": weights, "end": weights},
        seconds=0.0,
    )


def work(root: Path, order: list[RunSpec], lives: float) -> None:
    """Does with each run what a realiser does: looks for it, locks it, looks again, writes it.

    ``lives``: seconds of processor time after which the kernel kills the process; 0 means never.
    """
    signal.setitimer(signal.ITIMER_PROF, lives)
    store = Store(root)
    for spec in order:
        if store.find(spec.key) is None:
            with store.lock(spec.key):
                if store.find(spec.key) is None:
                    store.write(spec, drawn(spec))
                    note(root.with_suffix(".written"), spec.key)


def note(path: Path, line: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


def main() -> None:
    root, chance = Path(sys.argv[1]), random.Random(int(sys.argv[2]))
    context = multiprocessing.get_context("fork")
    order = specs()
    assert all(spec.key for spec in order)  # once, before the forks
    workers: list[multiprocessing.process.BaseProcess] = []
    for number in range(KILLS + PROCESSES):
        while len(workers) == PROCESSES:
            wait([worker.sentinel for worker in workers])
            ended = [worker for worker in workers if worker.exitcode is not None]
            workers = [worker for worker in workers if worker not in ended]
            for worker in ended:
                note(root.with_suffix(".ended"), str(worker.exitcode))
        chance.shuffle(order)
        lives = chance.uniform(0.003, 0.02) if number < KILLS else 0.0
        workers.append(context.Process(target=work, args=(root, list(order), lives)))
        workers[-1].start()
    for worker in workers:
        worker.join()
        note(root.with_suffix(".ended"), str(worker.exitcode))


if __name__ == "__main__":
    main()
