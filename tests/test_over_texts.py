"""Contrasts over seeds and texts: against a simulation, and from predictions that were kept."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

from tests.test_judging import BEST, DENSE, NEW, ONE_SHOT, TEN, TWENTY, contrast
from tflottery import estimates, paired
from tflottery.experiments.claims import fixed, over_texts
from tflottery.experiments.claims.contrasts import Contrasts
from tflottery.experiments.claims.judging import Judged
from tflottery.experiments.study.results import TEXTS
from tflottery.runs.predictions import Predictions

TEXTS_A_SEED = 400


@dataclass
class Kept:
    """A run that kept what it said of its test texts."""

    right: np.ndarray | None

    def predictions(self) -> dict[str, Predictions] | None:
        if self.right is None:
            return None
        labels = np.ones(len(self.right), np.int32)
        logits = np.where(self.right, 1.0, -1.0).astype(np.float32)[:, None]
        return {"test": Predictions(labels, logits)}


@dataclass
class Cell:
    part: str
    method: str
    mask: str
    init: str
    level: float
    seed: int


def _cells(arms, seeds, levels=(0.59, 0.832)):
    random = np.random.default_rng(6)
    hard = random.normal(0, 1, TEXTS_A_SEED)
    for place, arm in enumerate(arms):
        for seed in seeds:
            for level in (0.0,) if arm == DENSE else levels:
                cell = Cell(*dataclasses.astuple(arm), level, seed)
                right = hard + random.normal(0, 0.5, TEXTS_A_SEED) < 1.2 - 0.2 * place
                yield cell, Kept(right)


def _rows(cells, *asked):
    named = tuple(dataclasses.replace(one, name=f"c{n}") for n, one in enumerate(asked))
    return over_texts.rows("study_cnn", "imdb", cells, Contrasts(named))


def _right(cells, arm, seed):
    kept = [
        run.right
        for cell, run in cells
        if (cell.init, cell.method, cell.seed) == (arm.init, arm.method, seed)
    ]
    return 100 * np.mean(kept, axis=0)


def test_paired_arms_over_seeds_and_texts():
    cells = list(_cells((ONE_SHOT, NEW), range(1, 14)))
    planned, others = _rows(cells, contrast(first=ONE_SHOT))
    assert (planned["which"], planned["seeds"], planned["texts"]) == ("planned", 10, TEXTS_A_SEED)
    gains = [_right(cells, ONE_SHOT, seed) - _right(cells, NEW, seed) for seed in TEN]
    expected = paired.crossed(np.stack(gains), TEXTS_A_SEED)
    assert planned["difference"] == pytest.approx(np.mean(gains), abs=1e-5)
    assert (planned["low"], planned["high"]) == pytest.approx(
        (expected.low, expected.high), abs=1e-5
    )
    assert (others["which"], others["seeds"]) == ("others", 3)
    assert planned["by_texts"] > planned["by_seeds"]
    TEXTS.frame([planned, others])  # as the file takes them


def test_dense_has_seeds_of_its_own():
    """A ticket of a seed that is planned of dense alone counts in neither arm."""
    cells = [*_cells((ONE_SHOT,), TWENTY), *_cells((DENSE,), TWENTY)]
    asked = contrast(first=ONE_SHOT, second=DENSE, second_seeds=TWENTY)
    (found,) = _rows(cells, asked)
    ones = np.stack([_right(cells, ONE_SHOT, seed) for seed in TEN])
    others = np.stack([_right(cells, DENSE, seed) for seed in TWENTY])
    assert found["difference"] == pytest.approx(ones.mean() - others.mean(), abs=1e-5)
    assert found["seeds"] == 10


def test_what_was_not_kept_is_left_out():
    cells = list(_cells((ONE_SHOT, NEW), TEN))
    cells = [(cell, run if cell.seed < 6 else Kept(None)) for cell, run in cells]
    (found,) = _rows(cells, contrast(first=ONE_SHOT))
    assert found["seeds"] == 2
    cells = [(cell, run if cell.seed < 5 else None) for cell, run in cells]
    assert _rows(cells, contrast(first=ONE_SHOT)) == []
    assert _rows(cells, contrast(first=ONE_SHOT, second=BEST)) == []
    assert _rows(cells, contrast(first=ONE_SHOT, dataset="toy")) == []


def test_the_interval_between_groups_holds_the_truth_as_often_as_it_says():
    """Seeds and texts drawn anew: 400 intervals of 95 %."""
    random = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        texts = 600
        of_text = random.normal(0, 8, texts)
        groups = [
            of_seeds[:, None] + sign * of_text + random.normal(0, 20, (len(of_seeds), texts))
            for sign, of_seeds in ((1, random.normal(0, 0.5, 5)), (-1, random.normal(0, 0.8, 9)))
        ]
        found = paired.between(*groups)
        held += found.low <= 0 <= found.high
    assert 0.93 <= held / 400 <= 0.98


def test_the_page_shows_them_where_there_are_any():
    judged = [Judged(contrast(name="mine"), "cannot tell")]
    assert all(one.key != "texts" for one in fixed.table(judged).columns)
    row = {"contrast": "mine", "which": "planned", "difference": 0.2, "low": -0.31, "high": 0.7,
           "by_seeds": 0.1, "by_texts": 0.1, "seeds": 10, "texts": 25000}  # fmt: skip
    # Of the folders of a study that with the most seeds.
    fewer = {**row, "low": -0.9, "seeds": 5}
    frames = [TEXTS.frame([fewer]), None, TEXTS.frame([row]), TEXTS.frame([fewer])]
    shown = fixed.table(judged, frames)
    assert shown.rows[0]["texts"] == "−0.31 to +0.70"
    seen = dataclasses.replace(judged[0], estimate=estimates.of_values([0.1, 0.2, 0.4] * 4))
    assert fixed.table([seen], frames).rows[0]["texts"].endswith("(10 of 12 seeds)")
    assert any(one.key == "texts" for one in shown.columns)
