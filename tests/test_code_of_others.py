"""Errors in code of users': one line with its kind, and the line of theirs that it comes from."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tf_keras as keras

import tflottery as tfl
from tests.registries import put_back
from tflottery.data.reading.source import REGISTERED
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError, in_a_line
from tflottery.metrics import METRICS
from tflottery.models.brought.registered import not_registered, origin_of
from tflottery.models.registry import ARCHITECTURES
from tflottery.pruning import criteria
from tflottery.runs.identifying import identified

HERE = Path(__file__)


@pytest.fixture(autouse=True)
def registries() -> Iterator[None]:
    with put_back():
        yield


def ends(*_: Any) -> None:
    sys.exit(3)


def fails(*_: Any) -> None:
    raise KeyError("thing")


def line_of(function: Callable) -> int:
    return function.__code__.co_firstlineno + 1


def of_a_network(function: Callable) -> None:
    @tfl.register_architecture("mine")
    def build(vocabulary_size, classes):
        function()

    identified(ARCHITECTURES["mine"](), 20, 2)


def of_a_criterion(function: Callable) -> None:
    tfl.register_criterion("mine")(lambda weight, random: function())
    criteria.scores("mine", {"head/kernel": np.ones((2, 2))}, ["head/kernel"], 1)


def of_a_metric(function: Callable) -> None:
    tfl.register_metric("mine", higher_is_better=True)(lambda labels, scores: function())
    METRICS["mine"](np.ones(3, int), np.ones((3, 2)))


def of_a_source(function: Callable) -> None:
    tfl.register_source("mine")(lambda: function())
    REGISTERED["mine"](DataSettings("mine"))


@pytest.mark.parametrize("call", [of_a_network, of_a_criterion, of_a_metric, of_a_source])
@pytest.mark.parametrize(
    ("function", "told"),
    [(ends, "it ends the program (SystemExit: 3)"), (fails, "KeyError: 'thing'")],
)
def test_whatever_fails_in_it_is_one_line(call, function, told):
    with pytest.raises(UserError) as caught:
        call(function)
    said = str(caught.value)
    assert "mine" in said and f"{told} (line {line_of(function)})" in said and "\n" not in said


@pytest.mark.parametrize("call", [of_a_network, of_a_criterion, of_a_metric, of_a_source])
def test_an_interrupt_goes_through(call):
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(interrupted)


class Sly(keras.layers.Layer):
    def call(self, x: Any) -> Any:
        raise KeyError("thing")


def test_the_reason_within_what_keras_says_is_kept():
    def is_here(frame: Any) -> bool:
        return frame.f_code.co_filename == str(HERE)

    with pytest.raises(Exception) as caught:
        Sly(name="sly")(keras.Input([3]))
    said = in_a_line(caught.value, is_here)
    assert "thing" in said and "Call arguments" not in said and "\n" not in said
    assert in_a_line(ValueError("my\nbad")) == "ValueError: my bad"
    assert len(in_a_line(ValueError("x" * 5000))) < 400


def test_records_name_a_plugin_without_its_folder(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        """
import tf_keras as keras
import tflottery as tfl

@tfl.register_architecture("mine")
def build(vocabulary_size, classes):
    ids = keras.Input([None], dtype="int32")
    words = keras.layers.Embedding(vocabulary_size, 4)(ids)
    return keras.Model(ids, keras.layers.Dense(1)(keras.layers.GRU(3)(words)))
"""
    )
    from tflottery import plugins

    plugins.load(str(file))
    model = identified(ARCHITECTURES["mine"](), 20, 2)
    assert model.module == str(file)  # which workers load
    assert origin_of(model)["network"]["module"] == "mine.py"
    assert str(tmp_path) not in repr(model.table())
    # As older tickets have it.
    assert not_registered("mine", str(file)).endswith(
        "give --plugin mine.py (plugin='mine.py' in Python)."
    )
