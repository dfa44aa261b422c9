"""A test double of TensorFlow Serving: its protocols over loopback, with none of its insides.

It answers Predict and Classify over gRPC and ``:predict`` and the status over REST as the real one
does, from the newest version in a model's folder. It has no batching, no polling and no warm-up.
"""

from __future__ import annotations

import base64
import json
import threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, predict_pb2, prediction_service_pb2_grpc


class ServingTestDouble(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Serves a model's folder until the ``with`` ends, at the addresses ``grpc`` and ``rest``."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self._version = max(int(path.name) for path in base.iterdir() if path.name.isdecimal())
        self._signatures = tf.saved_model.load(str(base / str(self._version))).signatures
        self._grpc = grpc.server(futures.ThreadPoolExecutor(2))
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(self, self._grpc)
        self.grpc = f"127.0.0.1:{self._grpc.add_insecure_port('127.0.0.1:0')}"
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.rest = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> ServingTestDouble:
        self._grpc.start()
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._grpc.stop(None)
        self._http.shutdown()
        self._http.server_close()

    def _run(self, signature: str, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return self._signatures[signature or "serving_default"](**inputs)

    def _missing(self, name: str, version: int | None) -> str:
        if name == self.base.name and version in (None, self._version):
            return ""
        asked = "Latest" if version is None else f"Specific({version})"
        return f"Servable not found for request: {asked}({name})"

    def Predict(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._check(request.model_spec, context)
        inputs = {key: tf.constant(tf.make_ndarray(v)) for key, v in request.inputs.items()}
        reply = predict_pb2.PredictResponse()
        for key, value in self._run(request.model_spec.signature_name, inputs).items():
            reply.outputs[key].CopyFrom(tf.make_tensor_proto(value))
        return reply

    def Classify(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._check(request.model_spec, context)
        examples = [one.SerializeToString() for one in request.input.example_list.examples]
        outputs = self._run(request.model_spec.signature_name, {"inputs": tf.constant(examples)})
        reply = classification_pb2.ClassificationResponse()
        for labels, scores in zip(
            outputs["classes"].numpy(), outputs["scores"].numpy(), strict=True
        ):
            classified = reply.result.classifications.add()
            for label, score in zip(labels, scores, strict=True):
                classified.classes.add(label=label, score=score)
        return reply

    def _check(self, spec: Any, context: Any) -> None:
        version = spec.version.value if spec.HasField("version") else None
        if missing := self._missing(spec.name, version):
            context.abort(grpc.StatusCode.NOT_FOUND, missing)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None: ...

            def do_GET(self) -> None:
                name, version, _ = self._asked()
                if missing := double._missing(name, version):
                    return self._reply(404, {"error": missing})
                status = {"error_code": "OK", "error_message": ""}
                state = {"version": str(double._version), "state": "AVAILABLE", "status": status}
                return self._reply(200, {"model_version_status": [state]})

            def do_POST(self) -> None:
                name, version, method = self._asked()
                if missing := double._missing(name, version):
                    return self._reply(404, {"error": missing})
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                try:
                    assert method == "predict" and ("instances" in body) != ("inputs" in body)
                    return self._reply(200, double._predict(body))
                except (AssertionError, KeyError, TypeError, ValueError) as error:
                    return self._reply(400, {"error": f"JSON Parse error: {error!r}"})

            def _asked(self) -> tuple[str, int | None, str]:
                path, _, method = self.path.removeprefix("/v1/models/").partition(":")
                name, _, version = path.partition("/versions/")
                return name, int(version) if version else None, method

            def _reply(self, status: int, body: Any) -> None:
                content = json.dumps(body, indent=4).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        return Handler

    def _predict(self, body: dict[str, Any]) -> dict[str, Any]:
        """Rows (``instances`` to ``predictions``) or columns (``inputs`` to ``outputs``)."""
        signature = body.get("signature_name", "")
        by_row = "instances" in body
        given = body["instances"] if by_row else body["inputs"]
        if by_row and isinstance(given[0], dict) and set(given[0]) != {"b64"}:
            given = {name: [row[name] for row in given] for name in given[0]}
        if not isinstance(given, dict):
            # A signature's only input may be given without its name.
            _, named = self._signatures[signature or "serving_default"].structured_input_signature
            given = {next(iter(named)): given}
        inputs = {name: tf.constant(_decoded(values)) for name, values in given.items()}
        outputs = {
            name: [_text(value) for value in tensor.numpy().tolist()]
            for name, tensor in self._run(signature, inputs).items()
        }
        if not by_row:
            return {"outputs": outputs}
        return {
            "predictions": [
                dict(zip(outputs, row, strict=True)) for row in zip(*outputs.values(), strict=True)
            ]
        }


def _decoded(values: list[Any]) -> list[Any]:
    return [
        base64.b64decode(value["b64"], validate=True) if isinstance(value, dict) else value
        for value in values
    ]


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
