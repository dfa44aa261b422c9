"""A TFLite file's flatbuffer, changed: what it says of itself, and what its label follows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

METADATA = "tflottery"
"""The name of the entry in the file's metadata: JSON in UTF-8."""


def with_metadata(content: bytes, said: Mapping[str, str]) -> bytes:
    """A TFLite file with an entry in its metadata."""
    from tensorflow.lite.python import schema_py_generated as schema

    model = _read(content)
    entry = schema.MetadataT()
    entry.name, entry.buffer = METADATA, _buffer(model, json.dumps(dict(said)).encode())
    model.metadata = [*(model.metadata or []), entry]
    return _written(model)


def metadata(content: bytes) -> dict[str, str]:
    """What ``with_metadata`` wrote."""
    model = _read(content)
    return _said(model, _entry(model))


def relabelled(content: bytes, threshold: float) -> bytes:
    """A TFLite file of ours, of two classes, whose label follows a threshold of its score
    (``Format.relabel``): what gave the label is taken out, and a comparison takes its place."""
    from tensorflow.lite.python import schema_py_generated as schema

    model = _read(content)
    (signature,) = model.signatureDefs
    graph = model.subgraphs[signature.subgraphIndex]  # others are the bodies of loops
    places = {_text(one.name): one.tensorIndex for one in signature.outputs}
    score, label = places["score"], places["label"]
    limit = _tensor(model, graph, "threshold", schema.TensorType.FLOAT32, [1],
                    np.array([threshold], np.float32).tobytes())  # fmt: skip
    shape = [int(size) for size in graph.tensors[score].shape]
    above = _tensor(model, graph, "above the threshold", schema.TensorType.BOOL, shape)
    cast = schema.CastOptionsT()
    cast.inDataType, cast.outDataType = schema.TensorType.BOOL, schema.TensorType.INT32
    kinds, options = schema.BuiltinOperator, schema.BuiltinOptions
    kept = [one for one in graph.operators if label not in one.outputs]
    compare = _operator(
        model, kinds.GREATER, options.GreaterOptions, schema.GreaterOptionsT(), [score, limit],
        above,
    )  # fmt: skip
    number = _operator(model, kinds.CAST, options.CastOptions, cast, [above], label)
    graph.operators = _needed([*kept, compare, number], graph.outputs)
    entry = _entry(model)
    said = {**_said(model, entry), "threshold": f"{threshold:.9g}"}
    model.buffers[entry.buffer].data = np.frombuffer(json.dumps(said).encode(), np.uint8)
    return _written(model)


def _needed(operators: list[Any], outputs: Any) -> list[Any]:
    """The operators that an output takes, and those that give nothing, in their order."""
    wanted, found = {int(one) for one in outputs}, []
    for one in reversed(operators):
        if not len(one.outputs) or wanted & {int(place) for place in one.outputs}:
            found.append(one)
            wanted |= {int(place) for place in one.inputs}
    return found[::-1]


def _read(content: bytes) -> Any:
    from tensorflow.lite.tools import flatbuffer_utils

    return flatbuffer_utils.convert_bytearray_to_object(bytearray(content))


def _written(model: Any) -> bytes:
    from tensorflow.lite.tools import flatbuffer_utils

    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _entry(model: Any) -> Any:
    (entry,) = [one for one in model.metadata if _text(one.name) == METADATA]
    return entry


def _said(model: Any, entry: Any) -> dict[str, str]:
    found: dict[str, str] = json.loads(bytes(model.buffers[entry.buffer].data).decode())
    return found


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _buffer(model: Any, content: bytes | None) -> int:
    """Adds a buffer; gives its place."""
    from tensorflow.lite.python import schema_py_generated as schema

    buffer = schema.BufferT()
    if content is not None:
        buffer.data = np.frombuffer(content, np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def _tensor(
    model: Any, graph: Any, name: str, kind: int, shape: list[int], content: bytes | None = None
) -> int:
    """Adds a tensor; gives its place."""
    from tensorflow.lite.python import schema_py_generated as schema

    tensor = schema.TensorT()
    tensor.name, tensor.type, tensor.shape = name, kind, shape
    tensor.buffer = _buffer(model, content)
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _operator(
    model: Any, kind: int, options_type: int, options: Any, inputs: list[int], output: int
) -> Any:
    """An operator of TFLite's own, whose code is added where the model has none of it."""
    from tensorflow.lite.python import schema_py_generated as schema

    codes = [one.builtinCode for one in model.operatorCodes]
    if kind not in codes:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = kind
        code.version = 1
        model.operatorCodes.append(code)
        codes.append(kind)
    operator = schema.OperatorT()
    operator.opcodeIndex = codes.index(kind)
    operator.inputs, operator.outputs = inputs, [output]
    operator.builtinOptionsType, operator.builtinOptions = options_type, options
    return operator
