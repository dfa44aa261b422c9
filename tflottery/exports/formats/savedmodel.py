"""The SavedModel: for TensorFlow Serving, from raw text; it is in every version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflottery.exports.formats.format import SAME_KERNELS, Arrays, Given, Loaded

if TYPE_CHECKING:
    from tflottery.tickets.ticket import Ticket


class SavedModel:
    """See ``Format``. It is loaded into a session, as TensorFlow Serving does."""

    name = "savedmodel"
    file = ""
    purpose = "TensorFlow Serving, from raw text"
    modules: tuple[str, ...] = ()
    scores = True
    tolerance = SAME_KERNELS
    for_devices = False
    unlabelled = ""

    def refusal(self, ticket: Ticket) -> str:
        del ticket
        return ""

    def write(self, given: Given, file: Path) -> None:
        from tflottery.exports import saved_model

        saved_model.save(given.served, given.ticket.vocabulary, file)

    def relabel(self, old: Path, new: Path, threshold: float) -> None:
        from tflottery.exports import client, saved_model

        saved_model.relabel(client.load(old), new, threshold)

    def tensors(self, ticket: Ticket) -> Arrays:
        del ticket
        return {}

    def start(self) -> None:
        import tensorflow as tf

        tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)

    def load(self, file: str) -> Loaded:
        return _Session(file)


class _Session:
    def __init__(self, folder: str) -> None:
        import tensorflow as tf

        self._session = tf.compat.v1.Session(graph=tf.Graph())
        with self._session.graph.as_default():
            loaded = tf.compat.v1.saved_model.load(self._session, ["serve"], folder)
        self._library = {
            function.signature.name: function.node_def
            for function in loaded.graph_def.library.function
        }
        # TensorFlow adds an entry of its own, which initialises tables; it is no signature.
        self._signatures = {
            name: signature
            for name, signature in loaded.signature_def.items()
            if not name.startswith("__")
        }

    def operations(self) -> dict[str, list[str]]:
        return {name: self._behind(signature) for name, signature in self._signatures.items()}

    def _behind(self, signature: Any) -> list[str]:
        graph = self._session.graph
        waiting = [graph.get_tensor_by_name(out.name).op for out in signature.outputs.values()]
        met, nodes = set(waiting), []
        while waiting:
            operation = waiting.pop()
            nodes.append(operation.node_def)
            before = [tensor.op for tensor in operation.inputs] + operation.control_inputs
            waiting += [one for one in before if one not in met]
            met.update(before)
        called: set[str] = set()
        for node in nodes:  # the loop itself adds nodes
            values = node.attr.values()
            functions = [call for value in values for call in (value.func, *value.list.func)]
            names = ({call.name for call in functions} & set(self._library)) - called
            called |= names
            for name in names:
                nodes.extend(self._library[name])
        return sorted({node.op for node in nodes})

    def prepare(self, signature: str, inputs: Arrays) -> Callable[[], Arrays]:
        asked = self._signatures[signature]
        fetches = {name: out.name for name, out in asked.outputs.items()}
        feed = {asked.inputs[name].name: value for name, value in inputs.items()}
        return lambda: self._session.run(fetches, feed)
