"""Writing a network as a SavedModel that takes raw text.

======================  =============================  ========================================
signature               input                          outputs
======================  =============================  ========================================
``serving_default``     ``text`` string [batch]        ``score``, ``label``
``ids``                 ``ids`` int32                  ``score``, ``label``
                        [batch, max_length]
``classify``            ``inputs`` string [batch],     ``classes`` string [batch, classes],
                        serialised tf.Example          ``scores`` float [batch, classes]
                        with the feature ``text``
======================  =============================  ========================================

With two classes ``score`` is the probability of the second, float [batch]; with more it is that of
each, float [batch, classes]. ``label`` is the likeliest class, string [batch].
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tflottery.data.words.text import normaliser
from tflottery.data.words.vocabulary import PADDING, UNKNOWN, Vocabulary
from tflottery.exports.network import Network
from tflottery.exports.reading import SHARED
from tflottery.files import scratch_folder
from tflottery.models import weights as named_weights

TEXT, IDS, CLASSIFY = "serving_default", "ids", "classify"
Outputs = dict[str, tf.Tensor]


def save(network: Network, vocabulary: Vocabulary, folder: Path) -> None:
    """Writes the SavedModel into an empty folder.

    Args:
        network: what to write.
        vocabulary: the network's; it becomes an asset of the SavedModel.
        folder: it must exist.
    """
    with scratch_folder() as temporary:
        words = temporary / "vocabulary.txt"
        words.write_text(vocabulary.to_text(), encoding="utf-8", newline="\n")
        served = _Served(network, words)
        strings = tf.TensorSpec([None], tf.string)
        # The width is fixed, because TensorFlow Serving batches requests only of equal shapes.
        ids = tf.TensorSpec([None, network.max_length], tf.int32)
        functions = {
            TEXT: _traced(served.text, text=strings),
            IDS: _traced(served.ids, ids=ids),
            CLASSIFY: _traced(served.classify, inputs=strings),
        }
        with without_news():
            tf.saved_model.save(served.tracked, str(folder), signatures=functions)
    mark_classify(folder)


def classes_of(loaded: Any) -> list[bytes]:
    """The classes of a loaded SavedModel, in the order of its scores."""
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b""]))
    example = tf.train.Example(features=tf.train.Features(feature={"text": feature}))
    asked = tf.constant([example.SerializeToString()])
    classes: list[bytes] = loaded.signatures[CLASSIFY](inputs=asked)["classes"].numpy()[0].tolist()
    return classes


def width_of(loaded: Any) -> int:
    """How many ids of a text a loaded SavedModel takes."""
    _, inputs = loaded.signatures[IDS].structured_input_signature
    return int(inputs[IDS].shape[1])


def relabel(loaded: Any, folder: Path, threshold: float) -> None:
    """Writes a SavedModel of the same scores whose ``label`` follows a threshold.

    Args:
        loaded: one of two classes.
        folder: an empty one, where it goes.
        threshold: above which score the second class is the label.
    """
    signatures, classes = loaded.signatures, classes_of(loaded)
    tracked = tf.Module()
    tracked.weights, tracked.vocabulary = loaded.weights, loaded.vocabulary

    def follows(name: str) -> Callable[..., Outputs]:
        def answer(**inputs: tf.Tensor) -> Outputs:
            score = signatures[name](**inputs)["score"]
            above = tf.cast(score > np.float32(threshold), tf.int32)
            return {"score": score, "label": tf.gather(tf.constant(classes), above)}

        return answer

    def same(**inputs: tf.Tensor) -> Outputs:
        return dict(signatures[CLASSIFY](**inputs))

    functions = {TEXT: follows(TEXT), IDS: follows(IDS), CLASSIFY: same}
    traced = {
        name: tf.function(function, autograph=False).get_concrete_function(
            **signatures[name].structured_input_signature[1]
        )
        for name, function in functions.items()
    }
    with without_news():
        tf.saved_model.save(tracked, str(folder), signatures=traced)
    mark_classify(folder)


def mark_classify(folder: Path) -> None:
    """Marks the signature ``classify`` of a SavedModel as one for the Classify API."""
    # TensorFlow 2 marks every signature as one for Predict; the Classify API refuses such.
    marked = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(folder))
    marked.replace_method_name(CLASSIFY, "tensorflow/serving/classify", tags="serve")
    with without_news():
        marked.save()


@contextmanager
def without_news() -> Iterator[None]:
    """Keeps TensorFlow from telling of each file in a notebook, where it names a folder that is
    moved away afterwards."""
    logger = tf.get_logger()
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def class_logits(logits: tf.Tensor, classes: int) -> tf.Tensor:
    """A network's logits → float [batch, classes]; of two classes, the first gets the logit 0."""
    return tf.concat([tf.zeros_like(logits), logits], axis=1) if classes == 2 else logits


def score(class_logits: tf.Tensor) -> tf.Tensor:
    """Logits float [batch, classes] → with two classes the probability of the second, float
    [batch]; with more the probability of each, float [batch, classes]."""
    probabilities = tf.nn.softmax(class_logits)
    return probabilities[:, 1] if class_logits.shape[1] == 2 else probabilities


class _Served:
    """The functions that become signatures, and what they need.

    ``tracked`` holds only the variables and the vocabulary. If a Keras model were tracked, the
    SavedModel would hold every weight twice, or a session, as TensorFlow Serving's, could not load
    it.
    """

    def __init__(self, network: Network, vocabulary_file: Path) -> None:
        self._network = network
        self._model = network.build()
        self._vocabulary = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                str(vocabulary_file),
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            default_value=UNKNOWN,
        )
        self.tracked = tf.Module()
        self.tracked.weights = named_weights.variables(self._model)
        self.tracked.vocabulary = self._vocabulary

    def text(self, text: tf.Tensor) -> Outputs:
        """The signature ``serving_default``."""
        return self._answer(self._logits(self._encode(text)))

    def ids(self, ids: tf.Tensor) -> Outputs:
        """The signature ``ids``; columns that are padding in all texts are cut off."""
        used = tf.reduce_any(tf.not_equal(ids, PADDING), axis=0)
        longest = tf.reduce_max(tf.where(used, tf.range(1, self._network.max_length + 1), 1))
        return self._answer(self._logits(_never_empty(ids[:, :longest])))

    def classify(self, inputs: tf.Tensor) -> Outputs:
        """The signature ``classify``."""
        feature = {"text": tf.io.FixedLenFeature([], tf.string)}
        logits = self._logits(self._encode(tf.io.parse_example(inputs, feature)["text"]))
        classes = tf.tile(tf.constant([self._network.classes]), [tf.shape(logits)[0], 1])
        return {"classes": classes, "scores": tf.nn.softmax(logits)}

    # These are tf.functions, so that the signatures share one copy of each.
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def _encode(self, text: tf.Tensor) -> tf.Tensor:
        """Encodes as ``Vocabulary.encode`` does: string [batch] → int32 [batch, longest]."""
        words = self._cut(tf.strings.split(normaliser(self._network.wording)(text)))
        ids = tf.cast(self._vocabulary.lookup(words.flat_values), tf.int32)
        return _never_empty(words.with_flat_values(ids).to_tensor(PADDING))

    def _cut(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        """The words that are read, as ``Wording.cut``."""
        first, last = self._network.wording.ends(self._network.max_length)
        parts = []
        if first:
            parts.append(words[:, :first])
        if last:
            parts.append(words[:, first:][:, -last:])
        return tf.concat(parts, axis=1) if len(parts) > 1 else parts[0]

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)], autograph=False)
    def _logits(self, ids: tf.Tensor) -> tf.Tensor:
        """ids int32 [batch, words] → float32 [batch, classes]."""
        return class_logits(
            self._model(self._rows(ids), training=False), len(self._network.classes)
        )

    def _rows(self, ids: tf.Tensor) -> tf.Tensor:
        """The embedding rows of ids, as ``Network.rows``. They are stored in one bit a word; unless
        the vocabulary is very large, TensorFlow unpacks them only once, when it folds constants."""
        if self._network.own_rows is None:
            return ids
        packed = tf.constant(np.packbits(self._network.own_rows, bitorder="little"))
        own = tf.cast(packed[:, tf.newaxis], tf.int32) // 2 ** tf.range(8) % 2
        own = tf.reshape(own, [-1])[: self._network.words]
        rows = SHARED + own * tf.cumsum(own)
        return tf.where(tf.equal(ids, PADDING), PADDING, tf.gather(rows, ids))

    def _answer(self, logits: tf.Tensor) -> Outputs:
        return {
            "score": score(logits),
            "label": tf.gather(tf.constant(self._network.classes), tf.argmax(logits, axis=1)),
        }


def _traced(function: object, **inputs: tf.TensorSpec) -> tf.types.experimental.ConcreteFunction:
    return tf.function(function, autograph=False).get_concrete_function(
        **{name: tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in inputs.items()}
    )


def _never_empty(ids: tf.Tensor) -> tf.Tensor:
    """Makes a text without words one unknown word, as ``Vocabulary.encode`` does."""
    missing = tf.maximum(1 - tf.shape(ids)[1], 0)
    ids = tf.pad(ids, [[0, 0], [0, missing]], constant_values=PADDING)
    empty = tf.reduce_all(tf.equal(ids, PADDING), axis=1, keepdims=True)
    return tf.concat([tf.where(empty, UNKNOWN, ids[:, :1]), ids[:, 1:]], axis=1)
