"""A ticket as files of other formats: each in its own runtime, and published together or not."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from tests.exported import CLASSES, CORPUS, EXAMPLES, SMALL, TEXTS, make_ticket
from tflottery.errors import TflotteryError
from tflottery.exports import network
from tflottery.exports.formats import checking, flatbuffer
from tflottery.exports.formats.beside import Beside
from tflottery.exports.formats.checking import Also
from tflottery.exports.formats.format import Given
from tflottery.exports.formats.registry import FORMATS
from tflottery.exports.publishing import publish
from tflottery.exports.verification import scorer

for package in ("onnx", "onnxruntime", "safetensors"):
    pytest.importorskip(package)

# A page holds a runtime that npm fetches; it has tests of its own.
EVERY = tuple(one for name, one in FORMATS.items() if name not in ("savedmodel", "web"))


def checked(tmp_path, model: str, also: Also, classes: tuple[str, ...] = CLASSES):
    ticket = make_ticket(tmp_path / "ticket", model, classes)
    given = Given(ticket, network.of_ticket(ticket), also.quantize, also.examples)
    (tmp_path / "files").mkdir()
    python_model = scorer(ticket.build("final"))
    return checking.write(also, given, python_model, tmp_path / "files")


def require_found(folder: Path, *files: Beside) -> None:
    for one in files:
        assert (folder / one.file).stat().st_size == one.bytes
        if one.format == "safetensors":
            assert one.difference is None and "bit for bit" in one.sentence
        else:
            assert one.difference < 1e-4 and one.texts == 40
            assert one.accuracy == one.python_accuracy and "of all 40 test texts" in one.sentence


@pytest.mark.long
def test_every_format_is_published_with_the_saved_model(tmp_path):
    ticket = make_ticket(tmp_path / "ticket", "cnn")
    published = publish(ticket, tmp_path / "m", None, CORPUS, Also(EVERY, TEXTS), True)
    assert [one.format for one in published.beside] == [one.name for one in EVERY]
    require_found(published.folder, *published.beside)
    for one in published.beside:
        assert one.file in (published.folder / "model_card.md").read_text()
    said = flatbuffer.metadata((published.folder / "model.tflite").read_bytes())
    assert json.loads(said["classes"]) == list(CLASSES) and said["max_length"] == "12"


@pytest.mark.long
@pytest.mark.parametrize("classes", [CLASSES, ("bad", "fair", "good")])
@pytest.mark.parametrize("model", ["lstm", "gru", "transformer"])
def test_every_network_in_every_format(model, classes, tmp_path):
    made = checked(tmp_path, model, Also(EVERY, TEXTS), classes)
    assert [one.format for one in made] == [one.name for one in EVERY]


@pytest.mark.long
@pytest.mark.parametrize("quantize", ["float16", "int8", "int8-full"])
def test_a_quantised_file_is_smaller_and_bounded(quantize, tmp_path):
    # With scales for weights alone, TFLite leaves tensors of fewer than 1,024 numbers as they are.
    wide = dataclasses.replace(SMALL["cnn"], embedding=64, filters=64)
    ticket = make_ticket(tmp_path / "ticket", "cnn", network=wide)
    python_model = scorer(ticket.build("final"))
    sizes = {}
    for name in ("", quantize):
        also = Also((FORMATS["tflite"],), TEXTS, name, 0.2, EXAMPLES)
        folder = tmp_path / f"files {name}"
        folder.mkdir()
        given = Given(ticket, network.of_ticket(ticket), name, EXAMPLES)
        (made,) = checking.write(also, given, python_model, folder)
        sizes[name] = made.bytes
    assert sizes[quantize] < 0.8 * sizes[""]
    assert 1e-5 < made.difference <= 0.2
    said = flatbuffer.metadata((folder / "model.tflite").read_bytes())
    assert said["quantize"] == quantize


@pytest.mark.long
def test_beyond_the_bound_nothing_is_published(tmp_path):
    ticket = make_ticket(tmp_path / "ticket", "cnn")
    also = Also((FORMATS["tflite"],), TEXTS, "int8", 1e-9, EXAMPLES)
    with pytest.raises(TflotteryError, match="--max_score_difference bounds them; nothing was"):
        publish(ticket, tmp_path / "m", None, None, also)
    assert not (tmp_path / "m").exists()


def test_other_scores_or_tensors_than_the_tickets_are_refused(tmp_path):
    ticket = make_ticket(tmp_path / "ticket", "cnn")
    served = network.of_ticket(ticket)
    weights = {**served.weights, "head/bias": served.weights["head/bias"] + np.float32(0.01)}
    given = Given(ticket, dataclasses.replace(served, weights=weights))
    python_model = scorer(ticket.build("final"))
    with pytest.raises(TflotteryError, match=r"model.onnx: its scores differ .* nothing was"):
        checking.write(Also((FORMATS["onnx"],), TEXTS), given, python_model, tmp_path)
    other = make_ticket(tmp_path / "other", "cnn", sparsity=0.3)
    FORMATS["safetensors"].write(Given(other, served), tmp_path / "model.safetensors")
    with pytest.raises(TflotteryError, match="bit for bit"):
        checking.check(
            FORMATS["safetensors"], tmp_path / "model.safetensors", given, python_model,
            Also((), TEXTS),
        )  # fmt: skip
