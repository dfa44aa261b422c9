"""Training steps of TensorFlow's variants: a process that trains the one it is asked for.

Whether it computes with oneDNN was decided by its environment, before TensorFlow was imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from benchmarks import batch_files, stock
from benchmarks.asked import Answer, serve
from benchmarks.batch_files import Batches
from benchmarks.harness import Work
from benchmarks.ours import (
    Configuration,
    Initializers,
    TfmotModel,
    To,
    accuracy,
    batches,
    configuration,
    loss,
    masks,
    optimizer,
)
from benchmarks.steps import DENSE, KERAS, MASKED, TFMOT
from tflottery import arithmetic


def begin(sizes: dict[str, Any]) -> tuple[dict[str, bool], Answer]:
    """Builds the networks; says whether oneDNN is on, and trains the variant it is then told."""
    chosen = configuration(sizes["configuration"], {})
    data = batch_files.read(sizes["batches"]["bucketed"])
    sparsity = sizes["sparsity"]
    works = {
        KERAS: _steps(stock.model(chosen), data),
        DENSE: _steps(_compiled(_network(chosen), chosen), data),
        MASKED: masked(chosen, data, sparsity),
        TFMOT: _steps(stock.pruned(chosen, sparsity), data, wrapped=True),
    }
    return {"onednn": arithmetic.current().onednn}, lambda variant: works[variant]()


def masked(chosen: Configuration, data: Batches, sparsity: float) -> Work:
    """Trains a ticket on the batches, as the trainer does."""
    carrier = TfmotModel(_network(chosen))
    weights = carrier.weights()
    scores = {tensor: np.abs(weights[tensor]) for tensor in carrier.prunable}
    carrier.load(masks.prune(masks.dense(carrier.prunable), scores, To(sparsity)), weights)
    return _steps(_compiled(carrier.model, chosen), data, wrapped=True)


def _network(chosen: Configuration) -> keras.Model:
    return chosen.model.build(chosen.data.vocabulary_size, 2, Initializers(1))


def _compiled(model: keras.Model, chosen: Configuration) -> keras.Model:
    model.compile(optimizer(chosen.training), loss=loss(classes=2), metrics=[accuracy(classes=2)])
    return model


def _steps(model: keras.Model, data: Batches, *, wrapped: bool = False) -> Work:
    """Trains on the batches, through the model's own compiled training function. ``wrapped``: by
    TF-MOT, whose wrappers want to be told that training begins."""
    dataset = batches.dataset_of(lambda: iter(data))
    for layer in model.layers if wrapped else ():
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


if __name__ == "__main__":
    serve(begin)
