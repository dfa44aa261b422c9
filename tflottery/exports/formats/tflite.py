"""A TFLite file: for phones and small computers, from ids to scores, one text at a time.

TFLite has no string operations, so the file takes ids. An LSTM's loop can be converted only if all
shapes are fixed.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tflottery.arithmetic import threads
from tflottery.errors import TflotteryError, in_a_line
from tflottery.exports.formats import flatbuffer
from tflottery.exports.formats.format import OTHER_KERNELS, Arrays, Given, Loaded, Quantize, about
from tflottery.models.shipped.recurrent import Recurrent

if TYPE_CHECKING:
    import tf_keras as keras

    from tflottery.exports.network import Network
    from tflottery.models.architecture import Architecture
    from tflottery.tickets.ticket import Ticket

_SIGNATURE = "serving_default"
FULL: Quantize = "int8-full"
NAMES: dict[str, Quantize] = {
    "TFLite": "",
    "TFLite float16": "float16",
    "TFLite int8": "int8",
    "TFLite int8-full": "int8-full",
}
"""What tables call a file, by how it stores numbers."""
NO_LOOPS = (
    "--quantize int8-full is for networks without a loop over their words, as TFLite's converter "
    "crashes where it looks for the scales within one; give int8"
)


class UnconvertibleError(TflotteryError):
    """A network that cannot be stored as a TFLite file in some precision: one line says why."""


def takes(quantize: Quantize, model: Architecture) -> bool:
    """Whether a network that comes along can be stored so: TFLite's calibration crashes (a
    segmentation fault) on the loops of LSTM and GRU. Others are looked at when they are built."""
    return quantize != FULL or not isinstance(model, Recurrent)


class TfLite:
    """See ``Format``. It is loaded by LiteRT's interpreter where that is installed, else by
    TensorFlow's own."""

    name = "tflite"
    file = "model.tflite"
    purpose = "phones and small computers"
    modules: tuple[str, ...] = ()
    scores = True
    tolerance = OTHER_KERNELS
    for_devices = True
    unlabelled = ""

    def refusal(self, ticket: Ticket) -> str:
        del ticket
        return ""

    def write(self, given: Given, file: Path) -> None:
        converted = convert(given.served, 1, given.quantize, given.examples)
        said = {**about(given.ticket), "quantize": given.quantize or "none"}
        file.write_bytes(flatbuffer.with_metadata(converted, said))

    def relabel(self, old: Path, new: Path, threshold: float) -> None:
        new.write_bytes(flatbuffer.relabelled(old.read_bytes(), threshold))

    def tensors(self, ticket: Ticket) -> Arrays:
        del ticket
        return {}

    def start(self) -> None:
        _interpreter()

    def load(self, file: str) -> Loaded:
        return _Interpreter(file)


def has_loop(model: keras.Model) -> bool:
    """Whether a layer goes word by word, as LSTM and GRU do."""
    import tf_keras as keras

    return any(isinstance(one, keras.layers.RNN) for one in model.submodules)


def convert(
    network: Network, batch: int, quantize: Quantize = "", examples: np.ndarray | None = None
) -> bytes:
    """A TFLite file: ``ids`` int32 [batch, max_length] → ``score`` as in ``saved_model``, and
    ``label`` int32 [batch], the class' number.

    Args:
        network: what to convert.
        batch: the number of texts that one call takes.
        quantize: ``float16`` stores weights so; ``int8`` stores weights so and computes with them
            where TFLite can, activations stay float (its dynamic range quantisation); with
            ``int8-full`` activations are int8 too, where TFLite has such kernels. Empty: all stays
            as it is.
        examples: int32 [texts, max_length], for ``int8-full``: texts like those to come.

    Raises:
        UnconvertibleError: ``int8-full`` of a network with a loop over its words, or the converter
            fails.
    """
    try:
        return _converted(network, batch, quantize, examples)
    except TflotteryError:
        raise
    except Exception as error:
        # The converter raises whatever its parts do; it cannot convert every network.
        raise UnconvertibleError(
            f"TFLite's converter fails on this network: {in_a_line(error)}"
        ) from error


def _converted(
    network: Network, batch: int, quantize: Quantize, examples: np.ndarray | None
) -> bytes:
    import tensorflow as tf

    from tflottery.exports.saved_model import class_logits, score, without_news
    from tflottery.models import weights as named_weights

    model = network.build(by_loop=True)
    if quantize == FULL and has_loop(model):
        raise UnconvertibleError(NO_LOOPS)
    for layer in model.layers:
        if hasattr(layer, "is_narrow"):
            layer.is_narrow = quantize == "int8-full"
    module = tf.Module()
    module.weights = named_weights.variables(model)

    ids = tf.TensorSpec([batch, network.max_length], tf.int32, "ids")

    @tf.function(input_signature=[ids], autograph=False)
    def scored(ids: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = ids if network.own_rows is None else tf.gather(tf.constant(network.rows), ids)
        logits = class_logits(model(rows, training=False), len(network.classes))
        return {"score": score(logits), "label": tf.argmax(logits, 1, output_type=tf.int32)}

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [scored.get_concrete_function()], module
    )
    if quantize:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if quantize == "int8-full":
        assert examples is not None
        converter.representative_dataset = lambda: _calibrated(examples, batch)
        kinds = tf.lite.OpsSet
        converter.target_spec.supported_ops = [kinds.TFLITE_BUILTINS_INT8, kinds.TFLITE_BUILTINS]
    with without_news(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parts that stay float, and of a package to come
        return bytes(converter.convert())


def _calibrated(examples: np.ndarray, batch: int) -> Iterator[dict[str, np.ndarray]]:
    for start in range(0, len(examples) - batch + 1, batch):
        yield {"ids": examples[start : start + batch]}


def _interpreter() -> Callable[..., Any]:
    if importlib.util.find_spec("ai_edge_litert") is not None:
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter
    import tensorflow as tf

    return tf.lite.Interpreter


class _Interpreter:
    def __init__(self, file: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TensorFlow's warns that another will replace it
            self._interpreter = _interpreter()(file, num_threads=threads())
        self._interpreter.allocate_tensors()
        self._ids = self._interpreter.get_input_details()[0]
        runner = self._interpreter.get_signature_runner(_SIGNATURE)
        self._places = {name: one["index"] for name, one in runner.get_output_details().items()}

    def operations(self) -> dict[str, list[str]]:
        return {}

    def prepare(self, signature: str, inputs: Arrays) -> Callable[[], Arrays]:
        """Ids of more texts than the file takes at once are given to it one part after another."""
        del signature  # there is only one
        batch = int(self._ids["shape"][0])
        parts = np.split(inputs["ids"], range(batch, len(inputs["ids"]), batch))
        if len(parts) == 1:
            self._interpreter.set_tensor(self._ids["index"], parts[0])
            return self._invoke
        return lambda: _joined([self._run(part) for part in parts])

    def _run(self, ids: np.ndarray) -> Arrays:
        self._interpreter.set_tensor(self._ids["index"], ids)
        return self._invoke()

    def _invoke(self) -> Arrays:
        self._interpreter.invoke()
        tensor = self._interpreter.get_tensor
        return {name: tensor(place) for name, place in self._places.items()}


def _joined(parts: list[Arrays]) -> Arrays:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
