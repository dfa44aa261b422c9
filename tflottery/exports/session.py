"""A model in a fresh process, loaded by its format's own runtime.

TensorFlow Serving restores a SavedModel into a session. An export that loads in eager Python can
fail there, or can work only thanks to objects in the process that wrote it. So exports are checked
and measured through ``Process``: it runs this module as a program, which imports the runtime and
almost nothing of tflottery.

The two processes exchange lines of JSON. Strings are sent in base64, since texts may be any bytes.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tflottery import startup
from tflottery.errors import TflotteryError
from tflottery.exports.formats import registry as formats

Texts = Sequence[bytes]
Inputs = Mapping[str, np.ndarray | Texts]


class Process:
    """A model in a process of its own, which ends with the ``with``.

    Args:
        model: a SavedModel's folder, or a file of another of the ``formats``.
        threads: how many it computes with; None for as many as this process.

    Attributes:
        operations: the names of the operations that each signature runs, also in functions that it
            calls.
        peak_memory: by how many bytes, at the most, loading the model raised the process' memory; 0
            if the system cannot say (it needs Linux' /proc).

    Raises:
        TflotteryError: the model cannot be loaded, or a request fails.
    """

    def __init__(self, model: Path, threads: int | None = None) -> None:
        here = Path(__file__).parents[2]
        path = os.pathsep.join(filter(None, [str(here), os.environ.get("PYTHONPATH")]))
        self._model = model
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in _end
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(model)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={
                **os.environ,
                **startup.environment(threads),
                "PYTHONPATH": path,
                "TF_CPP_MIN_LOG_LEVEL": "3",
            },
            text=True,
        )
        self.operations: dict[str, list[str]] = {}
        self.peak_memory = 0

    def __enter__(self) -> Process:
        try:
            loaded = self._receive()
            self.operations, self.peak_memory = loaded["operations"], loaded["peak_memory"]
        except BaseException:  # also Ctrl-C, while a large model loads
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def run(self, signature: str, inputs: Inputs) -> dict[str, np.ndarray]:
        """The outputs of a signature by name; strings are arrays of bytes objects.

        Args:
            signature: its name, as ``ids``.
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
            code = self._process.wait()
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace").strip().splitlines()
            # Who is killed, as by a fault in a runtime's own code, has said nothing of it.
            why = f"killed by {signal.Signals(-code).name}" if code < 0 else "".join(said[-1:])
            raise TflotteryError(f"{self._model} fails in a fresh process: {why}")
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


def main(model: str) -> None:
    """Loads a model and answers requests from standard input until it ends."""
    form = formats.of_file(Path(model))
    form.start()
    before = _memory("VmRSS") if _reset_highest() else None
    loaded = form.load(model)
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
