"""Whether padding changes what a network says of a text."""

from __future__ import annotations

import numpy as np
import tf_keras as keras

from tflottery.data.words.vocabulary import PADDING
from tflottery.models import weights as named_weights

_LENGTHS = (1, 2, 5, 9)
_PADDED = 17


def padding_difference(model: keras.Model, vocabulary_size: int) -> float:
    """The largest difference between the scores of the same texts alone and padded; 0 for a model
    that reads no ids.

    It is measured at weights that are a little off the model's own, since biases that begin at zero
    would hide what padding does once they are trained. The model's weights are set back.

    Args:
        model: plain; ids int [batch, words] → logits.
        vocabulary_size: the number of ids.
    """
    if not model.inputs[0].dtype.is_integer:
        return 0.0
    random = np.random.default_rng(0)
    before = named_weights.get(model)
    named_weights.put(model, {name: _moved(value, random) for name, value in before.items()})
    try:
        differences = []
        for length in _LENGTHS:
            text = random.integers(min(PADDING + 1, vocabulary_size - 1), vocabulary_size, length)
            padded = np.full((2, _PADDED), PADDING, np.int32)
            padded[0, :length] = text
            padded[1] = text[0]
            alone = model(text[np.newaxis].astype(np.int32), training=False).numpy()[0]
            differences.append(np.abs(model(padded, training=False).numpy()[0] - alone).max())
    finally:
        named_weights.put(model, before)
    return float(max(differences))


def _moved(value: np.ndarray, random: np.random.Generator) -> np.ndarray:
    if not np.issubdtype(value.dtype, np.floating):
        return value
    moved = value + random.normal(0, 0.2, value.shape)
    # Variances stay positive.
    return np.where(value > 0, np.abs(moved), moved).astype(value.dtype)
