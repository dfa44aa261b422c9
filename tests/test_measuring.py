"""Sizes and speeds: by hand on small things, and their tables."""

from __future__ import annotations

import csv
import dataclasses
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import SMALL
from tests.exported import CORPUS, make_ticket
from tflottery.data.words.vocabulary import RESERVED, Vocabulary
from tflottery.exports import comparison as comparing
from tflottery.exports import comparison_tables, measuring
from tflottery.exports.comparison import Comparison, Variant
from tflottery.exports.fast import forms
from tflottery.exports.formats import tflite
from tflottery.exports.formats.left_out import LeftOut
from tflottery.exports.measuring import Size, Speed
from tflottery.exports.network import Network, of_ticket


@pytest.fixture
def folder(tmp_path) -> Path:
    model = tmp_path / "model"
    (model / "variables").mkdir(parents=True)
    (model / "saved_model.pb").write_bytes(b"graph" * 100)
    (model / "variables" / "variables.data-00000-of-00001").write_bytes(bytes(40_000))
    return model


def test_sizes_are_those_of_the_files(folder, tmp_path):
    size = measuring.size(folder)
    assert size.raw == 40_500
    assert 0 < size.weights_gzipped < 100 and size.weights_gzipped < size.gzipped < 1_000
    assert measuring.size(folder) == size
    lite = tmp_path / "m.tflite"
    lite.write_bytes(bytes(1_000))
    assert measuring.size(lite).raw == 1_000 and measuring.size(lite).weights_gzipped == 0


def test_forms_are_compared_with_the_vocabulary_that_each_needs(folder, tmp_path):
    """A SavedModel holds it; a file of TFLite has it beside it."""
    words = Vocabulary((*RESERVED, *(f"word{number}" for number in range(3_000))))
    lite = tmp_path / "lite" / forms.FILE
    lite.parent.mkdir()
    lite.write_bytes(np.random.default_rng(1).bytes(1_000))
    found = forms.sizes({"saved": folder, "lite": lite}, words)
    assert found["saved"] == measuring.size(folder)
    assert found["lite"].raw == 1_000 + len(words.to_text().encode())
    alone = measuring.size(lite).gzipped
    assert alone + 3_000 < found["lite"].gzipped < alone + len(words.to_text().encode())
    assert found["lite"].weights_gzipped == 0


def test_the_archive_holds_every_file(folder, monkeypatch):
    kept = []
    original = tarfile.TarFile.addfile

    def add(self, entry, content):
        kept.append((entry.name, content.getvalue()))
        content.seek(0)
        original(self, entry, content)

    monkeypatch.setattr(tarfile.TarFile, "addfile", add)
    measuring.size(folder)
    assert [name for name, _ in kept] == [
        "model/saved_model.pb", "model/variables/variables.data-00000-of-00001",
    ]  # fmt: skip
    assert kept[0][1] == b"graph" * 100


def floor(own: np.ndarray | None = None, **weights: list[float]) -> int:
    tensors = {name: np.array(values, np.float32) for name, values in weights.items()}
    return measuring.entropy_floor(Network(SMALL["cnn"], 9, ("a", "b"), 9, tensors, own))


def test_the_entropy_floor_by_hand():
    assert floor(dense=[1.0] * 10) == 40
    assert floor(nothing=[0.0] * 100) == 0
    # 4 of 8 are zero: one bit each says which.
    assert floor(half=[1, 0] * 4) == 4 * 4 + 1
    # 1 of 4: 4 (1/4 log2 4 + 3/4 log2 4/3) = 3.25 bits.
    assert floor(quarter=[0, 0, 0, 1]) == 4 + 1
    # The entropy is taken tensor by tensor: a full and an empty tensor need no mask.
    assert floor(all=[1.0] * 8, none=[0.0] * 8) == 32
    # Half of 16 words have a row of their own.
    assert floor(own=np.arange(16) % 2 == 0) == 2


def test_speeds_by_hand():
    speed = Speed(memory=0, seconds={1: np.array([0.001, 0.002, 0.003]), 32: np.array([0.5, 1.5])})
    assert speed.milliseconds(1, 50) == pytest.approx(2)
    assert speed.milliseconds(1, 100) == pytest.approx(3)
    assert speed.throughput(32) == pytest.approx(32)


def variant(name: str, seconds: float, weights_gzipped: int) -> Variant:
    return Variant(
        name=name,
        sparsity=0.5,
        numbers=12_345,
        size=Size(raw=2_000_000, gzipped=60_000, weights_gzipped=weights_gzipped),
        floor=40_000,
        speed=Speed(memory=3_000_000, seconds={b: np.full(4, seconds * b) for b in (1, 32)}),
        accuracy=0.87654,
    )


@pytest.fixture
def comparison() -> Comparison:
    variants = variant("dense", 0.004, 50_000), variant("TFLite int8", 0.001, 0)
    return Comparison("cnn on toy, 50.0% pruned", 60, variants, "two cores")


def test_the_tables(comparison):
    text = comparison_tables.markdown(comparison, "bin/export --compare")
    assert "| dense | 12,345 | 50.0 | 2,000 | 60 | 50.0 | 40.0 | 1.25 | 87.65 |" in text
    # A TFLite file has no variables of its own, so some cells stay empty.
    assert "| TFLite int8 | 12,345 | 50.0 | 2,000 | 60 | – | – | – | 87.65 |" in text
    assert "| TFLite int8 | 3.0 | 1.00 | 1.00 | 32.00 | 32.00 | 1,000 | 4.00 |" in text
    assert "at batch 1 and 32, of 200 and 100 runs" in text
    assert "Zeros save no time by themselves" in text and "bin/export --compare" in text


def test_the_csv_has_every_number(comparison):
    dense, lite = csv.DictReader(io.StringIO(comparison_tables.csv(comparison)))
    assert dense["raw_bytes"] == "2000000" and dense["floor_bytes"] == "40000"
    assert float(lite["times_dense"]) == pytest.approx(4) and lite["floor_bytes"] == ""
    assert float(dense["p99_ms_batch_32"]) == pytest.approx(128)
    assert float(lite["texts_per_second"]) == pytest.approx(1_000)


def test_a_variant_that_cannot_be_stored_is_left_out_and_said(tmp_path, monkeypatch, comparison):
    ticket = make_ticket(tmp_path / "ticket", "cnn")

    def convert(network, batch, quantize, examples):
        if quantize == "int8":
            raise tflite.UnconvertibleError("the converter fails")
        return b""

    nothing = lambda *_: None  # noqa: E731
    for module, name, fake in (
        (tflite, "convert", convert), (comparing.saved_model, "save", nothing),
        (comparing, "verify", nothing), (comparing, "verify_ids", nothing),
        (comparing, "is_installed", lambda _: False),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, fake)
    refused = LeftOut()
    networks = {"compact": (of_ticket(ticket), None)}
    made = comparing._write(networks, ticket, CORPUS.test, np.zeros((1, 12)), tmp_path, refused)
    assert list(made) == ["compact", "TFLite", "TFLite float16", "TFLite int8-full"]
    line = "TFLite int8 is left out: the converter fails."
    assert refused.lines == (line,)
    told = dataclasses.replace(comparison, refused=refused.lines)
    assert line in comparison_tables.markdown(told, "bin/export --compare")
