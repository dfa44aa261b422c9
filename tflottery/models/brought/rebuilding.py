"""Whether a network is the same once it is built anew from its configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from tflottery.errors import UserError
from tflottery.models import weights as named_weights
from tflottery.models.parts import parts

_TOLERANCE = 1e-5
_WORDS = 7
# By which weights are multiplied to see whether scores are bounded.
_TIMES = (1.0, 30.0, -30.0)


def unfit(why: str) -> UserError:
    """The error for a network that cannot be carried."""
    return UserError(f"This network cannot be used: {why}.")


def called(layer: keras.layers.Layer) -> str:
    """How errors name a layer."""
    return f"the layer {layer.name} ({type(layer).__name__})"


def hidden_weights(layer: keras.layers.Layer, variables: Iterable[tf.Variable]) -> UserError:
    """The error for variables that a layer uses and does not own."""
    names = ", ".join(sorted({one.name for one in variables}))
    return unfit(
        f"{called(layer)} hides weights ({names}); make them weights of a layer, as in "
        "keras.layers.Dense, or of a Layer of your own"
    )


# Operators that Keras writes into a configuration without what they compare with, and ops that do
# the same.
_LOSSY = {"__operators__.ne": tf.not_equal, "__operators__.eq": tf.equal}


def leaves_out(node: Any) -> bool:
    """Whether a call of a layer has arguments that Keras leaves out of the configuration; it keeps
    those that have a name. Those of ``_LOSSY`` are mended."""
    given, named = len(node.call_args), len(node.layer._call_spec.arg_names)
    return given > max(1, named) and getattr(node.layer, "symbol", "") not in _LOSSY


def with_whole_configuration(model: keras.Model) -> keras.Model:
    """The same model where its configuration says all; else a copy with ops in place of
    operators, and the same weights."""
    lossy = {layer: _LOSSY.get(getattr(layer, "symbol", "")) for layer in model.layers}
    if not any(lossy.values()):
        return model
    tensors = {id(tensor): tensor for tensor in model.inputs}

    def now(tensor: object) -> object:
        return tensors.get(id(tensor), tensor)

    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if not node.is_input:
                args, options = tf.nest.map_structure(now, (node.call_args, node.call_kwargs))
                outputs = (lossy[node.layer] or node.layer)(*args, **options)
                for old, new in zip(
                    tf.nest.flatten(node.outputs), tf.nest.flatten(outputs), strict=True
                ):
                    tensors[id(old)] = new
    replaced = keras.Model(model.inputs, [now(one) for one in model.outputs], name=model.name)
    # Its layers know of both models; those of a copy know of theirs alone.
    copy = keras.models.clone_model(replaced)
    named_weights.put(copy, named_weights.get(replaced))
    return copy


def sample(model: keras.Model, vocabulary_size: int | None, texts: int = 3) -> tf.Tensor:
    """An input that a model takes: ids of texts without padding, also as floating-point numbers;
    or random numbers where nothing tells how many ids there are."""
    tensor = model.inputs[0]
    shape = [texts, *(_WORDS if size is None else size for size in tensor.shape[1:])]
    random = np.random.default_rng(0)
    most = vocabulary_size or _smallest_table(model) or (2 if tensor.dtype.is_integer else None)
    if most is None:
        return tf.constant(random.normal(size=shape), tensor.dtype)
    drawn = random.integers(min(1, most - 1), most, shape)
    drawn.flat[-1] = most - 1
    return tf.constant(drawn, tensor.dtype)


def _smallest_table(model: keras.Model) -> int | None:
    tables = [
        part.input_dim
        for layer in model.layers
        for part in (layer, *(inner for _, inner in parts(layer)))
        if isinstance(part, keras.layers.Embedding)
    ]
    return min(tables, default=None)


def check_scores(model: keras.Model, vocabulary_size: int | None) -> None:
    """That every weight is a layer's, and that the model computes the same once rebuilt."""
    x = sample(model, vocabulary_size)
    scores, touched = _run(model, x)
    own = {id(variable) for variable in model.variables}
    if any(id(variable) not in own for variable in touched):
        _name_hidden(model, x, own)
    if not np.array_equal(scores, _run(model, x)[0], equal_nan=True):
        raise unfit("the same text gets another score at each call; draw nothing at random in it")
    if _sum_to_one(scores):
        raise unfit("it gives probabilities, no logits; leave the softmax at its end out")
    if _stays_between_0_and_1(model, x):
        raise unfit("it gives a probability, no logit; leave the sigmoid at its end out")
    try:
        rebuilt = keras.models.clone_model(model)
        named_weights.put(rebuilt, named_weights.get(model))
        same = set(_trained(rebuilt)) == set(_trained(model))
        again = _run(rebuilt, x)[0]
        _ = rebuilt.losses  # of regularizers
    except UserError:
        raise
    except Exception as error:
        raise unfit(
            f"it cannot be rebuilt from its configuration ({' '.join(str(error).split())[:200]})"
        ) from None
    if not same:
        odd = sorted(set(_trained(rebuilt)) ^ set(_trained(model)))
        raise unfit(
            f"{odd[0]} is frozen within its layer; freeze the whole layer (trainable=False)"
        )
    if not np.allclose(scores, again, atol=_TOLERANCE, equal_nan=True):
        raise _differs(model, rebuilt, x)


def _sum_to_one(scores: np.ndarray) -> bool:
    """Whether the scores of three classes or more are probabilities."""
    return (
        scores.shape[1] > 2
        and bool((scores >= 0).all())
        and np.allclose(scores.sum(axis=1), 1, atol=1e-4)
    )


def _stays_between_0_and_1(model: keras.Model, x: tf.Tensor) -> bool:
    """Whether all scores do, however large the weights are, as those of a sigmoid. The model's
    weights are set back."""
    before = named_weights.get(model)
    try:
        for times in _TIMES:
            named_weights.put(model, {name: times * value for name, value in before.items()})
            scores = _run(model, x)[0]
            if not ((scores >= 0) & (scores <= 1)).all():
                return False
    finally:
        named_weights.put(model, before)
    return bool(np.ptp(scores))


def _trained(model: keras.Model) -> list[str]:
    return [name for layer in model.layers for name in named_weights.prunable(layer)]


def _run(model: keras.Model, x: tf.Tensor) -> tuple[np.ndarray, tuple[tf.Variable, ...]]:
    try:
        with tf.GradientTape() as tape:
            scores = model(x, training=False)
    except Exception as error:
        why = " ".join(str(error).split())[:200]
        raise unfit(f"it fails on a batch of shape {list(x.shape)} ({why})") from None
    return scores.numpy(), tape.watched_variables()


def _name_hidden(model: keras.Model, x: tf.Tensor, own: set[int]) -> None:
    for layer, outputs in _calls(model):
        with tf.GradientTape() as tape:
            keras.Model(model.inputs, outputs)(x, training=False)
        hidden = [one for one in tape.watched_variables() if id(one) not in own]
        if hidden:
            raise hidden_weights(layer, hidden)


def _calls(model: keras.Model) -> Iterator[tuple[keras.layers.Layer, object]]:
    """Each call of a layer in a model, from the input on: the layer and what it gives."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if not node.is_input:
                yield node.layer, node.outputs


def _differs(model: keras.Model, rebuilt: keras.Model, x: tf.Tensor) -> UserError:
    """Names the first layer that gives something else once it is rebuilt."""
    for (layer, ours), (_, theirs) in zip(_calls(model), _calls(rebuilt), strict=True):
        one = keras.Model(model.inputs, ours)(x, training=False)
        other = keras.Model(rebuilt.inputs, theirs)(x, training=False)
        for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True):
            if not np.allclose(a.numpy(), b.numpy(), atol=_TOLERANCE, equal_nan=True):
                return unfit(
                    f"{called(layer)} computes something else once it is rebuilt from its "
                    "configuration; give it get_config with every argument of its constructor"
                )
    return unfit("it computes something else once it is rebuilt from its configuration")
