"""Verdicts on predictions made up for the purpose: no training, no TensorFlow."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from tflottery.experiments.ticket.drawing import intervals_against_margin
from tflottery.files import seal
from tflottery.pruning.masks import Count
from tflottery.tickets import verdict as verdicts
from tflottery.tickets import words
from tflottery.tickets.evidence import by_metric, terms_of
from tflottery.tickets.settings import PruningSettings
from tflottery.tickets.verdict import (
    CANNOT_TELL,
    CONSTANT,
    MATCHES,
    NO_TICKET,
    NO_VERDICT,
    SUBNETWORK,
    WINNING,
    HeldOut,
    Terms,
    Verdict,
)

COUNTED = Count(168, 1000)
CLASSES = ("neg", "pos")


def of_right(labels: np.ndarray, right: np.ndarray, classes: int = 2) -> np.ndarray:
    """Scores that are right where they should be, and else of the next class."""
    predicted = np.where(right, labels, (labels + 1) % classes)
    return 0.1 / classes + 0.9 * np.eye(classes)[predicted]


def drawn(labels, part, seeds, random, common) -> tuple[np.ndarray, ...]:
    """For each seed scores of which the part is right, mostly on the same texts."""
    made = []
    for _ in range(seeds):
        own = random.random(len(labels))
        made.append(
            of_right(labels, np.where(random.random(len(labels)) < 0.9, common, own) < part)
        )
    return tuple(made)


def held(
    texts=2000, dense=0.9, ticket=0.9, reinit=0.85, seeds=1, share=0.5, seed=0, left_out=0
) -> HeldOut:
    """A split where each network has about so much right."""
    random = np.random.default_rng(seed)
    labels = np.arange(texts) % 100 < 100 * share
    labels = labels.astype(int)
    common = random.random(texts)
    networks = (drawn(labels, part, seeds, random, common) for part in (dense, ticket, reinit))
    return HeldOut(labels, *networks, classes=2, left_out=left_out)


def give(test: HeldOut, matched=True, validation: HeldOut | None = None, **terms) -> Verdict:
    return verdicts.give(validation or test, test, Terms(**{"tolerance": 2.0, **terms}), matched)


def said(verdict: Verdict) -> str:
    return words.sentence(verdict, COUNTED, CLASSES)


@pytest.mark.parametrize(
    ("networks", "terms", "outcome", "reason"),
    [
        ({}, {}, WINNING, ""),
        ({}, {"from_original": False}, SUBNETWORK, ""),
        ({"seeds": 5}, {}, WINNING, ""),
        ({"ticket": 0.8, "reinit": 0.6}, {}, NO_TICKET, "worse than dense"),
        ({"ticket": 0.895}, {"tolerance": 0.5}, CANNOT_TELL, "perhaps worse than dense"),
        ({"reinit": 0.9}, {}, MATCHES, "perhaps no better than reinit"),
        ({"reinit": 0.95}, {}, MATCHES, "worse than reinit"),
        ({"dense": 0.5, "ticket": 0.9}, {}, NO_VERDICT, "dense learnt nothing"),
        ({"ticket": 0.499}, {"tolerance": 60}, NO_TICKET, "learnt nothing"),
        ({"ticket": 0.515}, {"tolerance": 60}, CANNOT_TELL, "perhaps learnt nothing"),
        ({"dense": 0.6, "ticket": 0.55}, {"tolerance": 12}, CANNOT_TELL, "tolerance too wide"),
        ({"dense": 0.6, "ticket": 0.56}, {"tolerance": 7}, CANNOT_TELL, "tolerance too wide"),
        ({"dense": 0.6, "ticket": 0.6, "reinit": 0.5}, {"tolerance": 12}, WINNING, ""),
        ({"texts": 19}, {}, NO_VERDICT, "few texts"),
        ({}, {"matched": False}, CANNOT_TELL, "does not match on validation data"),
    ],
)
def test_outcomes(networks, terms, outcome, reason):
    found = give(held(**networks), **terms)
    assert (found.outcome, found.reason) == (outcome, reason)
    line = said(found)
    assert line.startswith(outcome.capitalize() + ": ") and line.endswith(".")
    assert found.recommends == (outcome in (WINNING, SUBNETWORK, MATCHES))
    if outcome != NO_VERDICT:
        assert "83.2 % pruned (6.0 times fewer weights)" in line


@pytest.mark.parametrize(
    ("networks", "tolerance"),
    [
        ({}, 2.0),
        ({"ticket": 0.895}, 0.5),
        ({"dense": 0.6, "ticket": 0.55}, 12),
        ({"dense": 0.6, "ticket": 0.56}, 7),
        ({"dense": 0.6, "ticket": 0.6, "reinit": 0.5}, 12),
        ({"ticket": 0.95}, 0.0),
        ({"dense": 0.5, "ticket": 0.9}, 2.0),
        ({"texts": 19}, 2.0),
    ],
)
def test_a_picture_of_intervals_passes_what_the_verdict_does(networks, tolerance):
    found = give(held(**networks), tolerance=tolerance)
    intervals = pd.DataFrame([one.plain() for one in found.comparisons])
    ax = intervals_against_margin(intervals, found.margin, Figure().add_subplot())
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    at = {}
    for line in ax.lines:
        if line.get_linestyle() == "-" and len(set(line.get_ydata())) == 1:
            at[names[round(line.get_ydata()[0])]] = line.get_color()
    passed = {"ticket - dense, test": found.of("ticket", "dense").at_least(found.margin),
              "ticket - reinit, test": found.of("ticket", "reinit").above(0)}  # fmt: skip
    assert {name: at[name] for name in passed} == {
        name: "C0" if is_passed else "C3" for name, is_passed in passed.items()
    }
    if found.recommends:
        assert passed["ticket - dense, test"]
    if found.reason in ("tolerance too wide", "perhaps worse than dense"):
        assert not passed["ticket - dense, test"]


def test_a_sparse_training_finds_no_ticket():
    terms = terms_of(PruningSettings(method="rigl", sparsity=0.832, tolerance=2.0))
    found = verdicts.give(held(), held(), terms, matched=True)
    assert (found.outcome, found.reason) == (MATCHES, "better than reinit") and found.recommends
    assert said(found).startswith(
        "Matches: with 83.2 % pruned (6.0 times fewer weights) after one sparse training by RigL, "
        "in which its mask moved, it is not worse than dense by more than 2 points, and better "
        "than its last mask, held from newly drawn weights on (95 % intervals over"
    )
    worse = verdicts.give(held(ticket=0.8), held(ticket=0.8), terms, matched=True)
    assert worse.outcome == NO_TICKET and "by RigL, in which its mask moved, it is" in said(worse)
    assert terms_of(PruningSettings()).training == ""


def majority(texts: int) -> HeldOut:
    """97 % are one class; dense says that class alone, as a collapsed ticket does."""
    made = held(texts, share=0.03)
    one = of_right(np.zeros(texts, int), np.ones(texts, bool))
    return HeldOut(made.labels, (one,), (one,), (one,), made.classes)


def few_positives(texts: int) -> HeldOut:
    made = held(texts, share=0.08)
    none = of_right(np.zeros(texts, int), np.ones(texts, bool))
    # The reinit predicts some at random, and is worse for that.
    some = of_right(made.labels, np.random.default_rng(1).random(texts) < 0.7)
    return HeldOut(made.labels, (none,), (none,), (some,), made.classes)


def copied() -> tuple[HeldOut, HeldOut]:
    """Labels drawn at random: validation at 50 %, every test text a copy of a training text."""
    validation = held(300, 0.52, 0.52, 0.45)
    return validation, held(0, left_out=400)


def no_known_words() -> HeldOut:
    """All texts look alike, so all have one class; half are right."""
    labels = np.arange(400) % 2
    same = of_right(np.zeros(400, int), np.ones(400, bool))
    return HeldOut(labels, (same,), (same,), (1 - same,), 2)


SITUATIONS = {
    "twelve rows": lambda: (held(2, 1, 1, 0), held(3, 1, 1, 0)),
    "8 % positives": lambda: (few_positives(400), few_positives(1000)),
    "random labels, copied tests": copied,
    "97 % one class": lambda: (majority(1000), majority(1000)),
    "no known word": lambda: (no_known_words(), no_known_words()),
}


@pytest.mark.parametrize("tolerance", [0.0, 0.5, 50.0])
@pytest.mark.parametrize("name", SITUATIONS)
def test_no_ticket_is_recommended_where_nothing_was_learnt(name, tolerance):
    validation, test = SITUATIONS[name]()
    found = give(test, validation=validation, tolerance=tolerance)
    assert found.outcome == NO_VERDICT and not found.recommends
    line = said(found)
    assert "winning" not in line.lower() and "matches" not in line
    if name == "97 % one class":
        assert "dense 97.00 %, the larger class alone (neg) 97.00 %" in line
    if name == "twelve rows":
        assert "2 of 2 validation texts and 3 of 3 test texts" in line
    if name == "random labels, copied tests":
        assert "0 of 400 test texts hold known words that no text before them holds" in line


@given(
    st.integers(1, 3),
    st.integers(0, 120),
    st.integers(0, 10_000),
    st.sampled_from([0.0, 0.5, 5.0, 100.0]),
    st.floats(0, 1),
    st.floats(0.05, 0.95),
    st.booleans(),
)
def test_there_is_no_ticket_where_dense_is_no_better_than_the_larger_class(
    seeds, texts, seed, tolerance, part, share, matched
):
    """Whatever the ticket and its reinit do, as long as dense has no more right than a constant."""
    random = np.random.default_rng(seed)
    labels = (random.random(texts) < share).astype(int)
    larger = int(share > 0.5)
    most = int((labels == larger).sum())
    dense, ticket, reinit = [], [], []
    for _ in range(seeds):
        right = np.zeros(texts, bool)
        right[random.permutation(texts)[: int(part * most)]] = True
        dense.append(of_right(labels, right))
        ticket.append(of_right(labels, np.ones(texts, bool)))
        reinit.append(of_right(labels, np.zeros(texts, bool)))
    test = HeldOut(labels, tuple(dense), tuple(ticket), tuple(reinit), 2)
    found = verdicts.give(held(200, seeds=seeds), test, Terms(tolerance), matched)
    assert found.outcome == NO_VERDICT
    assert said(found).startswith("No verdict: ")


@given(
    st.integers(0, 10_000),
    *[st.floats(0.5, 1)] * 3,
    st.sampled_from([0.5, 2.0, 10.0, 100.0]),
)
def test_what_is_said_follows_from_the_intervals(seed, dense, ticket, reinit, tolerance):
    found = give(held(200, dense, ticket, reinit, seed=seed), tolerance=tolerance)
    to_dense, to_reinit = found.of("ticket", "dense"), found.of("ticket", "reinit")
    if found.outcome == WINNING:
        assert to_reinit.low > 0
    if found.outcome == MATCHES:
        assert to_reinit.low <= 0
    if found.recommends:
        gain = found.of("dense", CONSTANT)
        assert gain.low > 0 and to_dense.low >= -min(tolerance, gain.difference / 2)
        assert found.of("dense", CONSTANT, "validation").low > 0
        assert found.of("ticket", CONSTANT).low > 0


def test_what_more_would_decide_is_said():
    one = give(held(1000, reinit=0.895))
    assert one.outcome == MATCHES and "test texts in all" in said(one)
    assert re.search(r" About [2-9] more seeds \(--seeds \d+; or more, since", said(one))
    five = give(held(300, reinit=0.89, seeds=5))
    assert five.outcome == MATCHES
    assert "more seeds (--seeds " in said(five) or "test texts in all" in said(five)
    made = held()
    near = give(HeldOut(made.labels, made.dense, made.dense, made.dense, made.classes))
    assert near.outcome == MATCHES and "would hardly show it" in said(near)
    worse = give(held(400, ticket=0.87, reinit=0.5))
    assert worse.outcome == CANNOT_TELL and worse.more.is_near
    assert "would hardly show it" in said(worse)


def test_a_tolerance_wider_than_half_of_what_dense_gains_is_said():
    found = give(held(dense=0.60, ticket=0.56, reinit=0.5), tolerance=7)
    assert "may or may not keep half of what dense gains over the larger class" in said(found)
    assert "a tolerance of 7 points is more than that half" in said(found)


def test_a_reinit_that_learnt_nothing_is_a_caution():
    found = give(held(reinit=0.5))
    assert found.outcome == WINNING and not found.reinit_learnt
    assert words.cautions(found)[0].startswith("The reinit is not shown to have learnt anything (5")
    assert not any("reinit" in line for line in words.cautions(give(held())))


def test_texts_that_were_left_out_are_counted():
    (line,) = words.cautions(give(held(left_out=93), validation=held()))
    assert line.startswith(
        "93 of 2,093 test texts hold the known words of one in train or validation"
    )


def macro_recall(labels, scores):
    right = scores.argmax(axis=1) == labels
    return float(np.mean([right[labels == one].mean() for one in (0, 1)]))


def brier(labels, scores):
    return float(((scores[:, 1] - labels) ** 2).mean())


@pytest.mark.parametrize(
    "terms",
    [
        {"metric": "balanced_accuracy", "measure": macro_recall},
        {"metric": "brier", "measure": brier, "higher_is_better": False},
    ],
)
def test_another_metric_decides_in_its_own_direction(terms):
    test = held(share=0.2)
    found = give(test, **terms)
    assert found.outcome == WINNING and found.values["test"]["dense"] != 0.9
    assert words._metric(found) in said(found)
    turned = HeldOut(test.labels, test.dense, test.reinit, test.ticket, test.classes)
    worse = give(turned, **terms)
    assert worse.outcome == NO_TICKET
    nothing = HeldOut(test.labels, test.constant, test.ticket, test.reinit, test.classes)
    assert give(nothing, **terms).outcome == NO_VERDICT
    assert "scores that look at no text" in said(give(nothing, **terms))


def test_rows_of_the_comparisons():
    rows = [one.plain() for one in give(held(seeds=5)).comparisons]
    assert {(row["comparison"], row["split"]) for row in rows} == {
        ("dense - larger class", "validation"), ("dense - larger class", "test"),
        ("ticket - larger class", "test"), ("ticket - dense", "validation"),
        ("ticket - dense", "test"), ("ticket - reinit", "test"),
    }  # fmt: skip
    assert all(row["low"] < row["difference"] < row["high"] for row in rows)
    assert {(row["texts"], row["seeds"]) for row in rows} == {(2000, 5)}
    none = [one.plain() for one in give(held(0)).comparisons]
    assert {(row["low"], row["high"]) for row in none} == {(None, None)}


@pytest.mark.parametrize("metric", ["macro_f1", "roc_auc", "log_loss", "balanced_accuracy"])
def test_metrics_by_name(metric):
    terms = terms_of(PruningSettings(tolerance=2.0, metric=metric, init="rewind:1ep"))
    test = held(300, dense=0.97, ticket=0.97, reinit=0.7, share=0.2)
    found = verdicts.give(test, test, terms, matched=True)
    assert found.outcome in (SUBNETWORK, CANNOT_TELL)
    assert found.of("ticket", "reinit").low > 0
    assert found.of("dense", CONSTANT).low > 0 and metric in (found.terms.metric,)
    made = few_positives(300)
    none = verdicts.give(made, made, terms, matched=True)
    # By log loss scores may be better than the shares of the classes without one right answer.
    assert not none.recommends and (none.outcome == NO_VERDICT or metric == "log_loss")


def test_a_metric_that_is_undefined_gives_no_verdict():
    """One class alone has test texts, so there is no area under the curve."""
    terms = terms_of(PruningSettings(metric="roc_auc"))
    made = held(200)
    kept = made.labels == 1
    one = HeldOut(
        made.labels[kept],
        *(tuple(part[kept] for part in of) for of in (made.dense, made.ticket, made.reinit)),
        classes=2,
    )
    found = verdicts.give(one, one, terms, matched=True)
    assert found.outcome == NO_VERDICT and found.value("dense") is None
    assert "undefined" in said(found) and "nan" not in said(found)
    rows = [one.plain() for one in found.comparisons]
    assert all(row["difference"] is None for row in rows)
    seal({"intervals": rows})  # what a ticket's file takes


def test_levels_are_judged_by_the_metric_in_its_direction():
    scored = {"validation": SimpleNamespace(labels=np.array([0, 1]), scores=np.full((2, 2), 0.5))}
    worth = by_metric("log_loss", lambda spec: scored)
    assert worth(None, None) == pytest.approx(-np.log(2))
    run = SimpleNamespace(metrics={"val_accuracy": 0.75})
    assert by_metric("accuracy", lambda spec: scored)(None, run) == 0.75
