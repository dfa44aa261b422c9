"""A convolution and its maximum over time in one layer, whose gradient is cheap."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf
import tf_keras as keras

from tflottery.models.shipped.layers import without_padding

Gradients = tuple[tf.Tensor, tf.Tensor, None]


@keras.saving.register_keras_serializable(package="tflottery")
class ConvMaxOverTime(keras.layers.Conv1D):
    """(x float [batch, words, size], mask bool [batch, words]) → float [batch, filters].

    The maximum of each filter over all words; padding never decides a feature. If two windows reach
    the maximum, the first one gets the gradient.
    """

    # As of ``MaxOverTime``.
    is_narrow = False

    def get_prunable_weights(self) -> list[tf.Variable]:
        """The weights that TF-MOT wraps; it asks layers that are not Keras' own."""
        return [self.kernel]

    def call(self, inputs: tf.Tensor, mask: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        kernel = tf.convert_to_tensor(self.kernel)
        if training:
            return _maxima_to_train(inputs, kernel, mask) + self.bias
        windows = _windows(inputs, kernel, mask, self.is_narrow)
        return tf.reduce_max(windows, axis=1) + self.bias


def _windows(
    x: tf.Tensor, kernel: tf.Tensor, mask: tf.Tensor, is_narrow: bool = False
) -> tf.Tensor:
    """float [batch, words, filters]: each filter at each word; at padding the lowest number."""
    windows = tf.nn.conv1d(x, kernel, stride=1, padding="SAME")
    return without_padding(windows, mask, is_narrow)


@tf.custom_gradient
def _maxima_to_train(
    x: tf.Tensor, kernel: tf.Tensor, mask: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], Gradients]]:
    """The maxima with a gradient that visits only the window of each text that a filter chose.

    Keras' own gradient passes zeros through the convolution for all other windows, which takes
    twice the work of the convolution itself.
    """
    windows = _windows(x, kernel, mask)
    chosen = tf.argmax(windows, axis=1, output_type=tf.int32)  # [batch, filters]

    def gradients(upstream: tf.Tensor) -> Gradients:
        width, size, filters = kernel.shape
        batch, words = tf.unstack(tf.shape(x)[:2])
        left = (width - 1) // 2
        padded = tf.pad(x, [[0, 0], [left, width - 1 - left], [0, 0]])
        places = words + width - 1
        rows = tf.reshape(padded, [batch * places, size])
        first = chosen + places * tf.range(batch)[:, tf.newaxis]
        window = first[:, :, tf.newaxis] + tf.range(width)  # [batch, filters, width]

        read = tf.gather(rows, tf.transpose(window, [1, 0, 2]))
        read = tf.reshape(read, [filters, batch, width * size])
        of_kernel = tf.matmul(tf.transpose(upstream)[:, tf.newaxis], read)
        of_kernel = tf.reshape(of_kernel, [filters, width, size])

        given = upstream[:, :, tf.newaxis, tf.newaxis] * tf.transpose(kernel, [2, 0, 1])
        of_rows = tf.math.unsorted_segment_sum(
            tf.reshape(given, [-1, size]), tf.reshape(window, [-1]), batch * places
        )
        of_x = tf.reshape(of_rows, [batch, places, size])[:, left : left + words]
        return of_x, tf.transpose(of_kernel, [1, 2, 0]), None

    return tf.reduce_max(windows, axis=1), gradients
