"""The same networks of Keras' own layers, and pruned as TF-MOT's guide shows it."""

from __future__ import annotations

import tensorflow_model_optimization as tfmot
import tf_keras as keras

from benchmarks.ours import Cnn, Configuration, Lstm

layers = keras.layers


def model(chosen: Configuration) -> keras.Model:
    """Of a configuration's sizes, compiled with Keras' Adam."""
    made = _network(chosen)
    _compile(made, chosen)
    return made


def pruned(chosen: Configuration, sparsity: float) -> keras.Model:
    """The whole model under ``prune_low_magnitude``, with TF-MOT's ``ConstantSparsity``."""
    schedule = tfmot.sparsity.keras.ConstantSparsity(sparsity, begin_step=0, frequency=100)
    made = tfmot.sparsity.keras.prune_low_magnitude(_network(chosen), pruning_schedule=schedule)
    _compile(made, chosen)
    return made


def _compile(made: keras.Model, chosen: Configuration) -> None:
    training = chosen.training
    made.compile(
        keras.optimizers.Adam(
            training.learning_rate,
            epsilon=training.epsilon,
            weight_decay=training.weight_decay or None,
        ),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
    )


def _network(chosen: Configuration) -> keras.Model:
    size = chosen.model
    ids = keras.Input([None], dtype="int32")
    is_lstm = isinstance(size, Lstm)
    words = layers.Embedding(chosen.data.vocabulary_size, size.embedding, mask_zero=is_lstm)(ids)
    words = layers.Dropout(size.word_dropout, noise_shape=(None, None, 1))(words)
    words = layers.Dropout(size.embedding_dropout)(words)
    if isinstance(size, Lstm):
        if size.layers != 1 or not size.bidirectional:
            raise ValueError("the stock LSTM has one layer that reads both ways")
        # TF-MOT refuses Bidirectional.
        ways = [
            layers.LSTM(size.units, return_sequences=size.pooling == "max", go_backwards=backwards)
            for backwards in (False, True)
        ]
        outputs = [way(words) for way in ways]
        if size.pooling == "max":
            outputs = [layers.GlobalMaxPooling1D()(output) for output in outputs]
        features = layers.Concatenate()(outputs)
    elif isinstance(size, Cnn):
        windows = [
            layers.Conv1D(size.filters, width, padding="same", activation="relu")(words)
            for width in size.widths
        ]
        pooled = [layers.GlobalMaxPooling1D()(one) for one in windows]
        features = layers.Concatenate()(pooled) if pooled[1:] else pooled[0]
    else:
        raise ValueError(f"there is no stock network for {size.name}")
    features = layers.Dropout(size.dropout)(features)
    return keras.Model(ids, layers.Dense(1)(features))
