"""What a plain Keras model is, as a JSON value and as a digest of it.

Two builds of one network give the same value, whatever seed their weights were drawn from; another
configuration, another shape of a weight, or other code of a layer that is not Keras' own gives
another.
"""

from __future__ import annotations

import math
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from tflottery.digests import NoDigestError, digest
from tflottery.errors import UserError
from tflottery.files import canonical_json, sha256_of_bytes

# Their versions stand in the record of each run, and they do not change between two calls.
_KNOWN = frozenset(
    {"tensorflow", "tf_keras", "keras", "numpy", "tflottery", "tensorflow_model_optimization"}
    | set(sys.stdlib_module_names)
)


def configuration(model: keras.Model) -> dict[str, Any]:
    """The configuration of a functional or Sequential model, of JSON values alone. Arrays stand in
    it by their content's digest.

    Raises:
        UserError: it holds what has no such form; the line names the layer.
    """
    kind = "Sequential" if isinstance(model, keras.Sequential) else "Functional"
    config = model.get_config()
    layers = [_layer(one) for one in config["layers"]]
    return {"class_name": kind, "config": {**_plain(config, model.name), "layers": layers}}


def _layer(config: Mapping[str, Any]) -> Any:
    about = config.get("config", {})
    name = str(about.get("name", "") if isinstance(about, Mapping) else "")
    plain = _plain(config, name)
    if config.get("class_name") == "Lambda":
        # Keras tells the bytes of the code, with the place where it stands; ``code_of`` tells what
        # it does.
        for key in ("function", "module", "output_shape_module", "mask_module"):
            plain["config"].pop(key, None)
    return plain


def code_of(model: keras.Model) -> dict[str, Any]:
    """The code of layers, activations, initializers and the like that are not of a library known
    here, by layer and attribute. A configuration has but their names."""
    return dict(_code(model))


def _code(model: keras.Model) -> Iterator[tuple[str, Any]]:
    for number, layer in enumerate(model._flatten_layers(include_self=False)):
        where = f"{number} {layer.name}"
        if is_foreign(type(layer)):
            yield where, _told(type(layer), layer)
        for name, value in sorted(vars(layer).items()):
            if isinstance(value, types.FunctionType) and (
                is_foreign(value) or isinstance(layer, keras.layers.Lambda)
            ):
                yield f"{where}.{name}", _told(value, layer)
            elif not callable(value) or isinstance(value, (type, keras.layers.Layer)):
                continue
            elif is_foreign(type(value)) and not isinstance(value, types.MethodType):
                yield f"{where}.{name}", _told(type(value), layer)


def is_foreign(value: Any) -> bool:
    """Whether a function or class is neither Python's nor of a library that is known here."""
    module = getattr(value, "__module__", None) or ""
    return module.partition(".")[0] not in _KNOWN


def _told(value: Any, layer: keras.layers.Layer) -> str:
    """The digest of code.

    Raises:
        UserError: it uses a value that has none.
    """
    try:
        return digest(value)
    except NoDigestError as error:
        raise UserError(
            f"its layer {layer.name} uses {error}, whose content no key can hold; give it to the "
            "layer as a number, a text, a list or an array."
        ) from None


def shapes_of(model: keras.Model) -> list[list[Any]]:
    """[shape, data type, whether it is trained] of each weight, in the model's order."""
    trained = {id(one) for one in model.trainable_weights}
    return [
        [list(one.shape), tf.as_dtype(one.dtype).name, id(one) in trained] for one in model.weights
    ]


def structure(model: keras.Model) -> str:
    """A digest of a model's configuration, of its weights' shapes, and of foreign code."""
    return _digest([configuration(model), shapes_of(model), code_of(model)])


def identity(model: keras.Model, constants: Mapping[int, np.ndarray]) -> str:
    """A digest of a model: its structure, and the content of weights that no seed decides.

    Args:
        model: plain.
        constants: those weights by their place in ``model.weights``.
    """
    told = {
        str(number): [str(array.dtype), list(array.shape), sha256_of_bytes(array.tobytes())]
        for number, array in constants.items()
    }
    return _digest([structure(model), told])


def first_difference(one: keras.Model, other: keras.Model) -> str:
    """The first layer that two models do not have alike, in words."""
    ones, others = (configuration(model)["config"]["layers"] for model in (one, other))
    for first, second in zip(ones, others, strict=False):
        if first != second:
            return f"the layer {first['config'].get('name', '')}"
    if len(ones) != len(others):
        return f"{len(ones)} layers, then {len(others)}"
    return "a weight or its code"


def _digest(value: Any) -> str:
    return sha256_of_bytes(canonical_json(value).encode())


def _plain(value: Any, layer: str) -> Any:
    """A part of a configuration as a JSON value."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is Ellipsis or (isinstance(value, float) and not math.isfinite(value)):
        return {"$value": "..." if value is Ellipsis else repr(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (tf.Tensor, tf.Variable)):
        value = value.numpy()
    if isinstance(value, np.ndarray):
        content = np.ascontiguousarray(value)
        return {"array": [str(content.dtype), list(content.shape),
                          sha256_of_bytes(content.tobytes())]}  # fmt: skip
    if isinstance(value, tf.TensorShape):
        return value.as_list()
    if isinstance(value, tf.DType):
        return value.name
    if isinstance(value, Mapping):
        return {str(key): _plain(one, layer) for key, one in value.items()}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, slice):
        return {"slice": [_plain(one, layer) for one in (value.start, value.stop, value.step)]}
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(one, layer) for one in value), key=repr)
    if isinstance(value, Sequence):
        return [_plain(one, layer) for one in value]
    if isinstance(value, types.FunctionType):
        return {"function": value.__name__}  # its code is told beside
    raise UserError(
        f"its layer {layer} has a {type(value).__name__} in its configuration, which cannot be "
        "written down; let its get_config give numbers, texts and lists."
    )
