"""TF-MOT carries the mask: a model wrapped with ``prune_low_magnitude``, whose masks we set.

Masks are decided in ``masks.py``; TF-MOT's schedule is ``HoldSparsity``, which never fires. TF-MOT
multiplies weights by their mask before each use and lets the optimizer move pruned ones between
steps. Here every wrapped weight has a constraint instead, which multiplies it right after each
update: a pruned weight is exactly zero at all times, and stays so after stripping.
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
    """Keeps a weight at mask x weight after each optimizer update."""

    def __init__(self) -> None:
        self.mask: tf.Variable | None = None

    def __call__(self, weight: tf.Tensor) -> tf.Tensor:
        return weight if self.mask is None else weight * self.mask


class MaskedModel:
    """A trainable model with masks.

    Args:
        plain: a functional Keras model; it is the pattern and stays as it is.
        schedule: TF-MOT's pruning schedule for every wrapped layer.
        exclude: tensors whose layers are held dense instead.

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
                # It would multiply once more what the constraint holds already.
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
        """Sets masks and mask x weights, bit for bit, and the wrapper's step to the beginning."""
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
        """bool arrays by name, as the wrappers hold them."""
        return {name: variable.numpy().astype(bool) for name, variable in self._masks.items()}

    def weights(self) -> dict[str, np.ndarray]:
        """Copies of all trainable tensors, by name."""
        return named_weights.get(self.model)

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """What ``fit`` needs first in its callbacks."""
        return [tfmot.sparsity.keras.UpdatePruningStep()]

    def strip(self) -> keras.Model:
        """The plain model on the same variables: TF-MOT's wrappers gone, zeros still held."""
        return tfmot.sparsity.keras.strip_pruning(self.model)
