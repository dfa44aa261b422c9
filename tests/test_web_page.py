"""The page of --format web: opened in a browser, it gives the scores and asks no network."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import pytest

from tests.exported import VOCABULARY, make_ticket
from tflottery.errors import UserError
from tflottery.exports.formats import web_page
from tflottery.exports.formats.registry import FORMATS

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
