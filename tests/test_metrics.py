"""Metrics: scikit-learn's values, defined or said to be undefined, and those of one's own."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tflottery import metrics
from tflottery.errors import UserError
from tflottery.metrics import METRICS, Metric, find_metric, register_metric

finite = st.floats(-30, 30, width=32)


@st.composite
def scored(draw: st.DrawFn, least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores; classes may be absent from either."""
    texts, classes = draw(st.integers(least, 30)), draw(st.integers(2, 4))
    units = 1 if classes == 2 else classes
    logits = draw(arrays.arrays(np.float32, (texts, units), elements=finite))
    labels = draw(arrays.arrays(np.int32, texts, elements=st.integers(0, classes - 1)))
    return labels, metrics.scores_of(logits)


@pytest.fixture
def registry() -> Iterator[None]:
    """Puts the registry back afterwards."""
    before = dict(METRICS)
    yield
    METRICS.clear()
    METRICS.update(before)


def _f1(labels: np.ndarray, predicted: np.ndarray, one: int) -> float:
    hits = np.sum((labels == one) & (predicted == one))
    wrong = np.sum((labels == one) != (predicted == one))
    return 2 * hits / (2 * hits + wrong) if hits else 0.0


@given(scored())
def test_every_metric_against_its_definition(made):
    labels, scores = made
    predicted, classes = scores.argmax(axis=1), scores.shape[1]
    there = [one for one in range(classes) if (labels == one).any()]
    found = metrics.evaluate(labels, scores)
    assert list(found) == list(METRICS)
    assert found["accuracy"] == pytest.approx(np.mean(predicted == labels))
    recalls = [np.mean(predicted[labels == one] == one) for one in there]
    assert found["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    f1 = [_f1(labels, predicted, one) for one in range(classes)]
    assert found["macro_f1"] == pytest.approx(np.mean(f1))
    right = np.clip(scores[np.arange(len(labels)), labels], np.finfo(float).eps, 1)
    assert found["log_loss"] == pytest.approx(np.mean(-np.log(right)), abs=1e-9)

    def area(one: int) -> float:
        high, low = scores[labels == one, one], scores[labels != one, one]
        pairs = high[:, np.newaxis] - low
        return float(np.mean((pairs > 0) + 0.5 * (pairs == 0)))

    if len(there) < classes:
        assert found["roc_auc"] is None
    else:
        areas = [area(1)] if classes == 2 else [area(one) for one in range(classes)]
        assert found["roc_auc"] == pytest.approx(np.mean(areas))

    error = 0.0
    for number in range(15):
        low, high = number / 15, (number + 1) / 15
        confidence = scores.max(axis=1)
        rows = (confidence > low) & (confidence <= (high if number < 14 else 2))
        if rows.any():
            gap = abs(np.mean(confidence[rows]) - np.mean(predicted[rows] == labels[rows]))
            error += rows.mean() * gap
    assert found["calibration_error"] == pytest.approx(error, abs=1e-9)


@given(scored())
def test_classes_one_by_one_and_the_confusion_of_them(made):
    labels, scores = made
    names = [f"class {number}" for number in range(scores.shape[1])]
    counts = metrics.confusion(labels, scores, names)
    assert counts.to_numpy().sum() == len(labels)
    assert list(counts.index) == list(counts.columns) == names
    table = metrics.per_class(labels, scores, names).set_index("class")
    assert list(table["texts"]) == list(counts.sum(axis=1))
    for name in names:
        hits = counts.loc[name, name]
        for column, total in (
            ("precision", counts[name].sum()),
            ("recall", counts.loc[name].sum()),
        ):
            value = table.loc[name, column]
            assert value == pytest.approx(hits / total) if total else math.isnan(value)
    predicted = scores.argmax(axis=1)
    f1 = [_f1(labels, predicted, number) for number in range(len(names))]
    assert np.allclose(np.nan_to_num(table["f1"]), f1)


@given(scored(least=2))
def test_a_perfect_network_is_best_by_every_metric(made):
    labels, scores = made
    perfect = np.eye(scores.shape[1])[labels]
    assume((scores.argmax(axis=1) != labels).any())
    for name, metric in METRICS.items():
        best, other = metric(labels, perfect), metric(labels, scores)
        if best is not None:
            assert metric.sign * best >= metric.sign * other, name


def test_eight_percent_positives_and_none_found():
    labels = np.repeat([0, 1], [92, 8])
    found = metrics.evaluate(labels, np.tile([0.9, 0.1], (100, 1)))
    assert found["accuracy"] == 0.92 and found["balanced_accuracy"] == 0.5
    assert found["macro_f1"] == pytest.approx(0.479, abs=1e-3) and found["roc_auc"] == 0.5
    assert found["calibration_error"] == pytest.approx(0.02)
    table = metrics.per_class(labels, np.tile([0.9, 0.1], (100, 1)), ("no", "yes"))
    assert table["recall"].tolist() == [1, 0] and math.isnan(table["precision"][1])


def test_an_unknown_metric_is_told_with_the_nearest():
    with pytest.raises(UserError, match=r"no metric 'macro_f'. Did you mean 'macro_f1'"):
        find_metric("macro_f")


def test_a_metric_of_ones_own(registry):
    @register_metric("found", higher_is_better=True)
    def found(labels, scores):
        return np.float32((scores.argmax(axis=1) == labels).sum())

    assert find_metric("found").sign == 1
    made = metrics.evaluate(np.array([0, 1]), np.array([[0.6, 0.4], [0.9, 0.1]]))
    assert made["found"] == 1.0 and type(made["found"]) is float

    @register_metric("found", higher_is_better=False)  # a notebook's cell, run again
    def found(labels, scores):  # noqa: F811
        return None

    assert find_metric("found").sign == -1
    assert find_metric("found")(np.array([0]), np.array([[0.6, 0.4]])) is None


@pytest.mark.parametrize("name", ["", "loss", "per_class", "Mine", "1st", "macro f1", "val-f1", 3])
def test_what_is_no_name(registry, name):
    with pytest.raises(UserError, match="not called"):
        register_metric(name, higher_is_better=True)


@pytest.mark.parametrize("name", ["accuracy", "macro_f1"])
def test_a_name_that_is_taken(registry, name):
    with pytest.raises(UserError, match=f"There is a metric '{name}' already"):
        register_metric(name, higher_is_better=True)(lambda labels, scores: 0.0)


@pytest.mark.parametrize(
    ("value", "told"),
    [(math.nan, "gave nan"), (math.inf, "gave inf"), ("much", "gave 'much'"), (True, "gave True")],
)
def test_a_metric_that_gives_no_number(value, told):
    with pytest.raises(UserError, match=f"'mine' {told}; it has to give a finite number"):
        Metric("mine", True, lambda labels, scores: value)(np.array([0]), np.array([[1.0, 0.0]]))


def test_a_metric_that_fails():
    with pytest.raises(UserError, match="'mine' failed: ZeroDivisionError"):
        Metric("mine", True, lambda labels, scores: 1 / 0)(np.array([0]), np.array([[1.0, 0.0]]))
