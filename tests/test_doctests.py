"""The examples in docstrings, as far as they are quick."""

from __future__ import annotations

import doctest
import importlib

import pytest

import tflottery as tfl

MODULES = sorted({getattr(tfl, name).__module__ for name in tfl.__all__ if name != "__version__"})


@pytest.mark.parametrize("name", [*MODULES, "tflottery.seeds"])
def test_examples_give_what_they_say(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    assert not found.failed


def test_every_call_has_an_example():
    for name in tfl.__all__:
        thing = getattr(tfl, name)
        if callable(thing) and not isinstance(thing, type):
            assert ">>> " in (thing.__doc__ or ""), name
