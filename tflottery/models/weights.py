"""The trainable tensors of a model by name; a wrapped model has the same names as a plain one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
import tf_keras as keras


def variables(model: keras.Model) -> dict[str, tf.Variable]:
    """Trainable variables by ``layer/tensor`` (``lstm_forward_1/kernel``), in layer order.

    Raises:
        ValueError: two weights share a name.
    """
    named: dict[str, tf.Variable] = {}
    for layer in model.layers:
        inner = layer.layer if isinstance(layer, keras.layers.Wrapper) else layer
        for variable in inner.trainable_weights:
            named[tensor_name(inner, variable)] = variable
    if len(named) != len(model.trainable_weights):
        raise ValueError(f"model {model.name}: two weights share a name")
    return named


def tensor_name(layer: keras.layers.Layer, variable: tf.Variable) -> str:
    """``layer/tensor``, without the scopes that a wrapper or a cell adds between the two."""
    return f"{layer.name}/{variable.name.split('/')[-1].removesuffix(':0')}"


def get(model: keras.Model) -> dict[str, np.ndarray]:
    """Copies of all trainable tensors: float32 arrays by name."""
    return {name: variable.numpy().copy() for name, variable in variables(model).items()}


def put(model: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Sets every trainable tensor.

    Args:
        model: plain or wrapped.
        weights: float32 arrays by name, for every trainable tensor.

    Raises:
        ValueError: names or shapes are not the model's.
    """
    named = variables(model)
    if set(named) != set(weights):
        odd = sorted(set(named) ^ set(weights))
        raise ValueError(f"these weights are not those of model {model.name}: {', '.join(odd)}")
    for name, variable in named.items():
        variable.assign(weights[name])
