"""The files for TensorFlow Serving beside a SavedModel: warm-up requests and configuration.

They follow TensorFlow Serving's guides (tensorflow.org/tfx/guide/serving: saved_model_warmup,
serving_config, docker; the batching guide in its repository).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tflottery import program, seeds
from tflottery.data.words.vocabulary import RESERVED, Vocabulary
from tflottery.data.words.wording import PLAIN, Wording
from tflottery.exports.addresses import GRPC_PORT, REST_PORT
from tflottery.exports.client import BATCH, LARGEST_REQUEST
from tflottery.exports.saved_model import CLASSIFY, IDS, TEXT
from tflottery.exports.verification import examples, padded
from tflottery.files import write_together

WARM_UP = "tf_serving_warmup_requests"
MODELS, BATCHING, COMPOSE = "models.config", "batching.config", "compose.yaml"
# Warm-up texts are made of this many words, the most frequent ones.
_COMMON = 2_000


def write_warm_up(
    folder: Path, name: str, vocabulary: Vocabulary, max_length: int, wording: Wording = PLAIN
) -> None:
    """Writes requests that a server sends to itself before it answers others.

    The first request of each kind is slow, because TensorFlow prepares itself. So there is one for
    each signature, the smallest and the largest batch, and short and full-length texts. The texts
    are frequent words in random order.

    Args:
        folder: the version's folder.
        name: the model's name.
        vocabulary: gives the words.
        max_length: the most words of a text.
        wording: what the words are.
    """
    from tensorflow_serving.apis import prediction_log_pb2

    path = folder / "assets.extra" / WARM_UP
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for kind, request in _requests(name, vocabulary, max_length, wording):
            log = prediction_log_pb2.PredictionLog()
            getattr(log, f"{kind}_log").request.CopyFrom(request)
            writer.write(log.SerializeToString())


def _requests(
    name: str, vocabulary: Vocabulary, max_length: int, wording: Wording
) -> Iterator[tuple[str, Any]]:
    from tensorflow_serving.apis import classification_pb2, predict_pb2

    random = seeds.generator("warm up", name)
    words = vocabulary.words[len(RESERVED) :][:_COMMON] or RESERVED

    def texts(count: int, length: int) -> list[bytes]:
        return [" ".join(random.choice(words, length)).encode() for _ in range(count)]

    def predict(signature: str, **inputs: np.ndarray | list[bytes]) -> tuple[str, Any]:
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = name, signature
        for key, value in inputs.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        return "predict", request

    short = max(1, max_length // 4)
    yield predict(TEXT, text=texts(1, short))
    yield predict(TEXT, text=texts(1, max_length))
    yield predict(TEXT, text=texts(BATCH, short))
    ids = vocabulary.encode(texts(1, short), max_length, wording)
    yield predict(IDS, ids=padded(ids, max_length))
    classify = classification_pb2.ClassificationRequest()
    classify.model_spec.name, classify.model_spec.signature_name = name, CLASSIFY
    for example in examples(texts(1, short)):
        classify.input.example_list.examples.add().ParseFromString(example)
    yield "classify", classify


def write_configuration(base: Path) -> None:
    """Writes ``models.config``, ``batching.config`` and ``compose.yaml`` into a model's folder.

    They are the same for all versions. A file that exists is left alone, since the user may have
    changed it.
    """
    contents: dict[str, bytes | str] = {
        MODELS: models_config(base.name),
        BATCHING: _BATCHING,
        COMPOSE: _COMPOSE.format(name=base.name, flags=_flags(base.name)),
    }
    write_together(base, {name: contents[name] for name in contents if not (base / name).exists()})


def models_config(name: str) -> str:
    """The file for ``--model_config_file``: it serves the newest version; a user can add other
    models to it."""
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    configuration = model_server_config_pb2.ModelServerConfig()
    model = configuration.model_config_list.config.add()
    model.name, model.base_path, model.model_platform = name, f"/models/{name}", "tensorflow"
    model.model_version_policy.latest.num_versions = 1
    return str(text_format.MessageToString(configuration))


# The number of threads is left to the server: by default one for each core. All texts have the same
# shape, and so have all ids, so requests can be joined without padding; pad_variable_length_inputs
# would pad with the first word. The server refuses a request of more texts than max_batch_size, so
# that is far larger than the batches that it computes.
_BATCHING = f"""\
max_batch_size {{ value: {LARGEST_REQUEST} }}
enable_large_batch_splitting {{ value: true }}
max_execution_batch_size {{ value: {BATCH} }}
batch_timeout_micros {{ value: 0 }}
max_enqueued_batches {{ value: 100 }}
"""

# The image has no curl, but bash can open a connection to a port.
_COMPOSE = """\
services:
  serving:
    # Pin the version that you have tested.
    image: tensorflow/serving:latest
    command:
{flags}
    volumes:
      - .:/models/{name}:ro
    ports:
      - "127.0.0.1:8500:8500"
      - "127.0.0.1:8501:8501"
    healthcheck:
      test:
        - CMD
        - bash
        - -c
        - >-
          exec 3<>/dev/tcp/127.0.0.1/8501 &&
          printf 'GET /v1/models/{name} HTTP/1.0\\r\\n\\r\\n' >&3 &&
          grep -q AVAILABLE <&3
      interval: 10s
      timeout: 5s
      start_period: 60s
    restart: unless-stopped
"""


def _flags(name: str) -> str:
    return "\n".join(f"      - {flag}" for flag in _server_flags(name))


def _server_flags(name: str) -> list[str]:
    return [
        f"--model_config_file=/models/{name}/{MODELS}",
        "--enable_batching=true",
        f"--batching_parameters_file=/models/{name}/{BATCHING}",
    ]


def docker_run(base: Path) -> str:
    """A shell command that serves a model's folder to this machine only."""
    name = base.name
    return (
        f"docker run --rm -p 127.0.0.1:{GRPC_PORT}:{GRPC_PORT} "
        f"-p 127.0.0.1:{REST_PORT}:{REST_PORT} "
        f"-v {program.quoted(str(base.absolute()))}:/models/{name}:ro tensorflow/serving "
        + " ".join(_server_flags(name))
    )


def curl(name: str, text: str = "a text to ask about") -> str:
    """A shell command that sends one text by REST."""
    request = json.dumps({"instances": [text]}, ensure_ascii=False)
    return (
        f"curl -d {program.quoted(request)} http://localhost:{REST_PORT}/v1/models/{name}:predict"
    )
