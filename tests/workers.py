"""Help for tests of executors: a plan that trains in seconds, and an observer of workers."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
from collections import Counter
from pathlib import Path

from tests.chains import chain
from tflottery.data.settings import DataSettings
from tflottery.models.shipped.cnn import Cnn
from tflottery.runs.inits import Snapshot
from tflottery.runs.observer import Silent
from tflottery.runs.pruned import GraduallyPruned
from tflottery.runs.realise import Realiser, realise_all
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import RunSpec
from tflottery.runs.store import Store
from tflottery.training.settings import TrainingSettings

# A run's files by name, by key.
Files = dict[str, dict[str, bytes]]


def make_recipe(data: DataSettings) -> Recipe:
    training = TrainingSettings(learning_rate=0.01, batch_size=16, epochs=2, patience=2)
    return Recipe(data, Cnn(embedding=6, widths=(2,), filters=4), training)


def make_plan(recipe: Recipe) -> list[RunSpec]:
    """Two chains, a late rewind, gradual pruning, and a training that fails with its children."""
    hot = dataclasses.replace(recipe.training, learning_rate=1e38, optimizer="sgd")
    doomed = chain(dataclasses.replace(recipe, training=hot), 3, rounds=2)
    one, two = chain(recipe, 1, rounds=3), chain(recipe, 2, rounds=1)
    late = dataclasses.replace(one[1], init=Snapshot(one[0], "3it"))
    gradual = dataclasses.replace(one[0], mask=GraduallyPruned(0.5))
    return [one[-1], late, doomed[-1], doomed[0], two[-1], gradual]


def done_by_local(plan: list[RunSpec], root: Path) -> tuple[dict[str, str], Files]:
    """The failures and the files that the executor ``local`` makes of a plan."""
    failures = realise_all(plan, Realiser(Store(root), plan))
    return failures, contents(root)


def contents(root: Path) -> Files:
    """The files of every run, without the time that its training took."""
    found = {}
    for folder in root.glob("[!.]*/"):
        if (folder / "run.json").exists():
            record = json.loads((folder / "run.json").read_text())
            del record["seconds"], record["sha256"]
            files = {path.name: path.read_bytes() for path in folder.glob("*.npz")}
            found[folder.name] = {**files, "run.json": json.dumps(record).encode()}
    return found


def holder(lock: Path) -> int | None:
    """The process that holds a lock."""
    about = lock.stat()
    device = f"{os.major(about.st_dev):02x}:{os.minor(about.st_dev):02x}"
    place = f"{device}:{about.st_ino}"
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if "FLOCK" in fields and "->" not in fields and fields[5] == place:
            return int(fields[4])
    return None


class Tally(Silent):
    """Counts events; can kill a worker in the middle of its training."""

    def __init__(self, victims: Path | None = None) -> None:
        self._victims = victims  # one of the workers on this store will be killed
        self.events: Counter[tuple[str, str]] = Counter()
        self.reasons: list[str] = []

    def run_begun(self, spec):
        self.events["begun", spec.key] += 1

    def step_ended(self, spec, step, steps, logs):
        if self._victims and (worker := holder(self._victims / "locks" / spec.key)):
            os.kill(worker, signal.SIGKILL)
            self._victims = None

    def validated(self, spec, epoch, epochs, logs):
        self.events["validated", spec.key] += 1

    def testing(self, spec):
        self.events["testing", spec.key] += 1

    def run_ended(self, spec, run):
        self.events["ended", spec.key] += 1

    def run_stopped(self, spec, reason):
        self.reasons.append(reason)
