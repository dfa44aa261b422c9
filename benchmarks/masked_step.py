"""What carrying a mask costs: a training step of plain Keras against the carried model.

Both run the same batches in turns, so that a busy machine slows them alike; the median over the
turns of each pair's ratio is the figure. Run it with ``make bench`` on an idle machine.
"""

from __future__ import annotations

import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
import tf_keras as keras

from tflottery import config
from tflottery.models.architecture import Initializers
from tflottery.pruning import masks
from tflottery.pruning.carrier import Carrier
from tflottery.pruning.masks import To
from tflottery.training.optimizers import optimizer
from tflottery.training.trainer import loss

TURNS = 40
STEPS = 5
WORDS = 240  # the mean length of an IMDB review
SPARSITY = 0.832


def seconds(model: keras.Model, function: object, dataset: tf.data.Dataset) -> float:
    """Time of ``STEPS`` training steps, from the model's own compiled training function."""
    iterator = iter(dataset)
    began = time.perf_counter()
    for _ in range(STEPS):
        logs = function(iterator)  # type: ignore[operator]
    float(logs["loss"])
    return time.perf_counter() - began


def measure(name: str) -> tuple[float, float, float]:
    """Median milliseconds a step, plain and carried, and the median ratio of the pairs."""
    chosen = config.load(name, {})
    size, batch = chosen.data.vocabulary_size, chosen.training.batch_size
    plain = chosen.model.build(size, 2, Initializers(1))
    carrier = Carrier(plain)
    weights = carrier.weights()
    scores = {tensor: np.abs(weights[tensor]) for tensor in carrier.prunable}
    pruned = masks.prune(masks.dense(carrier.prunable), scores, To(SPARSITY))
    carrier.load(pruned, weights)

    random = np.random.default_rng(1)
    # Word frequencies of a language: an embedding's gradient touches few rows.
    ids = np.minimum(random.zipf(1.2, (STEPS * batch, WORDS)) + 1, size - 1).astype(np.int32)
    labels = random.integers(0, 2, STEPS * batch)
    dataset = tf.data.Dataset.from_tensor_slices((ids, labels)).batch(batch).cache()

    functions = []
    for model in (plain, carrier.model):
        model.compile(optimizer(chosen.training), loss(classes=2))
        callbacks = carrier.callbacks() if model is carrier.model else []
        model.fit(dataset, epochs=1, verbose=0, callbacks=callbacks)
        functions.append((model, model.make_train_function()))
    times = [[seconds(*pair, dataset) for pair in functions] for _ in range(TURNS)]
    plain_times, carried_times = zip(*times, strict=True)
    ratio = statistics.median(carried / plain for plain, carried in times)
    each = 1000 / STEPS
    return (
        statistics.median(plain_times) * each,
        statistics.median(carried_times) * each,
        ratio,
    )


def main() -> None:
    print(f"{TURNS} turns of {STEPS} steps each, {WORDS} words, sparsity {SPARSITY}")
    print(f"{'configuration':<14} {'plain ms':>9} {'carried ms':>11} {'ratio':>7}")
    for name in ("imdb_cnn", "imdb_lstm"):
        plain, carried, ratio = measure(name)
        print(f"{name:<14} {plain:>9.1f} {carried:>11.1f} {ratio:>7.3f}", flush=True)


if __name__ == "__main__":
    main()
