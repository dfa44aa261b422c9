"""An LSTM layer that is one op instead of a loop of ops."""

from __future__ import annotations

import tensorflow as tf
import tf_keras as keras


@keras.saving.register_keras_serializable(package="tflottery")
class BlockLstm(keras.layers.LSTM):
    """(x float [batch, words, size], mask bool [batch, words]) → what ``keras.layers.LSTM`` gives.

    TensorFlow's fused kernel takes the whole text, which on a CPU is about twice as fast as a loop.
    Padding comes after the words; in a sequence of states, those at padding mean nothing. Only the
    standard activations are known to it.
    """

    def get_prunable_weights(self) -> list[tf.Variable]:
        """What TF-MOT asks of a layer that it does not know."""
        return [self.cell.kernel, self.cell.recurrent_kernel]

    def call(self, inputs: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        lengths = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1)
        if self.go_backwards:
            inputs = tf.reverse_sequence(inputs, lengths, seq_axis=1)
        states = tf.transpose(self._run_block(tf.transpose(inputs, [1, 0, 2])), [1, 0, 2])
        if not self.return_sequences:
            last = tf.gather(states, tf.maximum(lengths - 1, 0), batch_dims=1)
            return tf.where(lengths[:, tf.newaxis] > 0, last, 0.0)
        if self.go_backwards:
            # Keras gives the states in the order in which it came by them, the padding first.
            states = tf.reverse(tf.reverse_sequence(states, lengths, seq_axis=1), axis=[1])
        return states

    def _run_block(self, x: tf.Tensor) -> tf.Tensor:
        """float [words, batch, size] → float [words, batch, units]."""
        kernel = tf.concat([self.cell.kernel, self.cell.recurrent_kernel], axis=0)
        nothing = tf.zeros([tf.shape(x)[1], self.units], x.dtype)
        no_peephole = tf.zeros([self.units], x.dtype)
        # Not BlockLSTMV2, whose gates lie as in Keras: its registered gradient is that of this one.
        return tf.raw_ops.BlockLSTM(
            seq_len_max=tf.shape(x, tf.int64)[0],
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


def _gates_of_block(weight: tf.Tensor) -> tf.Tensor:
    """Keras' order of gates to that of the block."""
    into, forget, candidate, out = tf.split(weight, 4, axis=-1)
    return tf.concat([into, candidate, forget, out], axis=-1)
