"""The checks that every export must pass before it is published."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras as keras

from tflottery import activity
from tflottery.data.batches import pad
from tflottery.data.encoded import Encoded
from tflottery.data.words.vocabulary import PADDING, Vocabulary
from tflottery.data.words.wording import PLAIN, Wording
from tflottery.errors import TflotteryError
from tflottery.exports.network import Network
from tflottery.exports.saved_model import CLASSIFY, IDS, TEXT, class_logits
from tflottery.exports.session import Process, Texts

TOLERANCE = 1e-5
"""The most by which a served score may differ from the Python model's."""

SENTENCES: tuple[bytes, ...] = (
    b"",
    b" \t\n ",
    b"!?",
    b"A film I would gladly see again.",
    "It wasn’t bad; it's <i>not</i> good.<br /><br />Not at all!".encode(),
    b'Yelp writes \\n and ""quotes"" like this.',
    "😀 👍🏽 ❤️".encode(),
    "아주 좋은 영화였다. 다시 보고 싶다!".encode(),
    "ÜBERRASCHEND GUT — ein großer Spaß".encode(),
    b"broken \xff\xfe\xc3( bytes",
    b"dull and flat and bland " * 2_000,  # 10,000 words
)
"""Texts that a server may meet, odd ones too."""

_MORE_SENTENCES: tuple[bytes, ...] = (
    "我喜欢这部电影！12分。すごーい人々 ｶﾞ".encode(),
    "ภาษาไทยนี้ดี ລາວ ខ្មែរ မြန်မာ".encode(),
    "so 😀👍🏽👨‍👩‍👧❤️❤ 🇩🇪 1️⃣ :-) great:( ;D <3 http://a ★★☆".encode(),
    " ".join(f"{word} film" for word in range(500)).encode(),
)

Scorer = Callable[[np.ndarray], np.ndarray]
"""ids int32 [texts, words] → probabilities float [texts, classes]."""

_BATCH = 256


def verify(
    folder: Path,
    network: Network,
    vocabulary: Vocabulary,
    python_model: Scorer,
    texts: Encoded | None = None,
) -> float:
    """Loads a SavedModel in a fresh process, as TensorFlow Serving does, and checks that

    - its variables are the network's, each stored once and bit for bit, so that every pruned weight
      is zero;
    - no signature changes a variable;
    - every signature gives the Python model's scores and labels for ``sentences``;
    - ``ids`` gives the Python model's scores for ``texts``.

    Args:
        folder: the SavedModel.
        network: the network that was written.
        vocabulary: the network's.
        python_model: the scorer of the ticket's own model.
        texts: more texts to compare.

    Returns:
        the largest difference between a served score and the Python model's.

    Raises:
        TflotteryError: a check failed.
    """
    _check_variables(folder, network)
    with Process(folder) as served:
        writing = {name for ops in served.operations.values() for name in ops if _writes(name)}
        if writing:
            raise TflotteryError(f"the export changes variables while it serves: {writing}")
        largest = _check_signatures(served, network, vocabulary, python_model)
        for ids, _ in batches(texts) if texts is not None else ():
            answer = served.run(IDS, {"ids": padded(ids, network.max_length)})
            found = per_class(answer["score"])
            largest = max(largest, require_equal(found, python_model(as_served(ids))))
            activity.advance(len(ids))
    return largest


def sentences(wording: Wording) -> tuple[bytes, ...]:
    """``SENTENCES``, and more where a text has other words, or others are read, than usual."""
    return SENTENCES if wording == PLAIN else SENTENCES + _MORE_SENTENCES


def _check_signatures(
    served: Process, network: Network, vocabulary: Vocabulary, python_model: Scorer
) -> float:
    texts, width = sentences(network.wording), network.max_length
    ids = padded(vocabulary.encode(texts, width, network.wording), width)
    expected = python_model(as_served(ids))
    answers = [served.run(TEXT, {"text": texts}), served.run(IDS, {"ids": ids})]
    classified = served.run(CLASSIFY, {"inputs": examples(texts)})
    labels = [network.classes[place] for place in expected.argmax(axis=1)]
    if any([label.decode() for label in answer["label"]] != labels for answer in answers):
        raise TflotteryError("the export's labels are not the Python model's")
    if classified["classes"].tolist() != [[name.encode() for name in network.classes]] * len(ids):
        raise TflotteryError("the export's classes are not the ticket's")
    found = [classified["scores"], *(per_class(answer["score"]) for answer in answers)]
    return require_equal(np.concatenate(found), np.concatenate([expected] * len(found)))


def batches(texts: Encoded) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """ids int32 [texts, words] and labels int32 [texts]: all texts in batches; texts of similar
    length are in the same batch."""
    order = np.argsort(texts.lengths, kind="stable")
    for rows in np.array_split(order, math.ceil(len(order) / _BATCH)):
        some = texts.take(rows)
        yield pad(some), some.labels


def as_served(ids: np.ndarray) -> np.ndarray:
    """Ids without the columns that are padding in all texts, as an export reads them; padding may
    change the scores of a network of one's own."""
    used = np.flatnonzero((ids != PADDING).any(axis=0))
    return ids[:, : used[-1] + 1 if used.size else 1]


def verify_ids(file: Path, python_model: Scorer, ids: np.ndarray) -> float:
    """Checks a file that takes only ids, as a TFLite file does.

    Its kernels add in another order than TensorFlow's, so its scores may differ ten times as much
    as a SavedModel's.

    Args:
        file: what to run.
        python_model: the scorer of the ticket's own model.
        ids: int32 [texts, words], in the shape that the file takes.

    Returns:
        the largest difference between its scores and the Python model's.

    Raises:
        TflotteryError: the difference is too large.
    """
    with Process(file) as served:
        found = per_class(served.run(IDS, {IDS: ids})["score"])
    return require_equal(found, python_model(ids), 10 * TOLERANCE)


def require_equal(found: np.ndarray, expected: np.ndarray, tolerance: float = TOLERANCE) -> float:
    """Compares scores of equal shape; returns the largest difference.

    Raises:
        TflotteryError: it is above the tolerance, or NaN.
    """
    difference = float(np.abs(found - expected).max())
    if not difference <= tolerance:
        raise TflotteryError(
            f"the export's scores differ from the Python model's by {difference:.1e}, more than "
            f"{tolerance:.0e}; nothing was written"
        )
    return difference


def scorer(model: keras.Model) -> Scorer:
    """The scorer of a Keras model: ids int32 [batch, words] → logits."""
    # An architecture has one logit for two classes.
    classes = max(model.output_shape[-1], 2)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)], autograph=False)
    def probabilities(ids: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(class_logits(model(ids, training=False), classes))

    return lambda ids: probabilities(ids).numpy()


def padded(texts: Iterable[Sequence[int] | np.ndarray], width: int) -> np.ndarray:
    """int32 [texts, width]: the ids of each text, cut or padded to the width."""
    texts = list(texts)
    rows = np.full((len(texts), width), PADDING, np.int32)
    for row, ids in zip(rows, texts, strict=True):
        row[: len(ids)] = ids[:width]
    return rows


def _check_variables(folder: Path, network: Network) -> None:
    stored = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    shapes = stored.get_variable_to_shape_map()
    shapes.pop("_CHECKPOINTABLE_OBJECT_GRAPH", None)
    if sum(int(np.prod(shape)) for shape in shapes.values()) != network.numbers:
        raise TflotteryError("the export does not hold every weight exactly once")
    for name, weight in network.weights.items():
        key = f"weights/{name.replace('/', '.S')}/.ATTRIBUTES/VARIABLE_VALUE"
        if not np.array_equal(stored.get_tensor(key), weight):
            raise TflotteryError(f"the export's {name} is not the ticket's")


def _writes(operation: str) -> bool:
    return operation.startswith(("Assign", "ResourceScatter"))


def per_class(score: np.ndarray) -> np.ndarray:
    """A ``score`` output as float [texts, classes]."""
    return np.stack([1 - score, score], axis=1) if score.ndim == 1 else score


def examples(texts: Texts) -> list[bytes]:
    """Texts as serialised tf.Example with the feature ``text``, the input of ``classify``."""
    return [
        tf.train.Example(
            features=tf.train.Features(
                feature={"text": tf.train.Feature(bytes_list=tf.train.BytesList(value=[text]))}
            )
        ).SerializeToString()
        for text in texts
    ]
