"""Where the time of a training step goes: TensorFlow's own profile, by kind of operation."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.asked import Answer, Asked, serve
from benchmarks.harness import Options, Table, counted
from benchmarks.watch import Watch

_STEPS = 100
_SHOWN = 12
# An operation is profiled as scope/name:Kind; what the runtime does around it has other names.
_OPERATION = re.compile(r"[^:]*[A-Za-z0-9]:(_?[A-Z][A-Za-z0-9]*)")


def table(name: str, options: Options, watch: Watch) -> Table:
    """Of one network, measured in a process of one thread."""
    steps = options.steps or _STEPS
    one = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    watch.at("starting TensorFlow, one thread")
    with Asked("the profiled process", "benchmarks.profiled", one) as process:
        process.ask({"name": name, "steps": steps})
        watch.at(f"profiling {counted(steps, 'step')}")
        kinds: dict[str, list[float]] = process.ask("profile")
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
        about=f"Of a ticket in training, {counted(steps, 'step')}, one thread: milliseconds a step "
        f"in each kind of operation, {total:.1f} in all, under TensorFlow's profiler, which slows "
        "it.",
        columns=("operation", "times a step", "ms a step", "share"),
        rows=tuple(rows),
    )


def begin(asked: dict[str, Any]) -> tuple[str, Answer]:
    """Traces a ticket's training; when asked again it gives milliseconds and calls a step, by kind
    of operation."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    from benchmarks.ours import batches, configuration
    from benchmarks.reviews import reviews
    from benchmarks.steps import SPARSITY
    from benchmarks.tensorflow_steps import masked

    chosen, steps = configuration(asked["name"], {}), asked["steps"]
    batch = chosen.training.batch_size
    encoded = reviews(steps * batch, chosen.data.vocabulary_size, chosen.data.max_length)
    found = batches.training_batches(encoded, batch, 1).as_numpy_iterator()
    work = masked(chosen, list(islice(found, steps)), SPARSITY)
    work()

    def profile(_: str) -> dict[str, tuple[float, float]]:
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
        return {kind: (spent[kind] / 1e9 / steps, count[kind] / steps) for kind in spent}

    return "ready", profile


if __name__ == "__main__":
    serve(begin)
