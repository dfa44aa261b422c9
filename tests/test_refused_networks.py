"""Networks that cannot be trained under masks: one line names the layer and the mend."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from tests.conftest import same_arrays
from tflottery.errors import UserError
from tflottery.models import streams, weights
from tflottery.models.brought.building import build_plain, check_plain
from tflottery.models.brought.padding import padding_difference
from tflottery.models.roles import Roles, roles_of
from tflottery.pruning.masked_model import masked_model

L = keras.layers
WORDS = 20
HIDDEN = tf.Variable(np.ones((4, 4), np.float32), name="hidden")


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.table, self.head = L.Embedding(WORDS, 4), L.Dense(1)

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        return self.head(tf.reduce_mean(self.table(ids), axis=1))


class WithoutConfiguration(L.Dense):
    def __init__(self, units: int, scale: float) -> None:
        super().__init__(units)
        self.scale = scale


class ForgetsItsScale(L.Layer):
    def __init__(self, scale: float = 1.0, **options: object) -> None:
        super().__init__(**options)
        self.scale = scale

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return x * self.scale

    def get_config(self) -> dict[str, object]:
        return {"name": self.name}


class Freezes(L.Layer):
    def build(self, shape: tf.TensorShape) -> None:
        self.inner = L.Dense(4)
        self.inner.build(shape)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return self.inner(x)


def activation(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.relu(x)


def penalty(x: tf.Tensor) -> tf.Tensor:
    return 0.1 * tf.reduce_sum(x * x)


class Ones(keras.initializers.Initializer):
    def __call__(self, shape: list[int], dtype: object = None, **options: object) -> tf.Tensor:
        return tf.ones(shape, dtype or tf.float32)


class Cell(L.SimpleRNNCell):
    pass


# Objects of a user's own that Keras writes down by a name alone.
UNREGISTERED: dict[str, Callable[[], Callable]] = {
    "activation": lambda: pooled(L.Dense(4, activation=activation, name="own")),
    "penalty": lambda: pooled(L.Dense(4, kernel_regularizer=penalty, name="own")),
    "penalty of outputs": lambda: pooled(L.Dense(4, activity_regularizer=penalty, name="own")),
    "penalty as a constraint": lambda: pooled(L.Dense(4, kernel_constraint=penalty, name="own")),
    "Ones": lambda: pooled(L.Dense(4, kernel_initializer=Ones(), name="own")),
    "Cell": lambda: L.RNN(Cell(4), name="own"),
    "activation within": lambda: pooled(
        L.TimeDistributed(L.Dense(4, activation=activation), name="own")
    ),
}


@pytest.mark.parametrize("what", sorted(UNREGISTERED))
def test_code_that_keras_does_not_find_by_name_is_told_with_the_mend(what):
    name = what.split()[0]
    with pytest.raises(UserError, match=rf"own \(\w+\) has {name}, which.*register_keras_seri"):
        build_plain(lambda: network(UNREGISTERED[what]()), 1, vocabulary_size=WORDS, classes=2)


def test_a_lambda_is_to_be_a_function_with_a_name():
    layer = L.Dense(4, activation=lambda x: x, name="own")
    with pytest.raises(UserError, match=r"has a lambda, .*; make it a function with a name, and"):
        build_plain(lambda: network(pooled(layer)), 1, vocabulary_size=WORDS, classes=2)


def test_registered_code_is_carried():
    names = {one.__name__: one for one in (activation, penalty, Ones, Cell)}
    with keras.saving.custom_object_scope(names):
        for make in UNREGISTERED.values():
            assert build_plain(lambda made=make: network(made()), 1, vocabulary_size=WORDS)


def ids() -> keras.KerasTensor:
    return keras.Input([None], dtype="int32")


def network(
    middle: Callable[..., object] = lambda x: L.GlobalAveragePooling1D()(x),
    head: Callable[..., object] = lambda x: L.Dense(1)(x),
    text: keras.KerasTensor | None = None,
    words: int = WORDS,
) -> keras.Model:
    text = ids() if text is None else text
    return keras.Model(text, head(middle(L.Embedding(words, 4)(text))))


def pooled(layer: Callable) -> Callable:
    return lambda x: L.GlobalAveragePooling1D()(layer(x))


def frozen_inside() -> keras.Model:
    layer = Freezes()
    made = network(pooled(layer))
    layer.inner.trainable = False
    return made


def two_inputs() -> keras.Model:
    one, other = ids(), ids()
    x = L.Embedding(WORDS, 4)(one) + L.Embedding(WORDS, 4)(other)
    return keras.Model([one, other], L.Dense(1)(L.GlobalAveragePooling1D()(x)))


def nested() -> keras.Model:
    inner = keras.Sequential([keras.Input([4]), L.Dense(4)], name="inside")
    return network(lambda x: inner(L.GlobalAveragePooling1D()(x)))


def with_loss() -> keras.Model:
    made = network()
    made.add_loss(tf.reduce_mean(made.output))
    return made


def frozen_all() -> keras.Model:
    made = network()
    made.trainable = False
    return made


REFUSED = {
    "nothing": (lambda: None, "NoneType"),
    "subclassed": (Subclassed, r"Subclassed is a subclass.*keras.Model\(inputs, outputs\)"),
    "no input": (
        lambda: keras.Sequential([L.GlobalMaxPooling1D(), L.Dense(1)]),
        "sequential has no input",
    ),
    "two inputs": (two_inputs, "2 inputs"),
    "strings": (
        lambda: keras.Model(t := keras.Input([None], dtype="string"), L.Dense(1)(
            L.GlobalMaxPooling1D()(L.Embedding(WORDS, 4)(L.Hashing(WORDS)(t))))),
        "takes string",
    ),
    "fixed length": (lambda: network(text=keras.Input([9], dtype="int32")), r"\[any, 9\]"),
    "two outputs": (lambda: network(head=lambda x: [L.Dense(1)(x), L.Dense(1)(x)]), "2 outputs"),
    "sigmoid": (
        lambda: network(head=L.Dense(1, activation="sigmoid", name="last")),
        r"last \(Dense\) ends in sigmoid.*activation",
    ),
    "sigmoid, hidden": (
        lambda: network(head=lambda x: L.Reshape([1])(L.Dense(1, activation="sigmoid")(x))),
        "gives a probability.*leave the sigmoid",
    ),
    "no units": (lambda: network(head=lambda x: L.Dense(1)(L.Dense(0, name="last")(x))),
        r"last \(Dense\) has a weight of the shape \[4, 0\]"),
    "softmax": (lambda: network(head=lambda x: L.Softmax()(L.Dense(1)(x))), "softmax"),
    "sigmoid as an op": (
        lambda: network(head=lambda x: tf.sigmoid(L.Dense(1)(x))),
        "ends in sigmoid",
    ),
    "number of logits": (lambda: network(head=L.Dense(2, name="last")), "last.*2 numbers for 2 c"),
    "a logit a word": (lambda: network(middle=lambda x: x), "pool over the words"),
    "nested": (nested, "inside is a model within"),
    "its own loss": (with_loss, "add_loss"),
    "lambda with a weight": (
        lambda: network(pooled(L.Lambda(lambda x: x @ HIDDEN, name="sly"))),
        r"sly \(Lambda\) hides weights \(hidden:0\)",
    ),
    "op with a weight": (
        lambda: network(pooled(lambda x: tf.matmul(x, HIDDEN))),
        "matmul.*hides weights",
    ),
    "no configuration": (
        lambda: network(head=WithoutConfiguration(1, 2.0)),
        r"WithoutConfiguration\) cannot be rebuilt.*get_config",
    ),
    "half a configuration": (
        lambda: network(pooled(ForgetsItsScale(3.0, name="scaled"))),
        r"scaled \(ForgetsItsScale\) computes something else",
    ),
    "frozen inside": (frozen_inside, "inner/kernel is frozen within"),
    "arguments that are lost": (
        lambda: network(pooled(lambda x: tf.einsum("bwd,bwd->bwd", x, x))),
        "tf.einsum.*leaves arguments out",
    ),
    "random": (
        lambda: network(pooled(L.Lambda(lambda x: x + tf.random.normal([4])))),
        "another score at each call",
    ),
    "too few rows": (lambda: network(words=5), "fails on a batch"),
    "half precision": (
        lambda: network(head=L.Dense(1, dtype="float64", name="last")),
        "last.*float64; use float32",
    ),
    "nothing to prune": (
        lambda: keras.Model(t := keras.Input([None]), tf.reduce_mean(t, axis=1, keepdims=True)),
        "no weight to prune",
    ),
    "everything frozen": (
        frozen_all,
        "no weight to prune",
    ),
    "one stream for all steps": (
        lambda: network(pooled(L.Dropout(0.5, rng_type="stateless", name="drop"))),
        "drop.*rng_type",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(REFUSED))
def test_what_cannot_be_carried_is_one_line(what):
    make, line = REFUSED[what]
    with pytest.raises(UserError, match=line) as caught:
        build_plain(make, 1, vocabulary_size=WORDS, classes=2)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_probabilities_of_three_classes_are_told_by_their_sum():
    class Normalised(L.Layer):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            return tf.nn.softmax(x)

    with pytest.raises(UserError, match="probabilities"):
        check_plain(network(head=lambda x: Normalised()(L.Dense(3)(x))), classes=3)


def test_a_build_leaves_names_and_streams_as_they_were():
    def draws() -> list[float]:
        return [random.random(), np.random.random(), float(L.Dense(1).units)]

    names = []
    for builds in (False, True):
        keras.utils.set_random_seed(3)
        keras.backend.reset_uids()
        L.Dense(1)
        if builds:
            build_plain(network, 1)
        layer = L.Dense(2)
        layer.build([None, 3])
        names.append((layer.name, layer.kernel.numpy().tolist(), draws()))
    assert names[0] == names[1]
    random.random()
    assert build_plain(network, 1).layers[1].name == "embedding"


def test_a_precision_that_a_function_sets_is_its_own():
    def half() -> keras.Model:
        keras.mixed_precision.set_global_policy("mixed_float16")
        return network()

    with pytest.raises(UserError, match=r"float16; .*keras\.mixed_precision"):
        build_plain(half, 1)
    assert keras.mixed_precision.global_policy().name == "float32"
    assert build_plain(network, 1)


def test_an_input_without_a_type_takes_ids_as_numbers():
    assert build_plain(lambda: network(text=keras.Input([None])), 1, vocabulary_size=WORDS)


def test_the_seed_decides_whatever_a_function_draws():
    def make() -> keras.Model:
        drawn = keras.initializers.Constant(np.random.random() + random.random())
        table = L.Embedding(WORDS, 4, embeddings_initializer=drawn)
        text = ids()
        made = keras.Model(text, L.Dense(1)(L.GlobalMaxPooling1D()(table(text))))
        made.layers[-1].set_weights([tf.random.normal([4, 1]).numpy(), np.ones(1)])
        return made

    one, again, other = (weights.get(build_plain(make, seed)) for seed in (1, 1, 2))
    assert same_arrays(one, again)
    assert not any(np.array_equal(one[n], other[n]) for n in one if not n.endswith("bias"))


def test_a_stream_that_cannot_begin_anew_is_not_passed_over():
    plain = network(pooled(L.Dropout(0.5)))
    with pytest.raises(ValueError, match="dropout"):
        streams.restart(plain, 1)
    masked_model(plain).restart(1)  # a copy has streams that can


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (network, Roles(("embedding/embeddings",), ("dense/kernel",))),
        (lambda: network(words=WORDS + 1), Roles((), ("dense/kernel",))),
        (
            lambda: network(head=lambda x: L.Dropout(0.5)(L.Dense(1)(x) + L.Dense(1)(x))),
            Roles(("embedding/embeddings",), ("dense/kernel", "dense_1/kernel")),
        ),
        (
            lambda: keras.Model(t := ids(), L.GlobalMaxPooling1D()(
                L.Conv1D(1, 2, padding="same", name="last")(L.Embedding(WORDS, 3, name="words")(
                    tf.minimum(t, WORDS - 1))))),
            Roles(("words/embeddings",), ("last/kernel",)),
        ),
    ],
)  # fmt: skip
def test_roles_are_told_by_structure(make, expected):
    assert roles_of(build_plain(make, 1), WORDS) == expected


@pytest.mark.parametrize(
    ("make", "changes"),
    [
        (network, True),
        (
            lambda: keras.Model(t := ids(), L.Dense(1)(L.GlobalAveragePooling1D()(
                L.Embedding(WORDS, 4, mask_zero=True)(t)))),
            False,
        ),
        (
            # The embedding of padding is blanked, but what a bias makes of it is not.
            lambda: keras.Model(t := ids(), L.Dense(1)(L.GlobalMaxPooling1D()(L.Dense(4)(
                L.Embedding(WORDS, 4)(t) * tf.cast(t != 0, tf.float32)[:, :, tf.newaxis])))),
            True,
        ),
        (lambda: keras.Model(t := keras.Input([None]), L.Dense(1)(
            tf.reduce_mean(t, axis=1, keepdims=True))), False),
    ],
)  # fmt: skip
def test_padding_that_changes_a_score_is_found(make, changes):
    model = build_plain(make, 1)
    before = weights.get(model)
    assert (padding_difference(model, WORDS) > 1e-4) is changes
    assert same_arrays(weights.get(model), before)
