"""Which networks the frontier measures where there are more than can be loaded at a time."""

from __future__ import annotations

import numpy as np
import pytest

from tflottery.exports.fast.frontier_measuring import MOST_NETWORKS, _fewer, _Of
from tflottery.exports.network import Network
from tflottery.models.shipped.cnn import Cnn


def one(numbers: int, left: int, validation: float) -> _Of:
    """A network that stores so many numbers, of which so many are not zero."""
    weights = {"a": np.r_[np.ones(left, np.float32), np.zeros(numbers - left, np.float32)]}
    return _Of("units", 0.5, Network(Cnn(), 3, ("no", "yes"), 4, weights), validation)


def kept_of(networks: list[_Of]) -> tuple[list[int], int]:
    kept, thinned = _fewer(networks)
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
