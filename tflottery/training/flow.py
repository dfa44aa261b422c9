"""Which networks have a flow: those that are linear, or piecewise linear, where weights are
positive."""

from __future__ import annotations

from typing import Any

import tf_keras as keras

from tflottery.models.shipped import convolution, layers

_FLOWS = (
    keras.layers.InputLayer, keras.layers.Embedding, keras.layers.Dense, keras.layers.Conv1D,
    keras.layers.ReLU, keras.layers.Activation, keras.layers.Dropout,
    keras.layers.SpatialDropout1D, keras.layers.GaussianDropout, keras.layers.GaussianNoise,
    keras.layers.MaxPooling1D, keras.layers.AveragePooling1D, keras.layers.GlobalMaxPooling1D,
    keras.layers.GlobalAveragePooling1D, keras.layers.Concatenate, keras.layers.Add,
    keras.layers.Average, keras.layers.Maximum, keras.layers.Flatten, keras.layers.Reshape,
    keras.layers.Permute, convolution.ConvMaxOverTime, layers.WordMask, layers.BlankPadding,
    layers.MaxOverTime, layers.MeanOverTime, layers.ReverseTime, layers.SeededDropout,
)  # fmt: skip
_LINEAR = ("linear", "relu")


def _flows(layer: keras.layers.Layer) -> bool:
    """Whether twice the input gives twice the output, where both are positive and biases are 0."""
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if not isinstance(layer, _FLOWS) or activation not in _LINEAR:
        return False
    if isinstance(layer, keras.layers.ReLU):
        return layer.max_value is None and not layer.threshold
    # What a class of its own computes, nobody knows.
    own: Any = type(layer)
    known = next(one for one in own.__mro__ if one in _FLOWS)
    return bool(own.call is known.call)


def lacking(model: keras.Model) -> str:
    """A line on the first layer through which nothing flows; empty if there is none."""
    for layer in model.layers:
        if not _flows(layer):
            return (
                "Flow goes through embeddings, kernels, ReLU, pooling and dropout, and the "
                f"layer {layer.name} of the network {model.name} is or does something "
                f"else ({type(layer).__name__}); choose another criterion, as snip."
            )
    return ""
