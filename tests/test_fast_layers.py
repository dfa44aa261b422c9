"""The fast layers and the fast optimizer give the same numbers as Keras' own."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from hypothesis import given, settings
from hypothesis import strategies as st

from tflottery.models.shipped.convolution import ConvMaxOverTime
from tflottery.models.shipped.gated import UnrolledGru
from tflottery.models.shipped.layers import MaxOverTime
from tflottery.models.shipped.recurrence import BlockLstm
from tflottery.training.optimizers import FusedAdam

SIZE = 5


def texts(lengths: list[int], seed: int) -> tuple[tf.Variable, tf.Tensor]:
    """Random vectors of words with zeros after them, and the mask of the words."""
    mask = tf.sequence_mask(lengths)
    x = np.random.default_rng(seed).normal(size=(*mask.shape, SIZE)) * mask.numpy()[:, :, None]
    return tf.Variable(x.astype(np.float32)), mask


def gradients(output: object, variables: list[tf.Variable]) -> tuple[np.ndarray, list[np.ndarray]]:
    with tf.GradientTape() as tape:
        y = output()  # type: ignore[operator]
        loss = tf.reduce_sum(tf.sin(3.0 * y))
    return y.numpy(), [tf.convert_to_tensor(g).numpy() for g in tape.gradient(loss, variables)]


def check_same(one: object, other: object) -> None:
    tf.nest.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), one, other
    )


lengths = st.lists(st.integers(1, 9), min_size=1, max_size=5)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
@settings(max_examples=15)
@given(lengths=lengths, seed=st.integers(0, 99))
def test_convolution_and_maximum_in_one(width, lengths, seed):
    x, mask = texts(lengths, seed)
    fast = ConvMaxOverTime(3, width, padding="same")
    slow = keras.layers.Conv1D(3, width, padding="same")
    for layer, options in ((fast, {"mask": mask}), (slow, {})):
        layer(x, **options)
        layer.set_weights(
            [np.random.default_rng(1).normal(size=(width, SIZE, 3)), np.array([0.1, -0.2, 0.3])]
        )
    expected = gradients(lambda: MaxOverTime()([slow(x), mask]), [x, *slow.trainable_variables])
    for training in (True, False):
        given = gradients(
            lambda training=training: fast(x, mask=mask, training=training),
            [x, *fast.trainable_variables],
        )
        check_same(given, expected)


RECURRENT = {
    "lstm": (BlockLstm, keras.layers.LSTM, {}),
    "gru": (UnrolledGru, keras.layers.GRU, {"reset_after": False}),
}


@pytest.mark.parametrize("kind", RECURRENT)
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@settings(max_examples=8)
@given(lengths=lengths, seed=st.integers(0, 99))
def test_recurrent_layers(kind, backwards, sequences, lengths, seed):
    x, mask = texts(lengths, seed)
    ours, keras_own, more = RECURRENT[kind]
    options = {"return_sequences": sequences, "go_backwards": backwards, **more}
    fast, slow = ours(4, **options), keras_own(4, **options)
    for layer in (fast, slow):
        layer(x, mask=mask)
        random = np.random.default_rng(2)
        layer.set_weights([random.normal(size=weight.shape) for weight in layer.get_weights()])
    places = tf.cast(mask[:, :: -1 if backwards else 1, tf.newaxis], tf.float32)

    def output(layer: keras.layers.Layer) -> tf.Tensor:
        states = layer(x, mask=mask)
        return states * places if sequences else states

    check_same(
        gradients(lambda: output(fast), [x, *fast.trainable_variables]),
        gradients(lambda: output(slow), [x, *slow.trainable_variables]),
    )


@pytest.mark.parametrize("kind", RECURRENT)
def test_a_text_without_words_leaves_the_state_where_it_began(kind):
    x, mask = texts([0, 3], seed=1)
    ours, _, options = RECURRENT[kind]
    assert ours(4, **options)(x, mask=mask)[0].numpy().tolist() == [0] * 4


@pytest.mark.parametrize("decay", [None, 0.1])
def test_adam_in_one_op(decay):
    random = np.random.default_rng(3)
    start = random.normal(size=(6, 2)).astype(np.float32)
    steps = [random.normal(size=(3, 2)).astype(np.float32) for _ in range(5)]
    ends = []
    for kind in (FusedAdam, keras.optimizers.Adam):
        variables = [tf.Variable(start), tf.Variable(start[:3])]
        adam = kind(0.05, epsilon=1e-3, weight_decay=decay)
        for number, step in enumerate(steps):
            adam.learning_rate = 0.05 / (1 + number)
            sparse = tf.IndexedSlices(tf.constant(step), tf.constant([4, 0, 4]), (6, 2))
            adam.apply_gradients(zip([sparse, tf.constant(step)], variables, strict=True))
        ends.append([variable.numpy() for variable in variables])
    check_same(*ends)
    assert not np.allclose(ends[0][1], start[:3], atol=0.05)
