"""A threshold in the files beside a SavedModel: their labels follow it, and their card says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exported import VOCABULARY, make_ticket
from tflottery.errors import TflotteryError, UserError
from tflottery.exports import client, network, reading, saved_model, threshold
from tflottery.exports.formats import device, flatbuffer, registry, web_page
from tflottery.exports.formats.format import Given
from tflottery.exports.formats.registry import FORMATS
from tflottery.exports.label_said import label_said, with_threshold
from tflottery.exports.model_card import model_card
from tflottery.exports.session import Process

for package in ("onnx", "onnxruntime", "safetensors"):
    pytest.importorskip(package)

RUNTIME = {"ort.wasm.bundle.min.mjs": b"code", "ort-wasm-simd-threaded.wasm": b"\0wasm"}
IDS = np.random.default_rng(2).integers(1, len(VOCABULARY), (40, 12)).astype(np.int32)
LABELLED = ("tflite", "onnx", "web")


@pytest.fixture(scope="module")
def ticket(tmp_path_factory):
    return make_ticket(tmp_path_factory.mktemp("ticket") / "cnn", "cnn")


@pytest.fixture(scope="module")
def version(ticket, tmp_path_factory) -> Path:
    """A version with a file of every format, as ``publish`` writes it, without its checks."""
    folder = tmp_path_factory.mktemp("models") / "small" / "1"
    served = network.of_ticket(ticket)
    saved_model.save(served, ticket.vocabulary, folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(web_page, "runtime", lambda: RUNTIME)
        for name, one in FORMATS.items():
            if name != "savedmodel":
                one.write(Given(ticket, served), folder / one.file)
    (folder / device.FOLDER).mkdir()
    device.write(folder / device.FOLDER, ticket)
    reading.write(folder, served.wording, served.own_rows)
    card = model_card(ticket, served, "small", 1, "Checked.")
    (folder / "model_card.md").write_text(card, encoding="utf-8")
    return folder


def answers(file: Path, name: str) -> dict[str, np.ndarray]:
    """What a file says of ``IDS``, loaded in this process."""
    return dict(FORMATS[name].load(str(file)).prepare("ids", {"ids": IDS})())


@pytest.mark.parametrize("name", LABELLED)
def test_labels_follow_and_scores_stay(version, tmp_path, name):
    """Also where the label followed another threshold before."""
    form = FORMATS[name]
    before = answers(version / form.file, name)
    limits = np.quantile(before["score"], [0.2, 0.7]).tolist()
    old = version / form.file
    for number, limit in enumerate(limits):
        new = tmp_path / f"{number}{old.suffix}"
        form.relabel(old, new, limit)
        after = answers(new, name)
        assert np.array_equal(before["score"], after["score"])
        above = after["score"] > np.float32(limit)
        assert after["label"].dtype == np.int32 and 0 < above.sum() < len(IDS)
        assert after["label"].tolist() == above.tolist()
        # A score that is the threshold itself is not above it, and there is one.
        form.relabel(old, tmp_path / f"exact{old.suffix}", float(before["score"][3]))
        assert not answers(tmp_path / f"exact{old.suffix}", name)["label"][3]
        old = new
    assert (answers(old, name)["label"] != before["label"]).any()
    # It grows by the comparison alone, also the second time.
    assert abs(old.stat().st_size - (version / form.file).stat().st_size) < 2_000


def test_files_say_their_threshold(version, tmp_path):
    import json

    import onnx

    for name in LABELLED:
        FORMATS[name].relabel(version / FORMATS[name].file, tmp_path / FORMATS[name].file, 0.25)
    said = flatbuffer.metadata((tmp_path / "model.tflite").read_bytes())
    assert said["threshold"] == "0.25" and said["architecture"] == "cnn"
    props = onnx.load(tmp_path / "model.onnx").metadata_props
    assert {one.key: one.value for one in props}["threshold"] == "0.25"
    page = (tmp_path / "page.html").read_text()
    assert json.loads(web_page.payload(page, "about"))["threshold"] == 0.25
    assert web_page.payload(page, "wasm") == b"\0wasm"


def test_a_version_with_a_threshold_has_every_file(version, monkeypatch):
    """Without fresh processes, which a longer test has."""
    monkeypatch.setattr(threshold, "_check", lambda *_: None)
    monkeypatch.setattr(threshold, "_check_files", lambda *_: None)
    new = threshold.publish(version, 0.25, "It was tried.")
    try:
        third = threshold.publish(new, 0.75, "It was tried again.")
        old_files, *others = (
            {str(path.relative_to(one)) for path in one.rglob("*") if path.is_file()}
            for one in (version, new, third)
        )
        for files in others:
            assert files - {"threshold.json", "SHA256SUMS"} == old_files
        for same in ("model.keras", "model.safetensors", "device/vocabulary.txt", "reading.json"):
            assert (third / same).read_bytes() == (version / same).read_bytes()
        above = answers(third / "model.onnx", "onnx")
        assert above["label"].tolist() == (above["score"] > 0.75).tolist()
        for folder, limit in ((version, None), (new, 0.25), (third, 0.75)):
            card = (folder / "model_card.md").read_text()
            assert card.startswith(f"# small, version {folder.name}\n")
            said = [one for one in (None, 0.25, 0.75) if label_said(one) in card]
            assert said == [limit]
            assert card.count("## Threshold") == (limit is not None)
            if limit is not None:
                assert "`label` follows it in `model.tflite`, `model.onnx`, `page.html` too" in card
                assert "`model.keras` gives logits, `model.safetensors` gives tensors" in card
    finally:
        import shutil

        for folder in version.parent.iterdir():
            if folder.name != "1":
                shutil.rmtree(folder)


@pytest.mark.long
def test_files_are_checked_in_fresh_processes(version, tmp_path, monkeypatch):
    new = threshold.publish(version, 0.25, "It was tried.")
    with Process(new / "model.tflite") as served:
        found = served.run("ids", {"ids": IDS})
    assert found["label"].tolist() == (found["score"] > 0.25).tolist()
    width = saved_model.width_of(client.load(version))
    with pytest.raises(TflotteryError, match=r"model\.onnx has labels that do not follow it"):
        threshold._check_files(version, new, ["model.onnx"], width, 0.9)
    other = make_ticket(tmp_path / "other", "cnn", sparsity=0.2)
    served = network.of_ticket(other)
    FORMATS["onnx"].write(Given(other, served), new / "model.onnx")
    with pytest.raises(TflotteryError, match=r"model\.onnx gives other scores"):
        threshold._check_files(version, new, ["model.onnx"], width, 0.25)


@pytest.mark.long
@pytest.mark.parametrize("model", ["lstm", "gru", "transformer"])
@pytest.mark.parametrize("quantize", ["", "float16", "int8", "int8-full"])
def test_labels_of_every_network_and_precision_follow(model, quantize, tmp_path):
    if quantize == "int8-full" and model != "transformer":
        pytest.skip("TFLite calibrates no loops")
    ticket = make_ticket(tmp_path / "ticket", model)
    given = Given(ticket, network.of_ticket(ticket), quantize, IDS)
    form = FORMATS["tflite"]
    form.write(given, tmp_path / "old.tflite")
    before = answers(tmp_path / "old.tflite", "tflite")
    limit = float(np.quantile(before["score"], 0.3))
    form.relabel(tmp_path / "old.tflite", tmp_path / "new.tflite", limit)
    after = answers(tmp_path / "new.tflite", "tflite")
    assert np.array_equal(before["score"], after["score"])
    assert after["label"].tolist() == (after["score"] > np.float32(limit)).tolist()


def test_a_package_that_is_missing_is_named_before_anything_is_written(version, monkeypatch):
    monkeypatch.setattr(registry, "is_installed", lambda one: one.name != "onnx")
    before = sorted(version.parent.rglob("*"))
    with pytest.raises(UserError, match="takes onnx and onnxruntime: pip install"):
        threshold.publish(version, 0.25, "")
    assert sorted(version.parent.rglob("*")) == before


@given(st.text(st.sampled_from("#ab \n"), max_size=60))
def test_what_a_user_added_to_a_card_stays(added):
    card = f"# m, version 1\n\ngives {label_said()}.\n"
    second = with_threshold(card, ("1", "2"), (None, 0.3), "So.", [])
    own = f"{second}\n## Mine\n\n{added}.\n"
    third = with_threshold(own, ("2", "3"), (0.3, 0.6), "Thus.", [])
    assert f"## Mine\n\n{added}." in third and third.count("## Threshold\n") == 1
    assert "0.3" not in third and label_said(0.6) in third and "version 2 with" in third
