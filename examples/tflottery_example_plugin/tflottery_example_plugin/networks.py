"""A network: the mean of word vectors, and a layer on it.

Keras is imported when a network is built, so that commands which need none answer at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import tflottery as tfl

if TYPE_CHECKING:
    import tf_keras as keras


@tfl.register_architecture("example_bag")
def build(vocabulary_size: int, classes: int, units: int = 16) -> keras.Model:
    """Ids int32 [batch, words] → logits."""
    import tensorflow as tf
    import tf_keras as keras

    ids = keras.Input([None], dtype="int32")
    is_word = tf.cast(ids != 0, tf.float32)[..., tf.newaxis]
    words = keras.layers.Embedding(vocabulary_size, units)(ids) * is_word
    mean = tf.reduce_sum(words, 1) / tf.maximum(tf.reduce_sum(is_word, 1), 1.0)
    hidden = keras.layers.Dense(units, activation="relu")(mean)
    return keras.Model(ids, keras.layers.Dense(1 if classes == 2 else classes)(hidden))
