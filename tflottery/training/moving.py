"""Masks that move within a training: when, by which gradients, and what the optimizer forgets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator

import numpy as np
import tensorflow as tf
import tf_keras as keras

from tflottery.data.batches import WeighedBatch
from tflottery.files import Arrays
from tflottery.pruning.masked_model import MaskedModel
from tflottery.pruning.masks import Masks
from tflottery.pruning.moving.moves import Moves, Reads
from tflottery.training.listener import Logs
from tflottery.training.optimizers import slots

Gradients = list[tuple[tf.Tensor | tf.IndexedSlices | None, tf.Variable]]


class Reader(ABC):
    """Reads the gradients of a training's steps, of pruned weights too.

    TF-MOT's wrapper hands weights on as they are, and pruned ones are zero already, so the gradient
    by a wrapped weight is the *dense* one: it says of a pruned weight what it would do.

    Args:
        masked: compiled and not yet fitted; the training step of its model is replaced by one that
            does the same where nothing is asked for.

    Attributes:
        wanted: whether the next steps are read.
    """

    def __init__(self, masked: MaskedModel) -> None:
        model = masked.model
        self.wanted = tf.Variable(False, trainable=False)
        self._variables = masked.variables
        self._values = self._zeros()
        self._names = {id(variable): name for name, variable in masked.variables.items()}

        def train_step(batch: WeighedBatch) -> dict[str, tf.Tensor]:
            ids, labels, importance = keras.utils.unpack_x_y_sample_weight(batch)
            with tf.GradientTape() as tape:
                logits = model(ids, training=True)
                loss = model.compute_loss(ids, labels, logits, importance)
            variables = model.trainable_variables
            gradients = list(zip(tape.gradient(loss, variables), variables, strict=True))
            self._step(gradients, lambda: model.optimizer.apply_gradients(gradients))
            metrics: dict[str, tf.Tensor] = model.compute_metrics(ids, labels, logits, importance)
            return metrics

        model.train_step = train_step

    def _zeros(self) -> dict[str, tf.Variable]:
        """A variable of zeros for each tensor that has a mask."""
        return {
            name: tf.Variable(tf.zeros_like(variable), trainable=False)
            for name, variable in self._variables.items()
        }

    def _of_masked(self, gradients: Gradients) -> Iterator[tuple[str, tf.Tensor]]:
        """The gradients of the tensors that have a mask, as arrays, by name."""
        for gradient, variable in gradients:
            if id(variable) in self._names:
                dense = tf.zeros_like(variable) if gradient is None else gradient
                yield self._names[id(variable)], tf.convert_to_tensor(dense)

    @abstractmethod
    def _step(self, gradients: Gradients, update: Callable[[], object]) -> None:
        """A step of the training, traced once.

        Args:
            gradients: with the variable of each.
            update: moves the weights by them.
        """

    @abstractmethod
    def before(self, step: int, moves: Collection[int]) -> None:
        """Is called before each optimizer step, counted from 1; ``moves`` are those at whose end
        masks move."""

    def restart(self) -> None:
        """Forgets everything, as at the beginning of a training."""
        self.wanted.assign(False)
        for variable in self._values.values():
            variable.assign(tf.zeros_like(variable))

    def values(self) -> Arrays:
        """float32 arrays by tensor: what a move is told."""
        return {name: variable.numpy() for name, variable in self._values.items()}

    def moved(self, before: Masks, after: Masks, weights: Arrays) -> None:
        """Is called once masks have moved.

        Args:
            before, after: bool arrays by tensor.
            weights: float32 arrays of before the move.
        """
        del before, after, weights


class KeepGradients(Reader):
    """Keeps the gradients of a step at which masks move, in the place of its update."""

    def _step(self, gradients: Gradients, update: Callable[[], object]) -> None:
        def keep() -> tf.Tensor:
            for name, gradient in self._of_masked(gradients):
                self._values[name].assign(gradient)
            return tf.constant(False)

        def go_on() -> tf.Tensor:
            update()
            return tf.constant(True)

        tf.cond(self.wanted, keep, go_on)

    def before(self, step: int, moves: Collection[int]) -> None:
        self.wanted.assign(step in moves)


class LearnMovement(Reader):
    """Learns the scores of movement pruning (Sanh et al. 2020, arXiv 2005.07683): of each weight
    minus the sum over all steps of gradient times weight, up to the last move.

    That is gradient descent on scores whose mask is taken for 1 by the gradient (straight-through).
    A pruned weight is zero for the network; its score goes by the value that it had when it was
    pruned, which it has again where it comes back.
    """

    def __init__(self, masked: MaskedModel) -> None:
        super().__init__(masked)
        self._resting = self._zeros()

    def _step(self, gradients: Gradients, update: Callable[[], object]) -> None:
        def learn() -> tf.Tensor:
            for name, gradient in self._of_masked(gradients):
                weight = self._variables[name] + self._resting[name]
                self._values[name].assign_sub(gradient * weight)
            return tf.constant(True)

        tf.cond(self.wanted, learn, lambda: tf.constant(False))
        update()

    def before(self, step: int, moves: Collection[int]) -> None:
        self.wanted.assign(step <= max(moves))

    def restart(self) -> None:
        super().restart()
        for variable in self._resting.values():
            variable.assign(tf.zeros_like(variable))

    def moved(self, before: Masks, after: Masks, weights: Arrays) -> None:
        for name, mask in after.items():
            resting, variable = self._resting[name].numpy(), self._variables[name]
            grown, dropped = mask & ~before[name], before[name] & ~mask
            variable.assign(np.where(grown, resting, variable.numpy()))
            kept = np.where(dropped, weights[name], resting)
            self._resting[name].assign(np.where(mask, np.float32(0), kept))


READERS: dict[Reads, type[Reader]] = {"gradients": KeepGradients, "movement": LearnMovement}
"""What reads the steps of a training, by what its moves are told."""


class MoveMasks(keras.callbacks.Callback):
    """Moves the masks of a training at its steps.

    A weight that comes back begins at zero, unless its reader kept it, and the optimizer knows
    nothing of it: its moments, which followed the gradient while the weight was pruned, are
    cleared.

    Args:
        masked: whose masks move.
        moves: when, and to what.
        reader: of the steps, for moves that are told of them; else None.

    Attributes:
        history: masks by the optimizer step after which they held; 0 is the beginning.
    """

    def __init__(self, masked: MaskedModel, moves: Moves, reader: Reader | None = None) -> None:
        super().__init__()
        if moves.reads != "nothing" and not isinstance(reader, READERS[moves.reads]):
            raise ValueError(f"these moves are told of {moves.reads}, which nothing reads")
        self._masked = masked
        self._moves = moves
        self._steps = frozenset(moves.steps)
        self._reader = reader if moves.reads != "nothing" else None
        self._done = 0
        self.history: dict[int, Masks] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.history[0] = self._masked.masks()

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        if self._reader is not None:
            self._reader.before(self._done + 1, self._steps)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._done += 1
        if self._done in self._steps:
            self._move()

    def _move(self) -> None:
        before = self._masked.masks()
        variables = self._masked.variables
        weights = {name: variable.numpy() for name, variable in variables.items()}
        told = self._reader.values() if self._reader is not None else {}
        after = self._moves.move(self._done, before, weights, told)
        self._masked.move(after)
        if self._reader is not None:
            self._reader.moved(before, after, weights)
        for name, mask in after.items():
            grown = mask & ~before[name]
            if grown.any():
                _clear(slots(self.model.optimizer, variables[name]), grown)
        self.history[self._done] = {name: mask.copy() for name, mask in after.items()}


def _clear(moments: list[tf.Variable], where: np.ndarray) -> None:
    for moment in moments:
        moment.assign(np.where(where, np.zeros((), np.float32), moment.numpy()))
