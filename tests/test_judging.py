"""Outcomes of contrasts: by their planned seeds alone, against scipy, on studies made up."""

from __future__ import annotations

import dataclasses
import datetime

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.synthetic_study import write_study
from tflottery.experiments.claims import contrasts, judging
from tflottery.experiments.claims.contrasts import Contrast, Contrasts
from tflottery.experiments.study.cells import Arm, Results
from tflottery.experiments.study.results import StudyTables, load_study
from tflottery.report.outcomes import (
    FAILED,
    HELD,
    IN_PART,
    NO_VERDICT,
    UNSURE,
    equivalent_within,
)

TICKET = Arm("grid", "iterative", "magnitude", "original")
NEW = Arm("grid", "iterative", "magnitude", "reinit")
ONE_SHOT = Arm("grid", "one_shot", "magnitude", "original")
DENSE = Arm("dense", "dense", "dense", "fresh")
BEST = Arm("again", "dense", "dense", "fresh")
TEN, TWENTY = tuple(range(4, 14)), tuple(range(4, 24))


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> StudyTables:
    """Seeds 1 to 23 at two levels."""
    folder = write_study(
        tmp_path_factory.mktemp("store"), seeds=tuple(range(1, 24)), levels=(0.59, 0.832),
        controls=False, optional=False,
    )  # fmt: skip
    return load_study(folder)


def contrast(first=TICKET, second=NEW, asked="above", **changes) -> Contrast:
    made = Contrast(
        "mine", "a-claim", "one − other", "study_cnn", "", "imdb", "test_accuracy", first, second,
        (0.59, 0.832), asked, (), TEN, TEN, datetime.date(2026, 11, 26), "",
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def given(study: StudyTables, **points) -> StudyTables:
    """The study with test accuracies that are dense's own mean plus points, spread by seed and arm:
    ``original=0.3``."""
    cells = study.cells.copy()
    random = np.random.default_rng(3)
    for place, row in cells.iterrows():
        arm = "one_shot" if row["method"] == "one_shot" else row["init"]
        shift = points.get(arm, 0.0)
        cells.loc[place, "test_accuracy"] = 0.87 + (shift + random.normal(0, 0.15)) / 100
    return dataclasses.replace(study, cells=cells)


def judge(study: StudyTables | list[StudyTables], *found: Contrast) -> list[judging.Judged]:
    named = tuple(dataclasses.replace(one, name=f"c{place}") for place, one in enumerate(found))
    tables = study if isinstance(study, list) else [study]
    return judging.judge(Contrasts(named), judging.pool(tables))


def _means(study: StudyTables, arm: Arm, seeds) -> pd.Series:
    cells = study.cells[study.cells["seed"].isin(seeds)]
    chosen = (cells["method"] == arm.method) & (cells["init"] == arm.init)
    return 100 * cells[chosen].groupby("seed")["test_accuracy"].mean()


def test_paired_by_seed_over_the_mean_of_levels(study):
    (found,) = judge(study, contrast())
    gains = (_means(study, TICKET, TEN) - _means(study, NEW, TEN)).to_numpy()
    expected = stats.ttest_1samp(gains, 0)
    assert found.estimate.mean == pytest.approx(gains.mean())
    assert found.p == pytest.approx(expected.pvalue) == found.adjusted
    interval = expected.confidence_interval()
    assert found.estimate.interval() == pytest.approx((interval.low, interval.high))
    assert (found.have, found.planned, found.missing) == (10, 10, ())
    others = _means(study, TICKET, (1, 2, 3)) - _means(study, NEW, (1, 2, 3))
    later = [*range(14, 24)]
    assert found.seen_seeds == (1, 2, 3, *later)
    more = _means(study, TICKET, later) - _means(study, NEW, later)
    assert found.seen.mean == pytest.approx(np.mean([*others, *more]))


def test_welch_against_dense_of_more_seeds(study):
    asked = contrast(second=DENSE, asked="not worse", margins=(0.5,), second_seeds=TWENTY)
    (found,) = judge(study, asked)
    one, other = _means(study, TICKET, TEN), _means(study, DENSE, TWENTY)
    test = stats.ttest_ind(one + 0.5, other, equal_var=False, alternative="greater")
    assert found.p == pytest.approx(test.pvalue)
    assert found.estimate.counts == (10, 20)


def test_one_study_minus_another(study):
    lstm = dataclasses.replace(given(study, reinit=-1.0), name="study_lstm")
    cnn = given(study, reinit=-0.2)
    asked = contrast(study="study_lstm", minus_study="study_cnn")
    (found,) = judge([cnn, lstm], asked)
    gains = [_means(one, TICKET, TEN) - _means(one, NEW, TEN) for one in (lstm, cnn)]
    test = stats.ttest_ind(*gains, equal_var=False)
    assert found.p == pytest.approx(test.pvalue) and found.outcome == HELD
    (alone,) = judge(lstm, asked)
    assert alone.in_words == "not measured yet: 0 of 10 seeds"
    assert alone.missing == ("both arms in study_cnn: 4-13",)


OUTCOMES = [
    ({"reinit": -1.0}, contrast(), HELD),
    ({"reinit": 1.0}, contrast(), FAILED),
    ({"reinit": 0.0}, contrast(), UNSURE),
    ({"reinit": 0.0}, contrast(asked="above, else equivalent", margins=(0.5, 0.25)),
     "equivalent within 0.25"),
    ({"reinit": -0.3}, contrast(asked="equivalent", margins=(0.5, 0.25)), "equivalent within 0.5"),
    ({"reinit": -0.3}, contrast(asked="above, else equivalent", margins=(0.5,)), HELD),
    ({"reinit": 0.3}, contrast(asked="above, else equivalent", margins=(0.5,)), FAILED),
    ({"reinit": -2.0}, contrast(asked="equivalent", margins=(0.5, 0.25)), FAILED),
    ({"reinit": -0.5}, contrast(asked="equivalent", margins=(0.5,)), UNSURE),
    ({}, contrast(second=DENSE, asked="not worse", margins=(0.5,)), HELD),
    ({"original": -2.0}, contrast(second=DENSE, asked="not worse", margins=(0.5,)), FAILED),
    ({"original": -0.5}, contrast(second=DENSE, asked="not worse", margins=(0.5,)), UNSURE),
]  # fmt: skip


@pytest.mark.parametrize(("points", "asked", "outcome"), OUTCOMES)
def test_outcomes(study, points, asked, outcome):
    (found,) = judge(given(study, **points), asked)
    assert found.outcome == found.in_words == outcome


def test_holms_correction_is_over_the_claim(study):
    cells = given(study, original=0.12)
    one = contrast(second=DENSE)
    (alone,) = judge(cells, one)
    other = contrast(second=ONE_SHOT)
    together = judge(cells, one, other)
    ps = sorted(found.p for found in together)
    assert sorted(found.adjusted for found in together) == pytest.approx(
        [min(1, 2 * ps[0]), max(min(1, 2 * ps[0]), ps[1])]
    )
    apart = judge(cells, one, dataclasses.replace(other, claim="another-claim"))
    assert [found.adjusted for found in apart] == [found.p for found in apart]
    assert alone.adjusted == alone.p


def test_an_incomplete_contrast_has_no_outcome_and_takes_none_back(study):
    cells = study.cells
    is_late = (cells["method"] == "one_shot") & (cells["seed"] == 13)
    made = given(study, reinit=-1.0, one_shot=-3.0)
    some = dataclasses.replace(made, cells=made.cells[~is_late])
    asked, late = contrast(), contrast(second=ONE_SHOT)
    found, waiting = judge(some, asked, late)
    assert waiting.outcome == "not measured" and waiting.p is waiting.adjusted is None
    assert waiting.in_words == "not measured yet: 9 of 10 seeds"
    assert waiting.missing == ("one-shot original: 13",)
    assert waiting.estimate.n == 9  # so far, and no outcome
    assert found.outcome == HELD and found.adjusted == pytest.approx(2 * found.p)
    final, _ = judge(made, asked, late)
    assert final.adjusted <= found.adjusted


def test_seeds_that_were_not_planned_decide_nothing(study):
    made = given(study, reinit=-1.0)
    early = dataclasses.replace(made, cells=made.cells[made.cells["seed"] < 4])
    (found,) = judge(early, contrast())
    assert found.in_words == "not measured yet: 0 of 10 seeds" and found.estimate is None
    assert found.seen.n == 3 and found.seen.p_differs() < 0.05
    other = contrast(dataset="yelp_polarity")
    assert judge(made, other)[0].seen is None


def test_a_seed_that_failed_is_left_out_and_said(study):
    made = given(study, reinit=-1.0)
    cells = made.cells.copy()
    failed = (cells["init"] == "reinit") & (cells["level"] == 0.832) & (cells["seed"] == 7)
    cells.loc[failed, ["state", "test_accuracy"]] = ["failed", None]
    (found,) = judge(dataclasses.replace(made, cells=cells), contrast())
    assert found.outcome == HELD and found.left_out == (7,) and found.estimate.n == 9


def test_folders_of_one_study_are_pooled_if_they_are_alike(study):
    made = given(study, reinit=-1.0)
    halves = [
        dataclasses.replace(made, cells=made.cells[chosen])
        for chosen in (made.cells["seed"] < 9, made.cells["seed"] > 6)
    ]
    (found,) = judge(halves, contrast())
    assert found.outcome == HELD and found.estimate.n == 10
    config = {**made.config, "training": {"epochs": 9}}
    unlike = [halves[0], dataclasses.replace(halves[1], config=config)]
    assert judge(unlike, contrast())[0].in_words == "not measured yet: 5 of 10 seeds"


def test_the_best_of_as_many_dense_networks_as_the_ticket_took(study):
    made = given(study)
    cells = made.cells.assign(repeat=0)
    dense = cells[cells["part"] == "dense"]
    again = [dense.assign(part="again", repeat=number) for number in range(1, 10)]
    cells = pd.concat([cells, *again], ignore_index=True)
    random = np.random.default_rng(8)
    cells["val_accuracy"] = random.permutation(len(cells)) / len(cells)
    cells["test_accuracy"] = random.uniform(0.8, 0.9, len(cells))
    made = dataclasses.replace(made, cells=cells)
    (found,) = judge(made, contrast(second=BEST, levels=(0.832,)))
    tickets = cells[(cells["init"] == "original") & (cells["level"] == 0.832)]
    tickets = tickets[tickets["method"] == "iterative"].set_index("seed")
    best = []
    for seed in TEN:
        every = cells[cells["part"].isin(["dense", "again"]) & (cells["seed"] == seed)]
        every = every[every["repeat"] < tickets.loc[seed, "trainings_behind"]]
        assert len(every) == 9
        best.append(100 * every.sort_values("val_accuracy")["test_accuracy"].iloc[-1])
    one = 100 * tickets.loc[list(TEN), "test_accuracy"]
    assert found.estimate.mean == pytest.approx(one.mean() - np.mean(best))
    few = dataclasses.replace(made, cells=cells[cells["repeat"] < 8])
    assert judge(few, contrast(second=BEST, levels=(0.832,)))[0].have == 0


def test_a_training_that_never_gets_there_counts_all_its_steps(study):
    cells = study.cells.copy()
    ticket = Arm("convergence", "iterative", "magnitude", "original")
    dense = Arm("convergence", "dense", "dense", "fresh")
    cells["part"] = cells["part"].replace({"grid": "convergence"})
    cells["part"] = cells["part"].replace({"dense": "convergence"})
    cells["steps_to_dense"] = 100.0 + cells["seed"] % 7
    late = (cells["init"] == "original") & (cells["level"] == 0.832) & (cells["seed"] == 5)
    cells.loc[late, "steps_to_dense"] = None
    asked = contrast(ticket, dense, measure="steps_to_dense", levels=(0.832,))
    (found,) = judge(dataclasses.replace(study, cells=cells), asked)
    assert found.estimate.counts == (10, 10) and found.left_out == () and found.never == (5,)
    assert found.estimate.mean == pytest.approx((3 * 313 - 105) / 10)
    # Where dense of a seed failed, its tickets had nothing to reach.
    gone = (cells["method"] == "dense") & (cells["seed"] == 5)
    cells.loc[gone, ["state", "steps_to_dense"]] = ["failed", None]
    (found,) = judge(dataclasses.replace(study, cells=cells), asked)
    assert found.estimate.counts == (9, 9) and found.left_out == (5,) and found.never == ()
    assert found.estimate.mean == pytest.approx(0)


def test_no_verdict_where_dense_learnt_nothing(study):
    learnt = {"texts": 2000, "seeds": 3, "dense": 0.5, "larger_class": 0.5, "difference": 0.0,
              "low": -1.0, "high": 1.0}  # fmt: skip
    (found,) = judge(dataclasses.replace(given(study, reinit=-1.0), learnt=learnt), contrast())
    assert found.outcome == NO_VERDICT and found.why.startswith("No verdict")


def test_a_claim_by_its_contrasts():
    def claim(*outcomes: str, all_needed: bool = False) -> str:
        judged = [judging.Judged(contrast(), outcome) for outcome in outcomes]
        return judging.overall(judged, all_needed=all_needed)

    assert claim(HELD, HELD) == HELD and claim(HELD, UNSURE) == IN_PART
    assert claim(HELD, UNSURE, all_needed=True) == UNSURE
    assert claim(HELD, FAILED, all_needed=True) == FAILED
    assert claim(UNSURE, FAILED) == FAILED and claim(HELD, "not measured") == "not measured"


@pytest.mark.parametrize("all_needed", [True, False])
@pytest.mark.parametrize(
    ("within", "whole"),
    [((0.5, 0.25), "equivalent within 0.5"), ((0.25, 0.25), "equivalent within 0.25"),
     ((0.25, 0.5, 0.25), "equivalent within 0.5")],
)  # fmt: skip
def test_a_claim_of_equivalences_has_the_widest_margin(within, whole, all_needed):
    judged = [judging.Judged(contrast(), equivalent_within(one), within=one) for one in within]
    assert judging.overall(judged, all_needed=all_needed) == whole
    judged.append(judging.Judged(contrast(), HELD))
    assert judging.overall(judged, all_needed=all_needed) == (UNSURE if all_needed else IN_PART)


def test_one_shots_new_weights_have_two_names(study):
    renamed = study.cells.replace({"init": {"random": "reinit"}})
    renamed = renamed[renamed["method"] == "one_shot"]
    asked = contrast(Arm("grid", "one_shot", "magnitude", "reinit"), ONE_SHOT)
    one = judge(study, asked)[0].estimate
    other = judge(dataclasses.replace(study, cells=renamed), asked)[0].estimate
    assert one.mean == pytest.approx(other.mean)


def test_shipped_contrasts_are_measured_by_a_whole_study(tmp_path):
    seeds = tuple(range(4, 24))
    write_study(tmp_path, seeds=seeds, optional=False)
    levels = (0.2, 0.36, 0.488, 0.59, 0.672, 0.832)
    lstm = "study_lstm_long"
    write_study(tmp_path, lstm, model="lstm", seeds=seeds, levels=levels, optional=False)
    studies = [load_study(folder) for folder in sorted((tmp_path / "studies").iterdir())]
    found = judging.judge(contrasts.load(), judging.pool(studies))
    here = {study.name for study in studies}
    waiting = [
        one.contrast.name
        for one in found
        if one.contrast.experiment == "study" and one.contrast.study in here and not one.is_final
    ]
    # No study of this kind has often-validated trainings, masks shuffled within words, or more than
    # one dense network a seed; and what is asked again is of other seeds.
    assert waiting == [
        "sparse-slower", "which-words-counts", "which-words-rest", "same-cost", "beats-dense-again",
        "longer-or-later-iterative", "longer-or-later-one-shot", "longer-or-later-end",
        "weights-of-before-rates", "weights-of-before-fine", "gradual-as-long",
    ]  # fmt: skip
    assert Results(studies[0]).dense.n == 20
