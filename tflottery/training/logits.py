"""The logits of each evaluation, read off while Keras evaluates."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
import tf_keras as keras

from tflottery.data.batches import Batch
from tflottery.training.listener import Logs


class KeepLogits(keras.callbacks.Callback):
    """Keeps what a model says of each text while it is evaluated, also within ``fit``.

    The test step of Keras throws the logits away once the metrics have seen them. This one writes
    them to a variable beside the model as well: no second pass, and the same bits of every metric.

    Args:
        model: compiled and not yet evaluated; its test step is replaced.

    Attributes:
        logits: float32 [texts, units] of the last evaluation, in the order of its batches.
    """

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        units = model.output_shape[-1]
        self._last = tf.Variable(
            np.empty((0, units), np.float32), trainable=False, shape=[None, units]
        )
        self._batches: list[np.ndarray] = []
        self.logits = np.empty((0, units), np.float32)

        def test_step(batch: Batch) -> dict[str, tf.Tensor]:
            ids, labels = batch
            logits = model(ids, training=False)
            self._last.assign(logits)
            model.compute_loss(ids, labels, logits)
            metrics: dict[str, tf.Tensor] = model.compute_metrics(ids, labels, logits, None)
            return metrics

        model.test_step = test_step

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._batches = []

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._batches.append(self._last.numpy())

    def on_test_end(self, logs: Logs | None = None) -> None:
        self.logits = np.concatenate(self._batches)
