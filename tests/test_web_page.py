"""The page of --format web: opened in a browser, it gives the scores and asks no network."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.exported import VOCABULARY, make_ticket
from tflottery.errors import UserError
from tflottery.exports.formats import web_page
from tflottery.exports.formats.onnx_file import graph_of
from tflottery.exports.formats.registry import FORMATS
from tflottery.exports.network import of_ticket

pytest.importorskip("onnxruntime")
CHROMIUM = shutil.which("chromium")
TEXTS = ("I would GLADLY see it!", "dull, flat & <b>bland</b>", "", "not " * 30)


def test_a_page_holds_what_it_was_given(tmp_path):
    ticket = make_ticket(tmp_path / "ticket", "cnn")
    files = {"ort.wasm.bundle.min.mjs": b"code </script>", "ort-wasm-simd-threaded.wasm": b"\0wasm"}
    made = web_page.page(ticket, b"model </script>", files)
    assert web_page.payload(made, "model") == b"model </script>"
    assert web_page.payload(made, "wasm") == b"\0wasm"
    assert web_page.payload(made, "vocabulary").decode() == VOCABULARY.to_text()
    assert json.loads(web_page.payload(made, "about"))["classes"] == ["negative", "positive"]
    assert made.count("</script>") == 6 and "default-src 'none'" in made
    assert "http://" not in made and "https://" not in made


def test_another_runtime_than_the_known_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ticket = SimpleNamespace(recipe=make_ticket(tmp_path / "ticket", "cnn").recipe)
    monkeypatch.setattr(web_page.shutil, "which", lambda name: None)
    assert "takes npm" in FORMATS["web"].refusal(ticket)
    file = tmp_path / "tflottery" / f"onnxruntime-web-{web_page.VERSION}.tgz"
    file.parent.mkdir()
    file.write_bytes(b"something else")
    assert "is not what onnxruntime-web" in FORMATS["web"].refusal(ticket)
    with pytest.raises(UserError, match=r"is not what onnxruntime-web .* is known to be"):
        web_page.runtime()


@pytest.mark.long
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_a_browser_gives_the_scores_of_the_model(tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api")
    try:
        files = web_page.runtime()
    except UserError as missing:
        pytest.skip(str(missing))
    ticket = make_ticket(tmp_path / "ticket", "gru", ("bad", "fair", "good"))
    model = graph_of(of_ticket(ticket), {}).SerializeToString()
    file = tmp_path / "page.html"
    file.write_text(web_page.page(ticket, model, files), encoding="utf-8")
    session = FORMATS["web"].load(str(file))
    asked: list[str] = []
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"], timeout=300_000
        )
        page = browser.new_page()
        page.set_default_timeout(300_000)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(Path(file).as_uri(), wait_until="commit")
        page.wait_for_selector("textarea:enabled")
        for text in TEXTS:
            # Another text first, so that each is an input, and its answer a new one.
            page.fill("#text", "again")
            page.wait_for_selector('#words span:text-is("again")')
            page.fill("#text", text)
            page.wait_for_selector('#words span:text-is("again")', state="detached")
            (ids,) = ticket.encode([text])
            expected = session.prepare("ids", {"ids": np.array([ids], np.int32)})()
            scores = json.loads(page.get_attribute("#score", "data-scores"))
            assert scores == pytest.approx(expected["score"][0].tolist(), abs=1e-5)
            assert page.text_content("#label") == ticket.classes[expected["label"][0]]
            words = page.query_selector_all("#words span")
            assert len(words) == (0 if not text else len(ids))
        browser.close()
    assert all(url.startswith(("file:", "blob:")) for url in asked), asked
