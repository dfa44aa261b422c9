"""A training step: with and without masks, against Keras' own layers, TF-MOT's own set-up, PyTorch,
each with oneDNN on and off.

All networks have the same sizes and see the same batches, bucketed by length as in training. Each
library has a process for each setting of oneDNN, and all processes take turns.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import batch_files
from benchmarks.asked import Asked
from benchmarks.harness import ISA, Options, Table, Work, counted, in_turns, ratio
from benchmarks.ours import Configuration, batches, configuration
from benchmarks.reviews import reviews
from benchmarks.watch import Watch
from tflottery import arithmetic

SPARSITY = 0.832
# Two pools of batches, so that all lengths of a training occur; and TF-MOT's set-up computes its
# masks anew once a turn, so that a median over turns does not leave that out.
_STEPS_A_TURN = 100
KERAS, DENSE, MASKED, TFMOT = "Keras", "without masks", "masked", "TF-MOT"
PYTORCH, PYTORCH_PLAIN = "PyTorch", "PyTorch, not bucketed"


@dataclass(frozen=True)
class Library:
    """``module`` trains its variants in a process that is asked to."""

    name: str
    module: str
    variants: tuple[str, ...]


TENSORFLOW = Library("TensorFlow", "benchmarks.tensorflow_steps", (KERAS, DENSE, MASKED, TFMOT))
TORCH = Library("PyTorch", "benchmarks.pytorch_steps", (PYTORCH, PYTORCH_PLAIN))


@dataclass(frozen=True)
class Setting:
    """``onednn``: on or off. ``avx2``: held to AVX2, as on a processor that has no AVX-512.

    TensorFlow multiplies matrices by oneDNN's kernels even where its other ops do not use it, so
    the limit tells with oneDNN off as well.
    """

    onednn: bool
    avx2: bool = False

    def __str__(self) -> str:
        return f"{'on' if self.onednn else 'off'}{', AVX2' if self.avx2 else ''}"

    @property
    def environment(self) -> dict[str, str]:
        """Of a process that computes so. PyTorch is told of oneDNN when its process begins."""
        # PyTorch has kernels of its own too, and another variable for them.
        limits = {ISA: "AVX2", "ATEN_CPU_CAPABILITY": "avx2"} if self.avx2 else {}
        return {arithmetic.ONEDNN: str(int(self.onednn)), **limits}


@dataclass(frozen=True)
class _Row:
    """One variant under one setting."""

    variant: str
    setting: Setting

    def __str__(self) -> str:
        return f"{self.variant}, oneDNN {self.setting}"


def table(name: str, options: Options, watch: Watch) -> Table:
    """Of one network: milliseconds a step, ratios, examples a second."""
    steps = options.steps or _STEPS_A_TURN
    chosen = configuration(name, {})
    limits = (False, True) if options.avx2 else (False,)
    settings = [Setting(onednn, avx2) for avx2 in limits for onednn in (True, False)]
    libraries = [TENSORFLOW]
    if importlib.util.find_spec("torch"):
        libraries.append(TORCH)
    else:
        watch.note("PyTorch is not installed, so its rows are left out: pip install -e '.[bench]'")
    with ExitStack() as open_now:
        folder = Path(open_now.enter_context(tempfile.TemporaryDirectory()))
        watch.at("drawing texts")
        about = {**_sizes(chosen), "batches": _write_batches(chosen, steps, folder)}
        processes = [
            (
                library,
                setting,
                open_now.enter_context(
                    Asked(f"{library.name}, oneDNN {setting}", library.module, setting.environment)
                ),
            )
            for library in libraries
            for setting in settings
        ]
        for _, setting, process in processes:
            process.send({**about, "onednn": setting.onednn})
        works: dict[_Row, Work] = {}
        for library, setting, process in processes:
            watch.at(f"starting {process.name}")
            if process.receive()["onednn"] != setting.onednn:
                watch.note(f"{process.name}: it cannot be switched so here; its rows are left out")
                continue
            for variant in library.variants:
                works[_Row(variant, setting)] = _asking(process, variant)
        by_name = {str(row): work for row, work in works.items()}
        times = in_turns(by_name, options.turns, watch)
    batch = chosen.training.batch_size
    return Table(
        title=f"A training step of `{name}`",
        about=_about(batch, steps, options),
        columns=(
            "",
            "oneDNN",
            "ms a step",
            "to oneDNN off",
            "to Keras",
            "to without masks",
            "examples a second",
        ),
        rows=tuple(
            _cells(row, times, steps, batch)
            for row in sorted(works, key=lambda row: settings.index(row.setting))
        ),
    )


def _cells(row: _Row, times: dict[str, list[float]], steps: int, batch: int) -> tuple[str, ...]:
    each = median(times[str(row)]) / steps
    off = _Row(row.variant, dataclasses.replace(row.setting, onednn=False))
    others = (off, _Row(KERAS, row.setting), _Row(DENSE, row.setting))
    return (
        row.variant,
        str(row.setting),
        f"{1000 * each:.1f}",
        *(ratio(times, str(row), str(other)) for other in others),
        f"{batch / each:,.0f}",
    )


def _about(batch: int, steps: int, options: Options) -> str:
    limited = (
        " *AVX2*: with oneDNN, and PyTorch's own kernels, held to AVX2; other code is not."
        if options.avx2
        else ""
    )
    return (
        f"Batches of {batch}, {counted(steps, 'step')} a turn, {counted(options.turns, 'turn')} in "
        "changing order; medians over the turns; ratios within a turn, their quartiles beside "
        "them. Each library has a process for oneDNN on and one for off. *To oneDNN off*: the same "
        "variant; *to Keras* and *to without masks*: under the same setting. *Keras*: its own "
        f"layers, optimizer and loss. *Masked*: a ticket at {SPARSITY:.1%} in training; *without "
        "masks*: the same layers alone. *TF-MOT*: the Keras network, everything wrapped, "
        "`ConstantSparsity(frequency=100)`; its wrapper passes no word mask on, so its LSTM reads "
        "padding, which is another network. *PyTorch*: the same network in PyTorch, its Adam fused "
        "too, on the same batches, and on batches that are not bucketed by length." + limited
    )


def _asking(process: Asked, variant: str) -> Work:
    return lambda: process.ask(variant)


def _sizes(chosen: Configuration) -> dict[str, Any]:
    return {
        **dataclasses.asdict(chosen.model),
        "configuration": chosen.name,
        "name": chosen.model.name,
        "vocabulary_size": chosen.data.vocabulary_size,
        "learning_rate": chosen.training.learning_rate,
        "epsilon": chosen.training.epsilon,
        "weight_decay": chosen.training.weight_decay,
        "sparsity": SPARSITY,
        "threads": arithmetic.threads(),
    }


def _write_batches(chosen: Configuration, steps: int, folder: Path) -> dict[str, str]:
    """Writes bucketed batches, and others of the same texts; gives the files."""
    batch = chosen.training.batch_size
    encoded = reviews(steps * batch, chosen.data.vocabulary_size, chosen.data.max_length)
    bucketed = islice(batches.training_batches(encoded, batch, 1).as_numpy_iterator(), steps)
    rows = np.random.default_rng(1).permutation(len(encoded))
    plain = (
        (batches.pad(part := encoded.take(taken)), part.labels)
        for taken in np.array_split(rows, steps)
    )
    return {
        "bucketed": batch_files.write(folder / "bucketed.npz", bucketed),
        "plain": batch_files.write(folder / "plain.npz", plain),
    }
