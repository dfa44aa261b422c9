"""Which seeds an experiment is of, as calls and ``--seeds`` say it."""

from __future__ import annotations

import numpy as np
import pytest

from tflottery.errors import UserError
from tflottery.experiments.which_seeds import read_seeds, seeds_of, seeds_recorded


def test_seeds_are_how_many_or_which():
    assert seeds_of(np.int64(2)) == (1, 2) and seeds_of(range(4, 6)) == (4, 5)
    assert seeds_of(3, first=7) == (7, 8, 9) and seeds_of([5, 2]) == (5, 2)


@pytest.mark.parametrize(
    ("seeds", "first", "recorded"),
    [
        ((1, 2), 1, "2"), ((4, 5), 4, "2"), ((4, 5), 1, "4-5"), ((4,), 1, "4-4"),
        ((2, 5), 2, "2,5"),
    ],
)  # fmt: skip
def test_what_is_recorded_is_read_as_the_same_seeds(seeds, first, recorded):
    assert seeds_recorded(seeds, first) == recorded
    assert seeds_of(read_seeds(recorded), first) == seeds


def test_some_seeds_in_words():
    assert read_seeds("3") == 3 and read_seeds("4-4") == (4,)
    assert read_seeds("2,5-7") == read_seeds(" 2, 5-7 ") == (2, 5, 6, 7)


@pytest.mark.parametrize(
    "text",
    ["", "0", "-1", "10001", "9" * 5000, "1.5", "two", "4-", "-4", "13-4", "1,1", "1-3,2", "1,,2",
     "0-10000", f"{2**63}-{2**63}"],
)  # fmt: skip
def test_what_is_no_seeds_is_one_line(text):
    with pytest.raises(UserError, match="--seeds takes a number of seeds, as 3, or some, as 4-13"):
        read_seeds(text)
