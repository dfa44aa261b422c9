"""A training step: with and without masks, against Keras' own layers, TF-MOT's own set-up, PyTorch.

All networks have the same sizes and see the same batches, bucketed by length as in training.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
import tensorflow as tf
import tf_keras as keras

from benchmarks import stock
from benchmarks.harness import Table, Work, in_turns, ratio
from benchmarks.reviews import reviews
from tflottery import configuration
from tflottery.configuration import Configuration
from tflottery.data import batches
from tflottery.models.architecture import Initializers
from tflottery.pruning import masks
from tflottery.pruning.masked_model import MaskedModel
from tflottery.pruning.masks import To
from tflottery.training.optimizers import optimizer
from tflottery.training.trainer import accuracy, loss

NAMES = ("imdb_cnn", "imdb_lstm")
SPARSITY = 0.832
# Two pools of batches, so that all lengths of a training occur; and TF-MOT's set-up computes its
# masks anew once a turn, so that a median over turns does not leave that out.
_STEPS_A_TURN = 100
MASKED, DENSE, KERAS, TFMOT = "masked", "without masks", "Keras", "TF-MOT"
PYTORCH, PYTORCH_PLAIN = "PyTorch", "PyTorch, not bucketed"

Batches = list[tuple[np.ndarray, np.ndarray]]


def run(turns: int) -> list[Table]:
    """A table for each network: milliseconds a step, ratio to Keras, examples a second."""
    return [_table(configuration.load(name, {}), name, turns) for name in NAMES]


def _table(chosen: Configuration, name: str, turns: int) -> Table:
    batch = chosen.training.batch_size
    size, length = chosen.data.vocabulary_size, chosen.data.max_length
    encoded = reviews(_STEPS_A_TURN * batch, size, length)
    data = list(
        islice(batches.training_batches(encoded, batch, 1).as_numpy_iterator(), _STEPS_A_TURN)
    )
    rows = np.random.default_rng(1).permutation(len(encoded))
    plain = [
        (batches.pad(part := encoded.take(taken)), part.labels)
        for taken in np.array_split(rows, _STEPS_A_TURN)
    ]
    variants: dict[str, Work] = {
        KERAS: _steps(stock.model(chosen), data),
        DENSE: _steps(_compiled(chosen.model.build(size, 2, Initializers(1)), chosen), data),
        MASKED: masked(chosen, data),
        TFMOT: _steps(stock.pruned(chosen, SPARSITY), data, of_tfmot=True),
    }
    torch = {}
    if not importlib.util.find_spec("torch"):
        print("PyTorch is not installed, so its rows are left out: pip install -e '.[bench]'")
    else:
        torch = {PYTORCH: _PyTorch(chosen, data), PYTORCH_PLAIN: _PyTorch(chosen, plain)}
    times = in_turns({**variants, **torch}, turns)
    for process in torch.values():
        process.close()
    rows_of = []
    for variant, spent in times.items():
        each = median(spent) / _STEPS_A_TURN
        rows_of.append(
            (
                variant,
                f"{1000 * each:.1f}",
                ratio(times, variant, KERAS),
                ratio(times, variant, DENSE),
                f"{batch / each:,.0f}",
            )
        )
    return Table(
        title=f"A training step of `{name}`",
        about=f"Batches of {batch}, {_STEPS_A_TURN} steps a turn, {turns} turns in changing order; "
        "medians over the turns; ratios within a turn, their quartiles beside them. *Keras*: its "
        "own layers, optimizer and loss. *Masked*: a ticket at "
        f"{SPARSITY:.1%} in training; *without masks*: the same layers alone. *TF-MOT*: the Keras "
        "network, everything wrapped, `ConstantSparsity(frequency=100)`; its wrapper passes no "
        "word mask on, so its LSTM reads padding, which is another network. *PyTorch*: the same "
        "network in PyTorch, its Adam fused too, on the same batches, and on batches that are not "
        "bucketed by length.",
        columns=("", "ms a step", "to Keras", "to without masks", "examples a second"),
        rows=tuple(rows_of),
    )


def _compiled(model: keras.Model, chosen: Configuration) -> keras.Model:
    model.compile(optimizer(chosen.training), loss=loss(classes=2), metrics=[accuracy(classes=2)])
    return model


def masked(chosen: Configuration, data: Batches) -> Work:
    """Trains a ticket on the batches, as the trainer does."""
    carrier = MaskedModel(chosen.model.build(chosen.data.vocabulary_size, 2, Initializers(1)))
    weights = carrier.weights()
    scores = {tensor: np.abs(weights[tensor]) for tensor in carrier.prunable}
    carrier.load(masks.prune(masks.dense(carrier.prunable), scores, To(SPARSITY)), weights)
    return _steps(_compiled(carrier.model, chosen), data, of_tfmot=True)


def _steps(model: keras.Model, data: Batches, *, of_tfmot: bool = False) -> Work:
    """Trains on the batches, through the model's own compiled training function."""
    dataset = batches.dataset_of(lambda: iter(data))
    for layer in model.layers if of_tfmot else ():
        if hasattr(layer, "pruning_step"):
            layer.pruning_step.assign(0)
    train: Callable[..., dict[str, tf.Tensor]] = model.make_train_function()

    def work() -> None:
        # A Python iterator would be traced anew at every step.
        batches_left = iter(dataset)
        for _ in data:
            logs = train(batches_left)
        float(logs["loss"])

    return work


class _PyTorch:
    """``pytorch_steps.py`` in a process of its own, which trains when it is asked to."""

    def __init__(self, chosen: Configuration, data: Batches) -> None:
        sizes = {
            **dataclasses.asdict(chosen.model),
            "name": chosen.model.name,
            "vocabulary_size": chosen.data.vocabulary_size,
            "learning_rate": chosen.training.learning_rate,
            "epsilon": chosen.training.epsilon,
            "weight_decay": chosen.training.weight_decay,
            "batches": [[ids.tolist(), labels.tolist()] for ids, labels in data],
            "threads": int(os.environ.get("TF_NUM_INTRAOP_THREADS", 0)) or os.cpu_count(),
        }
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("pytorch_steps.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ask(json.dumps(sizes))

    def __call__(self) -> None:
        self._ask("train")

    def _ask(self, line: str) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        if not self._process.stdout.readline():
            raise RuntimeError("the PyTorch process has died")

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
