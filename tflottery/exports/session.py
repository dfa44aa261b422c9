"""A model in a fresh process, loaded as TensorFlow Serving loads it.

TensorFlow Serving restores a SavedModel into a session. An export that loads in eager Python can
fail there, or can work only thanks to objects in the process that wrote it. So exports are checked
and measured through ``Process``: it runs this module as a program, which imports TensorFlow and
almost nothing of tflottery. TFLite files are loaded by TFLite's interpreter.

The two processes exchange lines of JSON. Strings are sent in base64, since texts may be any bytes.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tflottery.arithmetic import threads
from tflottery.errors import TflotteryError

Texts = Sequence[bytes]
Inputs = Mapping[str, np.ndarray | Texts]


class Process:
    """A model in a process of its own, which ends with the ``with``.

    Args:
        model: a SavedModel's folder or a TFLite file.

    Attributes:
        operations: the names of the operations that each signature runs, also in functions that it
            calls.
        peak_memory: by how many bytes, at the most, loading the model raised the process' memory; 0
            if the system cannot say (it needs Linux' /proc).

    Raises:
        TflotteryError: the model cannot be loaded, or a request fails.
    """

    def __init__(self, model: Path) -> None:
        here = Path(__file__).parents[2]
        path = os.pathsep.join(filter(None, [str(here), os.environ.get("PYTHONPATH")]))
        self._model = model
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(model)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"},
            text=True,
        )
        self.operations: dict[str, list[str]] = {}
        self.peak_memory = 0

    def __enter__(self) -> Process:
        loaded = self._receive()
        self.operations, self.peak_memory = loaded["operations"], loaded["peak_memory"]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def run(self, signature: str, inputs: Inputs) -> dict[str, np.ndarray]:
        """The outputs of a signature by name; strings are arrays of bytes objects.

        Args:
            signature: its name; a TFLite file has only one, and any name will do.
            inputs: arrays or lists of bytes, by name.
        """
        outputs = self._ask(signature, inputs, repeat=1)["outputs"]
        return {name: _decoded(value) for name, value in outputs.items()}

    def time(self, signature: str, inputs: Inputs, repeat: int) -> list[float]:
        """The seconds that each of ``repeat`` runs took."""
        seconds: list[float] = self._ask(signature, inputs, repeat)["seconds"]
        return seconds

    def _ask(self, signature: str, inputs: Inputs, repeat: int) -> dict[str, Any]:
        encoded = {name: _encoded(value) for name, value in inputs.items()}
        request = {"signature": signature, "inputs": encoded, "repeat": repeat}
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # ``_receive`` reports why the process ended
        return self._receive()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace").strip().splitlines()
            raise TflotteryError(f"{self._model} fails in a fresh process: {''.join(said[-1:])}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _encoded(value: np.ndarray | Texts) -> dict[str, Any]:
    if isinstance(value, np.ndarray) and value.dtype != object:
        return {"numbers": value.tolist(), "type": str(value.dtype)}
    array = np.array(value, object)
    texts = [base64.b64encode(text).decode() for text in array.ravel()]
    return {"texts": texts, "shape": array.shape}


def _decoded(value: Mapping[str, Any]) -> np.ndarray:
    if "numbers" in value:
        return np.array(value["numbers"], value["type"])
    texts = np.empty(len(value["texts"]), object)
    texts[:] = [base64.b64decode(text) for text in value["texts"]]
    return texts.reshape(value["shape"])


class _Loaded(Protocol):
    def operations(self) -> dict[str, list[str]]: ...

    def prepare(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Any:
        """A function without arguments that runs the model once and gives its outputs."""
        ...


class _SavedModel:
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

    def prepare(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Any:
        asked = self._signatures[signature]
        fetches = {name: out.name for name, out in asked.outputs.items()}
        feed = {asked.inputs[name].name: value for name, value in inputs.items()}
        return lambda: self._session.run(fetches, feed)


class _Lite:
    def __init__(self, file: str) -> None:
        import warnings

        import tensorflow as tf

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns that another package will replace it
            self._interpreter = tf.lite.Interpreter(file, num_threads=threads())
        self._interpreter.allocate_tensors()

    def operations(self) -> dict[str, list[str]]:
        return {}

    def prepare(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Any:
        del signature  # there is only one
        (given,), (result,) = (
            self._interpreter.get_input_details(),
            self._interpreter.get_output_details(),
        )
        (value,) = inputs.values()
        self._interpreter.set_tensor(given["index"], value)

        def run() -> dict[str, np.ndarray]:
            self._interpreter.invoke()
            return {"score": self._interpreter.get_tensor(result["index"])}

        return run


def main(model: str) -> None:
    """Loads a model and answers requests from standard input until it ends."""
    import tensorflow as tf

    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    before = _memory("VmRSS") if _reset_highest() else None
    loaded: _Loaded = _Lite(model) if model.endswith(".tflite") else _SavedModel(model)
    peak_memory = 0 if before is None else max(_memory("VmHWM") - before, 0)
    _send(operations=loaded.operations(), peak_memory=peak_memory)
    for line in sys.stdin:
        request = json.loads(line)
        inputs = {name: _decoded(value) for name, value in request["inputs"].items()}
        run = loaded.prepare(request["signature"], inputs)
        seconds = []
        for _ in range(request["repeat"]):
            began = time.perf_counter()
            outputs = run()
            seconds.append(time.perf_counter() - began)
        _send(outputs={name: _encoded(value) for name, value in outputs.items()}, seconds=seconds)


def _send(**answer: Any) -> None:
    print(json.dumps(answer), flush=True)


def _reset_highest() -> bool:
    """Resets ``VmHWM``; returns whether the system can do that."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _memory(field: str) -> int:
    """Bytes of resident memory: now (``VmRSS``), or the most since the last reset (``VmHWM``)."""
    status = Path("/proc/self/status").read_text()
    return 1024 * next(
        int(line.split()[1]) for line in status.splitlines() if line.startswith(field)
    )


if __name__ == "__main__":
    main(sys.argv[1])
