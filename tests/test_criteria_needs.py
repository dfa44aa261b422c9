"""What criteria read, and which runs and steps their masks need."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.chains import RECIPE, dense
from tests.contexts import FINAL, FIRST, NAME, RUNS, Given, pruned
from tflottery.errors import UserError
from tflottery.pruning import criteria
from tflottery.pruning.masks import To
from tflottery.runs.inits import Snapshot, drawn_in
from tflottery.runs.pruned import Pruned
from tflottery.runs.specs import Fresh, snapshots_wanted


@pytest.mark.parametrize(
    ("criterion", "of", "needs"),
    [
        ("magnitude", 0, [(0, "end")]),
        ("filters", 2, [(2, "end")]),
        ("taylor", 2, [(2, "end")]),
        ("snip", 0, [(0, "0ep"), (0, "end")]),
        ("snip", 2, [(0, "0ep"), (2, "end")]),
        ("movement", 2, [(2, "end"), (0, "0ep")]),
    ],
)
def test_needs_follow_what_is_read(criterion, of, needs):
    mask = pruned(criterion, RUNS[of]).mask
    assert [(run.key, step) for run, step in mask.needs()] == [
        (RUNS[number].key, step) for number, step in needs
    ]
    wanted = snapshots_wanted([pruned(criterion, RUNS[of])])
    for number, step in needs:
        assert step in wanted[RUNS[number].key]


def test_weights_at_a_step_are_those_of_the_run_that_drew_them():
    first, second, third = RUNS
    tuned = dataclasses.replace(third, init=Snapshot(second, "end"))
    late = dataclasses.replace(third, init=Snapshot(first, "1ep"))
    assert [drawn_in(run) for run in (first, third, tuned, late)] == [first] * 4
    anew = dataclasses.replace(second, init=Fresh(9))
    assert drawn_in(anew) is anew
    assert list(pruned("movement", anew).mask.needs()) == [(anew, "end"), (anew, "0ep")]


class Kept:
    """``Ancestors`` of given arrays; says what is read."""

    def __init__(self, arrays: dict[str, dict[str, np.ndarray]], computed: Given) -> None:
        self.arrays, self._computed, self.read = arrays, computed, []

    def masks(self, run):
        return {NAME: np.ones(FIRST.shape, bool)}

    def snapshot(self, run, step):
        self.read.append((run.key, step))
        return self.arrays[step]

    def computed(self, run):
        return self._computed


def test_a_mask_is_made_of_what_it_needs():
    arrays = {step: {NAME: weight, "one/bias": np.ones(3)}
              for step, weight in (("0ep", FIRST), ("end", FINAL))}  # fmt: skip
    for name in criteria.shipped("weights"):
        mask = pruned(name, RUNS[2]).mask
        kept = Kept(arrays, Given())
        made = mask.make(kept)
        assert made[NAME].sum() == 3
        assert set(kept.read) <= {(run.key, step) for run, step in mask.needs()}


def test_early_moments_are_no_moments_of_one_that_reads_its_own():
    run = dense(RECIPE)
    mask = Pruned(run, To(0.5), criterion="snip")
    with pytest.raises(UserError, match="'snip' reads 0ep, which is not this moment"):
        mask.prune({NAME: np.ones(FIRST.shape, bool)}, {NAME: FINAL})
