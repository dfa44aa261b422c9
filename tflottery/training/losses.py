"""What a classifier is trained for, and the accuracy that Keras counts."""

from __future__ import annotations

import tf_keras as keras


def loss(classes: int) -> keras.losses.Loss:
    """Cross-entropy on logits: binary on one logit for two classes, else on one logit a class."""
    if classes == 2:
        return keras.losses.BinaryCrossentropy(from_logits=True, name="loss")
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True, name="loss")


def accuracy(classes: int) -> keras.metrics.Metric:
    """The fraction of texts whose class has the highest logit."""
    if classes == 2:
        return keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")
    return keras.metrics.SparseCategoricalAccuracy(name="accuracy")
