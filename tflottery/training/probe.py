"""Gradients, second derivatives and activations of a network at given weights, dropout off."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import tensorflow as tf
import tf_keras as keras

from tflottery.data.batches import WeighedBatch
from tflottery.data.words.vocabulary import PADDING
from tflottery.errors import TrainingError
from tflottery.files import Arrays
from tflottery.models import weights as named_weights
from tflottery.models.shipped import recurrence
from tflottery.pruning.context import Activations
from tflottery.training import flow

_BATCH = (
    tf.TensorSpec([None, None], tf.int32),
    tf.TensorSpec([None], tf.int32),
    tf.TensorSpec([None], tf.float32),
)
# A text for the flow through a network, where its input may have any length: longer than a filter.
_WORDS, _WORD = 64, 1
_NO_GRADIENT = re.compile(r"gradient registry has no entry for: (\w+)")


class Probe:
    """Differentiates a network at any weights.

    Results are float64 arrays by the names of the trained tensors, means over texts, with texts
    weighed as batches say.

    Args:
        model: plain; its weights are overwritten.
        loss: of labels [texts, 1 or none] and logits, as a mean over texts.
    """

    def __init__(self, model: keras.Model, loss: keras.losses.Loss) -> None:
        self._model = model
        self._loss = loss
        self._units = int(model.output_shape[-1])
        everything = named_weights.variables(model)
        trained = {id(one) for one in model.trainable_variables}
        self._named = {name: one for name, one in everything.items() if id(one) in trained}
        self._variables = list(self._named.values())
        self._gradient = tf.function(self._gradient_of, input_signature=_BATCH)
        self._squares = tf.function(self._squares_of, input_signature=_BATCH)
        self._product: Callable[..., list[tf.Tensor]] | None = None
        self._watched: dict[tuple[str, ...], Callable[..., tuple[list[tf.Tensor], ...]]] = {}

    def gradients(
        self, weights: Mapping[str, np.ndarray], batches: Iterable[WeighedBatch]
    ) -> Arrays:
        """The gradient of the mean training loss, penalties of the network among it."""
        named_weights.put(self._model, weights)
        return self._mean(self._gradient, batches)

    def hessian_product(
        self,
        weights: Mapping[str, np.ndarray],
        vector: Mapping[str, np.ndarray],
        batches: Iterable[WeighedBatch],
    ) -> Arrays:
        """The Hessian of the same loss times a vector; tensors that it leaves out count as zeros.

        Raises:
            TrainingError: something in the network has no second derivative.
        """
        named_weights.put(self._model, weights)
        along = [
            tf.constant(vector[name], tf.float32) if name in vector else tf.zeros_like(variable)
            for name, variable in self._named.items()
        ]
        if self._product is None:
            shapes = [tf.TensorSpec(one.shape, tf.float32) for one in self._variables]
            self._product = tf.function(self._product_of, input_signature=(*_BATCH, shapes))
        product = self._product
        try:
            with _by_loop(self._model):
                return self._mean(lambda *batch: product(*batch, along), batches)
        except Exception as error:  # autograph turns a LookupError into one of its own
            lacking = _NO_GRADIENT.search(str(error))
            if lacking is None:
                raise
            # Whether it has one shows where the whole network is differentiated, trained by then.
            raise TrainingError(
                f"The network {self._model.name} has no second derivative: TensorFlow has no "
                f"gradient of {lacking[1]}; choose a criterion that needs none, as snip."
            ) from None

    def curvature(self, weights: Mapping[str, np.ndarray], texts: Iterable[WeighedBatch]) -> Arrays:
        """The diagonal of the Gauss-Newton matrix of the mean loss without penalties.

        Args:
            weights: where it is taken.
            texts: batches of one text each.
        """
        named_weights.put(self._model, weights)
        return self._mean(self._squares, texts)

    def flow(self, weights: Mapping[str, np.ndarray], tables: Iterable[str]) -> Arrays:
        """The gradient of the sum of the logits of a text of nothing but the mean of all rows.

        Args:
            weights: float32 arrays for every tensor.
            tables: the embeddings with a row a word.

        Raises:
            TrainingError: the network has a layer for which that means nothing.
        """
        if lacking := flow.lacking(self._model):
            raise TrainingError(lacking)
        means = {
            name: np.broadcast_to(weights[name].mean(axis=0), weights[name].shape)
            for name in tables
        }
        named_weights.put(self._model, {**weights, **means})
        words = self._model.input_shape[1] or _WORDS
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(self._model(tf.fill([1, words], _WORD), training=False))
        found = self._dense(tape.gradient(total, self._variables))
        named = dict(
            zip(self._named, (one.numpy().astype(np.float64) for one in found), strict=True)
        )
        for name in set(means) & set(named):
            # Each row is the same part of the mean.
            named[name] = np.broadcast_to(named[name].mean(axis=0), named[name].shape)
        return named

    def activations(
        self,
        weights: Mapping[str, np.ndarray],
        names: Sequence[str],
        batches: Iterable[WeighedBatch],
    ) -> Iterator[dict[str, Activations]]:
        """What layers give for each batch, and the gradients of its loss by that.

        Args:
            weights: float32 arrays for every tensor.
            names: of layers of the network, each of which is called once.
            batches: of texts.
        """
        named_weights.put(self._model, weights)
        if tuple(names) not in self._watched:
            self._watched[tuple(names)] = self._watching(names)
        watch = self._watched[tuple(names)]
        backwards = {name for name in names if _gives_backwards(self._model.get_layer(name))}
        for ids, labels, importance in batches:
            values, gradients = watch(ids, labels, importance)
            is_word = ids != PADDING
            there = {name: is_word[:, ::-1] if name in backwards else is_word for name in names}
            yield {
                name: Activations(
                    _places(there[name], value.numpy()), _places(there[name], gradient.numpy())
                )
                for name, value, gradient in zip(names, values, gradients, strict=True)
            }

    def _mean(
        self, function: Callable[..., list[tf.Tensor]], batches: Iterable[WeighedBatch]
    ) -> Arrays:
        """The mean over texts of what a function gives as a mean over those of each batch."""
        sums = [np.zeros(variable.shape, np.float64) for variable in self._variables]
        texts = 0
        for batch in batches:
            size = len(batch[1])
            for total, found in zip(sums, function(*batch), strict=True):
                total += size * found.numpy().astype(np.float64)
            texts += size
        return {name: total / max(texts, 1) for name, total in zip(self._named, sums, strict=True)}

    def _total(self, ids: tf.Tensor, labels: tf.Tensor, importance: tf.Tensor) -> tf.Tensor:
        return self._of(labels, self._model(ids, training=False), importance)

    def _of(self, labels: tf.Tensor, logits: tf.Tensor, importance: tf.Tensor) -> tf.Tensor:
        """The training loss of a batch, as Keras has it."""
        truth = labels[:, tf.newaxis] if self._units == 1 else labels
        loss = self._loss(truth, logits, sample_weight=importance)
        return tf.add_n([loss, *self._model.losses])

    def _gradient_of(self, *batch: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            total = self._total(*batch)
        return self._dense(tape.gradient(total, self._variables))

    def _product_of(
        self, ids: tf.Tensor, labels: tf.Tensor, importance: tf.Tensor, along: list[tf.Tensor]
    ) -> list[tf.Tensor]:
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                total = self._total(ids, labels, importance)
            slopes = self._dense(inner.gradient(total, self._variables))
            slope = tf.add_n(
                [tf.reduce_sum(one * part) for one, part in zip(slopes, along, strict=True)]
            )
        return self._dense(outer.gradient(slope, self._variables))

    def _squares_of(
        self, ids: tf.Tensor, labels: tf.Tensor, importance: tf.Tensor
    ) -> list[tf.Tensor]:
        """The mean square of a text's score function, over the labels that the network gives it."""
        del labels
        with tf.GradientTape(persistent=True) as tape:
            logits = self._model(ids, training=False)[0]
            if self._units == 1:
                logits = tf.concat([tf.zeros(1), logits], axis=0)
            said = tf.unstack(tf.nn.log_softmax(logits), num=max(self._units, 2))
        shares = [tf.exp(one) for one in said]
        sums = [tf.zeros_like(variable) for variable in self._variables]
        for share, one in zip(shares, said, strict=True):
            slopes = self._dense(tape.gradient(one, self._variables))
            sums = [
                total + share * tf.square(slope) for total, slope in zip(sums, slopes, strict=True)
            ]
        return [importance[0] * total for total in sums]

    def _watching(self, names: Sequence[str]) -> Callable[..., tuple[list[tf.Tensor], ...]]:
        outputs = [self._model.get_layer(name).output for name in names]
        model = keras.Model(self._model.inputs, [*outputs, self._model.output])

        def watch(
            ids: tf.Tensor, labels: tf.Tensor, importance: tf.Tensor
        ) -> tuple[list[tf.Tensor], ...]:
            with tf.GradientTape() as tape:
                *values, logits = model(ids, training=False)
                total = self._of(labels, logits, importance)
            gradients = tape.gradient(total, values)
            return values, [
                tf.zeros_like(value) if one is None else tf.convert_to_tensor(one)
                for value, one in zip(values, gradients, strict=True)
            ]

        return tf.function(watch, input_signature=_BATCH)

    def _dense(self, gradients: list[tf.Tensor | tf.IndexedSlices | None]) -> list[tf.Tensor]:
        """Gradients as arrays; zeros for variables that nothing depends on."""
        return [
            tf.zeros_like(variable) if one is None else tf.convert_to_tensor(one)
            for variable, one in zip(self._variables, gradients, strict=True)
        ]


@contextmanager
def _by_loop(model: keras.Model) -> Iterator[None]:
    """Has recurrent layers go through a text word by word, since the gradients of the fast ones
    cannot be differentiated again."""
    fast = [layer for layer in model.layers if isinstance(layer, recurrence.WholeText)]
    for layer in fast:
        layer.by_loop = True
    try:
        yield
    finally:
        for layer in fast:
            layer.by_loop = False


def _gives_backwards(layer: keras.layers.Layer) -> bool:
    """Whether a layer gives its states in the order in which it computed them, from the end of the
    text, and so of its padding, to the beginning."""
    return bool(getattr(layer, "go_backwards", False) and getattr(layer, "return_sequences", False))


def _places(is_word: np.ndarray, array: np.ndarray) -> np.ndarray:
    """[texts, places, units] of what a layer gives, with zeros at padding."""
    if array.ndim == 2:
        return array[:, np.newaxis]
    if array.ndim == 3 and array.shape[1] == is_word.shape[1]:
        return array * is_word[:, :, np.newaxis]
    return array.reshape(len(array), -1, array.shape[-1])
