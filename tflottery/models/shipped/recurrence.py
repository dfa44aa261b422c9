"""Recurrent layers over whole texts, and an LSTM that runs as one op instead of a loop of ops."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf
import tf_keras as keras


class WholeText:
    """The ``call`` of a Keras recurrent layer that takes the whole text at once.

    Padding must come after the words; in a sequence of states, those at padding mean nothing.
    """

    cell: keras.layers.Layer
    go_backwards: bool
    return_sequences: bool
    # Whether a plain loop is used, whose gradient has a gradient; those of fused ops have none.
    by_loop = False
    # Whether gradients are taken at all; without them the graph is plainer, for exports.
    learns = True

    def get_prunable_weights(self) -> list[tf.Variable]:
        """The weights that TF-MOT wraps; it asks layers that are not Keras' own."""
        return [self.cell.kernel, self.cell.recurrent_kernel]

    def call(self, inputs: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        lengths = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1)
        x = tf.transpose(inputs, [1, 0, 2])
        turn = _backwards if self.learns else _backwards_plainly
        # Texts end with padding; where none is read any more, nothing need be computed.
        words = tf.shape(x)[0] if self.learns else tf.reduce_max(lengths)
        states = self._after_words(turn(x, lengths) if self.go_backwards else x, words)
        if not self.return_sequences:
            last = tf.gather(
                tf.transpose(states, [1, 0, 2]), tf.maximum(lengths - 1, 0), batch_dims=1
            )
            return tf.where(lengths[:, tf.newaxis] > 0, last, 0.0)
        if self.go_backwards:
            # Keras returns the states in the order in which it computed them, with padding first.
            states = tf.reverse(turn(states, lengths), axis=[0])
        return tf.transpose(states, [1, 0, 2])

    def _after_words(self, x: tf.Tensor, words: tf.Tensor) -> tf.Tensor:
        """float [words, batch, size] → float [words, batch, units].

        Args:
            x: what is read of each word.
            words: how many of them matter; what is given of the others means nothing.
        """
        raise NotImplementedError


@keras.saving.register_keras_serializable(package="tflottery")
class BlockLstm(WholeText, keras.layers.LSTM):
    """(x float [batch, words, size], mask bool [batch, words]) → what ``keras.layers.LSTM`` gives.

    TensorFlow's fused kernel takes the whole text, which on a CPU is about twice as fast as a loop.
    It has the standard activations only.
    """

    def _after_words(self, x: tf.Tensor, words: tf.Tensor) -> tf.Tensor:
        if self.by_loop:
            return self._word_by_word(x)
        kernel = tf.concat([self.cell.kernel, self.cell.recurrent_kernel], axis=0)
        nothing = tf.zeros([tf.shape(x)[1], self.units], x.dtype)
        no_peephole = tf.zeros([self.units], x.dtype)
        # BlockLSTMV2 has its gates in Keras' order, but TensorFlow gives it the gradient of this
        # op, whose gates lie in another order.
        return tf.raw_ops.BlockLSTM(
            seq_len_max=tf.cast(words, tf.int64),
            x=x,
            cs_prev=nothing,
            h_prev=nothing,
            w=_gates_of_block(kernel),
            wci=no_peephole,
            wcf=no_peephole,
            wco=no_peephole,
            b=_gates_of_block(self.cell.bias),
            forget_bias=0.0,
            cell_clip=-1.0,
            use_peephole=False,
        ).h

    def _word_by_word(self, x: tf.Tensor) -> tf.Tensor:
        words, batch = tf.unstack(tf.shape(x)[:2])
        rows = tf.reshape(x, [words * batch, x.shape[-1]])
        read = tf.matmul(rows, self.cell.kernel) + self.cell.bias
        read = tf.reshape(read, [words, batch, 4 * self.units])
        recurrent = tf.convert_to_tensor(self.cell.recurrent_kernel)

        def step(before: tuple[tf.Tensor, tf.Tensor], of_word: tf.Tensor) -> tuple[tf.Tensor, ...]:
            state, cell = before
            into, forget, candidate, out = tf.split(of_word + tf.matmul(state, recurrent), 4, 1)
            cell = tf.sigmoid(forget) * cell + tf.sigmoid(into) * tf.tanh(candidate)
            return tf.sigmoid(out) * tf.tanh(cell), cell

        nothing = tf.zeros([batch, self.units], x.dtype)
        return tf.scan(step, read, (nothing, nothing), parallel_iterations=1)[0]


def _backwards(x: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """float [words, batch, size] with the words of each text reversed and padding left in place.

    ``tf.reverse_sequence`` gives the same, but moves numbers one by one, which takes more than
    twice as long.
    """
    words, batch = tf.shape(x)[0], tf.shape(x)[1]
    rows = _rows_backwards(words, batch, lengths)
    return tf.reshape(_swap(tf.reshape(x, [words * batch, x.shape[-1]]), rows), tf.shape(x))


def _backwards_plainly(x: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """``_backwards`` without a gradient of its own, and with all of the shape that is known, which
    other runtimes need."""
    words, batch, size = tf.shape(x)[0], tf.shape(x)[1], x.shape[-1]
    rows = _rows_backwards(words, batch, lengths)
    return tf.reshape(tf.gather(tf.reshape(x, [words * batch, size]), rows), [words, batch, size])


def _rows_backwards(words: tf.Tensor, batch: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """int32 [words * batch]: where each word goes."""
    place = tf.range(words)[:, tf.newaxis]
    turned = tf.where(place < lengths, lengths - 1 - place, place)
    return tf.reshape(turned * batch + tf.range(batch), [-1])


@tf.custom_gradient
def _swap(x: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, Callable[..., object]]:
    """Reorders rows by a permutation that is its own inverse; so the gradient is reordered too,
    instead of added up."""

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
        return _swap(upstream, rows), None

    return tf.gather(x, rows), gradient


def _gates_of_block(weight: tf.Tensor) -> tf.Tensor:
    """The gates of a weight in the order of the block op instead of Keras'."""
    into, forget, candidate, out = tf.split(weight, 4, axis=-1)
    return tf.concat([into, candidate, forget, out], axis=-1)
