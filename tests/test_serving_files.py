"""The files beside an export, read with TensorFlow Serving's own messages where these exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tensorflow as tf
import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf import wrappers_pb2 as wrappers
from tensorflow_serving.apis import prediction_log_pb2
from tensorflow_serving.config import model_server_config_pb2

from tests.exported import VOCABULARY
from tflottery.errors import UserError
from tflottery.exports import places, serving_files
from tflottery.exports.client import BATCH, LARGEST_REQUEST
from tflottery.exports.model_card import _judged, _measured
from tflottery.exports.publishing import publish
from tflottery.tickets.ticket import Ticket


@pytest.fixture
def ticket(small_export) -> Ticket:
    return small_export[0]


@pytest.fixture
def base(small_export) -> Path:
    return small_export[1]


def warm_up(base: Path) -> list[prediction_log_pb2.PredictionLog]:
    path = base / "1" / "assets.extra" / "tf_serving_warmup_requests"
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    return [prediction_log_pb2.PredictionLog.FromString(record) for record in records]


def test_every_warm_up_request_is_one_that_the_model_answers(base):
    signatures = tf.saved_model.load(str(base / "1")).signatures
    logs, batches, asked = warm_up(base), set(), set()
    assert 0 < len(logs) <= 1000
    for log in logs:
        kind = log.WhichOneof("log_type")
        request = getattr(log, kind).request
        assert request.model_spec.name == base.name
        if kind == "predict_log":
            inputs = {key: tf.constant(tf.make_ndarray(v)) for key, v in request.inputs.items()}
        else:
            examples = request.input.example_list.examples
            inputs = {"inputs": tf.constant([example.SerializeToString() for example in examples])}
        outputs = signatures[request.model_spec.signature_name](**inputs)
        (size,) = {len(value) for value in [*inputs.values(), *outputs.values()]}
        batches.add(size)
        asked.add(request.model_spec.signature_name)
    assert asked == {"serving_default", "ids", "classify"} and batches == {1, BATCH}


def test_warm_up_texts_are_made_of_the_vocabulary(base):
    texts = [
        text.decode().split()
        for log in warm_up(base)
        if log.WhichOneof("log_type") == "predict_log"
        for text in log.predict_log.request.inputs["text"].string_val
    ]
    assert max(map(len, texts)) == 12 and min(map(len, texts)) == 3
    assert {word for text in texts for word in text} <= set(VOCABULARY.words[2:])


def test_the_model_configuration_is_serving_s(base):
    parsed = text_format.Parse(
        (base / "models.config").read_text(), model_server_config_pb2.ModelServerConfig()
    )
    (model,) = parsed.model_config_list.config
    assert (model.name, model.base_path) == (base.name, f"/models/{base.name}")
    assert model.model_version_policy.latest.num_versions == 1


def batching_parameters() -> type:
    """tensorflow.serving.BatchingParameters, which tensorflow-serving-api lacks, as in
    session_bundle_config.proto."""
    file = descriptor_pb2.FileDescriptorProto(
        name="batching.proto", package="t", syntax="proto3", dependency=[wrappers.DESCRIPTOR.name]
    )
    message = file.message_type.add(name="BatchingParameters")
    kinds = descriptor_pb2.FieldDescriptorProto
    for number, name in enumerate(
        ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads"), 1
    ):
        message.field.add(
            name=name, number=number, type=kinds.TYPE_MESSAGE, label=kinds.LABEL_OPTIONAL,
            type_name=".google.protobuf.Int64Value",
        )  # fmt: skip
    message.field.add(
        name="allowed_batch_sizes", number=6, type=kinds.TYPE_INT64, label=kinds.LABEL_REPEATED
    )
    message.field.add(
        name="pad_variable_length_inputs", number=7, type=kinds.TYPE_BOOL,
        label=kinds.LABEL_OPTIONAL,
    )  # fmt: skip
    message.field.add(
        name="enable_large_batch_splitting", number=8, type=kinds.TYPE_MESSAGE,
        label=kinds.LABEL_OPTIONAL, type_name=".google.protobuf.BoolValue",
    )  # fmt: skip
    message.field.add(
        name="max_execution_batch_size", number=9, type=kinds.TYPE_MESSAGE,
        label=kinds.LABEL_OPTIONAL, type_name=".google.protobuf.Int64Value",
    )  # fmt: skip
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.BatchingParameters"))


def test_the_batching_parameters_are_serving_s(base):
    parsed = text_format.Parse((base / "batching.config").read_text(), batching_parameters()())
    # A request with more texts than the first number is refused, with more than the second split.
    assert parsed.max_batch_size.value == LARGEST_REQUEST > BATCH
    assert parsed.enable_large_batch_splitting.value
    assert parsed.max_execution_batch_size.value == BATCH
    # Serving pads with the first element of a request, which is a word.
    assert not parsed.pad_variable_length_inputs


def test_compose_serves_this_folder(base):
    (service,) = yaml.safe_load((base / "compose.yaml").read_text())["services"].values()
    assert service["image"].startswith("tensorflow/serving:")
    assert service["volumes"] == [f".:/models/{base.name}:ro"]
    mounted = [re.sub(r"^--\w+=", "", flag) for flag in service["command"] if "/models/" in flag]
    assert [Path(path).parent.as_posix() for path in mounted] == [f"/models/{base.name}"] * 2
    assert all((base / Path(path).name).is_file() for path in mounted)
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert f"/v1/models/{base.name} " in service["healthcheck"]["test"][-1]


def test_what_a_user_changed_stays(tmp_path):
    base = tmp_path / "reviews"
    serving_files.write_configuration(base)
    pinned = base / serving_files.COMPOSE
    pinned.write_text(pinned.read_text().replace("serving:latest", "serving:2.19.1"))
    (base / serving_files.BATCHING).unlink()
    serving_files.write_configuration(base)
    assert "serving:2.19.1" in pinned.read_text()
    assert (base / serving_files.BATCHING).is_file()


def test_the_docker_line_survives_a_shell(tmp_path):
    line = serving_files.docker_run(tmp_path / "with space" / "m")
    assert f"-v '{tmp_path}/with space/m':/models/m:ro tensorflow/serving --model_config" in line
    assert "-p 127.0.0.1:8500:8500 -p 127.0.0.1:8501:8501" in line


def test_the_card_says_what_was_measured(base, ticket):
    card = (base / "1" / "model_card.md").read_text()
    for fact in (
        f"# {base.name}, version 1", "this 87.50 %, dense 87.25 %", "Winning ticket.",
        f"({ticket.about['remaining_weights']:,} of {ticket.about['prunable_weights']:,} prunable",
        "the probability of `positive`", "Toy reviews are generated", "fresh process",
        "tensorflow 2.", "## Intended use",
    ):  # fmt: skip
        assert fact in card
    assert "None" not in card and "{" not in card.replace('{"instances"', "")


def test_the_card_says_what_the_verdict_rests_on():
    about = {
        "intervals": [
            {"comparison": "ticket - dense", "split": "test", "difference": 0.05, "low": -0.94,
             "high": 1.04, "texts": 2000, "seeds": 2},
            {"comparison": "ticket - reinit", "split": "test", "difference": 0.0, "low": None,
             "high": None, "texts": 0, "seeds": 2},
        ],
        "texts": {"validation": {"judged": 990, "left_out": 10},
                  "test": {"judged": 2000, "left_out": 0}},
        "baseline": {"class": "<b>|neg\n", "metric": "accuracy", "validation": 0.5, "test": 0.5},
        "seeds": [1, 2],
        "cautions": ["10 texts | left out."],
    }  # fmt: skip
    rows = _judged(about)
    assert rows["judged on"] == (
        "990 validation texts (10 left out), 2,000 test texts (0 left out); seeds 1, 2"
    )
    assert r"ticket - dense (test) +0.05 \[-0.94, +1.04\] points" in rows["95 % intervals"]
    assert "ticket - reinit (test) +0.00 (no interval) points" in rows["95 % intervals"]
    assert rows["larger class alone"] == r"\<b>\|neg, test 50.00 %"
    assert rows["cautions"] == r"10 texts \| left out."
    assert _judged({"verdict": "winning ticket"}) == {}


def test_the_card_has_every_metric_and_class():
    def measured(value):
        rows = [
            {"class": name, "precision": value, "recall": 0.25, "f1": 0.4, "texts": 1200}
            for name in ("<b>|neg", "pos\n*itive*")
        ]
        return {"macro_f1": 0.875, "roc_auc": value, "per_class": rows}

    about = {
        "metrics": {
            name: {split: measured(None) for split in ("validation", "test")}
            for name in ("ticket", "dense", "reinit")
        }
    }
    lines = _measured(about).splitlines()
    assert "| macro f1 | 0.8750 | 0.8750 | 0.8750 | 0.8750 |" in lines
    assert "| roc auc | – | – | – | – |" in lines
    assert "| \\<b>\\|neg | – | 0.2500 | 0.4000 | 1,200 |" in lines
    assert "| pos \\*itive\\* | – | 0.2500 | 0.4000 | 1,200 |" in lines
    assert not any("per_class" in line for line in lines)
    assert _measured({}) == ""


def test_without_the_extra_nothing_is_written(ticket, tmp_path, monkeypatch):
    monkeypatch.setattr(places.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'tflottery\[serving\]'"):
        publish(ticket, tmp_path / "saved_models" / "small")
    assert list(tmp_path.iterdir()) == []
