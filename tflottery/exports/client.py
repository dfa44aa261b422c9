"""Asking an exported model: a folder on this machine, or a server over gRPC or REST."""

from __future__ import annotations

import base64
import http.client
import json
import math
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflottery import activity, startup
from tflottery.data.reading.records import shown_path
from tflottery.errors import TflotteryError, UserError
from tflottery.exports import addresses, checksums

BATCH = 32
"""The most texts in one of our requests: as many as our batching file lets a server compute at
once."""
LARGEST_REQUEST = 1024
"""The most texts that a server with our batching file takes in one request."""
_TIMEOUT = 30.0
# Bytes of an answer on one request, and of a reason for none.
_LARGEST_ANSWER = 8 << 20
_LARGEST_REASON = 1 << 16
_SIGNATURE = "serving_default"
_LARGEST_VERSION = 2**63 - 1


@dataclass(frozen=True)
class Answer:
    """A model's answer on one text.

    ``label``: the likeliest class, or what the model's threshold says. ``score``: with two classes
    the probability of the second, with more the probability of each.
    """

    label: str
    score: float | list[float]


Ask = Callable[[Sequence[bytes]], list[Answer]]
"""A function that returns the answers on at most ``BATCH`` texts, in UTF-8."""


@dataclass(frozen=True)
class Model:
    """Which model: ``saved_models/imdb-cnn``, or one version, ``saved_models/imdb-cnn/2``. For a
    server, a path of name and version is enough."""

    path: Path

    @property
    def version(self) -> int | None:
        """The version that the path names; None means the newest."""
        return int(self.path.name) if self.path.name.isdecimal() else None

    @property
    def name(self) -> str:
        """The model's name, without its version."""
        return self.path.name if self.version is None else self.path.absolute().parent.name


def over(server: str, model: str | Path | None) -> Ask:
    """Asks a server by its address, as ``addresses.read`` takes both. Starts TensorFlow where the
    way needs it: REST works without.

    Raises:
        UserError: it is no address, or names no model, another one, or a version that no server
            can have.
    """
    found = addresses.read(server, model)
    asked = Model(found.model)
    _require_version(asked)  # before TensorFlow
    if found.is_rest:
        return over_rest(found.address, asked)
    startup.start_tensorflow()
    return over_grpc(found.address, asked)


def _require_version(model: Model) -> None:
    name = model.path.name
    # Of digits without end, Python makes no number.
    if name.isdecimal() and int(name.lstrip("0")[:20] or "0") > _LARGEST_VERSION:
        raise UserError(
            f"{shown_path(model.path)} names a version that no server has: the largest is "
            f"{_LARGEST_VERSION}; name another, or none for the newest."
        )


def local(model: Model) -> Ask:
    """Loads the model into this process.

    Raises:
        UserError: there is no model, or it is damaged.
        TflotteryError: from the returned function, if tflottery did not export the model.
    """
    folder = version_folder(model)
    loaded = load(folder)
    import tensorflow as tf

    def ask(texts: Sequence[bytes]) -> list[Answer]:
        def read() -> list[Answer]:
            given = loaded.signatures[_SIGNATURE](text=tf.constant(list(texts), tf.string))
            return _answers(given["label"].numpy(), given["score"].numpy())

        return _checked(str(folder), len(texts), read)

    return ask


def load(folder: Path) -> Any:
    """The SavedModel of a version's folder, in this process. Starts TensorFlow.

    Raises:
        UserError: it is damaged.
    """
    checksums.check(folder)
    startup.start_tensorflow()
    import tensorflow as tf

    try:
        with activity.doing(f"loading {shown_path(folder)}"):
            return tf.saved_model.load(str(folder))
    except Exception as error:  # a damaged file may raise any exception of its reader
        raise UserError(
            f"{folder} cannot be loaded ({type(error).__name__}); it is damaged or no SavedModel. "
            "Export the ticket anew."
        ) from None


def version_folder(model: Model) -> Path:
    """The folder of the version that is meant.

    Raises:
        UserError: there is none, or the newest is not whole.
    """
    if (model.path / "saved_model.pb").is_file():
        return model.path
    found = model.path.iterdir() if model.path.is_dir() else ()
    versions = [path for path in found if path.name.isdecimal() and path.is_dir()]
    if not versions:
        raise UserError(f"{model.path} holds no exported model; bin/export makes one.")
    newest = max(versions, key=lambda path: int(path.name))
    if not (newest / "saved_model.pb").is_file():
        raise UserError(
            f"{shown_path(newest)} is no whole version (saved_model.pb is missing); copy it again, "
            "delete it, or name another version."
        )
    return newest


def over_grpc(address: str, model: Model) -> Ask:
    """Asks TensorFlow Serving's PredictionService at ``host:port`` (8500 by default there).

    Raises:
        UserError: tensorflow-serving-api is not installed, or no server can have that version.
        TflotteryError: from the returned function, if the server does not answer.
    """
    try:
        import grpc
        from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
    except ImportError:
        raise UserError(
            "gRPC takes tensorflow-serving-api: pip install 'tflottery[serving]', or ask over "
            "REST, --server http://host:8501."
        ) from None
    import tensorflow as tf

    _require_version(model)
    stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(address))

    def ask(texts: Sequence[bytes]) -> list[Answer]:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = model.name
        request.model_spec.signature_name = _SIGNATURE
        if model.version is not None:
            request.model_spec.version.value = model.version
        request.inputs["text"].CopyFrom(tf.make_tensor_proto(list(texts), tf.string))
        try:
            outputs = stub.Predict(request, timeout=_TIMEOUT).outputs
        except grpc.RpcError as error:
            lost = error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
            more = addresses.hint(address, is_rest=False) if lost else ""
            raise TflotteryError(f"the server {address} says: {error.details()}{more}") from None
        given = {name: tf.make_ndarray(tensor) for name, tensor in outputs.items()}
        return _checked(address, len(texts), lambda: _answers(given["label"], given["score"]))

    return ask


def over_rest(url: str, model: Model) -> Ask:
    """Asks TensorFlow Serving's REST API at ``http://host:port`` (8501 by default there).

    Raises:
        TflotteryError: from the returned function, if the server does not answer.
    """
    version = "" if model.version is None else f"/versions/{model.version}"
    place = f"{url.rstrip('/')}/v1/models/{model.name}{version}:predict"

    def ask(texts: Sequence[bytes]) -> list[Answer]:
        body = {
            "signature_name": _SIGNATURE,
            "instances": [{"text": {"b64": base64.b64encode(text).decode()}} for text in texts],
        }
        request = urllib.request.Request(
            place, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as reply:
                content = _whole(reply, time.monotonic() + _TIMEOUT)
        except urllib.error.HTTPError as error:
            raise TflotteryError(f"{place} says: {_reason(error)}") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            more = addresses.hint(url, is_rest=True)
            raise TflotteryError(f"{place} does not answer: {error}{more}") from None
        return _checked(
            url,
            len(texts),
            lambda: [
                Answer(row["label"], row["score"]) for row in json.loads(content)["predictions"]
            ],
        )

    return ask


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(_LARGEST_REASON))["error"])
    except (ValueError, KeyError, TypeError, RecursionError, OSError, http.client.HTTPException):
        return f"{error.code} {error.reason}"


def _answers(labels: Any, scores: Any) -> list[Answer]:
    return [
        Answer(label.decode(), score)
        for label, score in zip(labels.tolist(), scores.tolist(), strict=True)
    ]


def _whole(reply: http.client.HTTPResponse, deadline: float) -> bytes:
    """What a server says, if that is no more than an answer on so many texts may be.

    Raises:
        OSError: it is more, or takes longer.
    """
    content = bytearray()
    while block := reply.read1(1 << 16):
        content += block
        if len(content) > _LARGEST_ANSWER:
            raise OSError(f"more than {_LARGEST_ANSWER >> 20} MB")
        if time.monotonic() > deadline:
            raise OSError(f"not whole after {_TIMEOUT:.0f} seconds")
    return bytes(content)


def _checked(server: str, texts: int, read: Callable[[], list[Answer]]) -> list[Answer]:
    try:
        answers = read()
        if len(answers) != texts or not all(map(_is_sound, answers)):
            raise ValueError
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise TflotteryError(
            f"{server} answers, but not with label and score: not a model of ours?"
        ) from None
    return answers


def _is_sound(answer: Answer) -> bool:
    scores = answer.score if isinstance(answer.score, list) else [answer.score]
    return (
        isinstance(answer.label, str)
        and bool(scores)
        and all(type(score) in (int, float) and math.isfinite(score) for score in scores)
    )
