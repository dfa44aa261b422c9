"""Files of several formats, published together; the page among them, opened as a person does."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

import tflottery as tfl
from tests import browsing, exported
from tests.exported import (
    CLASSES,
    CORPUS,
    EXAMPLES,
    TEXTS,
    VOCABULARY,
    make_ticket,
    save_unchecked,
)
from tflottery.errors import UserError
from tflottery.exports import publishing
from tflottery.exports.formats import flatbuffer, web_page
from tflottery.exports.formats.checking import Also
from tflottery.exports.formats.onnx_file import graph_of
from tflottery.exports.formats.registry import FORMATS
from tflottery.exports.network import of_ticket
from tflottery.exports.publishing import Published
from tflottery.tickets.ticket import Ticket

for package in ("onnx", "onnxruntime", "safetensors"):
    pytest.importorskip(package)

QUANTIZE, BOUND = "int8-full", 0.2
WRITTEN = ("I would GLADLY see it!", "dull, flat & <b>bland</b>", "", "again", "not good " * 30)


def runtime() -> dict[str, bytes]:
    """The runtime of a page, from the cache or from npm's registry."""
    if not web_page._cached().is_file() and shutil.which("npm") is None:
        browsing.lacking("no npm (Node.js) on this machine")
    try:
        return web_page.runtime()
    except UserError as unreachable:
        pytest.skip(str(unreachable))


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> tuple[Ticket, Published]:
    """A version with a quantised file for TFLite and one of each format that loads without
    TensorFlow. The SavedModel's own check is left out: it starts TensorFlow once more."""
    runtime()
    folder = tmp_path_factory.mktemp("published")
    ticket = make_ticket(folder / "ticket", "cnn")
    formats = [FORMATS[name] for name in ("safetensors", "tflite", "onnx", "web")]
    also = Also(formats, TEXTS, QUANTIZE, BOUND, EXAMPLES)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(publishing, "verify", lambda *_: 0.0)
        return ticket, publishing.publish(ticket, folder / "small", None, CORPUS, also, True)


def test_files_stand_in_the_version_with_what_was_found_of_each(published):
    _, made = published
    safe, _, onnx, page = made.beside
    card = (made.folder / "model_card.md").read_text()
    for one in made.beside:
        assert (made.folder / one.file).stat().st_size == one.bytes and one.sentence in card
    assert safe.difference is None and "bit for bit" in safe.sentence
    for one in (onnx, page):
        assert one.difference < 1e-4 and "of all 40 test texts" in one.sentence
        assert one.accuracy == one.python_accuracy


def test_what_a_device_reads_texts_with_comes_along(published):
    _, made = published
    device = made.folder / "device"
    assert (device / "labels.txt").read_text() == "negative\npositive\n"
    assert (device / "vocabulary.txt").read_text() == VOCABULARY.to_text()
    assert "at most 12 ids" in (device / "normalisation.md").read_text()
    vectors = json.loads((device / "normalisation.json").read_text())["vectors"]
    assert vectors[0] == {"text": "", "ids": [1]} and len(vectors) == 200
    subprocess.run([sys.executable, str(device / "normalise.py")], check=True)


def test_a_quantised_file_differs_and_is_bounded(published):
    _, made = published
    (file,) = [one for one in made.beside if one.format == "tflite"]
    # Of the same numbers, other kernels differ by 1e-6.
    assert 1e-5 < file.difference <= BOUND and file.texts == len(TEXTS)
    said = flatbuffer.metadata((made.folder / file.file).read_bytes())
    assert said["quantize"] == QUANTIZE and json.loads(said["classes"]) == list(CLASSES)


@dataclass(frozen=True)
class Word:
    """A word of a page: ``effect`` with two decimals, ``colour`` as a browser names it."""

    word: str
    effect: float
    is_unknown: bool
    colour: str


READ = """() => ({
  label: document.getElementById("label").textContent,
  scores: JSON.parse(document.getElementById("score").dataset.scores),
  words: [...document.querySelectorAll("#words span")].map(
    (one) => [one.textContent, Number(one.title), one.className === "unknown",
              one.style.backgroundColor]),
})"""


class Opened:
    """A page of ``--format web`` in a browser."""

    def __init__(self, browser: object, file: Path) -> None:
        self.visit = browsing.Visit(browser, file)
        self.visit.page.wait_for_selector("textarea:enabled")

    def answer(self, text: str, words: tuple[str, ...], *, keys: bool) -> tuple[str, list, list]:
        """Label, scores and words that stand there once these words do; the text is pasted, or
        typed key by key."""
        from playwright.sync_api import expect

        box = self.visit.page.locator("#text")
        box.fill("")
        if keys:
            box.press_sequentially(text)
        else:
            box.fill(text)
        spans = self.visit.page.locator("#words span")
        expect(spans).to_have_text(list(words), timeout=180_000)
        read = self.visit.page.evaluate(READ)
        return read["label"], read["scores"], [Word(*one) for one in read["words"]]


def require_what_python_says(browser, file: Path, ticket: Ticket, model: Path) -> None:
    """The page has the scores of the ticket's Keras model and the effects of ``tfl.explain``."""
    opened, network = Opened(browser, file), ticket.build("final")
    seen: set[str] = set()
    for number, text in enumerate(WRITTEN):
        (explained,) = tfl.explain(model, text)
        label, scores, words = opened.answer(text, explained.words, keys=number == 0)
        (ids,) = ticket.encode([text])
        logits = network(np.array([ids], np.int32)).numpy()[0].astype(float)
        expected = softmax([0, logits[0]] if len(logits) == 1 else logits)
        assert scores == pytest.approx(expected.tolist(), abs=1e-5)
        assert label == ticket.classes[int(expected.argmax())] == explained.label
        # The page rounds to two decimals.
        assert [one.effect for one in words] == pytest.approx(explained.for_label, abs=0.0051)
        assert [one.is_unknown for one in words] == [not known for known in explained.known]
        for one in words:
            is_green = one.colour.startswith(("rgba(0, 140, 70", "rgb(0, 140, 70"))
            assert is_green or one.colour.startswith(("rgba(200, 40, 40", "rgb(200, 40, 40"))
            assert not one.effect or is_green == (one.effect > 0)
            seen.add("green" if is_green else "red")
    assert seen == {"green", "red"}
    opened.visit.require_alone()
    opened.visit.page.close()


def test_in_a_browser_a_person_sees_what_python_says(browser, published):
    ticket, made = published
    require_what_python_says(browser, made.folder / "page.html", ticket, made.folder)


THREE = ("bad", "fair", "good")


@pytest.fixture(
    params=[("gru", THREE, 1), ("transformer", THREE, 1), ("cnn", CLASSES, 40)], ids=str
)
def written(request, tmp_path, monkeypatch) -> tuple[Path, Ticket, Path]:
    """A page, its ticket, and the ticket's SavedModel. Weights that are many times larger make
    probabilities of 0 and 1."""
    kind, classes, times = request.param
    usual = exported.drawn
    monkeypatch.setattr(
        exported, "drawn",
        lambda *of: {name: weight * times for name, weight in usual(*of).items()},
    )  # fmt: skip
    ticket = make_ticket(tmp_path / "ticket", kind, classes)
    model = graph_of(of_ticket(ticket), {}).SerializeToString()
    file = tmp_path / "page.html"
    file.write_text(web_page.page(ticket, model, runtime()), encoding="utf-8")
    return file, ticket, save_unchecked(ticket, tmp_path / "model")


@pytest.mark.long
def test_a_page_of_another_network_says_what_python_says(browser, written):
    require_what_python_says(browser, *written)
