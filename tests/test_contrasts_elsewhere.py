"""Contrasts between networks of a transfer, and between learning rates of a search: whose tables
count, and the numbers."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from tests.contrasts_elsewhere import (
    DENSE,
    DENSE_RAISED,
    MOVED,
    NEW,
    OWN,
    POINTS,
    PRUNING,
    RAISED,
    RATES,
    SOURCE,
    TARGET,
    TARGET_DATA,
    TICKET,
    contrast,
    judge,
    moved,
    search,
)
from tflottery.experiments import configuration
from tflottery.experiments.claims import fixed, judging
from tflottery.experiments.claims.found import pool
from tflottery.report.outcomes import FAILED, HELD, MISSING
from tflottery.runs.recipes import recipe_to_tables, without_places


def test_a_rate_minus_another_is_paired_by_seed():
    (found,) = judge(pool(tunings=[search(POINTS)]), contrast(RAISED, TICKET))
    # Gains of 1, 0.5 and 1 points: t is 5 with two degrees of freedom.
    assert found.estimate.mean == pytest.approx(0.8333, abs=1e-4)
    assert found.estimate.deviations == (pytest.approx(0.288675, abs=1e-5),)
    assert found.p == pytest.approx(0.037750, abs=1e-5) and found.outcome == HELD


def test_a_gain_minus_that_of_dense_is_of_two_groups():
    asked = contrast(RAISED, TICKET, minus=(DENSE_RAISED, DENSE))
    (found,) = judge(pool(tunings=[search(POINTS)]), asked)
    # Dense gains 0.25 and 0, and loses 0.25.
    assert found.estimate.mean == pytest.approx(0.8333, abs=1e-4)
    assert found.estimate.error == pytest.approx(0.220479, abs=1e-5)
    assert found.estimate.counts == (3, 3) and not found.contrast.is_paired


def test_only_the_rate_differs_from_the_configuration():
    points = {key: [one - 9 for one in values] for key, values in POINTS.items()}
    others = [
        search(points, warmup=0.5), search(points, decay="none"), search(points, batch_size=32),
        search(points, dropout=0.5), search(points, stages="1+2"),
    ]  # fmt: skip
    (none,) = judge(pool(tunings=others), contrast(RAISED, TICKET))
    assert none.in_words == "not measured yet: 0 of 3 seeds" and none.seen is None
    (found,) = judge(pool(tunings=[*others, search(POINTS)]), contrast(RAISED, TICKET))
    assert found.estimate.mean == pytest.approx(0.8333, abs=1e-4)


def test_searches_of_the_same_networks_are_one():
    one = {key: values for key, values in POINTS.items() if key[0] == RAISED}
    other = {key: values for key, values in POINTS.items() if key[0] != RAISED}
    (found,) = judge(pool(tunings=[search(one), search(other)]), contrast(RAISED, TICKET))
    assert found.outcome == HELD and found.missing == ()
    (some,) = judge(pool(tunings=[search(other)]), contrast(RAISED, TICKET))
    assert some.in_words == "not measured yet: 0 of 3 seeds"
    assert some.missing == ("ticket at 0.02: 4-6",)
    gained = contrast(RAISED, TICKET, minus=(DENSE_RAISED, DENSE))
    (less,) = judge(pool(tunings=[search({**one, (TICKET, 0.832): [86.0]})]), gained)
    assert less.missing == ("ticket at 0.01: 5-6", "dense at 0.02: 4-6", "dense at 0.01: 4-6")


def test_a_training_that_failed_is_left_out_with_its_seed():
    points = {**POINTS, (RAISED, 0.832): [87.0, None, 88.0]}
    (found,) = judge(pool(tunings=[search(points)]), contrast(RAISED, TICKET))
    assert found.left_out == (5,) and found.is_final and found.estimate.n == 2


def test_a_transfer_against_dense_of_more_seeds():
    points = {
        (SOURCE, 0.832): [93.0, 93.2, 93.4],
        (TARGET, 0.0): [93.0, 94.0, 93.0, 94.0, 93.0, 94.0],
    }
    asked = contrast(SOURCE, TARGET, "not worse", margins=(0.5,), second_seeds=(4, 5, 6, 7, 8, 9))
    (found,) = judge(pool(transfers=[moved(points)]), asked)
    # Means of 93.2 and 93.5, variances of 0.04 and 0.3.
    assert found.estimate.mean == pytest.approx(-0.3)
    assert found.estimate.error == pytest.approx(math.sqrt(0.04 / 3 + 0.3 / 6))
    assert found.estimate.counts == (3, 6) and (found.have, found.missing) == (3, ())
    few = {**points, (TARGET, 0.0): points[TARGET, 0.0][:4]}
    (waiting,) = judge(pool(transfers=[moved(few)]), asked)
    assert waiting.missing == ("dense: 8-9",)
    # New seeds of dense may lie in a folder of their own.
    tables = moved(points)
    is_dense = tables.cells["mask"] == "dense"
    apart = [
        dataclasses.replace(tables, cells=tables.cells[some]) for some in (is_dense, ~is_dense)
    ]
    assert judge(pool(transfers=apart), asked)[0].estimate == found.estimate


def test_a_transfer_over_the_mean_of_levels():
    points = {
        (SOURCE, 0.36): [94.0, 94.0, 94.2], (SOURCE, 0.832): [93.0, 93.2, 93.0],
        (OWN, 0.36): [94.0, 94.4, 94.0], (OWN, 0.832): [94.0, 93.6, 93.6],
        (NEW, 0.832): [92.0, 92.4, 92.3],
    }  # fmt: skip
    found = pool(transfers=[moved(points)])
    own, new = judge(
        found,
        contrast(SOURCE, OWN, "equivalent", margins=(0.5,), levels=(0.36, 0.832), claim="own"),
        contrast(SOURCE, NEW),
    )
    # 93.5, 93.6 and 93.6 against 94, 94 and 93.8, as groups.
    assert own.estimate.mean == pytest.approx(-0.3667, abs=1e-4)
    assert own.estimate.error == pytest.approx(math.sqrt(0.01 / 9 + 0.04 / 9), abs=1e-6)
    # 1, 0.8 and 0.7, as pairs.
    assert new.estimate.mean == pytest.approx(0.8333, abs=1e-4)
    assert new.estimate.counts == (3,) and new.outcome == HELD


def test_a_target_that_is_trained_as_another_study():
    news = configuration.load("study_ag_news", {}).recipe
    there = without_places(recipe_to_tables(news))
    config = {
        **MOVED,
        "target_data": {**there["data"], "fingerprint": "b" * 64},
        "target_training": there["training"],
    }
    points = {(SOURCE, 0.832): [87.0, 87.5, 88.0], (NEW, 0.832): [86.0, 87.0, 87.0]}
    found = pool(transfers=[moved(points, config=config)])
    as_news, as_at_home = judge(
        found, contrast(SOURCE, NEW, to_study="study_ag_news"), contrast(SOURCE, NEW)
    )
    assert as_news.estimate.mean == pytest.approx(0.8333, abs=1e-4)
    assert as_at_home.in_words == "not measured yet: 0 of 3 seeds"


UNLIKE: list[tuple[str, dict[str, Any]]] = [
    ("another target", {"target": {"dataset": "yelp_polarity"}}),
    ("another source", {"source": {"dataset": "imdb_sample"}}),
    ("another vocabulary", {"vocabulary": "remap"}),
    ("another network", {"config": {**MOVED, "model": {**MOVED["model"], "filters": 65}}}),
    ("trained longer there", {"config": {
        **MOVED, "target_training": {**MOVED["target_training"], "epochs": 4}}}),
    ("trained longer here", {"config": {
        **MOVED, "source_training": {**MOVED["source_training"], "epochs": 4}}}),
    ("fewer texts", {"config": {**MOVED, "target_data": {**TARGET_DATA, "train_size": 9}}}),
    ("shorter texts", {"config": {**MOVED, "target_data": {**TARGET_DATA, "max_length": 9}}}),
    ("pruned otherwise", {"config": {**MOVED, "pruning": {**PRUNING, "scope": "global"}}}),
    ("somebody's network", {"config": {**MOVED, "model": {"name": "not mine"}}}),
    ("hardly a configuration", {"config": {"model": {"name": "cnn"}}}),
]  # fmt: skip


@pytest.mark.parametrize("changes", [one[1] for one in UNLIKE], ids=[one[0] for one in UNLIKE])
def test_other_transfers_do_not_count(changes):
    points = {(SOURCE, 0.832): [93.0, 93.2, 93.4], (NEW, 0.832): [92.0, 92.0, 92.5]}
    (other,) = judge(pool(transfers=[moved(points, **changes)]), contrast(SOURCE, NEW))
    assert other.estimate is None and other.seen is None
    both = pool(transfers=[moved(points, **changes), moved(points)])
    assert judge(both, contrast(SOURCE, NEW))[0].estimate is not None


def test_other_searches_do_not_count():
    tuning = search(POINTS)
    for changes in (
        {"dataset": "yelp"},
        {"config": {**RATES, "training": {**RATES["training"], "learning_rate": 0.02}}},
        {"config": {**RATES, "pruning": {**PRUNING, "method": "one_shot"}}},
    ):
        other = dataclasses.replace(tuning, about={**tuning.about, **changes})
        assert judge(pool(tunings=[other]), contrast(RAISED, TICKET))[0].estimate is None


def test_data_of_another_content_are_not_joined():
    whole = {(SOURCE, 0.832): [93.0, 93.2, 93.4], (NEW, 0.832): [92.0, 92.4, 92.3]}
    first, second = ({key: values} for key, values in whole.items())
    for end in ("source_data", "target_data"):
        config = {**MOVED, end: {**MOVED[end], "fingerprint": "c" * 64}}
        apart = pool(transfers=[moved(first), moved(second, config=config)])
        (found,) = judge(apart, contrast(SOURCE, NEW))
        assert found.missing == ("source mask, new: 4-6",)
    (found,) = judge(pool(transfers=[moved(first), moved(second)]), contrast(SOURCE, NEW))
    assert found.missing == ()
    one = {key: values for key, values in POINTS.items() if key[0] == RAISED}
    other = {key: values for key, values in POINTS.items() if key[0] != RAISED}
    config = {**RATES, "data": {**RATES["data"], "fingerprint": "c" * 64}}
    unlike = search(other)
    unlike = dataclasses.replace(unlike, about={**unlike.about, "config": config})
    (found,) = judge(pool(tunings=[search(one), unlike]), contrast(RAISED, TICKET))
    assert found.missing == ("ticket at 0.01: 4-6",)


def test_no_verdict_where_dense_learnt_nothing():
    learnt = {"texts": 2000, "seeds": 3, "dense": 0.5, "larger_class": 0.5, "difference": 0.0,
              "low": -1.0, "high": 1.0}  # fmt: skip
    tuning = search(POINTS)
    guarded = dataclasses.replace(tuning, about={**tuning.about, "learnt": learnt})
    without = search({(RAISED, 0.972): [80.0]})
    found = judge(pool(tunings=[without, guarded]), contrast(RAISED, TICKET))[0]
    assert found.outcome == "no verdict"


def test_what_is_beside_a_claim_decides_nothing_of_it():
    needed = contrast(SOURCE, NEW)
    beside = dataclasses.replace(needed, beside=True)
    judged = [judging.Judged(needed, HELD), judging.Judged(beside, FAILED)]
    assert judging.overall(judged, all_needed=True) == HELD
    assert judging.overall(judged[:1] * 2, all_needed=True) == HELD
    some = judging.Judged(needed, MISSING, have=3, planned=10)
    none = judging.Judged(beside, MISSING, have=0, planned=10)
    (answer,) = fixed.answers([some, none], "cnn")
    assert answer.outcome == "not measured yet: 3 of 10 seeds"
