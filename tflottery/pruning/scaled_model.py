"""Masked models with a scale for each unit, which is trained along (see ``slimming``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from tflottery.files import Arrays
from tflottery.models import weights as named_weights
from tflottery.models.brought.building import as_functional, isolated
from tflottery.pruning.masks import Masks
from tflottery.pruning.slimming import Scales
from tflottery.pruning.tfmot_model import TfmotModel

# Keras' word for the scale of a norm, which weight decay leaves out, and which is no connection.
_SCALE = "gamma"


@keras.saving.register_keras_serializable(package="tflottery")
class UnitScale(keras.layers.Layer):
    """float [..., numbers] → the same, each unit's numbers times its scale.

    Args:
        width: how many numbers a unit gives, side by side.
        strength: what is added to the gradient by each scale: that of the penalty ``strength`` ·
            |scale|, which no loss that is reported holds.
    """

    def __init__(self, width: int, strength: float, **options: object) -> None:
        super().__init__(**options)
        self.width = width
        self.strength = strength
        self.supports_masking = True

    def build(self, shape: tf.TensorShape) -> None:
        self.gamma = self.add_weight(
            name=_SCALE,
            shape=[int(shape[-1]) // self.width],
            initializer="ones",
            constraint=keras.constraints.NonNeg(),
        )

    def call(self, x: tf.Tensor) -> tf.Tensor:
        scale = _pulled(tf.convert_to_tensor(self.gamma), self.strength)
        return x * tf.repeat(scale, self.width)

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "width": self.width, "strength": self.strength}


def _pulled(scale: tf.Tensor, strength: float) -> tf.Tensor:
    """A scale as it is, whose gradient has that of its penalty added."""

    @tf.custom_gradient
    def identity(x: tf.Tensor) -> Any:
        return tf.identity(x), lambda upstream: upstream + strength

    return identity(scale)


class ScaledModel(TfmotModel):
    """A ``MaskedModel`` whose units have scales while it is trained; whoever reads its weights gets
    those of the network without scales that computes the same.

    Args:
        plain: a functional Keras model; it is copied and stays as it is.
        scales: of which units.
        biases: whether biases have masks too.
    """

    def __init__(self, plain: keras.Model, scales: Scales, biases: bool = False) -> None:
        super().__init__(with_scales(plain, scales), biases=biases)
        self._scales = scales
        self._gammas = {units.layer: f"{_name(units.layer)}/{_SCALE}" for units in scales.layers}

    def load(self, masks: Masks, weights: Mapping[str, np.ndarray]) -> None:
        """As that of ``TfmotModel``; scales begin at 1."""
        ones = {
            self._gammas[units.layer]: np.ones(units.count, np.float32)
            for units in self._scales.layers
        }
        super().load(masks, {**weights, **ones})

    def weights(self) -> Arrays:
        """Copies of all tensors but the scales, which those that read units are multiplied by."""
        plain = super().weights()
        scales = {layer: plain.pop(name) for layer, name in self._gammas.items()}
        return self._scales.folded(plain, scales)

    def scales(self) -> Arrays:
        """float32 [units] by layer, 0 or above."""
        everything = super().weights()
        return {layer: everything[name] for layer, name in self._gammas.items()}


def with_scales(plain: keras.Model, scales: Scales) -> keras.Model:
    """A copy of a functional model with a ``UnitScale`` between each of the layers and all that
    read it, and the same weights otherwise; scales are 1."""
    config = as_functional(plain).get_config()
    widths = {units.layer: units.width for units in scales.layers}
    added = [
        {
            "class_name": keras.saving.get_registered_name(UnitScale),
            "name": _name(layer),
            "config": UnitScale(width, scales.strength, name=_name(layer)).get_config(),
            "inbound_nodes": [[[layer, 0, 0, {}]]],
        }
        for layer, width in widths.items()
    ]
    layers = [
        {**layer, "inbound_nodes": _after(layer["inbound_nodes"], widths)}
        for layer in config["layers"]
    ]
    outputs = _after(config["output_layers"], widths)
    with isolated(0):
        model = keras.Model.from_config(
            {**config, "layers": [*layers, *added], "output_layers": outputs}
        )
    named_weights.put(model, {**named_weights.get(model), **named_weights.get(plain)})
    return model


def _name(layer: str) -> str:
    return f"{layer}_scale"


def _after(nodes: Any, layers: Mapping[str, int]) -> Any:
    """What a configuration says of inputs, with the scale of a layer in that layer's place."""
    if isinstance(nodes, dict):
        return {key: _after(value, layers) for key, value in nodes.items()}
    if not isinstance(nodes, list | tuple):
        return nodes
    if len(nodes) >= 3 and isinstance(nodes[0], str) and nodes[0] in layers:
        nodes = [_name(nodes[0]), *nodes[1:]]
    return [_after(one, layers) for one in nodes]
