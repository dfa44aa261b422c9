"""The layers of a transformer that Keras lacks or TF-MOT refuses; none has weights."""

from __future__ import annotations

import tensorflow as tf
import tf_keras as keras


@keras.saving.register_keras_serializable(package="tflottery")
class Positions(keras.layers.Layer):
    """ids int32 [batch, words] → int32 [1, words], the position of each word from 0.

    Args:
        count: the number of positions; words beyond share the last one.
    """

    def __init__(self, count: int, **options: object) -> None:
        super().__init__(**options)
        self.count = count

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        return tf.minimum(tf.range(tf.shape(ids)[1]), self.count - 1)[tf.newaxis]

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "count": self.count}


@keras.saving.register_keras_serializable(package="tflottery")
class Attention(keras.layers.Layer):
    """(query, key, value: float [batch, words, size], mask bool [batch, words]) → float [batch,
    words, size].

    Scaled dot products in several heads (Vaswani et al. 2017, arXiv 1706.03762), without the
    projections, which are layers of their own: TF-MOT refuses Keras' MultiHeadAttention. No word
    attends to padding.

    Args:
        heads: the number of equal parts that the size falls into.
    """

    def __init__(self, heads: int, **options: object) -> None:
        super().__init__(**options)
        self.heads = heads

    def call(self, inputs: tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]) -> tf.Tensor:
        query, key, value, mask = inputs
        size = query.shape[-1]
        query = self._split(query * (size // self.heads) ** -0.5)
        scores = tf.matmul(query, self._split(key), transpose_b=True)
        ignored = (1 - tf.cast(mask, scores.dtype)) * _NEVER
        weights = tf.nn.softmax(scores + ignored[:, tf.newaxis, tf.newaxis])
        read = tf.transpose(tf.matmul(weights, self._split(value)), [0, 2, 1, 3])
        return tf.reshape(read, [tf.shape(read)[0], -1, size])

    def _split(self, x: tf.Tensor) -> tf.Tensor:
        """float [batch, words, size] → float [batch, heads, words, size / heads]."""
        parts = tf.reshape(x, [tf.shape(x)[0], -1, self.heads, x.shape[-1] // self.heads])
        return tf.transpose(parts, [0, 2, 1, 3])

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "heads": self.heads}


# Added to the score of padding: its exponential is exactly zero beside that of any word.
_NEVER = -1e9
