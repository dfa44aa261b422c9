"""The simulation: a plan's time on many workers, by hand and by known bounds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chains import RECIPE, chain, dense
from tflottery.errors import UserError
from tflottery.models.shipped.lstm import Lstm
from tflottery.runs.simulation import Simulation, recorded_seconds
from tflottery.runs.specs import ancestry
from tflottery.runs.store import Store
from tflottery.training.trained import Trained


def test_a_simulation_of_known_times():
    chains = [chain(RECIPE, seed, rounds=seed) for seed in (1, 2, 3)]
    runs = [spec for specs in chains for spec in specs]
    plan = Simulation([specs[-1] for specs in chains], dict.fromkeys([s.key for s in runs], 10.0))
    assert [spec.key for spec in plan.longest_chain()] == [spec.key for spec in chains[2]]
    assert (plan.work, plan.longest()) == (90, 40)
    timings = [plan.on(workers) for workers in (1, 2, 3, 100)]
    assert [timing.seconds for timing in timings] == [90, 50, 40, 40]
    assert timings[1].speed_up == 1.8 and timings[1].busy == 0.9
    assert plan.saturation().workers == 3


@given(st.lists(st.integers(0, 4), min_size=1, max_size=4), st.integers(1, 6), st.randoms())
def test_a_simulation_is_within_grahams_bound(rounds, workers, random):
    ends = [chain(RECIPE, seed, count)[-1] for seed, count in enumerate(rounds)]
    seconds = {spec.key: random.uniform(1, 9) for spec in ancestry(ends)}
    plan = Simulation(ends, seconds)
    took, longest = plan.on(workers).seconds, plan.longest()
    assert max(longest, plan.work / workers) <= took * (1 + 1e-9)
    assert took <= (plan.work + (workers - 1) * longest) / workers * (1 + 1e-9)


def test_times_that_are_not_recorded_are_drawn_from_those_that_are(tmp_path):
    store = Store(tmp_path / "runs")
    known, unknown = chain(RECIPE, 1, rounds=2), chain(RECIPE, 2, rounds=2)
    training = dataclasses.replace(RECIPE.training, epochs=30)
    longer = dense(dataclasses.replace(RECIPE, training=training), 3)
    weights = {"head/kernel": np.ones((2, 1), np.float32)}
    for spec, seconds in zip(known, (3.0, 6.0, 9.0), strict=True):
        trained = Trained(
            {"head/kernel": weights["head/kernel"] > 0}, {}, [], {"end": weights}, seconds
        )
        with store.lock(spec.key):
            store.write(spec, trained)
    specs = [*known, *unknown, longer]
    seconds, recorded = recorded_seconds(specs, store)
    assert recorded == 3 and [seconds[spec.key] for spec in known] == [3, 6, 9]
    assert {seconds[spec.key] for spec in unknown} <= {3, 6, 9}
    assert seconds[longer.key] in (30, 60, 90)
    assert recorded_seconds(specs, store)[0] == seconds
    # A warmup of an epoch and more is no matter of how long an epoch takes.
    warmed = dataclasses.replace(RECIPE.training, epochs=30, warmup=2.0)
    slow = dense(dataclasses.replace(RECIPE, training=warmed), 3)
    assert recorded_seconds([*specs, slow], store)[0][slow.key] in (30, 60, 90)
    unlike = dense(dataclasses.replace(RECIPE, model=Lstm()), 1)
    with pytest.raises(UserError, match="holds no training that tells"):
        recorded_seconds([*specs, unlike], store)
