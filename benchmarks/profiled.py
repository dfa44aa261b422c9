"""Where the time of a training step goes: TensorFlow's own profile, by kind of operation."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from itertools import islice
from pathlib import Path

from benchmarks.harness import Table

NAMES = ("study_cnn", "study_lstm")
_STEPS = 100
_SHOWN = 12
# An operation is profiled as scope/name:Kind; what the runtime does around it has other names.
_OPERATION = re.compile(r"[^:]*[A-Za-z0-9]:(_?[A-Z][A-Za-z0-9]*)")


def run() -> list[Table]:
    """A table for each network, measured in a process of one thread."""
    return [_table(name) for name in NAMES]


def _table(name: str) -> Table:
    one = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.profiled", name],
        env={**os.environ, **one},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    kinds: dict[str, list[float]] = json.loads(answer.splitlines()[-1])
    total = sum(spent for spent, _ in kinds.values())
    order = sorted(kinds.items(), key=lambda kind: -kind[1][0])
    shown, rest = order[:_SHOWN], order[_SHOWN:]
    rows = [
        (f"`{kind}`", f"{count:.0f}", f"{spent:.2f}", f"{spent / total:.0%}")
        for kind, (spent, count) in shown
    ]
    spent = sum(spent for _, (spent, _) in rest)
    count = sum(count for _, (_, count) in rest)
    rows.append((f"{len(rest)} others", f"{count:.0f}", f"{spent:.2f}", f"{spent / total:.0%}"))
    return Table(
        title=f"The profile of a step of `{name}`",
        about=f"Of a ticket in training, {_STEPS} steps, one thread: milliseconds a step in each "
        f"kind of operation, {total:.1f} in all, under TensorFlow's profiler, which slows it.",
        columns=("operation", "times a step", "ms a step", "share"),
        rows=tuple(rows),
    )


def _profile(name: str) -> dict[str, tuple[float, float]]:
    """Milliseconds and calls a step, by kind of operation."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    from benchmarks import steps
    from benchmarks.reviews import reviews
    from tflottery import configuration
    from tflottery.data import batches

    chosen = configuration.load(name, {})
    batch = chosen.training.batch_size
    encoded = reviews(_STEPS * batch, chosen.data.vocabulary_size, chosen.data.max_length)
    found = batches.training_batches(encoded, batch, 1).as_numpy_iterator()
    work = steps.masked(chosen, list(islice(found, _STEPS)))
    work()
    space = xplane_pb2.XSpace()
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        work()
        tf.profiler.experimental.stop()
        for file in Path(folder).rglob("*.xplane.pb"):
            space.MergeFromString(file.read_bytes())
    spent: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                operation = _OPERATION.fullmatch(plane.event_metadata[event.metadata_id].name)
                if operation:
                    spent[operation[1]] += event.duration_ps
                    count[operation[1]] += 1
    return {kind: (spent[kind] / 1e9 / _STEPS, count[kind] / _STEPS) for kind in spent}


if __name__ == "__main__":
    print(json.dumps(_profile(sys.argv[1])))
