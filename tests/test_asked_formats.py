"""Which files are asked for, and what is wrong with it, without TensorFlow."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from tests.conftest import SMALL
from tests.exported import make_ticket
from tflottery.errors import TflotteryError, UserError
from tflottery.exports.formats import asked, registry, tflite
from tflottery.exports.formats.format import Given
from tflottery.exports.formats.registry import FORMATS
from tflottery.exports.network import of_ticket


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("savedmodel", []),
        ("onnx,keras", ["keras", "onnx"]),
        (["tflite", "savedmodel"], ["tflite"]),
        (" onnx , onnx", ["onnx"]),
        (",".join(FORMATS), ["keras", "safetensors", "tflite", "onnx", "web"]),
    ],
)
def test_the_saved_model_is_always_there_and_never_beside_itself(words, names):
    assert [one.name for one in asked.checked(words, None, None).formats] == names


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("onxx", None, None), "no format 'onxx'. Did you mean 'onnx'"),
        (("", None, None), "no format ''"),
        (("onnx", "int8", None), "add --format tflite"),
        (("tflite", "int4", None), "--quantize does not take 'int4'. Did you mean 'int8'"),
        (("tflite", None, 0.1), "goes with --quantize"),
        (("tflite", "int8", 1.5), "from 0 to 1, not 1.5"),
        (("tflite", "int8", float("nan")), "from 0 to 1"),
        (("tflite", 8, None), "quantize is 8"),
    ],
)
def test_a_mistake_is_one_line(given, message):
    with pytest.raises(UserError, match=message) as raised:
        asked.checked(*given)
    assert "\n" not in str(raised.value)


def test_only_what_was_quantised_may_differ():
    chosen = asked.checked("tflite", "int8", 0.2)
    assert (chosen.quantize, chosen.max_score_difference) == ("int8", 0.2)
    assert asked.checked("tflite", "float16", None).max_score_difference == 0.05


@pytest.mark.parametrize(("model", "is_taken"), [("cnn", True), ("lstm", False), ("gru", False)])
def test_loops_are_not_calibrated(model, is_taken):
    ticket = SimpleNamespace(recipe=SimpleNamespace(model=SMALL[model]))
    for quantize in ("float16", "int8"):
        asked.checked("tflite", quantize, None).require_writable(ticket)
    full = asked.checked("tflite", "int8-full", None)
    if is_taken:
        full.require_writable(ticket)
    else:
        with pytest.raises(UserError, match="without a loop over their words"):
            full.require_writable(ticket)


@pytest.mark.parametrize("model", ["lstm", "gru"])
def test_a_loop_is_refused_before_the_converter_crashes(model, tmp_path):
    network = of_ticket(make_ticket(tmp_path / "ticket", model))
    with pytest.raises(TflotteryError, match="give int8"):
        tflite.convert(network, 1, "int8-full", np.ones((2, network.max_length), np.int32))


def test_what_the_converter_cannot_convert_is_a_line(tmp_path, monkeypatch):
    ticket = make_ticket(tmp_path / "ticket", "cnn")

    def fail(*_):
        raise ValueError("failed to legalize\n  operation 'tf.Nothing'")

    monkeypatch.setattr("tensorflow.lite.TFLiteConverter.from_concrete_functions", fail)
    told = r"^TFLite's converter fails on this network: ValueError: failed to legalize operation"
    with pytest.raises(tflite.UnconvertibleError, match=told):
        tflite.convert(of_ticket(ticket), 1)
    with pytest.raises(TflotteryError, match=told):
        FORMATS["tflite"].write(Given(ticket, of_ticket(ticket)), tmp_path / "m.tflite")
    assert not (tmp_path / "m.tflite").exists()


def test_what_is_not_installed_is_told_with_the_mend(monkeypatch):
    monkeypatch.setattr(registry.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"onnx and onnxruntime: pip install 'tflottery\[formats\]"):
        registry.require_writable([FORMATS["onnx"]], None)
    registry.require_writable([FORMATS["tflite"], FORMATS["keras"]], None)


def test_onnx_is_for_the_networks_that_come_along():
    own = SimpleNamespace(recipe=SimpleNamespace(model=SimpleNamespace(name="mine")))
    with pytest.raises(UserError, match="mine is another"):
        registry.require_writable([FORMATS["onnx"]], own)
    for model in SMALL.values():
        assert FORMATS["onnx"].refusal(SimpleNamespace(recipe=SimpleNamespace(model=model))) == ""


def test_a_file_is_known_by_its_ending(tmp_path):
    for one in FORMATS.values():
        assert registry.of_file(tmp_path / "1" / one.file) is one
