"""Networks that tests register, as users write them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf
import tf_keras as keras

from tflottery.models.registry import ARCHITECTURES


@contextmanager
def own_registry() -> Iterator[None]:
    """What is registered within it is gone afterwards."""
    kinds, functions = dict(ARCHITECTURES), dict(ARCHITECTURES._registered)
    try:
        yield
    finally:
        for known, before in ((ARCHITECTURES, kinds), (ARCHITECTURES._registered, functions)):
            known.clear()
            known.update(before)


def attention(vocabulary_size, classes, units=4):
    """Attention over words. ``units``: the length of a word's vector."""
    ids = keras.Input([None], dtype="int32")
    there = tf.cast(tf.not_equal(ids, 0), "float32")
    words = keras.layers.Embedding(vocabulary_size, units)(ids)
    seen = keras.layers.MultiHeadAttention(2, units)(
        words, words, attention_mask=tf.not_equal(ids, 0)[:, tf.newaxis, :]
    )
    words = keras.layers.LayerNormalization()(words + seen) * there[:, :, tf.newaxis]
    mean = tf.reduce_sum(words, 1) / tf.reduce_sum(there, 1, keepdims=True)
    return keras.Model(ids, keras.layers.Dense(1 if classes == 2 else classes)(mean))


def bag(vocabulary_size, classes, units=4, dropout=0.1):
    """The mean of all vectors, those of padding among them."""
    ids = keras.Input([None], dtype="int32")
    words = keras.layers.Embedding(vocabulary_size, units)(ids)
    mean = keras.layers.Dropout(dropout)(keras.layers.GlobalAveragePooling1D()(words))
    return keras.Model(ids, keras.layers.Dense(1 if classes == 2 else classes)(mean))
