"""The checks of a network that a user brings: can it be trained under masks, and built anew?"""

from __future__ import annotations

import json
import types
import warnings
from collections.abc import Iterable, Iterator

import tensorflow as tf
import tf_keras as keras

from tflottery.models import weights as named_weights
from tflottery.models.brought.canonical import is_foreign
from tflottery.models.brought.rebuilding import (
    called,
    check_scores,
    hidden_weights,
    leaves_out,
    unfit,
    with_whole_configuration,
)
from tflottery.models.parts import parts

_PROBABILITIES = ("softmax", "sigmoid")
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
    functional = as_functional(model)
    for layer in functional.layers:
        _check_layer(layer)
    functional = with_whole_configuration(functional)
    _check_input(functional, vocabulary_size)
    _check_output(functional, classes)
    try:
        named_weights.variables(functional)
    except ValueError as error:
        raise unfit(f"{error}; give its layers different names") from None
    if not any(named_weights.prunable(layer) for layer in functional.layers):
        raise unfit("it has no weight to prune; add a trainable layer such as Dense or Embedding")
    known = (_configuration(functional), vocabulary_size, classes)
    if known not in _checked:
        check_scores(functional, vocabulary_size)
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
            raise unfit(
                "it is a model of Keras 3; build it with tf_keras (import tf_keras as keras)"
            )
        raise unfit(
            f"its function returns {kind.__name__}; let it return a keras.Model of tf_keras"
        )
    functional = type(keras.Model(*[keras.Input([1])] * 2))
    if type(model) is keras.Sequential:
        if not model._is_graph_network:
            raise unfit(
                f"the Sequential {model.name} has no input; let it begin with "
                'keras.Input([None], dtype="int32")'
            )
        return keras.Model(model.inputs, model.outputs, name=model.name)
    if type(model) is not functional:
        raise unfit(
            f"{type(model).__name__} is a subclass of keras.Model, which hides its layers; "
            "return keras.Model(inputs, outputs)"
        )
    return model


def _check_layer(layer: keras.layers.Layer) -> None:
    """What the layer alone, and how it is called, tell."""
    within = [layer, *(part for _, part in parts(layer))]
    if nested := [one for one in within if isinstance(one, keras.Model)]:
        raise unfit(
            f"{nested[0].name} is a model within the model; call its layers on the tensors instead"
        )
    if type(layer).__name__ in ("AddLoss", "AddMetric"):
        raise unfit("it has a loss or a metric of its own; leave model.add_loss and add_metric out")
    for node in layer._inbound_nodes:
        if leaves_out(node):
            raise unfit(
                f"the configuration of {called(layer)} leaves arguments out; call it in a "
                "keras.layers.Layer of your own"
            )
        given = tf.nest.flatten((node.call_args, node.call_kwargs))
        if hidden := [one for one in given if isinstance(one, tf.Variable)]:
            raise hidden_weights(layer, hidden)
    for variable in layer.weights:
        if 0 in variable.shape:
            raise unfit(
                f"{called(layer)} has a weight of the shape {list(variable.shape)}; give it one "
                "unit or more"
            )
        if variable.dtype.is_floating and variable.dtype != tf.float32:
            raise unfit(f"{called(layer)} keeps its weights in {variable.dtype.name}; use float32")
    if layer.weights and layer.compute_dtype not in ("float32", None):
        raise unfit(
            f"{called(layer)} computes in {layer.compute_dtype}; leave its dtype out, and "
            "keras.mixed_precision"
        )
    for one in within:
        if getattr(getattr(one, "_random_generator", None), "_rng_type", None) == "stateless":
            raise unfit(f"{called(layer)} drops the same units at each step; leave rng_type out")
    _check_rebuilt(layer)


def _check_rebuilt(layer: keras.layers.Layer) -> None:
    try:
        with warnings.catch_warnings():
            # Keras warns of what is said here, with another mend.
            warnings.simplefilter("ignore", UserWarning)
            rebuilt = type(layer).from_config(layer.get_config())
    except Exception as error:
        _require_registered(layer, _own_code(layer))
        why = " ".join(str(error).split())[:160]
        raise unfit(
            f"{called(layer)} cannot be rebuilt from its configuration ({why}); give it "
            "get_config with every argument of its constructor"
        ) from None
    # Keras gives the name of a regularizer, constraint or initializer that it does not find, and
    # its own where it has one of that name.
    _require_registered(
        layer,
        (
            value
            for name, value in vars(layer).items()
            if callable(value) and type(getattr(rebuilt, name, None)) is not type(value)
        ),
    )


def _own_code(layer: keras.layers.Layer) -> Iterator[object]:
    """The functions, and the objects of classes, that a layer and those within it have."""
    within = [part for _, part in parts(layer) if isinstance(part, keras.layers.Layer)]
    for one in (layer, *within):
        yield from vars(one).values()
    yield from within


def _require_registered(layer: keras.layers.Layer, values: Iterable[object]) -> None:
    """Makes sure that Keras finds by name what is of a user's own among the values."""
    for value in values:
        kind = value if isinstance(value, types.FunctionType) else type(value)
        name = keras.saving.get_registered_name(kind)
        if is_foreign(kind) and keras.saving.get_registered_object(name) is not kind:
            is_lambda = kind.__name__ == "<lambda>"
            what = "a lambda" if is_lambda else kind.__name__
            mend = "make it a function with a name, and " if is_lambda else ""
            raise unfit(
                f"{called(layer)} has {what}, which Keras does not find by its name; {mend}"
                "write @keras.saving.register_keras_serializable() above it"
            )


def _check_input(model: keras.Model, vocabulary_size: int | None) -> None:
    if len(model.inputs) != 1:
        raise unfit(f"it has {len(model.inputs)} inputs; one takes the ids of the words")
    tensor = model.inputs[0]
    mend = 'let it begin with keras.Input([None], dtype="int32")'
    if not (tensor.dtype.is_integer or tensor.dtype.is_floating):
        raise unfit(f"its input takes {tensor.dtype.name}, neither ids nor numbers; {mend}")
    shape = list(tensor.shape)
    if shape[0] is not None:
        raise unfit(f"its input takes batches of {shape[0]}; leave batch_size out")
    if vocabulary_size is not None and shape != [None, None]:
        shown = ", ".join("any" if one is None else str(one) for one in shape)
        raise unfit(f"its input has the shape [{shown}], but texts have any length; {mend}")


def _check_output(model: keras.Model, classes: int | None) -> None:
    if len(model.outputs) != 1:
        raise unfit(f"it has {len(model.outputs)} outputs; return the logits alone")
    tensor = model.outputs[0]
    layer = tensor._keras_history.layer
    function = getattr(layer, "activation", None)
    ends = getattr(function, "__name__", "")
    symbol = str(getattr(layer, "symbol", "")).rpartition(".")[2]
    if found := [
        one for one in _PROBABILITIES if one in (ends, symbol, type(layer).__name__.lower())
    ]:
        raise unfit(
            f"{called(layer)} ends in {found[0]}, so it gives no logits; leave the activation out"
        )
    if not tensor.dtype.is_floating:
        raise unfit(f"{called(layer)} gives {tensor.dtype.name}, no logits; end with Dense")
    shape = list(tensor.shape)
    if len(shape) != 2 or shape[1] is None:
        raise unfit(
            f"{called(layer)} gives the shape {shape}, but logits are [texts, classes]; pool over "
            "the words before the last layer"
        )
    wanted = None if classes is None else 1 if classes == 2 else classes
    if wanted is not None and shape[1] != wanted:
        raise unfit(
            f"{called(layer)} gives {shape[1]} numbers for {classes} classes; it must give "
            f"{wanted} ({'one logit for two classes' if wanted == 1 else 'one logit a class'})"
        )


def _configuration(model: keras.Model) -> str:
    return json.dumps(model.get_config(), default=repr, sort_keys=True)
