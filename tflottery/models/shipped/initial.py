"""Initial weights that Keras does not draw."""

from __future__ import annotations

import tensorflow as tf
import tf_keras as keras

from tflottery.data.words.vocabulary import PADDING, UNKNOWN


@keras.saving.register_keras_serializable(package="tflottery")
class NormalWords(keras.initializers.Initializer):
    """A vector for each word, normal around 0, but zeros for padding and the unknown word.

    Args:
        deviation: the standard deviation.
        seed: decides the vectors.
    """

    def __init__(self, deviation: float, seed: int) -> None:
        self.deviation = deviation
        self.seed = seed

    def __call__(
        self, shape: tuple[int, ...], dtype: tf.DType | None = None, **options: object
    ) -> tf.Tensor:
        drawn = keras.initializers.RandomNormal(0.0, self.deviation, self.seed)(shape, dtype)
        rows = tf.range(shape[0])
        is_word = tf.not_equal(rows, PADDING) & tf.not_equal(rows, UNKNOWN)
        return tf.where(is_word[:, tf.newaxis], drawn, tf.zeros([], drawn.dtype))

    def get_config(self) -> dict[str, object]:
        return {"deviation": self.deviation, "seed": self.seed}
