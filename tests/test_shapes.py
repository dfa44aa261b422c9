"""Documents that somebody sealed anew: a value of another kind, or out of its range, is named."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.synthetic_study import reseal
from tests.test_tables import LOADERS, written  # noqa: F401 - a fixture
from tflottery.errors import DamagedFileError, UserError
from tflottery.experiments.shapes import COUNT, DIFFERENCE, FRACTION, Each, Many, Maybe, fault
from tflottery.files import seal

DOCUMENTS = {"studies": "study.json", "transfers": "result.json", "tunings": "tuning.json"}


@pytest.mark.parametrize(
    ("value", "shape", "wrong"),
    [
        (0.5, FRACTION, ""),
        (True, FRACTION, "it"),
        (1.5, FRACTION, "it"),
        ("1", FRACTION, "it"),
        (2.5, COUNT, "it"),
        (None, COUNT, "it"),
        (None, Maybe(COUNT), ""),
        ([1, 2, -1], Many(COUNT), "it[2]"),
        ([1], Many(COUNT, least=2), "it"),
        ({"a": "x", "b": 1}, Each(str), "it.b"),
        ([], Each(str), "it"),
        ({"a": [{"b": "x"}]}, {"a": Many({"b": COUNT})}, "it.a[0].b"),
        ({"a": [{}]}, {"a": Many({"b": COUNT})}, "it.a[0].b"),
        ({"n": 1, "mean": 0, "deviation": None, "low": None, "high": None}, DIFFERENCE, "it.p"),
    ],
)
def test_the_first_value_that_is_wrong_is_named(value, shape, wrong):
    assert fault(value, shape, "it") == wrong


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a document, rows beyond the second left out."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value[:2])
    for key, one in items:
        if isinstance(one, (dict, list)):
            yield from places(one, (*path, key))
        else:
            yield (*path, key)


def _put(document: dict[str, Any], path: tuple[Any, ...], value: Any) -> None:
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_any_value_of_another_kind_is_refused_or_no_matter(written, tmp_path, kind):  # noqa: F811
    folder = tmp_path / "one"
    shutil.copytree(written[kind], folder)
    file = folder / DOCUMENTS[kind]
    sound = json.loads(file.read_text())
    sound.pop("sha256")
    judged = ("source", "target", "words", "arms", "gains", "overlap", "cells", "comparisons")
    refused = 0
    for path in places({key: one for key, one in sound.items() if key != "files"}):
        document = copy.deepcopy(sound)
        # A text is no number, no list and no object; a list is no text.
        before: Any = document
        for key in path:
            before = before[key]
        _put(document, path, [] if isinstance(before, str) else "x")
        file.write_text(seal(document), encoding="utf-8")
        try:
            LOADERS[kind](folder)
        except UserError as error:
            refused += 1
            assert str(file) in str(error) and "\n" not in str(error)
        else:
            # Settings are shown as they are; of rows all that is shown is checked.
            assert path[0] not in judged or path[-1] in FREE, path
    assert refused > 20


# Values of trials that are shown as they stand, and a column that no page shows.
FREE = {"warmup", "decay", "batch_size", "dropout", "stages", "epochs"}


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_number_out_of_its_range_is_refused(written, tmp_path_factory, data):  # noqa: F811
    folder = tmp_path_factory.mktemp("out") / "one"
    shutil.copytree(written["transfers"], folder)
    file = folder / "result.json"
    document = json.loads(file.read_text())
    document.pop("sha256")
    fractions = ("level", "sparsity", "sparsity_without_embedding", "jaccard", "chance")
    found = [path for path in places(document) if path[-1] in fractions]
    path = data.draw(st.sampled_from(found))
    _put(document, path, data.draw(st.sampled_from([-0.1, 1.1, 1e300, -1, 2, True, None])))
    file.write_text(seal(document), encoding="utf-8")
    reseal(folder)
    with pytest.raises(DamagedFileError, match=rf"has no valid '{path[0]}\[") as caught:
        LOADERS["transfers"](folder)
    assert Path(file).name in str(caught.value)
