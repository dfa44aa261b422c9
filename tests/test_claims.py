"""What held of the note's claims, and what did not: exact studies, and one with noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.synthetic_study import edit, write_study
from tflottery import statistics
from tflottery.experiments.study.answers import against_controls, answers, one_shot_in_the_middle
from tflottery.experiments.study.article import WORDS
from tflottery.experiments.study.cells import Results
from tflottery.experiments.study.results import load_study
from tflottery.report.answers import Answer, Effect, say
from tflottery.report.outcomes import (
    FAILED,
    HELD,
    IN_PART,
    MARGINS,
    MISSING,
    UNSURE,
    Candidate,
    direction,
    equivalent_within,
    in_jumps,
    not_worse,
    winning,
    within,
)


@pytest.fixture(scope="module")
def cnn(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return Results(load_study(write_study(tmp_path_factory.mktemp("store"))))


def _exact(tmp_path: Path, shifts: dict[tuple[str, str], float], slower: float) -> Results:
    """A study whose cells are dense plus a shift in points, with a spread over seeds."""
    folder = write_study(tmp_path, controls=False)
    jitter = {1: -0.0004, 2: 0.0, 3: 0.0004}

    def shift_all(cells: pd.DataFrame) -> None:
        for place, row in cells.iterrows():
            shift = shifts.get((row["method"], row["init"]), 0.0) / 100
            # Other by arm, so that differences between arms have a spread.
            spread_ = jitter[row["seed"]] * (0 if row["part"] == "dense" else 1 + place % 7 / 10)
            cells.loc[place, "test_accuracy"] = round(0.87 + shift + spread_, 6)

    def watch(cells: pd.DataFrame) -> pd.DataFrame:
        """Dense and its sparsest tickets validated often."""
        tickets = cells[(cells["method"] == "iterative") & (cells["init"] == "original")]
        tickets = tickets[tickets["level"] > 0.95]
        often = pd.concat([cells[cells["part"] == "dense"], tickets]).assign(part="convergence")
        often["key"] = [key[::-1] for key in often["key"]]
        often["steps_to_dense"] = [
            400 + 10 * row.seed + (slower + 5 * row.seed) * (row.level > 0)
            for row in often.itertuples()
        ]
        if slower > 0:  # one never gets there, and counts with all its steps: 939
            often.loc[(often["seed"] == 3) & (often["level"] > 0), "steps_to_dense"] = None
        return pd.concat([cells, often], ignore_index=True)

    edit(folder, "cells.csv", shift_all)
    edit(folder, "cells.csv", watch)
    return Results(load_study(folder))


def test_claims_that_hold(tmp_path):
    results = _exact(
        tmp_path,
        {
            ("one_shot", "original"): 0.3, ("one_shot", "random"): 1.0,
            ("one_shot", "rewind:1ep"): 0.3, ("one_shot", "rewind:end"): 0.3,
            ("iterative", "original"): -0.3, ("iterative", "random"): 0.5,
            ("iterative", "reinit"): -1.0, ("iterative", "rewind:1ep"): 1.0,
            ("iterative", "rewind:end"): 0.9,
        },
        slower=430,
    )  # fmt: skip
    outcomes = {answer.name: answer.outcome for answer in answers(results)}
    # Not decisive means that there is no difference to speak of.
    assert outcomes.pop("rewinding-one-shot") == equivalent_within(0.25)
    assert set(outcomes.values()) == {HELD}, outcomes
    middle = one_shot_in_the_middle(results).effects[0].difference
    assert middle.mean == pytest.approx(0.6, abs=0.01) and middle.n == 3


def test_claims_that_do_not_hold(tmp_path):
    results = _exact(
        tmp_path,
        {
            ("one_shot", "original"): -3.0, ("one_shot", "random"): -4.0,
            ("one_shot", "rewind:1ep"): -1.0, ("one_shot", "rewind:end"): -1.0,
            ("iterative", "original"): -2.0, ("iterative", "random"): -4.0,
            ("iterative", "reinit"): -1.0, ("iterative", "rewind:1ep"): -3.0,
            ("iterative", "rewind:end"): -3.5,
        },
        slower=-100,
    )  # fmt: skip
    outcomes = {answer.name: answer.outcome for answer in answers(results)}
    assert set(outcomes.values()) == {FAILED}, outcomes


def test_jumps_that_all_seeds_make_decide_nothing(cnn):
    found = next(one for one in answers(cnn) if one.name == "sparse-slower")
    alike = [e.difference for e in found.effects if e.difference.low == e.difference.high]
    assert alike and all(gain.mean > 0 for gain in alike)  # the best one epoch later, on all seeds
    assert direction(alike) == HELD
    assert direction(in_jumps(alike)) == UNSURE
    assert found.outcome == MISSING  # marks of each network's own decide nothing


UP, DOWN, AROUND = [0.30, 0.34, 0.38], [-0.30, -0.34, -0.38], [0.1, -0.1, 0.02]


def test_each_difference_of_a_column_has_the_narrowest_margin_that_is_shown():
    near, far = [0.01, -0.01, 0.02, -0.02], [0.30, 0.34, 0.32, 0.31]
    wide = [3.0, -3.0, 0.2, 0.1]
    gains = [statistics.of_differences(one) for one in (near, far, wide)]
    assert within([*gains[:2], None, gains[2]], MARGINS) == [0.25, 0.5, None, None]
    # Holm's correction is over all that have a difference: what is shown alone is not among many.
    close = statistics.of_differences([0.2, -0.2, 0.35, -0.1])
    alone = within([close], (0.5,))
    assert alone == [0.5]
    assert within([close] + [statistics.of_differences(wide)] * 30, (0.5,))[0] is None
    assert within([], MARGINS) == [] and within([None], MARGINS) == [None]


@pytest.mark.parametrize(
    ("outcome", "values", "margins", "said"),
    [
        (HELD, [UP], [None], "Yes."),
        (HELD, [UP, UP], [0.5, None], "Yes."),
        (HELD, [UP, UP], [0.25, 0.5], "Yes, by less than 0.5 points."),
        ("equivalent within 0.5", [AROUND], [0.5], "No difference to speak of: less than 0.5"),
        ("equivalent within 0.5", [UP, AROUND], [0.5, 0.5], "No difference to speak of"),
        ("equivalent within 0.5", [UP, UP], [0.5, 0.5], "A little: by less than 0.5 points."),
        ("equivalent within 0.5", [DOWN], [0.5], "A little the other way: by less than 0.5"),
        (FAILED, [DOWN], [0.5], "No."),
    ],
)
def test_an_answer_in_short_says_how_much(outcome, values, margins, said):
    effects = tuple(
        Effect("contrast", statistics.of_differences(one), within=margin)
        for one, margin in zip(values, margins, strict=True)
    )
    assert Answer("rewinding", "", outcome, effects).in_short.startswith(said)


def test_gradual_pruning_says_nothing_about_mask_and_weights(cnn):
    labels = {one.claim: one.labels for one in say(against_controls(cnn), WORDS)}
    for claim, of_claim in labels.items():
        gradual = [label for label in of_claim if "gradual" in label]
        assert gradual == (list(of_claim) if "gradually" in claim else [])
    assert len(labels) == 4


def test_claims_nobody_can_tell(tmp_path):
    folder = write_study(tmp_path, controls=False)

    def disagree(cells: pd.DataFrame) -> None:
        # Seeds disagree by far more than arms do.
        cells["test_accuracy"] = np.random.default_rng(4).normal(0.85, 0.02, len(cells)).round(6)

    edit(folder, "cells.csv", disagree)
    found = {one.name: one.outcome for one in answers(Results(load_study(folder)))}
    assert found["rewinding-iterative"] == UNSURE
    assert found["rewinding-one-shot"] == UNSURE
    assert found["one-shot-middle"] == UNSURE
    assert found["random-when-sparse"] == UNSURE


def _gains(*samples: list[float]) -> list[statistics.Difference]:
    return [statistics.of_differences(sample) for sample in samples]


STRONG, WEAK = [0.9, 1.0, 1.1, 1.0], [0.2, 0.9, 1.6, 0.3]  # p = 0.0002 and 0.1
NEAR = [0.05, -0.1, 0.1, 0.0]


@pytest.mark.parametrize(
    ("samples", "outcome"),
    [
        ([STRONG], HELD),
        ([STRONG, WEAK], IN_PART),
        ([[-x for x in STRONG], WEAK], FAILED),
        ([NEAR], equivalent_within(0.25)),
        ([NEAR, NEAR], equivalent_within(0.25)),
        ([NEAR, WEAK], UNSURE),
        ([WEAK], UNSURE),
    ],
)
def test_directions(samples, outcome):
    assert direction(_gains(*samples), MARGINS) == outcome


def test_held_in_part_is_corrected_too():
    """A p value of 0.02 holds alone, and not as one of three."""
    some = [0.1, 0.55, 0.9, 0.7]
    (alone,) = _gains(some)
    assert 0.017 < alone.p < 0.05
    assert direction([alone]) == HELD
    assert direction([alone, *_gains(WEAK, NEAR)]) == UNSURE
    assert not_worse(_gains([-0.1, 0.0, 0.1, 0.05]), 0.5) == HELD
    assert not_worse(_gains([-0.1, 0.0, 0.1, 0.05], [-1.0, -0.9, -1.1, -1.05]), 0.5) == IN_PART
    assert not_worse(_gains([-1.0, -0.9, -1.1, -1.05]), 0.5) == FAILED
    assert not_worse(_gains(WEAK[:2]), 0.5) == UNSURE


def test_a_winning_ticket_is_shown_not_to_be_worse():
    """A mean within the tolerance is not enough: its interval may hold more."""
    gain = _gains(STRONG)[0]
    sure, open_ = _gains([-0.1, 0.0, 0.1, 0.05], [-1.2, 0.9, -1.3, 0.8])
    assert open_.mean >= -0.5
    assert winning([Candidate(sure, gain)], 0.5) == HELD
    assert winning([Candidate(open_, gain)], 0.5) == UNSURE
    assert winning([Candidate(sure, None)], 0.5) == UNSURE
