"""Claims about tickets of a dense network that learnt nothing are not judged."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from tests.synthetic_study import write_study
from tests.synthetic_transfer import write_transfer_result
from tests.synthetic_tuning import write_tuning_result
from tflottery.data.encoded import Encoded
from tflottery.experiments import guard
from tflottery.experiments.learning_rate.answers import said as of_tuning
from tflottery.experiments.learning_rate.results import load_tuning
from tflottery.experiments.learnt import what_dense_learnt
from tflottery.experiments.reports import write_report
from tflottery.experiments.study.answers import clearer
from tflottery.experiments.study.answers import said as of_study
from tflottery.experiments.study.cells import Results
from tflottery.experiments.study.results import load_study
from tflottery.experiments.transfer.answers import said as of_transfer
from tflottery.experiments.transfer.results import load_transfer
from tflottery.report.outcomes import MISSING, NO_VERDICT

LEARNT = {
    "comparison": "dense - larger class", "split": "test", "difference": 37.0, "low": 36.1,
    "high": 37.9, "texts": 25000, "seeds": 3, "class": "neg", "dense": 0.87, "larger_class": 0.5,
    "left_out": 0,
}  # fmt: skip
NOTHING = {**LEARNT, "difference": 0.9, "low": -21.0, "high": 22.8, "dense": 0.509}
FEW = {**LEARNT, "texts": 3, "low": 1.0}
NONE = {**LEARNT, "texts": 0, "low": None, "high": None, "dense": None, "larger_class": None}
KINDS = {
    "study": (write_study, lambda folder: of_study(Results(load_study(folder)))),
    "transfer": (write_transfer_result, lambda folder: of_transfer(load_transfer(folder))),
    "search": (write_tuning_result, lambda folder: of_tuning(load_tuning(folder))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_where_dense_learnt_something_or_nobody_measured_it_claims_are_judged(tmp_path, kind):
    write, said = KINDS[kind]
    before, learnt = said(write(tmp_path)), said(write(tmp_path, learnt=LEARNT))
    assert [(one.outcome, one.claim, one.remarks) for one in learnt] == [
        (one.outcome, one.claim, one.remarks) for one in before
    ]
    assert NO_VERDICT not in {one.outcome for one in learnt}


@pytest.mark.parametrize("learnt", [NOTHING, FEW, NONE])
@pytest.mark.parametrize("kind", KINDS)
def test_where_it_did_not_no_claim_is_held_or_refuted(tmp_path, kind, learnt):
    write, said = KINDS[kind]
    before = said(write(tmp_path))
    folder = write(tmp_path, learnt=learnt)
    found = said(folder)
    expected = [one.outcome if one.outcome == MISSING else NO_VERDICT for one in before]
    assert [one.outcome for one in found] == expected and NO_VERDICT in expected
    why = guard.reason(learnt)
    assert why.startswith("No verdict: ") and why.endswith(".")
    assert all(one.remarks[0] == why for one in found if one.outcome == NO_VERDICT)
    (document,) = set(folder.glob("*.json")) - set(folder.glob("timings.json")) - set(
        folder.glob("rule.json")
    )  # fmt: skip
    assert guard.reason_in(document) == why
    if learnt is not NOTHING:
        return
    page = write_report(folder, tmp_path / "report").read_text(encoding="utf-8")
    assert 'class="outcome unsure">No verdict' in page and 'class="outcome held"' not in page


def test_the_reason_has_the_numbers():
    assert guard.reason(NOTHING) == (
        "No verdict: the dense network is not shown to beat the larger class alone by a 95 % "
        "interval (25,000 test texts, 3 seeds: dense 50.90 %, the larger class 50.00 %, difference "
        "+0.90 [−21.00, +22.80] points), so that its tickets have nothing to match."
    )
    assert "0 test texts differ from all in train and validation" in guard.reason(NONE)


def test_two_studies_are_compared_only_where_both_learnt_something(tmp_path):
    def load(model: str, **changes) -> Results:
        return Results(load_study(write_study(tmp_path, model, model=model, **changes)))

    lstm = load("lstm")
    assert clearer(lstm, [load("cnn")]).outcome != NO_VERDICT
    assert clearer(lstm, [load("cnn", learnt=NOTHING)]).outcome == NO_VERDICT
    assert clearer(load("lstm", learnt=NOTHING), [load("cnn")]).outcome == NO_VERDICT


def corpus(train, validation, test) -> SimpleNamespace:
    """A stand-in with texts of one word each: pairs of word and label."""

    def encoded(texts) -> Encoded:
        ids, labels = np.array(texts, np.int32).T
        return Encoded(ids, np.arange(len(ids) + 1), labels)

    from tflottery.data import overlap

    made = SimpleNamespace(
        train=encoded(train), validation=encoded(validation), test=encoded(test),
        classes=("neg", "pos"), indistinct=(),
    )  # fmt: skip
    made.unseen = lambda split: overlap.unseen(getattr(made, split), made.train, ())
    return made


def test_what_dense_learnt_is_measured_on_texts_of_their_own():
    train = [(word, 0) for word in range(60)] + [(word, 1) for word in range(60, 100)]
    # Of the test texts 10 are in train, 5 in validation, and 5 equal one before them.
    validation = [(word, 0) for word in range(200, 205)]
    fresh = [(word, word % 2) for word in range(300, 340)]
    test = train[:10] + validation + fresh + fresh[:5]
    labels = np.array([label for _, label in test])
    right = {"test": SimpleNamespace(scores=np.eye(2)[labels])}
    made = corpus(train, validation, test)
    seen = what_dense_learnt(["spec"] * 2, made, lambda spec: right)
    assert (seen["texts"], seen["left_out"], seen["seeds"]) == (40, 20, 2)
    assert (seen["class"], seen["dense"], seen["larger_class"]) == ("neg", 1.0, 0.5)
    assert seen["difference"] == 50 and seen["low"] > 30 and not guard.reason(seen)
    constant = {"test": SimpleNamespace(scores=np.tile([0.6, 0.4], (len(test), 1)))}
    none = what_dense_learnt(["spec"], made, lambda spec: constant)
    assert none["difference"] == 0 and guard.reason(none)
    assert what_dense_learnt([], made, lambda spec: right) is None
