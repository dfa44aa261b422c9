"""The schedule: parents first, long chains before short ones, and no run twice."""

from __future__ import annotations

import dataclasses
from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.chains import RECIPE, chain, dense
from tflottery.models.shipped.lstm import Lstm
from tflottery.pruning.masks import By
from tflottery.runs.inits import Snapshot
from tflottery.runs.networks import network
from tflottery.runs.pruned import GraduallyPruned, Pruned
from tflottery.runs.schedule import Schedule
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.training.settings import TrainingSeeds


def test_long_chains_go_before_short_ones():
    long, short = chain(RECIPE, 1, rounds=3), chain(RECIPE, 2, rounds=1)
    schedule = Schedule([*short, *long])
    assert schedule.take() is long[0]
    assert schedule.take() is short[0] and schedule.take() is None
    for before, after in pairwise(long):
        schedule.done(before)
        assert schedule.take() is after
    schedule.done(short[0])
    assert schedule.take() is short[1] and schedule.open == 2


def test_the_length_of_a_chain_is_in_epochs():
    training = dataclasses.replace(RECIPE.training, epochs=20)
    (longest,) = chain(dataclasses.replace(RECIPE, training=training), 1, rounds=0)
    two = chain(RECIPE, 2, rounds=1)
    schedule = Schedule([*two, longest])
    assert schedule.take() is longest


def test_among_equals_a_worker_gets_the_network_that_it_has_compiled():
    other = dense(dataclasses.replace(RECIPE, model=Lstm()), 1)
    gradual = dataclasses.replace(dense(RECIPE, 1), mask=GraduallyPruned(0.5))
    mine = [dense(RECIPE, seed) for seed in (1, 2)]
    rated = dataclasses.replace(RECIPE.training, learning_rate=0.5)
    shares = dense(dataclasses.replace(RECIPE, training=rated), 1)
    schedule = Schedule([other, gradual, *mine, shares])
    compiled = {network(mine[0])}
    assert [schedule.take(compiled) for _ in range(5)] == [*mine, shares, other, gradual]


def test_a_failure_takes_its_descendants_and_leaves_the_rest():
    doomed, healthy = chain(RECIPE, 1, rounds=3), chain(RECIPE, 2, rounds=1)
    schedule = Schedule([*doomed, *healthy])
    schedule.done(schedule.take())
    schedule.fail(schedule.take())
    assert schedule.open == 2
    assert [schedule.take(), schedule.take()] == [healthy[0], None]


def test_a_run_that_loses_its_worker_is_tried_again_until_the_third_time():
    first, second = chain(RECIPE, 1, rounds=1)
    schedule = Schedule([first, second])
    for again in (True, True, False):
        assert schedule.take() is first
        assert schedule.lose(first) is again
    assert schedule.open == 0


@given(st.data())
def test_every_run_is_handed_out_once_after_its_parents(data):
    specs = [dense(RECIPE, 0)]
    for number in range(1, data.draw(st.integers(1, 12), "runs")):
        mask = Pruned(specs[data.draw(st.integers(0, number - 1), "parent")], By(0.3))
        start = Snapshot(specs[data.draw(st.integers(0, number - 1), "start")], "0ep")
        seeds = TrainingSeeds(number, number)
        specs.append(RunSpec(RECIPE, mask, start, seeds))
    there = set(data.draw(st.sets(st.sampled_from([s.key for s in specs])), "done"))
    there = {parent.key for spec in specs if spec.key in there for parent in ancestry([spec])}
    missing = [spec for spec in specs if spec.key not in there]
    schedule = Schedule(missing)
    running: list[RunSpec] = []
    taken: Counter[str] = Counter()
    while schedule.open:
        if (spec := schedule.take()) is not None:
            taken[spec.key] += 1
            assert {parent.key for parent, _ in spec.needs()} <= there
            running.append(spec)
            continue
        spec = running.pop(data.draw(st.integers(0, len(running) - 1), "ends"))
        there.add(spec.key)
        schedule.done(spec)
    assert taken == Counter(spec.key for spec in missing)
