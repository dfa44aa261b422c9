"""What the page says of contrasts that were fixed beforehand."""

from __future__ import annotations

import csv
import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.synthetic_study import edit, write_study
from tflottery.experiments.reports import write_report
from tflottery.experiments.study.article import study_articles
from tflottery.experiments.study.cells import Results
from tflottery.experiments.study.results import load_study
from tflottery.report.answers import Effect
from tflottery.report.rendering import MarkdownArticle, markdown
from tflottery.report.whiskers import WIDTH, picture
from tflottery.statistics import Difference, of_differences

SHIFTS = {"reinit": -1.0, "random": -2.0}


def _seeded(store: Path, seeds: tuple[int, ...], name: str = "study_cnn", **changes) -> Path:
    """A study whose tickets are as good as dense, and whose new weights are not."""
    folder = write_study(store, name, seeds=seeds, optional=False, controls=False, **changes)

    def shift(cells: pd.DataFrame) -> None:
        random = np.random.default_rng(2)
        points = [SHIFTS.get(init, 0.0) + random.normal(0, 0.1) for init in cells["init"]]
        cells["test_accuracy"] = 0.87 + np.array(points) / 100

    edit(folder, "cells.csv", shift)
    return folder


def _said(folder: Path) -> str:
    article = study_articles([Results(load_study(folder))])[0]
    return markdown([MarkdownArticle(article)])


def test_answers_of_all_planned_seeds(tmp_path):
    text = _said(_seeded(tmp_path, tuple(range(1, 24))))
    before, _, after = text.partition("#### Exploratory")
    assert "Fixed before the seeds were trained" in before
    outcomes = dict(re.findall(r"\(([\w-]+); in the note: [^)]*\) \*([^*]*)\.\*", before))
    assert outcomes["cnn-ticket"] == "Held"
    assert outcomes["one-shot-middle"] == "Equivalent within 0.25"
    assert outcomes["rewinding-one-shot"] == "Equivalent within 0.25"
    assert outcomes["random-when-sparse"] == "Did not hold"
    assert outcomes["sparse-slower"] == "Not measured yet: 0 of 10 seeds"
    assert "by Welch's t test over seeds 4-13 and of dense 4-23" in before
    assert "after Holm's correction" in before and "Yes." in before
    assert "(cnn-ticket; in the note: tickets of a CNN, 2.1.1)" in after


def test_some_planned_seeds_have_no_outcome(tmp_path):
    text = _said(_seeded(tmp_path, (1, 2, 3, 4, 5, 6)))
    before, _, _ = text.partition("#### Exploratory")
    assert "Not measured yet: 3 of 10 seeds" in before
    assert "(so far, no outcome)" in before and "Missing: " in before and "dense: 7-23" in before
    assert not re.search(r"\*(Held|Did not hold|Equivalent)", before)


def test_no_planned_seed_is_said_in_a_sentence(tmp_path):
    text = _said(_seeded(tmp_path, (1, 2, 3)))
    assert "have none of those seeds here" in text and "#### Exploratory" not in text
    other = _said(_seeded(tmp_path, (1, 2, 3), "mine"))
    assert "fixed before" not in other.partition("## CNN")[2]


def test_tables_of_contrasts_and_of_seeds(tmp_path):
    _seeded(tmp_path, tuple(range(1, 8)))
    index = write_report(tmp_path, tmp_path / "report")
    with (index.parent / "tables" / "study_cnn-contrasts.csv").open(encoding="utf-8") as stream:
        rows = {row["contrast"]: row for row in csv.DictReader(stream)}
    cells = pd.read_csv(tmp_path / "studies" / "study_cnn" / "cells.csv")
    cells = cells[(cells["method"] == "iterative") & (cells["level"] == 0.832)]
    by_arm = 100 * cells.pivot_table("test_accuracy", "seed", "init")
    gain = by_arm["original"] - by_arm["reinit"]
    row = rows["cnn-ticket-new"]
    assert float(row["estimate"]) == pytest.approx(gain.loc[4:].mean(), abs=1e-5)
    assert float(row["seen"]) == pytest.approx(gain.loc[:3].mean(), abs=1e-5)
    assert (row["n"], row["seen_seeds"], row["missing"]) == ("4", "1-3", "both arms: 8-13")
    assert row["p"] == row["p_holm"] == ""
    with (index.parent / "tables" / "study_cnn-seeds.csv").open(encoding="utf-8") as stream:
        seeds = {row["contrast"]: row for row in csv.DictReader(stream)}
    assert float(seeds["cnn-ticket-new"]["deviation"]) == pytest.approx(gain.std(), abs=5e-3)
    assert "<h4>Fixed before the seeds were trained</h4>" in index.read_text(encoding="utf-8")


def test_folders_of_one_study_are_told_once(tmp_path):
    folders = [_seeded(tmp_path / name, seeds) for name, seeds in (("a", (1, 4)), ("b", (5, 6)))]
    both = study_articles([Results(load_study(folder)) for folder in folders])
    assert [bool(one.fixed) for one in both] == [True, False]
    assert both[0].fixed[0].outcome == "not measured yet: 3 of 10 seeds"


def _effect(*values: float, unit: str = "points", margins: tuple[float, ...] = ()) -> Effect:
    return Effect("one", of_differences(values), unit, margins=margins)


def test_the_seeds_of_both_sides_are_said_where_they_are_unlike():
    values = Difference(10, 0.5, None, 0.2, 0.8, 0.01)
    for groups, said in (((), "10"), ((10,), "10"), ((10, 10), "10"), ((10, 20), "10 and 20")):
        one = Effect("one", values, groups=groups)
        assert one.shown == f"+0.50 [+0.20, +0.80] points, n = {said}"
        assert one.in_words.endswith(f", n = {said})")


def test_a_picture_has_its_margins_to_scale():
    drawn = picture([_effect(0.2, 0.3, 0.4, margins=(0.5, 0.25)), _effect(-0.1, 0.1)], 0.5)
    first, second = drawn.whiskers
    assert first.bands[0] == pytest.approx(2 * first.bands[1]) and len(second.bands) == 1
    assert first.mean - WIDTH / 2 == pytest.approx(first.bands[0] * 0.3 / 0.5)
    assert first.side == "held" and second.side == "unsure"
    judged = [("held", "held"), ("equivalent within 0.5", "equivalent"), ("cannot tell", "unsure")]
    for outcome, side in judged:  # as not worse than a margin: its mean is below 0, and it holds
        effect = dataclasses.replace(_effect(-0.2, -0.3, -0.25), outcome=outcome)
        assert picture([effect], 0.5).whiskers[0].side == side
    ticks = dict(drawn.scale.ticks) if drawn.scale else {}
    assert ticks[WIDTH / 2] == "0" and len(ticks) == 3
    steps = picture([Effect("one", Difference(3, 40.0, 1.0, 37.5, 42.5, 0.01), "steps")], 0.5)
    assert steps.whiskers[0].bands == () and picture([], 0.5).scale is None
