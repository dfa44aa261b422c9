"""Masked models: what whoever trains one may rely on, whatever holds the masks.

``masks.py`` decides masks; a masked model holds them. A pruned weight is exactly zero at all times:
after every update, restore and strip.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tflottery.pruning.gradual import Gradual
from tflottery.pruning.masks import Masks
from tflottery.pruning.slimming import Scales

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras as keras


class MaskedModel(Protocol):
    """A trainable model with masks."""

    @property
    def model(self) -> keras.Model:
        """What is compiled and fitted; uncompiled at first."""
        ...

    @property
    def prunable(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the tensors that have a mask, by name: trainable kernels and embeddings, and
        biases where these are prunable."""
        ...

    @property
    def held_dense(self) -> tuple[str, ...]:
        """The names of kernels and embeddings that have no mask, as those of frozen layers."""
        ...

    def load(self, masks: Masks, weights: Mapping[str, np.ndarray]) -> None:
        """Sets the masks, and the weights to mask x weights, as at the beginning of a training.

        Args:
            masks: bool arrays for every prunable tensor.
            weights: arrays for every tensor.

        Raises:
            ValueError: names or shapes are not the model's.
        """
        ...

    @property
    def variables(self) -> dict[str, tf.Variable]:
        """The weights that have a mask, by name."""
        ...

    def move(self, masks: Masks) -> None:
        """Changes the masks within a training. Weights that are kept stay as they are; those that
        are pruned, and those that come back, are zero.

        Args:
            masks: bool arrays for every prunable tensor.
        """
        ...

    def restart(self, seed: int) -> None:
        """Begins the random streams of all layers anew."""
        ...

    def masks(self) -> Masks:
        """The masks: bool arrays by tensor."""
        ...

    def weights(self) -> dict[str, np.ndarray]:
        """Copies of all tensors by name, those that no optimizer changes among them."""
        ...

    def scales(self) -> dict[str, np.ndarray]:
        """Where units have scales that are trained along, those: float32 [units] by layer. The
        weights are then those of the network without scales that computes the same."""
        ...

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """The callbacks that ``fit`` needs, before all others."""
        ...

    def strip(self) -> keras.Model:
        """The plain model with the same variables. If it is trained, its pruned weights stay
        zero."""
        ...


def masked_model(
    plain: keras.Model,
    gradual: Gradual | None = None,
    biases: bool = False,
    scales: Scales | None = None,
) -> MaskedModel:
    """A copy of a plain model that holds masks.

    Args:
        plain: a functional model; it stays as it is.
        gradual: how TF-MOT changes masks during a training; without it they stay as they are
            loaded, or moved.
        biases: whether biases have masks too.
        scales: the units that have a scale that is trained along; they go with masks that stay.
    """
    from tflottery.pruning.scaled_model import ScaledModel
    from tflottery.pruning.schedules import polynomial
    from tflottery.pruning.tfmot_model import TfmotModel

    if scales is not None:
        return ScaledModel(plain, scales, biases)
    if gradual is None:
        return TfmotModel(plain, biases=biases)
    return TfmotModel(plain, polynomial(gradual), gradual.exclude, biases)
