"""Masked models whose masks TF-MOT's ``prune_low_magnitude`` carries.

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
import tf_keras as keras

from tflottery.models import streams
from tflottery.models import weights as named_weights
from tflottery.models.brought.building import as_functional, isolated
from tflottery.models.parts import layers_of
from tflottery.pruning.held import HeldModel, HoldMask, held
from tflottery.pruning.masks import Masks, apply
from tflottery.pruning.schedules import HoldSparsity
from tflottery.pruning.tfmot import PruningSchedule, UpdatePruningStep, strip_pruning
from tflottery.pruning.wrapping import wrap


class TfmotModel:
    """A ``MaskedModel`` of wrapped layers.

    Args:
        plain: a functional Keras model; it is copied and stays as it is.
        schedule: TF-MOT's pruning schedule for every wrapped layer; by default ``HoldSparsity``.
        exclude: tensors whose layers the schedule does not prune.
        biases: whether biases have masks too.

    Attributes:
        model: the wrapped model, uncompiled; its weights are fresh copies of ``plain``'s.
    """

    def __init__(
        self,
        plain: keras.Model,
        schedule: PruningSchedule | None = None,
        exclude: Iterable[str] = (),
        biases: bool = False,
    ) -> None:
        self._biases = biases
        self._schedule = schedule or HoldSparsity()
        self._excluded = frozenset(exclude)
        plain = as_functional(plain)
        with isolated(0):
            # A layer is wrapped once it is built, since some build their weights only when called.
            copy = keras.models.clone_model(plain)
            self.model = keras.models.clone_model(copy, clone_function=self._wrap)
        self._variables = named_weights.variables(self.model)
        self._masks: dict[str, tf.Variable] = {}
        names = {id(variable): name for name, variable in self._variables.items()}
        for wrapper in self._wrappers():
            if isinstance(wrapper.pruning_schedule, HoldSparsity):
                # The constraint multiplies by the mask already.
                wrapper.pruning_obj.weight_mask_op = tf.no_op
            for weight, mask, _ in wrapper.pruning_vars:
                # Keras' optimizers ask a variable for its constraint after each update. Not every
                # layer passes one on to each of its weights.
                weight._constraint = HoldMask(mask, weight.constraint)
                self._masks[names[id(weight)]] = mask
        named_weights.put(self.model, named_weights.get(plain))

    def _wrap(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        prunable = named_weights.prunable(layer, self._biases)
        if not prunable:
            return layer
        schedule = HoldSparsity() if self._excluded & set(prunable) else self._schedule
        return wrap(layer, list(prunable.values()), schedule)

    def _wrappers(self) -> list[keras.layers.Wrapper]:
        return [layer for layer in self.model.layers if hasattr(layer, "pruning_vars")]

    @property
    def prunable(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the tensors that have a mask, by name. Biases have one where the model was
        made so."""
        return {name: tuple(mask.shape) for name, mask in self._masks.items()}

    @property
    def held_dense(self) -> tuple[str, ...]:
        """The names of kernels and embeddings that have no mask, as those of frozen layers."""
        connections = [
            name for layer in layers_of(self.model) for name in named_weights.connections(layer)
        ]
        return tuple(name for name in connections if name not in self._masks)

    def load(self, masks: Masks, weights: Mapping[str, np.ndarray]) -> None:
        """Sets the masks, sets the weights to mask x weights, and the wrappers' step to the start.

        Args:
            masks: bool arrays for every prunable tensor.
            weights: float32 arrays for every tensor.

        Raises:
            ValueError: names or shapes are not the model's.
        """
        if set(masks) != set(self._masks):
            odd = sorted(set(masks) ^ set(self._masks))
            raise ValueError(f"these masks are not those of this model: {', '.join(odd)}")
        for name, variable in self._masks.items():
            variable.assign(masks[name].astype(np.float32))
        named_weights.assign(self._variables, apply(masks, weights), self.model.name)
        for wrapper in self._wrappers():
            wrapper.pruning_step.assign(-1)

    @property
    def variables(self) -> dict[str, tf.Variable]:
        """The weights that have a mask, by name."""
        return {name: self._variables[name] for name in self._masks}

    def move(self, masks: Masks) -> None:
        """Changes the masks within a training. Weights that are kept stay as they are; those that
        are pruned, and those that come back, are zero.

        Args:
            masks: bool arrays for every prunable tensor.
        """
        before = self.masks()
        for name, mask in masks.items():
            if np.array_equal(mask, before[name]):
                continue
            self._masks[name].assign(mask.astype(np.float32))
            weight = self._variables[name]
            weight.assign(np.where(mask & before[name], weight.numpy(), np.float32(0)))

    def restart(self, seed: int) -> None:
        """Begins the random streams of all layers anew."""
        streams.restart(self.model, seed)

    def masks(self) -> Masks:
        """The masks in the wrappers: bool arrays by tensor."""
        return {name: variable.numpy().astype(bool) for name, variable in self._masks.items()}

    def weights(self) -> dict[str, np.ndarray]:
        """Copies of all tensors: float32 arrays by name."""
        return named_weights.values(self._variables)

    def scales(self) -> dict[str, np.ndarray]:
        """None: no unit has a scale here."""
        return {}

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """The callbacks that ``fit`` needs, before all others."""
        return [UpdatePruningStep()]

    def strip(self) -> HeldModel:
        """The plain model with the same variables, without TF-MOT's wrappers. If it is trained, its
        pruned weights stay zero, also once it is saved and loaded."""
        return held(strip_pruning(self.model))
