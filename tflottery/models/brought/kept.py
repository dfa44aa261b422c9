"""A network from its configuration alone, without the function that built it.

What a file says is never run: only Keras' own layers and those of this package are made, by an
allow-list; a layer that carries code is refused, and so is an operation of TensorFlow that is no
arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tflottery.errors import UserError
from tflottery.models.architecture import Initializers
from tflottery.models.roles import Roles
from tflottery.models.units import Units

if TYPE_CHECKING:
    import tf_keras as keras

# Weights are set after the network is made, so how they were drawn is left out.
_ZEROS: dict[str, Any] = {
    "module": "keras.initializers",
    "class_name": "Zeros",
    "config": {},
    "registered_name": None,
}
_WITH_CODE = frozenset({"Lambda"})
# Their vocabulary may be the path of a file, which they read.
_WITH_FILES = frozenset({"IntegerLookup", "StringLookup", "TextVectorization"})
_MODULES = frozenset(
    {"keras.layers", "keras.regularizers", "keras.constraints", "keras.initializers",
     "keras.mixed_precision"}
)  # fmt: skip
_OPERATIONS = frozenset({"TFOpLambda", "SlicingOpLambda"})
_MODULE_OF_OPERATIONS = "tf_keras.src.layers.core.tf_op_layer"
_MODELS = {
    "Functional": "tf_keras.src.engine.functional",
    "Model": "keras",
    "Sequential": "keras",
}
# Functions of TensorFlow's that compute tensors from tensors, and do nothing else.
_ARITHMETIC = ("math.", "nn.", "linalg.", "signal.", "__operators__.", "keras.activations.")
_SINGLE = frozenset(
    "abs add argmax argmin argsort boolean_mask broadcast_to cast clip_by_value concat "
    "convert_to_tensor cumsum divide einsum equal expand_dims eye fill floor_div gather "
    "gather_nd greater greater_equal identity less less_equal logical_and logical_not "
    "logical_or matmul maximum minimum multiply negative norm not_equal one_hot ones "
    "ones_like pad pow range rank reduce_all reduce_any reduce_logsumexp reduce_max "
    "reduce_mean reduce_min reduce_prod reduce_sum repeat reshape reverse reverse_sequence "
    "roll sequence_mask shape sigmoid sign size slice sort split sqrt square squeeze stack "
    "stop_gradient strided_slice subtract tanh tensordot tile transpose unstack where zeros "
    "zeros_like".split()
)


class RefusedError(UserError):
    """A configuration holds what is not made from a file."""


def portable(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration (``canonical.configuration``) without the initializers."""
    made: dict[str, Any] = _without_initializers(configuration)
    return made


def _without_initializers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _ZEROS
            if str(key).endswith("_initializer") and one is not None
            else _without_initializers(one)
            for key, one in value.items()
        }
    return [_without_initializers(one) for one in value] if isinstance(value, list) else value


def rebuilt(configuration: Mapping[str, Any]) -> keras.Model:
    """The model of a portable configuration, with weights of zero.

    Raises:
        RefusedError: it holds a layer that is not made from a file; the line names it.
    """
    import tf_keras as keras

    from tflottery.models.brought.building import build_plain

    require_plain(configuration)
    kind = keras.Sequential if configuration["class_name"] == "Sequential" else keras.Model
    config = _restored(configuration["config"])
    try:
        return build_plain(lambda: kind.from_config(config), seed=0)
    except UserError:
        raise
    except Exception as error:
        raise RefusedError(
            f"its configuration gives no model: {type(error).__name__}: "
            f"{next(iter(str(error).splitlines()), '')}."
        ) from error


def require_plain(configuration: Mapping[str, Any]) -> None:
    """Makes sure that a configuration holds nothing but Keras' layers and this package's.

    Raises:
        RefusedError: it holds something else.
    """
    if configuration.get("class_name") not in ("Functional", "Sequential"):
        raise RefusedError(f"it is a {configuration.get('class_name')}, no functional model.")
    _require(configuration.get("config"), "")


def _require(value: Any, layer: str) -> None:
    if isinstance(value, list):
        for one in value:
            _require(one, layer)
    if not isinstance(value, Mapping):
        return
    if set(value) == {"array"}:
        raise RefusedError(f"the layer {layer} holds an array, of which only a digest is kept.")
    if "class_name" in value:
        about = value.get("config")
        named = about.get("name") if isinstance(about, Mapping) else None
        layer = str(named or layer)
        _require_known(value, layer)
    for key, one in value.items():
        if key not in ("class_name", "module", "registered_name"):
            _require(one, layer)


def _require_known(value: Mapping[str, Any], layer: str) -> None:
    import tf_keras as keras

    # The classes of this package have to be there before Keras looks for them.
    import tflottery.models.keras_classes  # noqa: F401

    name, module = value["class_name"], value.get("module")
    registered = value.get("registered_name")
    about = value.get("config")
    if not isinstance(name, str) or not isinstance(about, Mapping):
        raise RefusedError(f"the layer {layer} is made by a function.")
    if name in _OPERATIONS and module == _MODULE_OF_OPERATIONS:
        function = str(about.get("function", ""))
        if function.startswith(_ARITHMETIC) or function.removeprefix("compat.v1.") in _SINGLE:
            return
        raise RefusedError(f"the layer {layer} calls tf.{function}.")
    if isinstance(registered, str) and registered.startswith("tflottery>"):
        if keras.saving.get_registered_object(registered) is not None:
            return
    elif name in _MODELS and _MODELS[name] == module:
        return
    elif name in _WITH_FILES:
        raise RefusedError(f"the layer {layer} reads words, which no network of ids does.")
    elif module in _MODULES and registered is None and name not in _WITH_CODE:
        space = getattr(keras, module.partition(".")[2])
        if isinstance(getattr(space, name, None), type):
            return
    what = "carries code" if name in _WITH_CODE else f"is a {name}, which is not Keras' own"
    raise RefusedError(f"the layer {layer} {what}.")


def _restored(value: Any) -> Any:
    """The values as Keras takes them, from JSON's."""
    if isinstance(value, Mapping):
        if set(value) == {"$value"}:
            return Ellipsis if value["$value"] == "..." else float(value["$value"])
        return {key: _restored(one) for key, one in value.items()}
    return [_restored(one) for one in value] if isinstance(value, list) else value


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """The network of a ticket, from the configuration that the ticket keeps.

    An ``Architecture`` but that it is built for the vocabulary and the classes of the ticket alone,
    and its weights are zero.
    """

    name: str
    configuration: Mapping[str, Any]
    tensors: Roles
    dropout: float = 0.0

    def build(self, vocabulary_size: int, classes: int, initializers: Initializers) -> keras.Model:
        """See ``Architecture.build``.

        Raises:
            RefusedError: the configuration holds a layer that is not made from a file.
        """
        del vocabulary_size, classes, initializers
        return rebuilt(self.configuration)

    def gates(self, tensor: str) -> tuple[str, ...]:
        """None are known."""
        del tensor
        return ()

    def unit_layers(self) -> tuple[Units, ...]:
        """None are known."""
        return ()

    def roles(self) -> Roles:
        """Those that it was found with."""
        return self.tensors
