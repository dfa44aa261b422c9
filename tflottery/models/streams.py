"""The random streams of a model's layers, which begin anew with each run.

Keras' dropout and noise keep their random state as long as the process lives. A compiled model that
trains a second run would then draw other numbers than in a fresh process.
"""

from __future__ import annotations

import tensorflow as tf
import tf_keras as keras

from tflottery import seeds
from tflottery.models.parts import layers_of, parts


def restart(model: keras.Model, seed: int) -> None:
    """Begins the random stream of every random layer: Dropout, SpatialDropout1D, GaussianNoise,
    dropout inside recurrent layers and attention, and the package's own.

    Args:
        model: plain or wrapped; both draw the same.
        seed: with the layer's name it decides a stream.

    Raises:
        ValueError: a layer was not built by ``building.isolated``; its stream cannot begin anew.
    """
    for layer in layers_of(model):
        within = [layer, *(part for _, part in parts(layer))]
        if any(_has_no_stream(one) for one in within):
            raise ValueError(f"the random stream of layer {layer.name} cannot begin anew")
        for place, generator in generators(layer).items():
            generator.reset_from_seed(seeds.derive("dropout", seed, place))


def generators(layer: keras.layers.Layer) -> dict[str, tf.random.Generator]:
    """The random generators in a layer, by the place of each: the layer's name, and the path to the
    inner layer that draws."""
    found: dict[str, tf.random.Generator] = {}
    drawing: set[tuple[str, ...]] = {()}
    for path, part in parts(layer):
        if isinstance(part, keras.layers.Layer):
            drawing.add(path)
        elif isinstance(part, tf.random.Generator):
            inner = max((one for one in drawing if path[: len(one)] == one), key=len)
            place = "/".join((layer.name, *inner))
            found["/".join((layer.name, *path)) if place in found else place] = part
    return found


def _has_no_stream(part: object) -> bool:
    draws = getattr(part, "_random_generator", None)
    return (
        isinstance(part, keras.layers.Layer)
        and getattr(draws, "_rng_type", "stateful") != "stateful"
    )
