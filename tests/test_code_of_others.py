"""Errors in code of users': one line with its kind, and the line of theirs that it comes from."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tf_keras as keras

import tflottery as tfl
from tests.chains import RECIPE, dense
from tests.registries import put_back
from tflottery import plugins
from tflottery.cli import inspect as inspect_command
from tflottery.cli.app import run
from tflottery.data.reading.source import REGISTERED
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError, in_a_line
from tflottery.metrics import METRICS
from tflottery.models.brought.registered import _revive, not_registered, origin_of
from tflottery.models.registry import ARCHITECTURES
from tflottery.pruning import criteria
from tflottery.runs import tasks
from tflottery.runs.identifying import identified
from tflottery.runs.store import Store

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
    plugins.load(str(file))
    model = identified(ARCHITECTURES["mine"](), 20, 2)
    assert model.module == str(file)  # which workers load
    assert origin_of(model)["network"]["module"] == "mine.py"
    assert str(tmp_path) not in repr(model.table())
    # As older tickets have it.
    assert not_registered("mine", str(file)).endswith(
        "give --plugin mine.py (plugin='mine.py' in Python)."
    )


class Within(keras.layers.Layer):
    def call(self, x: Any) -> Any:
        raise ValueError("give another size")


class Around(keras.layers.Layer):
    def __init__(self, inner: keras.layers.Layer, **options: Any) -> None:
        super().__init__(**options)
        self.inner = inner

    def call(self, x: Any) -> Any:
        return self.inner(x)


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_the_reason_is_kept_however_deep_the_layer_lies(depth):
    layer = Within(name="within")
    for number in range(depth):
        layer = Around(layer, name=f"around_{number}")
    with pytest.raises(ValueError) as caught:
        layer(keras.Input([3]))
    said = in_a_line(caught.value, lambda frame: frame.f_code.co_filename == __file__)
    line = line_of(Within.call)
    assert said.endswith(f"give another size (line {line})") and layer.name in said
    # No traceback, and no path of this machine.
    assert "File" not in said and str(HERE.parent) not in said


def test_a_worker_tells_what_would_end_it(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "Realiser", lambda *_: Ending())
    said: list[tasks.Message] = []
    tasks.perform(tasks.Task(dense(RECIPE), ("end",)), Store(tmp_path / "runs"), said.append)
    (broken,) = said
    assert isinstance(broken, tasks.Broken) and isinstance(broken.error, UserError)
    where = f"(SystemExit: 3) in {HERE.name}, line {line_of(ends)}"
    assert str(broken.error).startswith("In a worker: ") and where in str(broken.error)


class Ending:
    """A realiser of a run whose code ends the program, as a layer of one's own may."""

    def keep(self, *_: Any) -> None: ...

    def __call__(self, *_: Any) -> None:
        ends()


def test_a_command_tells_what_would_end_it(capsys):
    command = dataclasses.replace(inspect_command.COMMAND, action=ends)
    assert run(command, []) == 2
    said = capsys.readouterr().err
    assert f"(SystemExit: 3) in {HERE.name}, line {line_of(ends)}; " in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "The network mine came from mine.py, which does not register it here; "),
        ("import pandsa\n", "fails: ModuleNotFoundError: No module named 'pandsa' (line 1)."),
        (None, "cannot be read: No such file or directory."),
    ],
)
def test_a_worker_says_why_it_lacks_a_network(tmp_path, content, told):
    file = tmp_path / "mine.py"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError) as caught:
        _revive("mine", str(file), {})
    # The plugin was given: no advice to give it.
    assert told in str(caught.value) and "--plugin" not in str(caught.value)


def test_recorded_commands_name_no_folder_of_this_machine():
    given = ["/home/me/mine.py", "beside/mine.py", "my_package.mine", HERE]
    named = ["mine.py", "beside/mine.py", "my_package.mine", HERE.name]
    assert plugins.recorded(given) == named
