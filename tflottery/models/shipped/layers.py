"""The layers without weights that several architectures need."""

from __future__ import annotations

import tensorflow as tf
import tf_keras as keras

from tflottery.data.words.vocabulary import PADDING


@keras.saving.register_keras_serializable(package="tflottery")
class WordMask(keras.layers.Layer):
    """ids int32 [batch, words] → bool [batch, words], true at words, false at padding.

    Architectures pass this mask on as a plain tensor, because Keras' implicit masks do not get
    through TF-MOT's wrapper.
    """

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        return tf.not_equal(ids, PADDING)


@keras.saving.register_keras_serializable(package="tflottery")
class BlankPadding(keras.layers.Layer):
    """(x float [batch, words, size], mask bool [batch, words]) → x with zeros at padding."""

    def call(self, inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        x, mask = inputs
        return x * tf.cast(mask, x.dtype)[:, :, tf.newaxis]


def without_padding(x: tf.Tensor, mask: tf.Tensor, is_narrow: bool = False) -> tf.Tensor:
    """float [batch, words, size], where padding has the lowest number that there is; for numbers of
    a narrow range, the lowest one of its text, which is no maximum either."""
    floor = tf.constant(x.dtype.min, x.dtype)
    if is_narrow:
        floor = tf.reduce_min(x, axis=1, keepdims=True)
    return tf.where(mask[:, :, tf.newaxis], x, floor)


@keras.saving.register_keras_serializable(package="tflottery")
class MaxOverTime(keras.layers.Layer):
    """(x float [batch, words, size], mask bool [batch, words]) → float [batch, size].

    The maximum over all words; padding never decides a feature.
    """

    # Whether numbers are scaled to few bits, which the lowest float would leave no room in.
    is_narrow = False

    def call(self, inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        x, mask = inputs
        return tf.reduce_max(without_padding(x, mask, self.is_narrow), axis=1)


@keras.saving.register_keras_serializable(package="tflottery")
class MeanOverTime(keras.layers.Layer):
    """(x float [batch, words, size], mask bool [batch, words]) → float [batch, size].

    The mean over all words; zeros for a text without words.
    """

    def call(self, inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        x, mask = inputs
        words = tf.cast(mask, x.dtype)[:, :, tf.newaxis]
        return tf.reduce_sum(x * words, axis=1) / tf.maximum(tf.reduce_sum(words, axis=1), 1)


@keras.saving.register_keras_serializable(package="tflottery")
class ReverseTime(keras.layers.Layer):
    """float [batch, words, size] with its words in reverse order."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.reverse(x, axis=[1])


@keras.saving.register_keras_serializable(package="tflottery")
class SeededDropout(keras.layers.Layer):
    """Dropout (Srivastava et al. 2014) whose random stream can be reset.

    Keras' own dropout keeps its random state as long as the process lives. A compiled model that
    trains a second run would then drop other units than in a fresh process.

    Args:
        rate: the fraction that is dropped; the rest is divided by 1 - rate.
        whole: drop whole vectors (all numbers along the last axis) instead of single numbers.
    """

    def __init__(self, rate: float, whole: bool = False, **options: object) -> None:
        super().__init__(**options)
        self.rate = rate
        self.whole = whole
        self.generator = tf.random.Generator.from_seed(0, alg="philox")

    def reseed(self, seed: int) -> None:
        """Begins the random stream of ``seed``."""
        self.generator.reset_from_seed(seed)

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        if not training or self.rate == 0:
            return x
        shape = tf.concat([tf.shape(x)[:-1], [1]], axis=0) if self.whole else None
        return tf.nn.experimental.general_dropout(
            x, self.rate, noise_shape=shape, uniform_sampler=self.generator.uniform
        )

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "rate": self.rate, "whole": self.whole}
