"""Contrasts between networks of a transfer, and between learning rates of a search: what entries
may say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.contrasts_elsewhere import (
    CHOSEN,
    DENSE,
    DENSE_RAISED,
    NEW,
    OWN,
    RAISED,
    SHIPPED,
    SOURCE,
    TARGET,
    TICKET,
)
from tflottery.errors import UserError
from tflottery.experiments import configuration
from tflottery.experiments.claims import contrasts
from tflottery.experiments.claims.arms import RateArm, TransferArm
from tflottery.experiments.claims.contrast import Contrasts

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
        "trained as nowhere",
        "levels = [0.972]",
        'levels = [0.972]\nto_study = "study_lstm"',
        "to_study goes with to",
    ),
    (
        "trained as at home",
        'to = "yelp_polarity_sample"',
        'to = "yelp_polarity_sample"\nto_study = "study_cnn"',
        "to_study is study_cnn, as study is",
    ),
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
