"""The tensors of a model by name; a wrapped model has the same names as a plain one.

A name is the layer's, and the attributes that lead to the tensor inside it: ``lstm/kernel``,
``attention/query_dense/kernel``, ``bidirectional/forward_layer/recurrent_kernel``. So it depends on
nothing that was built before in the same process.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
import tf_keras as keras

from tflottery.models.biases import biases_beside
from tflottery.models.parts import layers_of, parts

# A recurrent layer keeps its weights in a cell, which adds nothing to a name.
_CELL = "cell"
# Trainable tensors that shift or scale what a layer gives, and are no connections between units.
_NO_CONNECTIONS = ("bias", "gamma", "beta", "alpha", "scale")


def is_model(value: object) -> bool:
    """Whether a value is a model of Keras 2, which alone has its weights here."""
    return isinstance(value, keras.Model)


def variables(model: keras.Model) -> dict[str, tf.Variable]:
    """All variables that a model's scores depend on, by name, in layer order.

    Those that no optimizer changes are among them: frozen weights, and the moving statistics of
    BatchNormalization.

    Raises:
        ValueError: two weights share a name.
    """
    named: dict[str, tf.Variable] = {}
    seen: set[int] = set()
    for layer in layers_of(model):
        paths = {id(part): path for path, part in parts(layer) if isinstance(part, tf.Variable)}
        for variable in layer.weights:
            if id(variable) in seen:
                continue  # of a layer inside this one that the model has as a layer too
            name = _name(layer, variable, paths.get(id(variable)))
            if name in named:
                raise ValueError(f"model {model.name}: two weights share the name {name}")
            seen.add(id(variable))
            named[name] = variable
    return named


def _name(layer: keras.layers.Layer, variable: tf.Variable, path: tuple[str, ...] | None) -> str:
    if path is None:  # the layer keeps it only where Keras lists its weights
        path = (variable.name.split("/")[-1].removesuffix(":0"),)
    return "/".join((layer.name, *(part for part in path if part != _CELL)))


def in_layer(layer: keras.layers.Layer) -> dict[str, tf.Variable]:
    """The variables of one layer, by the same names."""
    paths = {id(part): path for path, part in parts(layer) if isinstance(part, tf.Variable)}
    return {_name(layer, one, paths.get(id(one))): one for one in layer.weights}


def connections(layer: keras.layers.Layer) -> dict[str, tf.Variable]:
    """The tensors of a layer that connect units with others: kernels and embeddings, by name.

    Biases are not among them, nor what normalisations scale by, whatever their rank is.
    """
    return {
        name: variable
        for name, variable in in_layer(layer).items()
        if len(variable.shape) >= 2
        and variable.dtype.is_floating
        and not name.rpartition("/")[2].endswith(_NO_CONNECTIONS)
    }


def prunable(layer: keras.layers.Layer, biases: bool = False) -> dict[str, tf.Variable]:
    """The connections of a layer that are trained, by name; ``biases``: and what is added beside
    them."""
    trained = {id(variable) for variable in layer.trainable_weights}
    chosen = {name: one for name, one in connections(layer).items() if id(one) in trained}
    if biases:
        everything = in_layer(layer)
        chosen |= {name: everything[name] for name in biases_beside(chosen, everything)}
    return chosen


def get(model: keras.Model) -> dict[str, np.ndarray]:
    """Copies of all tensors: arrays by name, float32 as a rule."""
    return values(variables(model))


def values(named: Mapping[str, tf.Variable]) -> dict[str, np.ndarray]:
    """Copies of the values of variables, by the same names."""
    return {name: variable.numpy().copy() for name, variable in named.items()}


def put(model: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Sets every tensor.

    Args:
        model: plain or wrapped.
        weights: arrays by name, for every tensor.

    Raises:
        ValueError: names or shapes are not the model's.
    """
    assign(variables(model), weights, model.name)


def assign(named: Mapping[str, tf.Variable], weights: Mapping[str, np.ndarray], of: str) -> None:
    """Sets variables by name.

    Raises:
        ValueError: names or shapes are others; the line names the model ``of``.
    """
    if set(named) != set(weights):
        odd = sorted(set(named) ^ set(weights))
        raise ValueError(f"these weights are not those of model {of}: {', '.join(odd)}")
    for name, variable in named.items():
        variable.assign(weights[name])
