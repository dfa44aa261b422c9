"""Batches of texts of like length, in an order that a seed decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count

import numpy as np
import tensorflow as tf

from tflottery import seeds
from tflottery.data.encoded import Encoded
from tflottery.data.words.vocabulary import PADDING

Batch = tuple[np.ndarray, np.ndarray]
WeighedBatch = tuple[np.ndarray, np.ndarray, np.ndarray]
"""A batch, and float32 [batch], how much each text counts."""

# Texts are sorted by length within pools of this many batches: little padding, much shuffling.
_POOL = 50
# Lengths are rounded up to this, so that kernels meet few distinct shapes.
_ROUND = 16
_SIGNATURE = (
    tf.TensorSpec([None, None], tf.int32, name="ids"),
    tf.TensorSpec([None], tf.int32, name="labels"),
)


def training_order(lengths: np.ndarray, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Rows of each batch of one epoch; every row once.

    Args:
        lengths: int [texts], words in each text.
        batch_size: rows a batch.
        seed, epoch: together they decide the order.
    """
    random = seeds.generator("order", seed, epoch)
    rows = random.permutation(len(lengths))
    pool = batch_size * _POOL
    batches = []
    for start in range(0, len(rows), pool):
        pooled = rows[start : start + pool]
        pooled = pooled[np.argsort(lengths[pooled], kind="stable")]
        batches += [pooled[at : at + batch_size] for at in range(0, len(pooled), batch_size)]
    return [batches[number] for number in random.permutation(len(batches))]


def training_batches(encoded: Encoded, batch_size: int, seed: int) -> tf.data.Dataset:
    """Endless batches (ids int32 [batch, words], labels int32 [batch]), epoch after epoch."""

    def generate() -> Iterator[Batch]:
        lengths = encoded.lengths
        for epoch in count():
            for rows in training_order(lengths, batch_size, seed, epoch):
                yield _batch(encoded, rows)

    return dataset_of(generate)


def first_batches(
    encoded: Encoded,
    batch_size: int,
    seed: int,
    count: int,
    class_weights: Mapping[int, float] | None,
    size: int | None = None,
) -> Iterator[WeighedBatch]:
    """The first batches of the first epoch, as ``training_batches`` gives them.

    Args:
        encoded, batch_size, seed: as of ``training_batches``.
        count: how many; fewer where the epoch has no more.
        class_weights: how much a text of each class counts; None for equal ones.
        size: the same texts in batches of at most so many.
    """
    for rows in training_order(encoded.lengths, batch_size, seed, 0)[:count]:
        for start in range(0, len(rows), size or len(rows)):
            ids, labels = _batch(encoded, rows[start : start + (size or len(rows))])
            importance = [class_weights[label] if class_weights else 1.0 for label in labels]
            yield ids, labels, np.array(importance, np.float32)


def evaluation_batches(encoded: Encoded, batch_size: int) -> tf.data.Dataset:
    """Each text once, the shortest first; the order is ``evaluation_order``'s."""

    def generate() -> Iterator[Batch]:
        order = evaluation_order(encoded)
        for start in range(0, len(order), batch_size):
            yield _batch(encoded, order[start : start + batch_size])

    return dataset_of(generate)


def evaluation_order(encoded: Encoded) -> np.ndarray:
    """Rows in the order in which ``evaluation_batches`` gives them."""
    return np.argsort(encoded.lengths, kind="stable")


def in_rows(encoded: Encoded, values: np.ndarray) -> np.ndarray:
    """What was computed of each text in ``evaluation_order``, in the order of the texts."""
    made = np.empty_like(values)
    made[evaluation_order(encoded)] = values
    return made


def dataset_of(generate: object) -> tf.data.Dataset:
    """What a function's iterator yields, as ``Batch`` each, four ahead."""
    options = tf.data.Options()
    # The thread that tunes buffers looks after 10 ms, 20 ms, 40 ms and so on, and the end of an
    # iterator waits until it looks again: up to the time that it was in use. Nothing needs tuning.
    options.autotune.enabled = False
    dataset = tf.data.Dataset.from_generator(generate, output_signature=_SIGNATURE)
    return dataset.prefetch(4).with_options(options)


def _batch(encoded: Encoded, rows: np.ndarray) -> Batch:
    return pad(encoded.take(rows)), encoded.labels[rows]


def pad(encoded: Encoded) -> np.ndarray:
    """int32 [texts, longest, rounded up]: the texts with padding after their ends."""
    lengths = encoded.lengths
    width = -(-int(lengths.max()) // _ROUND) * _ROUND
    padded = np.full((len(encoded), width), PADDING, np.int32)
    padded[np.arange(width) < lengths[:, None]] = encoded.ids
    return padded
