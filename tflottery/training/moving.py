"""Masks that move within a training: when, by which gradients, and what the optimizer forgets."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
import tf_keras as keras

from tflottery.data.batches import WeighedBatch
from tflottery.files import Arrays
from tflottery.pruning.masked_model import MaskedModel
from tflottery.pruning.masks import Masks
from tflottery.pruning.moving.moves import Moves
from tflottery.training.listener import Logs
from tflottery.training.optimizers import slots


class KeepGradients:
    """Keeps the gradients of a step in the place of its update, where that is asked for.

    TF-MOT's wrapper hands weights on as they are, and pruned ones are zero already, so the gradient
    by a wrapped weight is the *dense* one: it says of a pruned weight what it would do.

    Args:
        masked: compiled and not yet fitted; the training step of its model is replaced by one that
            does the same where nothing is asked for.

    Attributes:
        wanted: whether the next steps keep their gradients, and update nothing.
    """

    def __init__(self, masked: MaskedModel) -> None:
        model = masked.model
        self.wanted = tf.Variable(False, trainable=False)
        self._kept = {
            name: tf.Variable(tf.zeros_like(variable), trainable=False)
            for name, variable in masked.variables.items()
        }
        of = {id(variable): self._kept[name] for name, variable in masked.variables.items()}

        def train_step(batch: WeighedBatch) -> dict[str, tf.Tensor]:
            ids, labels, importance = keras.utils.unpack_x_y_sample_weight(batch)
            with tf.GradientTape() as tape:
                logits = model(ids, training=True)
                loss = model.compute_loss(ids, labels, logits, importance)
            variables = model.trainable_variables
            gradients = tape.gradient(loss, variables)

            def keep() -> tf.Tensor:
                for gradient, variable in zip(gradients, variables, strict=True):
                    if id(variable) in of:
                        kept = tf.zeros_like(variable) if gradient is None else gradient
                        of[id(variable)].assign(tf.convert_to_tensor(kept))
                return tf.constant(False)

            def update() -> tf.Tensor:
                model.optimizer.apply_gradients(zip(gradients, variables, strict=True))
                return tf.constant(True)

            tf.cond(self.wanted, keep, update)
            metrics: dict[str, tf.Tensor] = model.compute_metrics(ids, labels, logits, importance)
            return metrics

        model.train_step = train_step

    def values(self) -> Arrays:
        """float32 arrays by tensor: those of the last step that kept any."""
        return {name: variable.numpy() for name, variable in self._kept.items()}


class MoveMasks(keras.callbacks.Callback):
    """Moves the masks of a training at its steps.

    A weight that comes back begins at zero, and the optimizer knows nothing of it: its moments,
    which followed the gradient while the weight was pruned, are cleared.

    Args:
        masked: whose masks move.
        moves: when, and to what.
        gradients: where they are kept; None where nothing reads them.

    Attributes:
        history: masks by the optimizer step after which they held; 0 is the beginning.
    """

    def __init__(
        self, masked: MaskedModel, moves: Moves, gradients: KeepGradients | None = None
    ) -> None:
        super().__init__()
        assert gradients is not None or not moves.reads_gradients
        self._masked = masked
        self._moves = moves
        self._steps = frozenset(moves.steps)
        self._gradients = gradients if moves.reads_gradients else None
        self._done = 0
        self.history: dict[int, Masks] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.history[0] = self._masked.masks()

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        if self._gradients is not None:
            self._gradients.wanted.assign(self._done + 1 in self._steps)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._done += 1
        if self._done in self._steps:
            self._move()

    def _move(self) -> None:
        before = self._masked.masks()
        variables = self._masked.variables
        weights = {name: variable.numpy() for name, variable in variables.items()}
        gradients = self._gradients.values() if self._gradients is not None else {}
        after = self._moves.move(self._done, before, weights, gradients)
        self._masked.move(after)
        for name, mask in after.items():
            grown = mask & ~before[name]
            if grown.any():
                _clear(slots(self.model.optimizer, variables[name]), grown)
        self.history[self._done] = {name: mask.copy() for name, mask in after.items()}


def _clear(moments: list[tf.Variable], where: np.ndarray) -> None:
    for moment in moments:
        moment.assign(np.where(where, np.zeros((), np.float32), moment.numpy()))
