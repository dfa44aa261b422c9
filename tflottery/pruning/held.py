"""Models that hold their masks by themselves, also once they are saved and loaded.

``model.save`` writes the masks beside the network, and ``keras.models.load_model`` puts them back,
in a process that knows nothing of tflottery but that it is installed.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from tflottery.errors import UserError
from tflottery.models import keras_classes  # noqa: F401 - for whoever loads a model
from tflottery.models import weights as named_weights
from tflottery.pruning.masks import Masks, pack, unpack

_MASKS = "masks"
_FILES = (".keras", ".h5", ".hdf5")


class HoldMask(keras.constraints.Constraint):
    """Multiplies a weight by its mask after each optimizer update.

    Args:
        mask: 0 or 1 for each weight.
        own: the constraint that the weight has beside this one. It sees no pruned weights, and
            cannot bring any back.
    """

    def __init__(self, mask: tf.Variable, own: Callable[[tf.Tensor], tf.Tensor] | None) -> None:
        self.mask = mask
        self.own = own

    def __call__(self, weight: tf.Tensor) -> tf.Tensor:
        masked = weight * self.mask
        return masked if self.own is None else self.own(masked) * self.mask


@keras.saving.register_keras_serializable(package="tflottery")
class HeldModel(keras.Model):
    """A functional model whose variables have ``HoldMask``; so it trains as any other, and its
    pruned weights stay exactly zero, also where weights of another network are put into it. It has
    no state of its own."""

    def save(
        self, filepath: Any, overwrite: bool = True, save_format: str | None = None, **options: Any
    ) -> None:
        """Writes the model and its masks; see ``keras.Model.save``.

        Raises:
            UserError: a SavedModel's folder is asked for. Keras makes a plain model of it wherever
                it does not know this class, and the first ``fit`` there would lose the masks.
        """
        if _is_folder(filepath, save_format):
            raise UserError(
                f"{filepath} would be a SavedModel, which keeps no mask; save the model as a file, "
                "model.keras, to go on with fit, or use model.export(folder) to have its scores."
            )
        super().save(filepath, overwrite, save_format, **options)

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        super().set_weights(weights)
        _prune(self)

    def load_weights(self, *given: Any, **options: Any) -> Any:
        loaded = super().load_weights(*given, **options)
        _prune(self)
        return loaded

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), _MASKS: _written(masks_of(self))}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> HeldModel:
        network = dict(config)
        masks = _read(network.pop(_MASKS, {}))
        model = super().from_config(network, custom_objects)
        hold(named_weights.variables(model), masks)
        return model


def _is_folder(path: Any, save_format: str | None) -> bool:
    """Whether Keras would write a SavedModel."""
    if save_format is not None:
        return save_format in ("tf", "tensorflow")
    return isinstance(path, (str, os.PathLike)) and not str(path).endswith(_FILES)


# An HDF5 file names a model's class without its package.
keras.saving.get_custom_objects()[HeldModel.__name__] = HeldModel


def held(model: keras.Model) -> HeldModel:
    """A functional model whose variables have ``HoldMask``, as a ``HeldModel`` of the same
    layers."""
    return HeldModel(model.inputs, model.outputs, name=model.name)


def hold(named: Mapping[str, tf.Variable], masks: Masks) -> None:
    """Gives variables their masks. A constraint that a variable has goes on.

    Args:
        named: variables by name.
        masks: bool arrays for some of them.

    Raises:
        ValueError: names or shapes are not the variables'.
    """
    shapes = {name: tuple(variable.shape) for name, variable in named.items()}
    odd = sorted(name for name, mask in masks.items() if shapes.get(name) != mask.shape)
    if odd:
        raise ValueError(f"these masks are not those of this model: {', '.join(odd)}")
    for name, mask in masks.items():
        variable = named[name]
        kept = tf.Variable(tf.cast(mask, variable.dtype), trainable=False)
        variable._constraint = HoldMask(kept, variable.constraint)


def _prune(model: keras.Model) -> None:
    """Sets pruned weights to zero, wherever their values come from."""
    for variable in model.weights:
        if isinstance(constraint := getattr(variable, "constraint", None), HoldMask):
            variable.assign(variable * constraint.mask)


def masks_of(model: keras.Model) -> Masks:
    """The masks that a model's variables hold: bool arrays by tensor."""
    return {
        name: np.asarray(variable.constraint.mask).astype(bool)
        for name, variable in named_weights.variables(model).items()
        if isinstance(variable.constraint, HoldMask)
    }


def _written(masks: Masks) -> dict[str, Any]:
    """Masks as JSON: of each tensor its shape, and a bit a weight in base64."""
    return {
        name: {
            "shape": list(masks[name].shape),
            "bits": base64.b64encode(bits.tobytes()).decode("ascii"),
        }
        for name, bits in pack(masks).items()
    }


def _read(document: Mapping[str, Any]) -> Masks:
    bits = {
        name: np.frombuffer(base64.b64decode(one["bits"]), np.uint8)
        for name, one in document.items()
    }
    return unpack(bits, {name: tuple(one["shape"]) for name, one in document.items()})
