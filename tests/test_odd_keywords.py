"""Things of another kind than a call takes: one line that names the keyword, never a traceback of
what the call would have done with them."""

from __future__ import annotations

import pytest

import tflottery as tfl
from tests.exported import make_ticket

CALLS = {
    "explain nothing": lambda: tfl.explain("m", None),
    "explain a number": lambda: tfl.explain("m", 3),
    "explain bytes": lambda: tfl.explain("m", b"dull"),
    "explain a text and none": lambda: tfl.explain("m", ["dull", None]),
    "explain by nothing": lambda: tfl.explain("m", "dull", by=None),
    "explain by several": lambda: tfl.explain("m", "dull", by=["occlusion"]),
    "score by a number": lambda: tfl.score("m", "new.csv", by=3),
    "score with a prefix that is none": lambda: tfl.score("m", ["dull"], prefix=3),
    "score a set": lambda: tfl.score("m", {"dull"}),
    "export in no format": lambda: tfl.export("t", format=None),
    "export in format 3": lambda: tfl.export("t", format=3),
    "export in formats by name": lambda: tfl.export("t", format={"onnx": True}),
    "export in a format and none": lambda: tfl.export("t", format=["onnx", None]),
    "export at a number": lambda: tfl.export("t", budget=3),
    "evaluate and perhaps keep": lambda: tfl.evaluate("m", "toy", threshold=0.3, keep="perhaps"),
    "evaluate at a list": lambda: tfl.evaluate("m", "toy", threshold=[0.3]),
    "evaluate no split": lambda: tfl.evaluate("m", "toy", split=None),
    "load nothing": lambda: tfl.load_ticket(None),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_is_of_another_kind_is_a_mistake_in_one_line(tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(tfl.UserError) as raised:
        call()
    assert len(str(raised.value).splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_ticket_takes_models_and_lists(tmp_path):
    ticket = make_ticket(tmp_path / "ticket", "cnn")
    for odd in (None, "model.keras", ticket):
        with pytest.raises(tfl.UserError, match="save_as takes a model of tf_keras"):
            ticket.save_as(odd, tmp_path / "tuned")
    for odd in ("a film", b"a film"):
        with pytest.raises(tfl.UserError, match="put one in a list"):
            ticket.encode(odd)
    assert [path.name for path in tmp_path.iterdir()] == ["ticket"]


@pytest.mark.parametrize("budget", ["throughput 0.5x", "size 0x", "accuracy 7"])
def test_a_budget_is_repeated_as_far_as_it_fits_a_line(budget):
    for given in (budget, budget.replace("x", f"{'0' * 900}x"), f"{budget}{' ' * 900}"):
        with pytest.raises(tfl.UserError, match="--budget") as raised:
            tfl.export("tickets", budget=given)
        assert len(str(raised.value)) < 300
