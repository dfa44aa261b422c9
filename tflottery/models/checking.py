"""The checks of a network that a user brings: can it be trained under masks, and built anew?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf
import tf_keras as keras

from tflottery.errors import UserError
from tflottery.models import weights as named_weights
from tflottery.models.parts import parts

_PROBABILITIES = ("softmax", "sigmoid")
_TOLERANCE = 1e-5
_WORDS = 7
# The configurations that were found to be in order; checks take longer than a build.
_checked: set[tuple[str, int | None, int | None]] = set()


def check_plain(
    model: object, *, vocabulary_size: int | None = None, classes: int | None = None
) -> keras.Model:
    """Makes sure that a model can be trained under masks, and built anew from its configuration.

    Args:
        model: what a user's function gave.
        vocabulary_size: how many ids the data have; None leaves ids out of the check.
        classes: how many classes the data have; None leaves the number of logits out of the check.

    Returns:
        The model; a Sequential one as a functional model of the same layers.

    Raises:
        UserError: it cannot; one line names the layer and the mend.
    """
    functional = _with_whole_configuration(as_functional(model))
    for layer in functional.layers:
        _check_layer(layer)
    _check_input(functional, vocabulary_size)
    _check_output(functional, classes)
    try:
        named_weights.variables(functional)
    except ValueError as error:
        raise _unfit(f"{error}; give its layers different names") from None
    if not any(named_weights.prunable(layer) for layer in functional.layers):
        raise _unfit("it has no weight to prune; add a trainable layer such as Dense or Embedding")
    known = (_configuration(functional), vocabulary_size, classes)
    if known not in _checked:
        _check_scores(functional, vocabulary_size)
        _checked.add(known)
    return functional


def as_functional(model: object) -> keras.Model:
    """A functional or Sequential model as a functional one, with the same layers.

    Raises:
        UserError: it is neither.
    """
    if not isinstance(model, keras.Model):
        kind = type(model)
        if kind.__module__.partition(".")[0] == "keras":
            raise _unfit(
                "it is a model of Keras 3; build it with tf_keras (import tf_keras as keras)"
            )
        raise _unfit(
            f"its function returns {kind.__name__}; let it return a keras.Model of tf_keras"
        )
    functional = type(keras.Model(*[keras.Input([1])] * 2))
    if type(model) is keras.Sequential:
        if not model._is_graph_network:
            raise _unfit(
                f"the Sequential {model.name} has no input; let it begin with "
                'keras.Input([None], dtype="int32")'
            )
        return keras.Model(model.inputs, model.outputs, name=model.name)
    if type(model) is not functional:
        raise _unfit(
            f"{type(model).__name__} is a subclass of keras.Model, which hides its layers; "
            "return keras.Model(inputs, outputs)"
        )
    return model


# Operators that Keras writes into a configuration without what they compare with, and ops that do
# the same.
_LOSSY = {"__operators__.ne": tf.not_equal, "__operators__.eq": tf.equal}


def _with_whole_configuration(model: keras.Model) -> keras.Model:
    """The same model where its configuration says all; else one with ops in place of operators."""
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


def _unfit(why: str) -> UserError:
    return UserError(f"This network cannot be trained under masks: {why}.")


def _called(layer: keras.layers.Layer) -> str:
    return f"the layer {layer.name} ({type(layer).__name__})"


def _check_layer(layer: keras.layers.Layer) -> None:
    """What the layer alone, and how it is called, tell."""
    within = [layer, *(part for _, part in parts(layer))]
    if nested := [one for one in within if isinstance(one, keras.Model)]:
        raise _unfit(
            f"{nested[0].name} is a model within the model; call its layers on the tensors instead"
        )
    if type(layer).__name__ in ("AddLoss", "AddMetric"):
        raise _unfit(
            "it has a loss or a metric of its own; leave model.add_loss and add_metric out"
        )
    for node in layer._inbound_nodes:
        if len(node.call_args) > max(1, len(layer._call_spec.arg_names)):
            raise _unfit(
                f"the configuration of {_called(layer)} leaves arguments out; call it in a "
                "keras.layers.Layer of your own"
            )
        given = tf.nest.flatten((node.call_args, node.call_kwargs))
        if hidden := [one for one in given if isinstance(one, tf.Variable)]:
            raise _hidden(layer, hidden)
    for variable in layer.weights:
        if variable.dtype.is_floating and variable.dtype != tf.float32:
            raise _unfit(
                f"{_called(layer)} keeps its weights in {variable.dtype.name}; use float32"
            )
    if layer.weights and layer.compute_dtype not in ("float32", None):
        raise _unfit(f"{_called(layer)} computes in {layer.compute_dtype}; leave its dtype out")
    for one in within:
        if getattr(getattr(one, "_random_generator", None), "_rng_type", None) == "stateless":
            raise _unfit(f"{_called(layer)} drops the same units at each step; leave rng_type out")
    _check_rebuilt(layer)


def _hidden(layer: keras.layers.Layer, variables: Iterable[tf.Variable]) -> UserError:
    names = ", ".join(sorted({one.name for one in variables}))
    return _unfit(
        f"{_called(layer)} hides weights ({names}); make them weights of a layer, as in "
        "keras.layers.Dense, or of a Layer of your own"
    )


def _check_rebuilt(layer: keras.layers.Layer) -> None:
    try:
        config = layer.get_config()
        type(layer).from_config(config)
    except Exception as error:
        why = " ".join(str(error).split())[:160]
        raise _unfit(
            f"{_called(layer)} cannot be rebuilt from its configuration ({why}); give it "
            "get_config with every argument of its constructor"
        ) from None


def _check_input(model: keras.Model, vocabulary_size: int | None) -> None:
    if len(model.inputs) != 1:
        raise _unfit(f"it has {len(model.inputs)} inputs; one takes the ids of the words")
    tensor = model.inputs[0]
    mend = 'let it begin with keras.Input([None], dtype="int32")'
    if not (tensor.dtype.is_integer or tensor.dtype.is_floating):
        raise _unfit(f"its input takes {tensor.dtype.name}, neither ids nor numbers; {mend}")
    shape = list(tensor.shape)
    if shape[0] is not None:
        raise _unfit(f"its input takes batches of {shape[0]}; leave batch_size out")
    if vocabulary_size is not None and shape != [None, None]:
        shown = ", ".join("any" if one is None else str(one) for one in shape)
        raise _unfit(f"its input has the shape [{shown}], but texts have any length; {mend}")


def _check_output(model: keras.Model, classes: int | None) -> None:
    if len(model.outputs) != 1:
        raise _unfit(f"it has {len(model.outputs)} outputs; return the logits alone")
    tensor = model.outputs[0]
    layer = tensor._keras_history.layer
    function = getattr(layer, "activation", None)
    ends = getattr(function, "__name__", "")
    symbol = str(getattr(layer, "symbol", "")).rpartition(".")[2]
    if found := [
        one for one in _PROBABILITIES if one in (ends, symbol, type(layer).__name__.lower())
    ]:
        raise _unfit(
            f"{_called(layer)} ends in {found[0]}, so it gives no logits; leave the activation out"
        )
    if not tensor.dtype.is_floating:
        raise _unfit(f"{_called(layer)} gives {tensor.dtype.name}, no logits; end with Dense")
    shape = list(tensor.shape)
    if len(shape) != 2 or shape[1] is None:
        raise _unfit(
            f"{_called(layer)} gives the shape {shape}, but logits are [texts, classes]; pool over "
            "the words before the last layer"
        )
    wanted = None if classes is None else 1 if classes == 2 else classes
    if wanted is not None and shape[1] != wanted:
        raise _unfit(
            f"{_called(layer)} gives {shape[1]} numbers for {classes} classes; it must give "
            f"{wanted} ({'one logit for two classes' if wanted == 1 else 'one logit a class'})"
        )


def _configuration(model: keras.Model) -> str:
    return json.dumps(model.get_config(), default=repr, sort_keys=True)


def sample(model: keras.Model, vocabulary_size: int | None, texts: int = 3) -> tf.Tensor:
    """An input that a model takes: ids of texts without padding, or random numbers."""
    tensor = model.inputs[0]
    shape = [texts, *(_WORDS if size is None else size for size in tensor.shape[1:])]
    random = np.random.default_rng(0)
    if tensor.dtype.is_integer:
        most = vocabulary_size or _smallest_table(model)
        drawn = random.integers(min(1, most - 1), most, shape)
        drawn.flat[-1] = most - 1
        return tf.constant(drawn, tensor.dtype)
    return tf.constant(random.normal(size=shape), tensor.dtype)


def _smallest_table(model: keras.Model) -> int:
    tables = [
        part.input_dim
        for layer in model.layers
        for part in (layer, *(inner for _, inner in parts(layer)))
        if isinstance(part, keras.layers.Embedding)
    ]
    return min(tables, default=2)


def _check_scores(model: keras.Model, vocabulary_size: int | None) -> None:
    """That every weight is a layer's, and that the model computes the same once rebuilt."""
    x = sample(model, vocabulary_size)
    scores, touched = _run(model, x)
    own = {id(variable) for variable in model.variables}
    if any(id(variable) not in own for variable in touched):
        _name_hidden(model, x, own)
    if not np.array_equal(scores, _run(model, x)[0], equal_nan=True):
        raise _unfit("the same text gets another score at each call; draw nothing at random in it")
    if classes_sum(scores):
        raise _unfit("it gives probabilities, no logits; leave the softmax at its end out")
    try:
        rebuilt = keras.models.clone_model(model)
        named_weights.put(rebuilt, named_weights.get(model))
        same = set(_trained(rebuilt)) == set(_trained(model))
        again = _run(rebuilt, x)[0]
    except UserError:
        raise
    except Exception as error:
        raise _unfit(
            f"it cannot be rebuilt from its configuration ({' '.join(str(error).split())[:200]})"
        ) from None
    if not same:
        odd = sorted(set(_trained(rebuilt)) ^ set(_trained(model)))
        raise _unfit(
            f"{odd[0]} is frozen within its layer; freeze the whole layer (trainable=False)"
        )
    if not np.allclose(scores, again, atol=_TOLERANCE, equal_nan=True):
        raise _differs(model, rebuilt, x)


def classes_sum(scores: np.ndarray) -> bool:
    """Whether the scores of three classes or more are probabilities."""
    return (
        scores.shape[1] > 2
        and bool((scores >= 0).all())
        and np.allclose(scores.sum(axis=1), 1, atol=1e-4)
    )


def _trained(model: keras.Model) -> list[str]:
    return [name for layer in model.layers for name in named_weights.prunable(layer)]


def _run(model: keras.Model, x: tf.Tensor) -> tuple[np.ndarray, tuple[tf.Variable, ...]]:
    try:
        with tf.GradientTape() as tape:
            scores = model(x, training=False)
    except Exception as error:
        why = " ".join(str(error).split())[:200]
        raise _unfit(f"it fails on a batch of shape {list(x.shape)} ({why})") from None
    return scores.numpy(), tape.watched_variables()


def _name_hidden(model: keras.Model, x: tf.Tensor, own: set[int]) -> None:
    for layer, outputs in _calls(model):
        with tf.GradientTape() as tape:
            keras.Model(model.inputs, outputs)(x, training=False)
        hidden = [one for one in tape.watched_variables() if id(one) not in own]
        if hidden:
            raise _hidden(layer, hidden)


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
                return _unfit(
                    f"{_called(layer)} computes something else once it is rebuilt from its "
                    "configuration; give it get_config with every argument of its constructor"
                )
    return _unfit("it computes something else once it is rebuilt from its configuration")
