"""Masked models: wrapped with TF-MOT's ``prune_low_magnitude``, with masks that we set.

``masks.py`` decides masks; TF-MOT's schedule is ``HoldSparsity``, which never updates them. TF-MOT
itself multiplies a weight by its mask before each use, and between steps the optimizer may move
pruned weights away from zero. Here each wrapped weight has a constraint instead, which multiplies
it by its mask right after each update. So a pruned weight is exactly zero at all times, and it
stays zero when the wrappers are stripped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras as keras

from tflottery.models import weights as named_weights
from tflottery.pruning.masks import Masks, apply
from tflottery.pruning.schedules import HoldSparsity

_CONSTRAINTS = {
    "embeddings": "embeddings_constraint",
    "kernel": "kernel_constraint",
    "recurrent_kernel": "recurrent_constraint",
}


class HoldMask(keras.constraints.Constraint):
    """Multiplies a weight by its mask after each optimizer update."""

    def __init__(self) -> None:
        self.mask: tf.Variable | None = None

    def __call__(self, weight: tf.Tensor) -> tf.Tensor:
        return weight if self.mask is None else weight * self.mask


class MaskedModel:
    """A trainable model with masks.

    Args:
        plain: a functional Keras model; it is copied and stays as it is.
        schedule: TF-MOT's pruning schedule for every wrapped layer; by default ``HoldSparsity``.
        exclude: tensors whose layers the schedule does not prune.

    Attributes:
        model: the wrapped model, uncompiled; its weights are fresh copies of ``plain``'s.
    """

    def __init__(
        self,
        plain: keras.Model,
        schedule: tfmot.sparsity.keras.PruningSchedule | None = None,
        exclude: Iterable[str] = (),
    ) -> None:
        self._schedule = schedule or HoldSparsity()
        self._excluded_layers = {tensor.partition("/")[0] for tensor in exclude}
        self.model = keras.models.clone_model(plain, clone_function=self._clone)
        self._masks: dict[str, tf.Variable] = {}
        for layer in self.model.layers:
            if self._holds(layer):
                # The constraint multiplies by the mask already.
                layer.pruning_obj.weight_mask_op = tf.no_op
            for weight, mask, _ in getattr(layer, "pruning_vars", ()):
                weight.constraint.mask = mask
                self._masks[named_weights.tensor_name(layer.layer, weight)] = mask
        named_weights.put(self.model, named_weights.get(plain))

    def _clone(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        held = [key for key in _CONSTRAINTS.values() if key in config]
        for key in held:
            config[key] = HoldMask()
        copy = type(layer).from_config(config)
        if not held:
            return copy
        schedule = HoldSparsity() if layer.name in self._excluded_layers else self._schedule
        return tfmot.sparsity.keras.prune_low_magnitude(copy, pruning_schedule=schedule)

    @staticmethod
    def _holds(layer: keras.layers.Layer) -> bool:
        return isinstance(getattr(layer, "pruning_schedule", None), HoldSparsity)

    @property
    def prunable(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the tensors that have a mask, by name. Biases have none."""
        return {name: tuple(mask.shape) for name, mask in self._masks.items()}

    def load(self, masks: Masks, weights: Mapping[str, np.ndarray]) -> None:
        """Sets the masks, sets the weights to mask x weights, and the wrappers' step to the start.

        Args:
            masks: bool arrays for every prunable tensor.
            weights: float32 arrays for every trainable tensor.

        Raises:
            ValueError: names or shapes are not the model's.
        """
        if set(masks) != set(self._masks):
            odd = sorted(set(masks) ^ set(self._masks))
            raise ValueError(f"these masks are not those of this model: {', '.join(odd)}")
        for name, variable in self._masks.items():
            variable.assign(masks[name].astype(np.float32))
        named_weights.put(self.model, apply(masks, weights))
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Wrapper):
                layer.pruning_step.assign(-1)

    def masks(self) -> Masks:
        """The masks in the wrappers: bool arrays by tensor."""
        return {name: variable.numpy().astype(bool) for name, variable in self._masks.items()}

    def weights(self) -> dict[str, np.ndarray]:
        """Copies of all trainable tensors: float32 arrays by name."""
        return named_weights.get(self.model)

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """The callbacks that ``fit`` needs, before all others."""
        return [tfmot.sparsity.keras.UpdatePruningStep()]

    def strip(self) -> keras.Model:
        """The plain model with the same variables, without TF-MOT's wrappers. If it is trained, its
        pruned weights stay zero."""
        return tfmot.sparsity.keras.strip_pruning(self.model)
