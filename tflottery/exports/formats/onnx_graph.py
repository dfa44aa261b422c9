"""A network as an ONNX graph of standard operators, written from its weights.

No converter stands in between: TensorFlow's graph of a recurrent network is a loop of small ops,
which a converter can but copy, while ONNX has an LSTM and a GRU of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tflottery.data.words.vocabulary import PADDING

OPSET, IR_VERSION = 17, 8
"""Read by every runtime since 2022; from opset 17 on there is a layer normalisation."""

BATCH, WORDS = "batch", "words"
_THRESHOLD, _ABOVE = "threshold", "above the threshold"
_LOWEST = np.float32(np.finfo(np.float32).min)


class Graph:
    """A graph under construction; names of tensors are texts, ``ids`` is its input.

    Args:
        weights: float32 arrays by tensor, which become initializers where they are named.
        rows: int32 [words], the embedding row of each id; None where an id names its row.
    """

    def __init__(self, weights: Mapping[str, np.ndarray], rows: np.ndarray | None) -> None:
        self.weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self._rows = rows

    def add(self, operator: str, *inputs: str, count: int = 1, **attributes: Any) -> Any:
        """Adds an operator; returns the name of its output, or of its ``count`` outputs."""
        names = [f"{operator}_{len(self._nodes)}_{place}" for place in range(count)]
        self._nodes.append(helper.make_node(operator, list(inputs), names, **attributes))
        return names[0] if count == 1 else names

    def constant(self, name: str, value: np.ndarray) -> str:
        """A tensor that is stored with the graph; equal names are one."""
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def weight(self, name: str) -> str:
        """A weight of the network."""
        return self.constant(name, self.weights[name])

    def number(self, value: float) -> str:
        return self.constant(f"number {value:g}", np.array(value, np.float32))

    def whole(self, *values: int) -> str:
        """int64 [values], as shapes and axes are."""
        return self.constant(f"whole {values}", np.array(values, np.int64))

    def there(self) -> str:
        """bool [batch, words]: true at words, false at padding."""
        padding = self.constant("padding", np.array(PADDING, np.int32))
        return self.add("Not", self.add("Equal", "ids", padding))

    def embedded(self) -> str:
        """float [batch, words, size]: the vector of each word."""
        rows = "ids"
        if self._rows is not None:
            rows = self.add("Gather", self.constant("rows", self._rows), "ids")
        return self.add("Gather", self.weight("embedding/embeddings"), rows)

    def floats(self, mask: str) -> str:
        return self.add("Cast", mask, to=TensorProto.FLOAT)

    def spread(self, tensor: str, *axes: int) -> str:
        """The tensor with axes of length 1 put in."""
        return self.add("Unsqueeze", tensor, self.whole(*axes))

    def dense(self, layer: str, x: str) -> str:
        """float [..., size] → float [..., units]."""
        made = self.add("MatMul", x, self.weight(f"{layer}/kernel"))
        bias = f"{layer}/bias"
        return self.add("Add", made, self.weight(bias)) if bias in self.weights else made

    def greatest(self, x: str, mask: str, axis: int) -> str:
        """The maximum along the axis of words, where the mask has room for all of ``x``."""
        kept = self.add("Where", mask, x, self.number(_LOWEST))
        return self.add("ReduceMax", kept, axes=[axis], keepdims=0)

    def mean(self, x: str, mask: str, axis: int) -> str:
        """The mean along the axis of words."""
        words = self.floats(mask)
        summed = self.add("ReduceSum", self.add("Mul", x, words), self.whole(axis), keepdims=0)
        count = self.add("ReduceSum", words, self.whole(axis), keepdims=0)
        return self.add("Div", summed, self.add("Max", count, self.number(1)))

    def answered(self, logits: str, classes: int) -> None:
        """Adds the outputs ``score`` and ``label``."""
        if classes == 2:
            logit = self.add("Squeeze", logits, self.whole(1))
            self._nodes.append(helper.make_node("Sigmoid", [logit], ["score"]))
            label = self.add("Greater", logit, self.number(0))
        else:
            self._nodes.append(helper.make_node("Softmax", [logits], ["score"], axis=1))
            label = self.add("ArgMax", logits, axis=1, keepdims=0)
        self._nodes.append(helper.make_node("Cast", [label], ["label"], to=TensorProto.INT32))

    def model(
        self, name: str, classes: int, producer: tuple[str, str], about: Mapping[str, str]
    ) -> onnx.ModelProto:
        """The checked model: ``ids`` int32 [batch, words] → ``score`` and ``label``."""
        shape = [BATCH] if classes == 2 else [BATCH, classes]
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self._nodes,
            name,
            [value("ids", TensorProto.INT32, [BATCH, WORDS])],
            [value("score", TensorProto.FLOAT, shape), value("label", TensorProto.INT32, [BATCH])],
            list(self._constants.values()),
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            producer_name=producer[0],
            producer_version=producer[1],
        )
        model.ir_version = IR_VERSION
        helper.set_model_props(model, dict(about))
        onnx.checker.check_model(model, full_check=True)
        return model


def follow(model: onnx.ModelProto, threshold: float) -> None:
    """Makes the label of a model of two classes follow a threshold of its score."""
    graph = model.graph
    producers = {output: node for node in graph.node for output in node.output}
    cast = producers["label"]
    former = (cast, producers[cast.input[0]])
    kept = [node for node in graph.node if all(node is not one for one in former)]
    kept += [
        helper.make_node("Greater", ["score", _THRESHOLD], [_ABOVE]),
        helper.make_node("Cast", [_ABOVE], ["label"], to=TensorProto.INT32),
    ]
    read = {name for node in kept for name in node.input}
    stored = [one for one in graph.initializer if one.name in read and one.name != _THRESHOLD]
    stored.append(numpy_helper.from_array(np.array(threshold, np.float32), _THRESHOLD))
    for field, values in ((graph.node, kept), (graph.initializer, stored)):
        copies = [type(one).FromString(one.SerializeToString()) for one in values]
        del field[:]
        field.extend(copies)
    said = {one.key: one.value for one in model.metadata_props}
    helper.set_model_props(model, {**said, "threshold": f"{threshold:.9g}"})
    onnx.checker.check_model(model, full_check=True)


def cnn(graph: Graph, widths: Sequence[int]) -> str:
    """The logits of a ``Cnn``, float [batch, units]."""
    there = graph.there()
    words = graph.add("Mul", graph.embedded(), graph.floats(graph.spread(there, 2)))
    words = graph.add("Transpose", words, perm=[0, 2, 1])
    across, features = graph.spread(there, 1), []
    for width in widths:
        layer = f"conv_{width}"
        kernel = graph.weights[f"{layer}/kernel"].transpose(2, 1, 0)
        left = (width - 1) // 2
        windows = graph.add(
            "Conv", words, graph.constant(f"{layer}/kernel", kernel),
            kernel_shape=[width], pads=[left, width - 1 - left],
        )  # fmt: skip
        most = graph.greatest(windows, across, axis=2)
        features.append(graph.add("Add", most, graph.weight(f"{layer}/bias")))
    joined = graph.add("Relu", graph.add("Concat", *features, axis=1))
    return graph.dense("head", joined)


# The gates of a kernel in ONNX's order, by their places in Keras'.
_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (0, 1, 2)}


def recurrent(graph: Graph, name: str, directions: Sequence[str], layers: int, pooling: str) -> str:
    """The logits of an ``Lstm`` or a ``Gru``, float [batch, units]."""
    there = graph.there()
    lengths = graph.add(
        "ReduceSum", graph.add("Cast", there, to=TensorProto.INT32), graph.whole(1), keepdims=0
    )
    words = graph.add("Transpose", graph.embedded(), perm=[1, 0, 2])
    for number in range(1, layers + 1):
        is_last = pooling == "last" and number == layers
        outputs = [
            _read_one_way(graph, words, lengths, f"{name}_{way}_{number}", name.upper(), is_last)
            for way in directions
        ]
        words = graph.add("Concat", *outputs, axis=-1)
    if pooling != "last":
        mask = graph.spread(graph.add("Transpose", there, perm=[1, 0]), 2)
        words = (graph.greatest if pooling == "max" else graph.mean)(words, mask, axis=0)
    return graph.dense("head", words)


def _read_one_way(
    graph: Graph, words: str, lengths: str, layer: str, operator: str, is_last: bool
) -> str:
    """float [words, batch, units], the states at all words; or [batch, units], the last one."""
    order = _GATES[operator]

    def gates(weight: np.ndarray) -> np.ndarray:
        parts = np.split(weight, len(order), axis=-1)
        return np.concatenate([parts[place] for place in order], axis=-1)

    kernels = {
        part: gates(graph.weights[f"{layer}/{part}"]).T[np.newaxis]
        for part in ("kernel", "recurrent_kernel")
    }
    bias = gates(graph.weights[f"{layer}/bias"])
    units = kernels["recurrent_kernel"].shape[-1]
    given = [graph.constant(f"{layer}/{part}", kernel) for part, kernel in kernels.items()]
    both = np.concatenate([bias, np.zeros_like(bias)])[np.newaxis]
    states, *last = graph.add(
        operator, words, *given, graph.constant(f"{layer}/bias", both), lengths,
        count=3 if operator == "LSTM" else 2, hidden_size=units,
        direction="reverse" if "_backward_" in layer else "forward",
    )  # fmt: skip
    # Beside the words, the axis of directions.
    if is_last:
        return str(graph.add("Squeeze", last[0], graph.whole(0)))
    return str(graph.add("Squeeze", states, graph.whole(1)))


def transformer(graph: Graph, head_size: int, layers: int, epsilon: float) -> str:
    """The logits of a ``Transformer``, float [batch, units]; ``head_size`` is how many numbers of a
    word a head has, of which layers may have different numbers."""
    there = graph.there()
    positions = graph.weights["positions/embeddings"]
    length = graph.add("Gather", graph.add("Shape", "ids"), graph.constant("one", np.int64(1)))
    zero, one = (graph.constant(f"int {n}", np.array(n, np.int64)) for n in (0, 1))
    place = graph.add("Range", zero, length, one)
    last = graph.constant("last place", np.array(len(positions) - 1, np.int64))
    places = graph.add(
        "Gather", graph.weight("positions/embeddings"), graph.add("Min", place, last)
    )
    words = graph.add("Add", graph.embedded(), places)
    ignored = graph.add("Mul", graph.floats(graph.add("Not", there)), graph.number(-1e9))
    ignored = graph.spread(ignored, 1, 2)
    for number in range(1, layers + 1):
        normed = _normed(graph, words, f"attention_norm_{number}", epsilon)
        read = _attended(graph, normed, ignored, number, head_size)
        words = graph.add("Add", words, graph.dense(f"attention_{number}", read))
        normed = _normed(graph, words, f"units_norm_{number}", epsilon)
        units = graph.add("Relu", graph.dense(f"units_{number}", normed))
        words = graph.add("Add", words, graph.dense(f"feed_forward_{number}", units))
    text = graph.mean(words, graph.spread(there, 2), axis=1)
    return graph.dense("head", _normed(graph, text, "norm", epsilon))


def _normed(graph: Graph, x: str, layer: str, epsilon: float) -> str:
    scale, shift = graph.weight(f"{layer}/gamma"), graph.weight(f"{layer}/beta")
    return str(graph.add("LayerNormalization", x, scale, shift, axis=-1, epsilon=epsilon))


def _attended(graph: Graph, normed: str, ignored: str, number: int, head_size: int) -> str:
    size = graph.weights[f"query_{number}/kernel"].shape[-1]
    split = graph.whole(0, 0, size // head_size, head_size)

    def part(name: str, perm: list[int]) -> str:
        made = graph.dense(f"{name}_{number}", normed)
        return str(graph.add("Transpose", graph.add("Reshape", made, split), perm=perm))

    query, value = part("query", [0, 2, 1, 3]), part("value", [0, 2, 1, 3])
    query = graph.add("Mul", query, graph.number(head_size**-0.5))
    scores = graph.add("MatMul", query, part("key", [0, 2, 3, 1]))
    weights = graph.add("Softmax", graph.add("Add", scores, ignored), axis=-1)
    read = graph.add("Transpose", graph.add("MatMul", weights, value), perm=[0, 2, 1, 3])
    return str(graph.add("Reshape", read, graph.whole(0, 0, size)))
