"""An ONNX file: for ONNX Runtime, in a browser, on a phone or a server, from ids to scores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tflottery.arithmetic import threads
from tflottery.exports.formats.format import OTHER_KERNELS, Arrays, Given, Loaded, about
from tflottery.models.shipped.cnn import Cnn
from tflottery.models.shipped.recurrent import DIRECTIONS, Recurrent
from tflottery.models.shipped.transformer import Transformer
from tflottery.versions import __version__

if TYPE_CHECKING:
    import onnx

    from tflottery.exports.network import Network
    from tflottery.tickets.ticket import Ticket

# What Keras adds to a variance.
_EPSILON = 1e-3


class Onnx:
    """See ``Format``. Any number of texts of any length at once, padded to the longest."""

    name = "onnx"
    file = "model.onnx"
    purpose = "ONNX Runtime: servers, phones, browsers"
    modules: tuple[str, ...] = ("onnx", "onnxruntime")
    scores = True
    tolerance = OTHER_KERNELS
    for_devices = True
    unlabelled = ""

    def refusal(self, ticket: Ticket) -> str:
        model = ticket.recipe.model
        if isinstance(model, (Cnn, Recurrent, Transformer)):
            return ""
        return (
            f"--format onnx writes the networks that come along; {model.name} is another. Its "
            "SavedModel can be converted with tf2onnx."
        )

    def write(self, given: Given, file: Path) -> None:
        file.write_bytes(graph_of(given.served, about(given.ticket)).SerializeToString())

    def relabel(self, old: Path, new: Path, threshold: float) -> None:
        new.write_bytes(relabelled(old.read_bytes(), threshold))

    def tensors(self, ticket: Ticket) -> Arrays:
        del ticket
        return {}

    def start(self) -> None:
        import onnxruntime  # noqa: F401

    def load(self, file: str) -> Loaded:
        return _Session(file)


def graph_of(network: Network, said: dict[str, str]) -> onnx.ModelProto:
    """A network as an ONNX model: ``ids`` int32 [batch, words] → ``score`` as in ``saved_model``,
    and ``label`` int32 [batch], the class' number.

    Args:
        network: one that comes along.
        said: texts by name, for the file's metadata.
    """
    from tflottery.exports.formats import onnx_graph

    model = network.architecture
    graph = onnx_graph.Graph(network.weights, None if network.own_rows is None else network.rows)
    if isinstance(model, Cnn):
        logits = onnx_graph.cnn(graph, model.widths)
    elif isinstance(model, Transformer):
        head_size = model.embedding // model.heads
        logits = onnx_graph.transformer(graph, head_size, model.layers, _EPSILON)
    else:
        assert isinstance(model, Recurrent)
        ways = DIRECTIONS if model.bidirectional else DIRECTIONS[:1]
        logits = onnx_graph.recurrent(graph, model.name, ways, model.layers, model.pooling)
    classes = len(network.classes)
    graph.answered(logits, classes)
    return graph.model(model.name, classes, ("tflottery", __version__), said)


def relabelled(content: bytes, threshold: float) -> bytes:
    """An ONNX file of ours, of two classes, whose label follows a threshold (``Format``)."""
    import onnx

    from tflottery.exports.formats import onnx_graph

    model = onnx.load_model_from_string(content)
    onnx_graph.follow(model, threshold)
    return bytes(model.SerializeToString())


class _Session:
    def __init__(self, file: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        self._session = onnxruntime.InferenceSession(
            file, options, providers=["CPUExecutionProvider"]
        )
        self._names = [output.name for output in self._session.get_outputs()]

    def operations(self) -> dict[str, list[str]]:
        return {}

    def prepare(self, signature: str, inputs: Arrays) -> Callable[[], Arrays]:
        del signature  # there is only one
        given = dict(inputs)
        return lambda: dict(zip(self._names, self._session.run(self._names, given), strict=True))
