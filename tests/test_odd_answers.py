"""A server that is none of ours, or worse: one line, whatever it answers."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tflottery.errors import TflotteryError
from tflottery.exports import client

MODEL = client.Model(Path("saved_models/m"))


@contextmanager
def answering(content: bytes, status: int = 200) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def asked(content: bytes, status: int = 200, texts: int = 1) -> list[client.Answer]:
    with answering(content, status) as url:
        return client.over_rest(url, MODEL)([b"text"] * texts)


def test_sound_answers_are_given():
    two = b'{"predictions": [{"label": "a", "score": 1}, {"label": "b", "score": [0.5, 0.25]}]}'
    assert asked(two, texts=2) == [client.Answer("a", 1), client.Answer("b", [0.5, 0.25])]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"no json", b"\xff\xfe", b"null", b"3", b"[]", b"[" * 100_000,
        b'{"predictions": null}', b'{"predictions": []}', b'{"predictions": "ab"}',
        b'{"predictions": [null]}', b'{"predictions": [[1]]}', b'{"predictions": [{"label": "a"}]}',
        b'{"predictions": [{"label": null, "score": 1}]}',
        b'{"predictions": [{"label": "a", "score": null}]}',
        b'{"predictions": [{"label": "a", "score": true}]}',
        b'{"predictions": [{"label": "a", "score": "1"}]}',
        b'{"predictions": [{"label": "a", "score": NaN}]}',
        b'{"predictions": [{"label": "a", "score": 1e999}]}',
        b'{"predictions": [{"label": "a", "score": []}]}',
        b'{"predictions": [{"label": "a", "score": [[1]]}]}',
        b'{"predictions": [{"label": "a", "score": {"x": 1}}]}',
        b'{"predictions": [{"label": "a", "score": 1}, {"label": "a", "score": 1}]}',
    ],
)  # fmt: skip
def test_an_odd_answer_is_one_line(content):
    with pytest.raises(TflotteryError, match="not with label and score") as error:
        asked(content)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("reason", [b"", b"[" * 100_000, b'{"error": 1}', b"null"])
def test_a_refusal_is_one_line(reason):
    with pytest.raises(TflotteryError, match="says: ") as error:
        asked(reason, 503)
    assert "\n" not in str(error.value)


def test_no_more_is_read_than_an_answer_may_be(monkeypatch):
    monkeypatch.setattr(client, "_LARGEST_ANSWER", 1 << 20)
    with pytest.raises(TflotteryError, match="more than 1 MB"):
        asked(b" " * (2 << 20))


def test_one_deadline_is_over_the_whole_answer():
    soon, past = time.monotonic() + 1000, time.monotonic() - 1
    assert client._whole(io.BytesIO(b"all"), soon) == b"all"
    with pytest.raises(OSError, match="not whole after 30 seconds"):
        client._whole(io.BytesIO(b"all"), past)
