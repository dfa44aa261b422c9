"""Exports: what is in them, and that every way of loading them gives the Python model's scores."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import openvino
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tests import test_compaction
from tests.conftest import user_environment
from tests.exported import CLASSES, VOCABULARY, drawn, make_ticket
from tflottery.cli import export, predict
from tflottery.data.encoded import Encoded
from tflottery.errors import TflotteryError, UserError
from tflottery.exports import checksums, network, saved_model
from tflottery.exports.compaction import compact
from tflottery.exports.publishing import publish, versions
from tflottery.exports.session import Process
from tflottery.exports.verification import SENTENCES, padded, require_equal, scorer, verify
from tflottery.files import seal
from tflottery.tickets.ticket import Ticket

KINDS = {
    "cnn": ("cnn", CLASSES),
    "lstm": ("lstm", CLASSES),
    "gru": ("gru", CLASSES),
    "transformer": ("transformer", CLASSES),
    "three classes": ("cnn", ("bad", "mixed", "good")),
}


# A GRU is exported as a loop, as an LSTM is for TFLite.
PARAMS = [pytest.param(one, marks=pytest.mark.long) if one == "gru" else one
          for one in sorted(KINDS)]  # fmt: skip


@pytest.fixture(scope="module", params=PARAMS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def published(kind, small_export, tmp_path_factory) -> tuple[Ticket, Path]:
    """A ticket and the folder of its model."""
    if kind == "cnn":
        return small_export
    model, classes = KINDS[kind]
    ticket = make_ticket(tmp_path_factory.mktemp("tickets") / model, model, classes)
    base = tmp_path_factory.mktemp("saved_models") / "small"
    assert "of 11 texts within" in publish(ticket, base).checked
    return ticket, base


@pytest.fixture(scope="module")
def ticket(published) -> Ticket:
    return published[0]


@pytest.fixture(scope="module")
def exported(published) -> Path:
    return published[1] / "1"


@pytest.fixture(scope="module")
def expected(ticket) -> np.ndarray:
    """The Python model's probabilities for ``SENTENCES``."""
    ids = padded(VOCABULARY.encode(SENTENCES, 12), 12)
    return scorer(ticket.build("final"))(ids)


def as_served(probabilities: np.ndarray) -> np.ndarray:
    return probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities


def test_the_sentences_tell_networks_apart(expected):
    assert np.unique(expected.round(5), axis=0).shape[0] >= 5
    assert len(set(expected.argmax(axis=1))) > 1


def test_a_server_finds_a_version_and_its_signatures(exported, ticket):
    assert {path.name for path in exported.iterdir()} >= {
        "saved_model.pb", "variables", "assets", "fingerprint.pb", "SHA256SUMS",
    }  # fmt: skip
    assert "assets/vocabulary.txt" in checksums.read(exported)
    checksums.check(exported)
    assert (exported / "assets" / "vocabulary.txt").read_text() == VOCABULARY.to_text()
    parsed = SavedModel()
    parsed.ParseFromString((exported / "saved_model.pb").read_bytes())
    signatures = parsed.meta_graphs[0].signature_def
    assert {*signatures} - {"__saved_model_init_op"} == {"serving_default", "ids", "classify"}
    assert signatures["classify"].method_name == "tensorflow/serving/classify"
    assert signatures["serving_default"].method_name == "tensorflow/serving/predict"
    (width,) = (dim.size for dim in signatures["ids"].inputs["ids"].tensor_shape.dim[1:])
    assert width == ticket.recipe.data.max_length


def test_every_weight_is_stored_once_and_pruned_ones_are_zero(exported, ticket):
    stored = tf.train.load_checkpoint(str(exported / "variables" / "variables"))
    shapes = stored.get_variable_to_shape_map()
    tensors = [stored.get_tensor(key) for key in shapes if not key.startswith("_")]
    assert sorted(t.size for t in tensors) == sorted(w.size for w in ticket.final_weights.values())
    alive = sum(int(mask.sum()) for mask in ticket.masks.values())
    biases = sum(w.size for name, w in ticket.final_weights.items() if name not in ticket.masks)
    assert sum(int(np.count_nonzero(tensor)) for tensor in tensors) == alive + biases


def by_saved_model_command(exported: Path, place: Path) -> np.ndarray:
    """The scores of ``saved_model_cli run`` for ``SENTENCES``."""
    np.save(place / "texts.npy", np.array(SENTENCES))
    arguments = [
        "run", "--dir", exported, "--tag_set", "serve", "--signature_def", "serving_default",
        "--inputs", f"text={place}/texts.npy", "--outdir", place,
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli", *map(str, arguments)],
        env=user_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return np.load(place / "score.npy")


def by_openvino(exported: Path, ids: np.ndarray) -> np.ndarray:
    """OpenVINO's scores for ids; it does not know the operations on text."""
    loaded = tf.saved_model.load(str(exported))
    model = openvino.convert_model(loaded.signatures["ids"])
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    return openvino.Core().compile_model(model, "CPU", exact)([ids])["score"]


@pytest.mark.parametrize(
    "kind", ["lstm", pytest.param("gru", marks=pytest.mark.long), "transformer"], indirect=True
)
def test_the_saved_model_command_runs_it(exported, expected, tmp_path):
    found = by_saved_model_command(exported, tmp_path)
    assert found == pytest.approx(as_served(expected), abs=1e-5)


@pytest.mark.parametrize(
    "kind",
    ["cnn", "lstm"] + [pytest.param(one, marks=pytest.mark.long) for one in ("gru", "transformer")],
    indirect=True,
)
def test_openvino_agrees(exported, expected):
    ids = padded(VOCABULARY.encode(SENTENCES, 12), 12)
    assert by_openvino(exported, ids) == pytest.approx(as_served(expected), abs=1e-5)


@pytest.mark.parametrize(
    "model",
    ["cnn"]
    + [
        pytest.param(kind, marks=pytest.mark.long)
        for kind in ("transformer", "stacked lstm", "stacked gru")
    ],
)
def test_a_compact_export_whose_words_share_rows_is_served_everywhere(model, tmp_path):
    weights = drawn(test_compaction.SIZES[model])
    weights["embedding/embeddings"][3:7] = 0
    weights["embedding/embeddings"][:, 2] = 0
    whole = test_compaction.network(model, weights)
    small, python_model = compact(whole), scorer(whole.plain())
    assert small.own_rows is not None
    folder = tmp_path / "1"
    folder.mkdir()
    saved_model.save(small, VOCABULARY, folder)
    assert verify(folder, small, VOCABULARY, python_model) <= 1e-5
    ids = padded(VOCABULARY.encode(SENTENCES, small.max_length), small.max_length)
    expected = python_model(ids)[:, 1]
    assert by_saved_model_command(folder, tmp_path) == pytest.approx(expected, abs=1e-5)
    assert by_openvino(folder, ids) == pytest.approx(expected, abs=1e-5)


def test_a_damaged_export_is_named(exported, tmp_path, capfd):
    torn = tmp_path / "torn"
    shutil.copytree(exported, torn)
    (variables,) = (torn / "variables").glob("variables.data*")
    variables.write_bytes(variables.read_bytes()[:40])
    assert predict.main(["a film", "--model", str(torn)]) == 2
    errors = capfd.readouterr().err
    assert "variables.data-00000-of-00001 is not what was exported" in errors
    assert "Traceback" not in errors
    # One of before checksums were kept.
    (torn / "SHA256SUMS").unlink()
    assert predict.main(["a film", "--model", str(torn)]) == 2
    errors = capfd.readouterr().err
    assert "cannot be loaded" in errors and "Traceback" not in errors


def test_a_row_of_padding_is_one_unknown_word(exported):
    asked = tf.saved_model.load(str(exported)).signatures["ids"]
    rows = padded([[], [1]], 12)
    empty, unknown = asked(ids=tf.constant(rows))["score"].numpy()
    assert empty == pytest.approx(unknown, abs=1e-6)


@pytest.fixture
def cnn(small_export) -> Ticket:
    return small_export[0]


def test_versions_count_on_and_none_is_replaced(cnn, tmp_path, monkeypatch):
    monkeypatch.setattr("tflottery.exports.publishing.verify", lambda *_: 0.0)
    monkeypatch.setattr(saved_model, "save", lambda *_: None)
    base = tmp_path / "reviews"
    (base / "7").mkdir(parents=True)
    (base / "notes").mkdir()
    assert publish(cnn, base).folder == base / "8"
    assert publish(cnn, base, version=2).folder == base / "2"
    assert versions(base) == [2, 7, 8]
    with pytest.raises(UserError, match="is there already"):
        publish(cnn, base, version=7)


def test_a_version_that_another_process_took_is_left_alone(cnn, tmp_path, monkeypatch):
    monkeypatch.setattr(saved_model, "save", lambda *_: None)

    def meanwhile(*_: object) -> float:
        (tmp_path / "reviews" / "1").mkdir()
        return 0.0

    monkeypatch.setattr("tflottery.exports.publishing.verify", meanwhile)
    with pytest.raises(UserError, match="is there already"):
        publish(cnn, tmp_path / "reviews")
    assert versions(tmp_path / "reviews") == [1]
    assert not any((tmp_path / "reviews" / "1").iterdir())


def save(ticket: Ticket, folder: Path, **changes: np.ndarray) -> network.Network:
    """Writes a SavedModel with changed weights; returns the unchanged network."""
    served = network.of_ticket(ticket)
    folder.mkdir()
    altered = network.of_weights(ticket, {**served.weights, **changes}, {})
    saved_model.save(altered, ticket.vocabulary, folder)
    return served


def test_an_export_of_other_weights_is_found_out(cnn, tmp_path):
    bias = cnn.final_weights["head/bias"] + np.float32(1e-3)
    served = save(cnn, tmp_path / "other", **{"head/bias": bias})
    with pytest.raises(TflotteryError, match="head/bias is not the ticket's"):
        verify(tmp_path / "other", served, VOCABULARY, scorer(cnn.build("final")))


@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_a_model_that_cannot_be_loaded_leaves_no_process_and_nothing_open(
    tmp_path, monkeypatch, error
):
    started = Process(tmp_path / "none")
    if error:

        def interrupted() -> None:
            raise error

        monkeypatch.setattr(started, "_receive", interrupted)
    with pytest.raises(error or TflotteryError), started:
        pass
    process = started._process
    assert process.returncode is not None
    assert process.stdin.closed and process.stdout.closed and started._errors.closed


def test_every_test_text_counts(small_export):
    ticket, base = small_export
    right = scorer(ticket.build("final"))
    texts = Encoded(np.array([2, 3, 4], np.int32), np.array([0, 1, 3]), np.array([0, 1], np.int32))

    def wrong_on_test_texts(ids: np.ndarray) -> np.ndarray:
        return right(ids) + (0 if len(ids) == len(SENTENCES) else 1e-3)

    with pytest.raises(TflotteryError, match=r"scores differ from the Python model's by 1\.0e-03"):
        verify(base / "1", network.of_ticket(ticket), VOCABULARY, wrong_on_test_texts, texts)


def test_weights_stored_twice_are_found_out(cnn, tmp_path):
    served = network.of_ticket(cnn)
    module = tf.Module()
    module.weights, module.again = (
        {name: tf.Variable(weight) for name, weight in served.weights.items()} for _ in range(2)
    )
    tf.saved_model.save(module, str(tmp_path / "twice"))
    with pytest.raises(TflotteryError, match="exactly once"):
        verify(tmp_path / "twice", served, VOCABULARY, scorer(cnn.build("final")))


def test_a_score_that_is_no_number_never_passes():
    assert require_equal(np.array([0.5]), np.array([0.5000001])) < 1e-5
    for found in (0.50002, np.nan):
        with pytest.raises(TflotteryError, match="scores differ"):
            require_equal(np.array([found]), np.array([0.5]))


def test_a_model_that_writes_while_it_serves_is_seen(tmp_path):
    module = tf.Module()
    module.count = tf.Variable(0.0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def counts(x):
        return {"y": tf.cond(x[0] > 0, lambda: module.count.assign_add(1.0), lambda: x[0])}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def reads(x):
        return {"y": x + module.count}

    tf.saved_model.save(module, str(tmp_path / "m"), {"counts": counts, "reads": reads})
    with Process(tmp_path / "m") as served:
        assert "AssignAddVariableOp" in served.operations["counts"]
        assert not [name for name in served.operations["reads"] if "Assign" in name]
        assert served.peak_memory > 0
        assert served.run("reads", {"x": np.ones(2, np.float32)})["y"].tolist() == [1, 1]
        with pytest.raises(TflotteryError, match="fails in a fresh process: KeyError"):
            served.run("nowhere", {})


def test_nothing_stays_of_a_failed_export(cnn, tmp_path, monkeypatch):
    def fail(*_: object) -> float:
        raise TflotteryError("scores differ")

    monkeypatch.setattr("tflottery.exports.publishing.verify", fail)
    with pytest.raises(TflotteryError):
        publish(cnn, tmp_path / "saved_models" / "small")
    assert list(tmp_path.iterdir()) == []


def without_trained_weights(ticket: Ticket) -> None:
    path = ticket.folder / "ticket.json"
    about = json.loads(path.read_text())
    del about["sha256"], about["files"]["final.npz"]
    path.write_text(seal(about))
    (ticket.folder / "final.npz").unlink()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "tickets holds no ticket"),
        (["nowhere"], "nowhere holds no ticket"),
        (["untrained"], "has no trained weights"),
        (["untrained", "--compact"], "has no trained weights"),
        (["untrained", "--compare"], "has no trained weights"),
        (["cnn", "--name", "a/b"], "--name 'a/b': a model's name is made of letters"),
        (["cnn", "--name", ".."], "--name '..'"),
        (["cnn", "--name", ""], "--name ''"),
        (["cnn", "--name", "2024"], "--name '2024'"),
        (["cnn", "--version", "1"], "1 is there already"),
        (["cnn", "--version", "0"], "--version takes a whole number from 1 on"),
        (["cnn", "--version", str(2**63)], "--version takes a whole number from 1 on"),
        (["cnn", "--output", "file"], "is no folder to write to"),
    ],
)
def test_a_users_mistake_is_one_line_and_leaves_nothing(
    tmp_path, monkeypatch, capfd, flags, message
):
    monkeypatch.chdir(tmp_path)
    make_ticket(tmp_path / "cnn", "cnn")
    without_trained_weights(make_ticket(tmp_path / "untrained", "cnn"))
    (tmp_path / "saved_models" / "toy-cnn" / "1").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    before = sorted(tmp_path.rglob("*"))
    capfd.readouterr()  # what TensorFlow said while the tickets were made
    assert export.main(flags) == 2
    errors = capfd.readouterr().err
    assert message in errors and errors.startswith("export: ") and errors.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before
