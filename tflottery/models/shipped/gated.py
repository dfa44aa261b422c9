"""A GRU layer with a loop of few small ops, and a gradient of its own."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf
import tf_keras as keras

from tflottery.models.shipped.recurrence import WholeText

Gradients = tuple[tf.Tensor, tf.Tensor]


@keras.saving.register_keras_serializable(package="tflottery")
class UnrolledGru(WholeText, keras.layers.GRU):
    """(x float [batch, words, size], mask bool [batch, words]) → what ``keras.layers.GRU`` gives.

    It has the standard activations only, and ``reset_after=False``. What does not depend on the
    state is computed for all words in one op: the product of words and kernel, and, in the
    gradient, all but two small products a word.
    """

    def _after_words(self, x: tf.Tensor, words: tf.Tensor) -> tf.Tensor:
        words, batch = tf.unstack(tf.shape(x)[:2])
        rows = tf.reshape(x, [words * batch, x.shape[-1]])
        read = tf.matmul(rows, self.cell.kernel) + self.cell.bias
        read = tf.reshape(read, [words, batch, 3 * self.units])
        kernel = tf.convert_to_tensor(self.cell.recurrent_kernel)
        return _word_by_word(read, kernel) if self.by_loop else _states(read, kernel)


@tf.custom_gradient
def _states(
    read: tf.Tensor, kernel: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], Gradients]]:
    """The states of a GRU after each word.

    With update gate z, reset gate r, candidate c and state h, before which the state was g::

        z, r = sigmoid(read of gates + g @ kernel of gates)
        c = tanh(read of candidate + (r * g) @ kernel of candidate)
        h = z * g + (1 - z) * c

    Args:
        read: float [words, batch, 3 * units], what the gates read of the words, in Keras' order.
        kernel: float [units, 3 * units], the recurrent kernel.

    Returns:
        float [words, batch, units], and the gradient.
    """
    units = kernel.shape[0]
    of_gates, of_candidate = kernel[:, : 2 * units], kernel[:, 2 * units :]
    words, batch = tf.unstack(tf.shape(read)[:2])
    start = tf.zeros([batch, units], read.dtype)
    gates_read = _by_word(read[:, :, : 2 * units])
    candidate_read = _by_word(read[:, :, 2 * units :])

    def step(
        word: tf.Tensor,
        state: tf.Tensor,
        states: tf.TensorArray,
        gates: tf.TensorArray,
        candidates: tf.TensorArray,
    ) -> tuple[object, ...]:
        both = tf.sigmoid(gates_read.read(word) + tf.matmul(state, of_gates))
        update, reset = tf.split(both, 2, axis=1)
        candidate = tf.tanh(candidate_read.read(word) + tf.matmul(reset * state, of_candidate))
        state = candidate + update * (state - candidate)
        return (
            word + 1,
            state,
            states.write(word, state),
            gates.write(word, both),
            candidates.write(word, candidate),
        )

    _, _, *arrays = tf.while_loop(
        lambda word, *_: word < words,
        step,
        (0, start, *(_empty(words, read, size) for size in (units, 2 * units, units))),
        parallel_iterations=1,
    )
    states, gates, candidates = (array.stack() for array in arrays)

    def gradients(upstream: tf.Tensor) -> Gradients:
        before = tf.concat([start[tf.newaxis], states[:-1]], axis=0)
        update, reset = tf.split(gates, 2, axis=2)
        # How far the gradient of a state moves what the sigmoids and tanh take; for the reset
        # gate, how far the gradient of (r * g) does.
        to_update = (before - candidates) * update * (1 - update)
        to_candidate = (1 - update) * (1 - candidates * candidates)
        to_reset = before * reset * (1 - reset)
        parts = (upstream, to_update, to_candidate, to_reset, update, reset)
        by_word = [_by_word(part) for part in parts]

        def step_back(
            word: tf.Tensor, of_state: tf.Tensor, made: tf.TensorArray
        ) -> tuple[object, ...]:
            given, by_update, by_candidate, by_reset, z, r = (part.read(word) for part in by_word)
            of_state = of_state + given
            of_c = of_state * by_candidate
            of_reset_state = tf.matmul(of_c, of_candidate, transpose_b=True)
            of_zr = tf.concat([of_state * by_update, of_reset_state * by_reset], axis=1)
            of_state = of_state * z + of_reset_state * r
            of_state += tf.matmul(of_zr, of_gates, transpose_b=True)
            return word - 1, of_state, made.write(word, tf.concat([of_zr, of_c], axis=1))

        *_, array = tf.while_loop(
            lambda word, *_: word >= 0,
            step_back,
            (words - 1, tf.zeros_like(start), _empty(words, read, 3 * units)),
            parallel_iterations=1,
        )
        of_read = array.stack()
        rows = tf.reshape(of_read, [words * batch, 3 * units])
        states_read = tf.reshape(before, [words * batch, units])
        reset_read = tf.reshape(before * reset, [words * batch, units])
        of_kernel = tf.concat(
            [
                tf.matmul(states_read, rows[:, : 2 * units], transpose_a=True),
                tf.matmul(reset_read, rows[:, 2 * units :], transpose_a=True),
            ],
            axis=1,
        )
        return of_read, of_kernel

    return states, gradients


def _word_by_word(read: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """``_states`` without a gradient of its own."""
    units = kernel.shape[0]
    of_gates, of_candidate = kernel[:, : 2 * units], kernel[:, 2 * units :]

    def step(state: tf.Tensor, of_word: tf.Tensor) -> tf.Tensor:
        gates = tf.sigmoid(of_word[:, : 2 * units] + tf.matmul(state, of_gates))
        update, reset = tf.split(gates, 2, axis=1)
        candidate = tf.tanh(of_word[:, 2 * units :] + tf.matmul(reset * state, of_candidate))
        return candidate + update * (state - candidate)

    start = tf.zeros([tf.shape(read)[1], units], read.dtype)
    return tf.scan(step, read, start, parallel_iterations=1)


def _by_word(x: tf.Tensor) -> tf.TensorArray:
    """float [words, batch, size], to be read word by word."""
    array = tf.TensorArray(x.dtype, tf.shape(x)[0], element_shape=[None, x.shape[-1]])
    return array.unstack(x)


def _empty(words: tf.Tensor, like: tf.Tensor, size: int) -> tf.TensorArray:
    """Room for float [batch, size] of each word."""
    return tf.TensorArray(like.dtype, words, element_shape=[None, size])
