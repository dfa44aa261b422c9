"""Contrasts between networks of a transfer, and between learning rates of a search: what entries
may say, whose tables count, the numbers, what seeds cost, and where reports tell of them."""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.conftest import ROOT
from tests.synthetic_study import write_study
from tests.synthetic_transfer import write_transfer_result
from tests.synthetic_tuning import write_tuning_result
from tflottery.errors import UserError
from tflottery.experiments import configuration
from tflottery.experiments.claims import contrasts, fixed, judging, planning
from tflottery.experiments.claims.arms import RateArm, TransferArm
from tflottery.experiments.claims.contrast import Contrast, Contrasts
from tflottery.experiments.claims.found import Found, pool
from tflottery.experiments.claims.planning import totals
from tflottery.experiments.claims.seeds_plan import plan_seeds, sentence
from tflottery.experiments.learning_rate.design import Cell, Trial, Tuning
from tflottery.experiments.learning_rate.results import TuningTables, load_tuning
from tflottery.experiments.reports import write_report
from tflottery.experiments.transfer.design import Transfer
from tflottery.experiments.transfer.results import TransferTables, load_transfer
from tflottery.files import seal
from tflottery.report.outcomes import FAILED, HELD, MISSING
from tflottery.runs.recipes import recipe_to_tables, without_places
from tflottery.runs.specs import ancestry

SHIPPED = {one.name: one for one in contrasts.load().current}
CHOSEN = configuration.load("study_cnn", {})
RECIPE = without_places(recipe_to_tables(CHOSEN.recipe))
PRUNING = dataclasses.asdict(CHOSEN.pruning)
RATES: dict[str, Any] = {**RECIPE, "pruning": PRUNING}
TARGET_DATA = {**RECIPE["data"], "dataset": "yelp_polarity", "fingerprint": "b" * 64}
MOVED: dict[str, Any] = {
    "source_data": {**RECIPE["data"], "fingerprint": "a" * 64},
    "target_data": TARGET_DATA,
    "model": RECIPE["model"],
    "source_training": RECIPE["training"],
    "target_training": RECIPE["training"],
    "pruning": {**PRUNING, "sparsity": 0.972},
}
TICKET, RAISED = RateArm("ticket", 0.01), RateArm("ticket", 0.02)
DENSE, DENSE_RAISED = RateArm("dense", 0.01), RateArm("dense", 0.02)
TARGET, SOURCE = TransferArm("dense", "fresh"), TransferArm("source", "source")
OWN, NEW = TransferArm("target", "target"), TransferArm("source", "reinit")

# Entries

ARMS = """
[arm.raised]
experiment = "learning_rate"
network = "ticket"
learning_rate = 0.02

[arm.as_it_is]
experiment = "learning_rate"
network = "ticket"
learning_rate = 0.01

[arm.moved]
experiment = "transfer"
mask = "source"
init = "source"

[arm.there]
experiment = "transfer"
mask = "dense"
init = "fresh"

[arm.cell]
part = "dense"
method = "dense"
mask = "dense"
init = "fresh"
"""
RATE = """
[contrast.rate]
claim = "raise-rate"
says = "raised − as it is"
experiment = "learning_rate"
study = "study_cnn"
first = "raised"
second = "as_it_is"
levels = [0.972]
asked = "above"
seeds = "4-13"
written = "2026-11-26"
"""
MOVE = """
[contrast.move]
claim = "transfer"
says = "moved − dense"
experiment = "transfer"
study = "study_cnn"
to = "yelp_polarity_sample"
first = "moved"
second = "there"
levels = [0.832]
asked = "not worse"
margins = [0.5]
seeds = "4-13"
second_seeds = "4-23"
beside = true
written = "2026-11-26"

[contrast.win]
claim = "transfer"
says = "moved − dense"
experiment = "transfer"
study = "study_cnn"
to = "yelp_polarity_sample"
first = "moved"
second = "there"
levels = [0.36]
asked = "above"
seeds = "4-13"
written = "2026-11-26"
"""


def _load(tmp_path: Path, text: str) -> Contrasts:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return contrasts.load(path)


def test_entries_as_they_are_read(tmp_path):
    rate, move, _ = _load(tmp_path, ARMS + RATE + MOVE).all
    assert (rate.first, rate.second) == (RAISED, TICKET) and rate.is_paired and not rate.beside
    assert (move.first, move.second, move.to) == (SOURCE, TARGET, "yelp_polarity_sample")
    assert not move.is_paired and move.beside and len(move.second_seeds) == 20


# The name, what is changed to what, and a part of the line.
MISTAKES = [
    ("no such experiment", '"learning_rate"\nstudy', '"rates"\nstudy', "experiment is not 'rates'"),
    ("of arms", '"learning_rate"\nnetwork', '"learning"\nnetwork', "Did you mean 'learning_rate'"),
    (
        "a study's arm",
        '"as_it_is"\nlevels',
        '"cell"\nlevels',
        "rate.second is cell, an arm of a st",
    ),
    (
        "a transfer's arm",
        '"raised"\nsecond',
        '"moved"\nsecond',
        "rate.first is moved, an arm of a tra",
    ),
    ("best dense", '"as_it_is"\nlevels', '"best_dense"\nlevels', "best_dense, an arm of a study"),
    ("a key of another's", 'network = "ticket"', 'mask = "magnitude"', "no key arm.raised.mask"),
    ("no network", 'network = "ticket"\n', "", "arm.raised has no network"),
    ("no rate", "learning_rate = 0.02\n", "", "arm.raised has no learning_rate"),
    ("a rate below 0", "learning_rate = 0.02", "learning_rate = -1.0", "learning_rate is above 0"),
    (
        "a rate in words",
        "learning_rate = 0.02",
        'learning_rate = "high"',
        "arm.raised.learning_rate",
    ),
    ("no such network", 'network = "ticket"', 'network = "tickets"', "Did you mean 'ticket'"),
    ("no such mask", 'mask = "source"', 'mask = "sauce"', "Did you mean 'source'"),
    ("no such weights", 'init = "source"', 'init = "original"', "arm.moved.init is not 'original'"),
    ("half dense", 'init = "source"', 'init = "fresh"', "source masks not with fresh weights"),
    ("no target", 'to = "yelp_polarity_sample"\n', "", "which needs the target's name as to"),
    ("a needless target", "levels = [0.972]", 'levels = [0.972]\nto = "yelp"', "which takes no to"),
    (
        "steps",
        "levels = [0.972]",
        'levels = [0.972]\nmeasure = "steps_to_dense"',
        "studies alone have",
    ),
    ("one taken off", "levels = [0.972]", 'minus = ["raised"]\nlevels = [0.972]', "names two arms"),
    ("of nothing", "levels = [0.972]", 'minus = ["raised", "raised"]\nlevels = [0.9]', "two arms"),
    (
        "itself",
        "levels = [0.972]",
        'minus = ["raised", "as_it_is"]\nlevels = [0.9]',
        "what first and",
    ),
    (
        "unknown",
        "levels = [0.972]",
        'minus = ["raise", "raised"]\nlevels = [0.9]',
        "no arm 'raise'",
    ),
    (
        "two taken off",
        "levels = [0.972]",
        'minus = ["as_it_is", "raised"]\nminus_study = "study_lstm"\nlevels = [0.9]',
        "minus_study; one",
    ),
    (
        "more seeds of a gain",
        'seeds = "4-13"',
        'minus = ["as_it_is", "raised"]\nseeds = "4-13"\nsecond_seeds = "4-23"',
        "is taken off another",
    ),
    (
        "more seeds of a pair",
        'seeds = "4-13"',
        'seeds = "4-13"\nsecond_seeds = "4-23"',
        "are paired",
    ),
    (
        "beside nothing",
        'claim = "transfer"',
        'claim = "wins"',
        "which nothing decides there",
    ),
    ("beside in words", "beside = true", 'beside = "yes"', "contrast.move.beside"),
]


@pytest.mark.parametrize(
    ("old", "new", "said"), [one[1:] for one in MISTAKES], ids=[one[0] for one in MISTAKES]
)
def test_a_mistake_is_one_line(tmp_path, old, new, said):
    text = ARMS + RATE + MOVE
    assert old in text
    with pytest.raises(UserError, match=re.escape(said)) as caught:
        _load(tmp_path, text.replace(old, new, 1))
    assert "\n" not in str(caught.value) and "mine.toml" in str(caught.value)


def test_shipped_contrasts_ask_for_networks_that_their_commands_train():
    rates = configuration.load("tune_cnn", {})
    assert (rates.recipe, rates.pruning) == (CHOSEN.recipe, CHOSEN.pruning)
    for one in SHIPPED.values():
        if one.experiment == "learning_rate":
            arms = [arm for gain in one.gains for arm in gain[1:]]
            assert {arm.learning_rate for arm in arms} <= {0.01, 0.02}
            assert set(one.levels) <= {0.832, 0.972}
        if one.experiment == "transfer":
            assert set(one.levels) <= {0.36, 0.832, 0.972}


# Pairs


@pytest.mark.parametrize(
    ("one", "other", "are_pairs"),
    [
        (SOURCE, NEW, True), (SOURCE, OWN, False), (SOURCE, TARGET, False),
        (NEW, TransferArm("random", "reinit"), True), (TICKET, RAISED, True),
        (DENSE, DENSE_RAISED, True), (TICKET, DENSE, False),
        (RateArm("reinit", 0.01), TICKET, True), (RateArm("late", 0.01), TICKET, False),
    ],
    ids=str,
)  # fmt: skip
def test_seeds_are_pairs_where_arms_share_mask_or_weights(one, other, are_pairs):
    assert one.is_pair(other) is other.is_pair(one) is are_pairs


# Numbers


def contrast(first: Any, second: Any, asked: str = "above", **changes: Any) -> Contrast:
    experiment = "transfer" if isinstance(first, TransferArm) else "learning_rate"
    made = Contrast(
        "mine", "a-claim", "one − other", "study_cnn", "", "imdb", "test_accuracy", first, second,
        (0.832,), asked, (), (4, 5, 6), (4, 5, 6), datetime.date(2026, 11, 26), "", experiment,
        "yelp_polarity_sample" if experiment == "transfer" else "",
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def search(points: dict[tuple[RateArm, float], list[float]], **changes: Any) -> TuningTables:
    """A search whose seeds from 4 on have these test accuracies in %; ``None`` failed."""
    rows = [
        {
            "arm": arm.network, "level": level, "learning_rate": arm.learning_rate, "warmup": 0.3,
            "decay": "linear", "batch_size": 64, "dropout": 0.2, "stages": "", "seed": seed,
            "state": "failed" if value is None else "done",
            "test_accuracy": math.nan if value is None else value / 100,
            "trainings_behind": 1, "epochs_behind": 3.0, "epochs": 3.0, **changes,
        }
        for (arm, level), values in points.items()
        for seed, value in enumerate(values, 4)
    ]  # fmt: skip
    about = {"dataset": "imdb", "config": RATES, "found_learning_rate": 0.01}
    return TuningTables(Path("x"), about, (), (), None, pd.DataFrame(rows))


def moved(points: dict[tuple[TransferArm, float], list[float]], **changes: Any) -> TransferTables:
    rows = [
        {
            "mask": arm.mask, "init": arm.init, "level": level, "seed": seed, "state": "done",
            "test_accuracy": value / 100, "trainings_behind": 1,
        }
        for (arm, level), values in points.items()
        for seed, value in enumerate(values, 4)
    ]  # fmt: skip
    about = {
        "source": {"dataset": "imdb"}, "target": {"dataset": "yelp_polarity_sample"},
        "vocabulary": "reuse", "config": MOVED, **changes,
    }  # fmt: skip
    return TransferTables(Path("x"), about, (), (), pd.DataFrame(rows), pd.DataFrame())


def judge(found: Found, *asked: Contrast) -> list[judging.Judged]:
    named = tuple(dataclasses.replace(one, name=f"c{place}") for place, one in enumerate(asked))
    return judging.judge(Contrasts(named), found)


POINTS = {
    (RAISED, 0.832): [87.0, 87.5, 88.0],
    (TICKET, 0.832): [86.0, 87.0, 87.0],
    (DENSE_RAISED, 0.0): [88.25, 88.0, 87.75],
    (DENSE, 0.0): [88.0, 88.0, 88.0],
}


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


# The published tables, and costs

RESULTS = ROOT / "docs" / "results"


def published() -> Found:
    """What seeds 1 to 3 gave."""
    (transfer,) = (RESULTS / "transfer" / "cnn" / "data").iterdir()
    (tuning,) = (RESULTS / "learning_rate" / "cnn" / "data").iterdir()
    return pool(transfers=[load_transfer(transfer)], tunings=[load_tuning(tuning)])


def test_published_seeds_are_seen_and_decide_nothing():
    """The numbers that docs/results says of them, from documents of an earlier version."""
    judged = {one.contrast.name: one for one in judging.judge(contrasts.load(), published())}
    for name, mean in (("transfer-dense", -0.10), ("transfer-new", 0.39),
                       ("raise-rate-sparse", -0.11), ("raise-rate-very-sparse", 0.20)):  # fmt: skip
        assert judged[name].seen.mean == pytest.approx(mean, abs=0.006), name
        assert judged[name].seen_seeds == (1, 2, 3) and judged[name].estimate is None
        assert judged[name].in_words == "not measured yet: 0 of 10 seeds"
        assert judged[name].contrast.seeds == tuple(range(4, 14))
    low, high = judged["transfer-new"].seen.interval()
    assert (round(low, 2), round(high, 2)) == (0.12, 0.67)


def test_the_cost_of_a_rates_seed_is_that_of_its_trainings():
    found = published()
    data = dataclasses.replace(CHOSEN.data, fingerprint="0" * 64)
    recipe = dataclasses.replace(CHOSEN.recipe, data=data)
    tuning = Tuning(recipe, CHOSEN.pruning, CHOSEN.tuning)
    for name in ("raise-rate-sparse", "raise-rate-very-sparse", "raise-rate-beyond-dense"):
        one = SHIPPED[name]
        specs = [
            tuning.spec(
                Trial(Cell(arm.network, level), {"learning_rate": arm.learning_rate}), seed=4
            )
            for gain in one.gains
            for arm in gain[1:]
            for level in (one.levels if arm.network == "ticket" else (0.0,))
        ]
        need = planning.need(one, found)
        assert need.cost.trainings == len(ancestry(specs)), name
        # The second arm is the configured one, so the first alone needs every round but that.
        evidence = found.at(one.place())
        alone = [spec for spec in specs if spec.recipe.training.learning_rate == 0.02]
        cells = [(gain.first, 0.0 if gain.first == DENSE_RAISED else level)
                 for gain in one.gains for level in one.levels]  # fmt: skip
        assert evidence.cost(cells).trainings == len(ancestry(alone)), name
        assert need.cost.seconds is None  # the study that tells is not there


def test_the_cost_of_a_transfers_seed_is_that_of_its_trainings():
    found = published()
    source, target = (
        dataclasses.replace(
            CHOSEN.recipe, data=dataclasses.replace(CHOSEN.data, fingerprint=letter * 64)
        )
        for letter in "ab"
    )
    transfer = Transfer(source, target, CHOSEN.pruning, (0.36, 0.832, 0.972))
    cells = {(cell.mask, cell.init, cell.level): cell.spec for cell in transfer.cells(4)}
    for name in ("transfer-dense", "transfer-new", "transfer-own"):
        one = SHIPPED[name]
        specs = [
            cells[arm.mask, arm.init, level]
            for arm in (one.first, one.second)
            for level in (one.levels if arm.has_level else (0.0,))
        ]
        assert planning.need(one, found).cost.trainings == len(ancestry(specs)), name
    # Twenty dense networks are ten more.
    whole = totals([SHIPPED["transfer-dense"]], found)[0]
    assert (whole.seeds, whole.more, whole.cost.trainings) == (10, 10, 10 * 10 + 10)
    assert "is not known here" in sentence(whole)
    seen = [cell.mask for cell in transfer.all_cells([4], [14, 15])]
    assert len(seen) == 1 + 3 * 4 + 2 and seen[-2:] == ["dense", "dense"]


# Reports and plans


@pytest.fixture
def store(tmp_path) -> Path:
    """A study, a transfer and a search of its networks, of seeds 1 to 6."""
    write_study(tmp_path, optional=False)
    write_transfer_result(tmp_path, seeds=(1, 2, 3, 4, 5, 6), config=MOVED)
    folder = write_tuning_result(tmp_path, config=RATES)
    frame = search({(arm, level): values * 2 for (arm, level), values in POINTS.items()}).trials
    shown = pd.read_csv(folder / "trials.csv")
    rows = pd.concat([frame.assign(seed=frame["seed"] - 3), shown]).ffill().bfill()
    rows.to_csv(folder / "trials.csv", index=False)
    about = (folder / "tuning.json").read_text(encoding="utf-8")
    told = {key: one for key, one in json.loads(about).items() if key not in ("files", "sha256")}
    told["found_learning_rate"] = 0.01
    (folder / "tuning.json").write_text(seal(told), encoding="utf-8")
    return tmp_path


def test_a_report_tells_each_contrast_in_its_own_article(store):
    page = write_report(store, store / "report")
    text = (page.parent / "report.md").read_text(encoding="utf-8")
    articles = re.split(r"^## ", text, flags=re.MULTILINE)
    (study,) = [one for one in articles if "(`study_cnn`)" in one.partition("\n")[0]]
    (transfer,) = [one for one in articles if "(`imdb-to-" in one.partition("\n")[0]]
    (rates,) = [one for one in articles if "(`imdb-cnn-grid" in one.partition("\n")[0]]
    told, _, explored = transfer.partition("#### Exploratory")
    assert "on IMDB wins on Yelp.** (transfer; in the note: transfer, 2.1.5)" in told
    assert "*Not measured yet: 3 of 10 seeds.*" in told and "dense: 7-23" in told
    assert "By all seeds that there are" in explored
    before, _, _ = rates.partition("#### Exploratory")
    assert "Very sparse networks want a higher learning rate.** (raise-rate" in before
    assert "raise-rate" not in study and "(transfer;" not in study
    tables = {path.name for path in (page.parent / "tables").iterdir()}
    of_transfer = next(name for name in tables if name.endswith("reuse-12345678-contrasts.csv"))
    rows = pd.read_csv(page.parent / "tables" / of_transfer).set_index("contrast")
    assert set(rows.index) == {"transfer-dense", "transfer-new", "transfer-own"}
    assert rows.loc["transfer-new", "n"] == 3 and rows.loc["transfer-new", "seen_seeds"] == "1-3"


def test_folders_of_one_transfer_are_told_once(tmp_path):
    for number, seeds in ((1, (1, 2, 3)), (2, (4, 5, 6))):
        name = f"imdb-to-yelp_polarity_sample-cnn-reuse-0000000{number}"
        write_transfer_result(tmp_path, name, seeds=seeds, config=MOVED)
    page = write_report(tmp_path, tmp_path / "report")
    text = (page.parent / "report.md").read_text(encoding="utf-8")
    assert text.count("#### Fixed before the seeds were trained") == 1
    assert text.count("IMDB's ticket − new weights, on the Yelp sample, at 83.2 % pruned") == 1
    assert text.count(", beside the claim, whether it is equivalent to 0") == 1


def test_an_article_of_other_networks_has_no_contrast(tmp_path):
    write_transfer_result(tmp_path)
    text = (write_report(tmp_path, tmp_path / "report").parent / "report.md").read_text()
    assert "Fixed before" not in text and "fixed before their seeds" not in text


def test_a_plan_counts_them_or_says_that_it_does_not(store, tmp_path_factory):
    planned = plan_seeds(store)
    table = planned.contrasts.set_index("contrast")
    assert table.loc["transfer-dense", "trainings"] > 0
    assert pd.isna(table.loc["transfer-dense", "hours"])
    assert table.loc["raise-rate-sparse", "deviation"] == "0.26"
    assert table.loc["raise-rate-sparse", "hours"] > 0  # by the times of the study
    (said,) = [line for line in planned.sentences if line.startswith("transfer of study_cnn")]
    assert "from imdb to yelp_polarity_sample: 10 seeds as planned, and 10 more of dense," in said
    assert not any("Not planned" in line for line in planned.sentences)
    alone = tmp_path_factory.mktemp("alone")
    write_study(alone, optional=False)
    assert plan_seeds(alone, "study_cnn").sentences[1:] == [
        "Not planned here, as the store has no transfer of study_cnn from imdb to "
        "yelp_polarity_sample: transfer-dense, transfer-new, transfer-own.",
        "Not planned here, as the store has no search of learning rates of study_cnn: "
        "raise-rate-sparse, raise-rate-very-sparse, raise-rate-beyond-dense.",
    ]
