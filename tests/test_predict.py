"""bin/predict and its client: here, over gRPC and over REST.

The server is a test double. Where ``tensorflow_model_server`` is on the PATH, the same tests run
against it, and where TFLOTTERY_SERVING_URL is set (as http://localhost:8501, with gRPC at 8500)
against that one; TFLOTTERY_SERVING_MODEL is then the folder it serves, as saved_models/imdb-cnn.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import pytest
import tensorflow as tf
import yaml
from tensorflow_serving.apis import classification_pb2, prediction_service_pb2_grpc

import tflottery as tfl
from tests.serving_double import ServingTestDouble
from tflottery.cli import predict
from tflottery.errors import TflotteryError, UserError
from tflottery.exports import client
from tflottery.exports.verification import SENTENCES, examples

URL = os.environ.get("TFLOTTERY_SERVING_URL", "")
SERVERS = [
    "test double",
    *(["tensorflow_model_server"] if shutil.which("tensorflow_model_server") else []),
    *([URL] if URL else []),
]
TEXT = "a film I would gladly see again"


@dataclass(frozen=True)
class Server:
    base: Path
    grpc: str
    rest: str


@pytest.fixture(scope="module")
def exported(small_export) -> Path:
    return small_export[1]


@pytest.fixture(scope="module", params=SERVERS)
def server(request, exported) -> Iterator[Server]:
    if request.param == "test double":
        with ServingTestDouble(exported) as double:
            yield Server(exported, double.grpc, double.rest)
    elif request.param == "tensorflow_model_server":
        with real_server(exported) as real:
            yield real
    else:
        address = f"{urlsplit(URL).hostname}:8500"
        yield Server(Path(os.environ["TFLOTTERY_SERVING_MODEL"]), address, URL)


@contextmanager
def real_server(base: Path) -> Iterator[Server]:
    ports = [free_port(), free_port()]
    flags = [
        f"--port={ports[0]}", f"--rest_api_port={ports[1]}", f"--model_name={base.name}",
        f"--model_base_path={base}", "--enable_batching=true",
        f"--batching_parameters_file={base / 'batching.config'}",
    ]  # fmt: skip
    process = subprocess.Popen(["tensorflow_model_server", *flags])
    try:
        url = f"http://127.0.0.1:{ports[1]}"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with urllib.request.urlopen(f"{url}/v1/models/{base.name}") as reply:
                    if b"AVAILABLE" in reply.read():
                        break
            except OSError:
                time.sleep(0.2)
        yield Server(base, f"127.0.0.1:{ports[0]}", url)
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.fixture(scope="module")
def expected(server) -> list[client.Answer]:
    return client.local(client.Model(server.base))(SENTENCES)


def same(found: list[client.Answer], expected: list[client.Answer]) -> bool:
    return [answer.label for answer in found] == [answer.label for answer in expected] and [
        answer.score for answer in found
    ] == pytest.approx([answer.score for answer in expected], abs=1e-5)


@pytest.mark.parametrize("way", [client.over_grpc, client.over_rest])
def test_a_server_says_what_the_folder_says(server, expected, way):
    address = server.grpc if way is client.over_grpc else server.rest
    newest = max(int(path.name) for path in server.base.iterdir() if path.name.isdecimal())
    for path in (server.base, Path(server.base.name), server.base / str(newest)):
        assert same(way(address, client.Model(path))(SENTENCES), expected)
    assert len({answer.label for answer in expected}) > 1


@pytest.mark.parametrize("way", [client.over_grpc, client.over_rest])
@pytest.mark.parametrize("model", ["nobody", "99"])
def test_a_model_that_is_not_served(server, way, model):
    address = server.grpc if way is client.over_grpc else server.rest
    path = Path(model) if model == "nobody" else server.base / model
    with pytest.raises(TflotteryError, match=r"says: .*not found") as raised:
        way(address, client.Model(path))([b"a"])
    assert raised.value.exit_code == 1


def test_classify_gives_every_class_its_score(server, expected):
    stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(server.grpc))
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name, request.model_spec.signature_name = server.base.name, "classify"
    for example in examples(SENTENCES):
        request.input.example_list.examples.add().ParseFromString(example)
    results = stub.Classify(request, timeout=30).result.classifications
    assert len(results) == len(SENTENCES)
    for result, answer in zip(results, expected, strict=True):
        first, second = result.classes
        assert second.score == pytest.approx(answer.score, abs=1e-5)
        assert first.score + second.score == pytest.approx(1, abs=1e-5)
        assert max(result.classes, key=lambda one: one.score).label == answer.label


def post(server: Server, body: dict) -> dict:
    request = urllib.request.Request(
        f"{server.rest}/v1/models/{server.base.name}:predict", json.dumps(body).encode()
    )
    with urllib.request.urlopen(request) as reply:
        return json.loads(reply.read())


def test_the_forms_of_a_rest_request(server):
    (bare,) = post(server, {"instances": [TEXT]})["predictions"]
    (named,) = post(server, {"instances": [{"text": TEXT}]})["predictions"]
    columns = post(server, {"inputs": {"text": [TEXT]}})["outputs"]
    assert bare == named == {name: value[0] for name, value in columns.items()}


def test_the_health_check_of_compose(server, exported):
    (service,) = yaml.safe_load((exported / "compose.yaml").read_text())["services"].values()
    _, *command = service["healthcheck"]["test"]
    here = command[-1].replace("8501", str(urlsplit(server.rest).port))
    here = here.replace(exported.name, server.base.name)
    for script, works in ((here, True), (here.replace("/v1/models/", "/v1/models/not-"), False)):
        done = subprocess.run([*command[:-1], script], timeout=30, check=False)
        assert (done.returncode == 0) is works


def test_the_command_over_each_way_and_from_standard_input(server, capsys, monkeypatch):
    outputs = []
    for flags in (
        ["--model", str(server.base)],
        ["--model", server.base.name, "--server", server.grpc],
        ["--model", server.base.name, "--server", server.rest],
    ):
        assert predict.main([TEXT, *flags]) == 0
        outputs.append(capsys.readouterr().out)
    assert len(set(outputs)) == 1
    label, score, text = outputs[0].rstrip("\n").split("\t")
    assert label and 0 <= float(score) <= 1 and text == TEXT

    assert predict.main([TEXT, "dull", "--model", str(server.base)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == outputs[0].rstrip("\n") and second.endswith("\tdull")

    for asked, where in ((server.base, ""), (server.base.name, server.grpc)):
        (answer,) = tfl.predict(asked, TEXT, server=where, progress=False)
        assert (answer.label, f"{answer.score:.4f}") == (label, score)
    found = tfl.predict(
        None, [TEXT] * 40, server=f"{server.rest}/v1/models/{server.base.name}:predict"
    )
    assert len(found) == 40 and {one.label for one in found} == {label}

    lines = b"".join(b"%d %s\r\n" % (number, TEXT.encode()) for number in range(40)) + b"\xff\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
    assert predict.main(["--model", server.base.name, "--server", server.rest]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 41 and printed[39].endswith(f"\t39 {TEXT}")
    assert printed[40].endswith("\t�")


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        ([TEXT], 2, "Which model?"),
        ([TEXT, "--model", "nowhere"], 2, "nowhere holds no exported model"),
        ([TEXT, "--model", "m", "--server", "http://127.0.0.1:1"], 1, "does not answer"),
        ([TEXT, "--model", "m", "--server", "http://127.0.0.1:port"], 2, "is no address of a"),
        ([TEXT, "--server", "http://127.0.0.1:1/v1/models/m:predict"], 1, "/m:predict does not"),
        ([TEXT, "--model", "n", "--server", "127.0.0.1:1/v1/models/m:predict"], 2, "leave one out"),
        ([TEXT, "--server", "127.0.0.1:1"], 2, "Which model?"),
        (["--model", "m", "-- dull, not a joy"], 2, "predict -- '-- dull, not a joy'"),
        (["--model", "m", "-dull"], 2, "'-dull' is taken for a flag."),
        (["--modle", "m", "dull"], 2, "Did you mean '--model'?"),
        ([TEXT, "--model", "m", "--server", "127.0.0.1:1"], 1, "the server 127.0.0.1:1 says"),
        ([TEXT, "again"], 2, "Which model?"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, monkeypatch, capfd, flags, code, message):
    monkeypatch.chdir(tmp_path)
    assert predict.main(flags) == code
    errors = capfd.readouterr().err
    assert message in errors and errors.startswith("predict: ") and errors.count("\n") == 1


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        (("nowhere", "a"), UserError, "nowhere holds no exported model"),
        ((None, "a"), UserError, "Which model?"),
        (("m", b"a"), UserError, "as a text, or as a list of texts"),
        (("m", ["a", 1]), UserError, "as a text, or as a list of texts"),
        (("m", 1), UserError, "as a text, or as a list of texts"),
        (("m\0", "a"), UserError, "takes the path of a folder"),
        (("m", "a", "http://127.0.0.1:port"), UserError, "is no address of a"),
        (("m", "a", 1), UserError, "server"),
        ((None, "a", "http://127.0.0.1:1"), UserError, "Which model?"),
        (("m", "a", "http://127.0.0.1:1"), TflotteryError, "does not answer"),
    ],
)
def test_a_calls_mistake_is_one_line(asked, error, message):
    model, texts, server = (*asked, "")[:3]
    with pytest.raises(error, match=message) as raised:
        tfl.predict(model, texts, server=server, progress=False)
    assert "\n" not in str(raised.value)


def test_a_server_of_other_models_is_an_error(server, monkeypatch):
    class Reply(io.BytesIO):
        def __init__(self) -> None:
            super().__init__(b'{"predictions": [0.5]}')

    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: Reply())
    with pytest.raises(TflotteryError, match="not with label and score"):
        client.over_rest(server.rest, client.Model(server.base))([b"a"])


def test_a_folder_of_another_model_is_an_error(tmp_path):
    module = tf.Module()
    double = tf.function(lambda x: {"y": 2 * x}, input_signature=[tf.TensorSpec([None], name="x")])
    tf.saved_model.save(module, str(tmp_path / "1"), double.get_concrete_function())
    with pytest.raises(TflotteryError, match="not with label and score"):
        client.local(client.Model(tmp_path))([b"a"])


def test_rest_at_the_port_of_grpc_is_one_line(server):
    with pytest.raises(TflotteryError, match="does not answer"):
        client.over_rest(f"http://{server.grpc}", client.Model(server.base))([b"a"])


@pytest.mark.parametrize("version", [str(2**63), "9" * 400, "9" * 5000])
def test_a_version_that_no_server_can_have_is_a_users_mistake(monkeypatch, version):
    model = Path("m", version)
    ways = [
        lambda: client.over("localhost:8500", model),
        lambda: client.over("http://localhost:8501", model),
        lambda: client.over_grpc("localhost:8500", client.Model(model)),
    ]
    monkeypatch.setattr("tflottery.startup.start_tensorflow", None)
    for way in ways:
        with pytest.raises(UserError, match="names a version that no server has") as told:
            way()
        assert "\n" not in str(told.value) and len(str(told.value)) < 300
    client.over_grpc("localhost:8500", client.Model(Path("m", str(2**63 - 1))))


def test_grpc_without_its_package_is_a_users_mistake(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    with pytest.raises(UserError, match="pip install 'tflottery"):
        client.over_grpc("localhost:8500", client.Model(Path("m")))
