"""Plain Keras networks of many kinds, as users bring them, and what a training of each gives."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras as keras

from tflottery.data.encoded import Corpus
from tflottery.models.architecture import Initializers
from tflottery.models.brought.building import build_plain
from tflottery.pruning import masks
from tflottery.pruning.masks import To
from tflottery.training.settings import TrainingSeeds, TrainingSettings
from tflottery.training.trainer import Trainer

L = keras.layers
Make = Callable[[int, int], keras.Model]
NETWORKS: dict[str, Make] = {}


def network(make: Make) -> Make:
    NETWORKS[make.__name__] = make
    return make


@keras.saving.register_keras_serializable(package="tests")
class Gate(L.Layer):
    """A layer of a user's own, with a layer inside and weights in a list and a dict."""

    def __init__(self, units: int, **options: object) -> None:
        super().__init__(**options)
        self.units = units
        self.inner = L.Dense(units)

    def build(self, shape: tf.TensorShape) -> None:
        size = [int(shape[-1]), self.units]
        self.pieces = [self.add_weight(name="w", shape=size, initializer="glorot_uniform")]
        self.more = {"shift": self.add_weight(name="w", shape=[1, self.units], initializer="zeros")}

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.sigmoid(x @ self.pieces[0] + self.more["shift"]) * self.inner(x)

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "units": self.units}


def ids() -> keras.KerasTensor:
    return keras.Input([None], dtype="int32")


@network
def gru(words: int, units: int) -> keras.Model:
    x = L.SpatialDropout1D(0.2)(L.Embedding(words, 6)(text := ids()))
    x = L.GRU(4, dropout=0.1, recurrent_dropout=0.1)(x)
    return keras.Model(text, L.Dense(units)(L.Dropout(0.3)(x)))


@network
def both_ways(words: int, units: int) -> keras.Model:
    x = L.Embedding(words, 5, mask_zero=True)(text := ids())
    x = L.Bidirectional(L.LSTM(3, return_sequences=True, dropout=0.2))(x)
    x = L.Bidirectional(L.SimpleRNN(3))(x)
    return keras.Model(text, L.Dense(units)(x))


@network
def convolutions(words: int, units: int) -> keras.Model:
    x = L.Embedding(words, 6)(text := ids())
    for _ in range(2):
        y = L.BatchNormalization()(L.Conv1D(6, 3, padding="same", activation="relu")(x))
        x = L.Add()([x, y])
    x = L.SeparableConv1D(5, 3, padding="same")(x)
    return keras.Model(text, L.Dense(units)(L.GlobalMaxPooling1D()(x)))


@network
def encoder(words: int, units: int) -> keras.Model:
    text = ids()
    there = tf.cast(text != 0, tf.float32)[:, :, tf.newaxis]
    x = L.Embedding(words, 8)(text) + L.Embedding(32, 8)(tf.range(tf.shape(text)[1]))
    y = L.LayerNormalization()(x)
    attention = L.MultiHeadAttention(2, 4, dropout=0.1)
    x += attention(y, y, attention_mask=tf.transpose(there, [0, 2, 1]))
    x += L.Dense(8)(L.Dense(8, activation="gelu")(L.LayerNormalization()(x)))
    mean = tf.reduce_sum(x * there, axis=1) / tf.reduce_sum(there, axis=1)
    return keras.Model(text, L.Dense(units, name="logits")(mean))


@network
def implicit_masks(words: int, units: int) -> keras.Model:
    x = L.Embedding(words, 6, mask_zero=True)(text := ids())
    x = L.Dense(6, activation="tanh")(x)
    x = L.LayerNormalization()(x + L.MultiHeadAttention(2, 3)(query=x, value=x))
    x = L.GaussianNoise(0.1)(x)
    return keras.Model(text, L.Dense(units)(L.GlobalAveragePooling1D()(x)))


@network
def in_a_row(words: int, units: int) -> keras.Model:
    return keras.Sequential([
        keras.Input([None], dtype="int32"),
        L.Embedding(words, 6), L.GaussianDropout(0.2), L.GlobalAveragePooling1D(),
        L.Dense(5, use_bias=False), L.BatchNormalization(), L.ReLU(), L.Dense(units),
    ])  # fmt: skip


@network
def shared_and_constrained(words: int, units: int) -> keras.Model:
    x = L.Embedding(words, 6, embeddings_regularizer="l2")(text := ids())
    shared = L.Dense(
        6, activation="relu", kernel_constraint=keras.constraints.MaxNorm(0.9),
        kernel_regularizer="l1", activity_regularizer="l2",
    )  # fmt: skip
    x = shared(shared(x)) + x
    x = L.GlobalMaxPooling1D()(x)
    return keras.Model(text, L.Dense(units, kernel_constraint="non_neg")(x))


@network
def frozen(words: int, units: int) -> keras.Model:
    x = L.Embedding(words, 6, trainable=False)(text := ids())
    x = Gate(5)(x)
    x = L.PReLU(shared_axes=[1])(x)
    return keras.Model(text, L.Dense(units)(L.GlobalAveragePooling1D()(x)))


@network
def cells(words: int, units: int) -> keras.Model:
    x = L.Embedding(words, 5)(text := ids())
    start = L.Dense(4, activation="tanh")(L.GlobalMaxPooling1D()(x))
    x = L.TimeDistributed(L.Dense(4))(x)
    x = L.GRU(4, return_sequences=True)(x, initial_state=start)
    x = L.RNN(L.StackedRNNCells([L.GRUCell(3), L.SimpleRNNCell(3)]))(x)
    return keras.Model(text, L.Dense(units)(x))


@network
def numbers(words: int, units: int) -> keras.Model:
    text = keras.Input([None])
    x = L.Reshape([-1, 1])(L.Rescaling(1 / words)(text))
    x = L.Conv1D(6, 2, activation="relu", padding="same")(x)
    return keras.Model(text, L.Dense(units)(L.GlobalMaxPooling1D()(x)))


@dataclasses.dataclass(frozen=True)
class Brought:
    """One of ``NETWORKS`` as an architecture."""

    name: str

    def build(self, vocabulary_size: int, classes: int, initializers: Initializers) -> keras.Model:
        units = 1 if classes == 2 else classes
        return build_plain(
            lambda: NETWORKS[self.name](vocabulary_size, units),
            initializers.seed,
            vocabulary_size=vocabulary_size,
            classes=classes,
        )


SETTINGS = TrainingSettings(learning_rate=0.02, batch_size=32, epochs=2, patience=9)
SEEDS = TrainingSeeds(order=1, dropout=1)


def trainer_of(name: str, corpus: Corpus) -> Trainer:
    return Trainer(Brought(name), len(corpus.vocabulary), 2, SETTINGS)  # type: ignore[arg-type]


def some_mask(trainer: Trainer, sparsity: float = 0.6) -> masks.Masks:
    weights = trainer.fresh_weights(1)
    scores = {name: np.abs(weights[name]) for name in trainer.prunable}
    return masks.prune(masks.dense(trainer.prunable), scores, To(sparsity))


def fingerprint(arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode() + arrays[name].tobytes())
    return digest.hexdigest()


def trained(trainer: Trainer, corpus: Corpus, mask: masks.Masks) -> dict[str, np.ndarray]:
    """The weights after two epochs."""
    weights = trainer.fresh_weights(1)
    return trainer.train(corpus, mask, weights, SETTINGS, SEEDS, ["2ep"]).snapshots["2ep"]


def _main() -> None:
    from tests.conftest import small_corpus_in

    with tempfile.TemporaryDirectory() as folder:
        corpus = small_corpus_in(Path(folder))
    bits = {}
    for name in sys.argv[1:]:
        trainer = trainer_of(name, corpus)
        bits[name] = fingerprint(trained(trainer, corpus, some_mask(trainer)))
    print(json.dumps(bits))


if __name__ == "__main__":
    _main()
