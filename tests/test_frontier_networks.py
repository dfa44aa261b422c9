"""Which networks the frontier measures where there are more than can be loaded at a time."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conftest import SMALL
from tests.exported import CORPUS, make_ticket
from tflottery.exports.fast import frontier_measuring, frontier_page, units
from tflottery.exports.fast.frontier import Frontier
from tflottery.exports.fast.frontier_measuring import _fewer, _Of
from tflottery.exports.formats.asked import checked
from tflottery.exports.formats.tflite import UnconvertibleError
from tflottery.exports.measuring import Size, Speed
from tflottery.exports.network import Network
from tflottery.models.shipped.cnn import Cnn
from tflottery.runs.store import Store

MOST_NETWORKS = 12


def one(numbers: int, left: int, validation: float) -> _Of:
    """A network that stores so many numbers, of which so many are not zero."""
    weights = {"a": np.r_[np.ones(left, np.float32), np.zeros(numbers - left, np.float32)]}
    return _Of("units", 0.5, Network(Cnn(), 3, ("no", "yes"), 4, weights), validation)


def kept_of(networks: list[_Of]) -> tuple[list[int], int]:
    kept, thinned = _fewer(networks, MOST_NETWORKS)
    places = {id(one): place for place, one in enumerate(networks)}
    return [places[id(one)] for one in kept], thinned


def test_a_frontier_of_many_is_thinned_along_its_sizes_and_keeps_its_ends():
    sizes = np.geomspace(10, 10_000, 20).astype(int)
    places, thinned = kept_of([one(n, n, 0.8 + n / 1e6) for n in sizes])
    assert len(places) == MOST_NETWORKS and thinned == 8
    assert places[0] == 0 and places[-1] == 19
    assert max(np.diff(places)) <= 2


def test_what_pruning_of_weights_makes_small_is_not_beaten_by_what_stores_fewer_numbers():
    """It stores as many numbers as dense, and is the smallest file when it is compressed."""
    of_units = [one(600 + n, 600 + n, 0.85) for n in range(15)]
    weights = one(1_000, 170, 0.84)
    places, thinned = kept_of([*of_units, weights])
    assert len(places) == MOST_NETWORKS and thinned == 0
    assert {0, 15} <= set(places)


def test_what_is_beaten_goes_first_and_the_least_accurate_of_it():
    beaten = [one(900, 900, 0.5 + n / 100) for n in range(8)]
    best = [one(100 + n, 100 + n, 0.8 + n / 100) for n in range(8)]
    places, thinned = kept_of([*beaten, *best])
    assert places == [4, 5, 6, 7, *range(8, 16)] and thinned == 0


def test_few_networks_are_all_measured():
    assert kept_of([one(50, 50, 0.8)] * 3)[1] == 0
    assert len(kept_of([one(50, 50, 0.8)] * MOST_NETWORKS)[0]) == MOST_NETWORKS


@pytest.mark.parametrize("count", [13, 40])
def test_a_frontier_of_equals_is_thinned_too(count):
    places, thinned = kept_of([one(60 - n % 2, 50, 0.8 - 0.1 * (n % 2)) for n in range(count)])
    assert len(places) == MOST_NETWORKS and thinned == count - MOST_NETWORKS


def measured(tmp_path, monkeypatch, model: str, cannot: str) -> Frontier:
    """The frontier of dense and a ticket, of files that hold nothing."""
    ticket = make_ticket(tmp_path / "tickets" / "given", model)
    monkeypatch.setattr(frontier_measuring, "beside", lambda _: [ticket])

    def write(form, of, vocabulary, examples, folder):
        if form == cannot:
            raise UnconvertibleError("the converter fails")
        return folder

    def scores(model, texts, length):
        return np.eye(2)[texts.labels]

    def speeds(models, *_):
        return {name: Speed(0, {32: np.ones(2)}) for name in models}

    def sizes(models, vocabulary):
        return {name: Size(2, 1, 0) for name in models}

    for fake in (write, scores, speeds, sizes):
        monkeypatch.setattr(frontier_measuring.forms, fake.__name__, fake)
    return frontier_measuring.measure(
        ticket, ticket.final_weights, [], Store(tmp_path / "runs"), CORPUS, np.zeros((1, 12))
    )


@pytest.mark.parametrize("model", ["cnn", "lstm"])
def test_its_forms_are_those_that_a_budget_may_choose(model, tmp_path, monkeypatch):
    found = measured(tmp_path, monkeypatch, model, cannot="")
    asked = units.forms_of(checked("tflite", None, None), SMALL[model])
    assert [one.form for one in found.shown] == ["SavedModel", *asked] * 2
    assert found.refused == ()


def test_a_form_that_cannot_be_stored_is_left_out_and_said(tmp_path, monkeypatch):
    found = measured(tmp_path, monkeypatch, "cnn", cannot="TFLite int8")
    kept = ["SavedModel", "TFLite", "TFLite int8-full"]
    assert [one.form for one in found.shown] == kept * 2
    line = "TFLite int8 is left out of 2 networks: the converter fails."
    assert found.refused == (line,) and line in frontier_page.markdown(found, "bin/export")
