"""Searches in the report and on the terminal: the numbers, the answers, bad input."""

from __future__ import annotations

import csv
import json
import re

import pytest
from rich.console import Console

from tests.synthetic_study import write_study
from tests.synthetic_tuning import RATES, write_tuning_result
from tflottery.errors import UserError
from tflottery.experiments.learning_rate.answers import answers, in_words
from tflottery.experiments.learning_rate.article import tuning_article
from tflottery.experiments.learning_rate.finished import TuningResult
from tflottery.experiments.learning_rate.results import load_tuning
from tflottery.experiments.learning_rate.terminal import terminal
from tflottery.experiments.reports import write_report
from tflottery.files import seal
from tflottery.report.outcomes import FAILED, HELD, IN_PART, MISSING, UNSURE
from tflottery.report.rendering import MarkdownArticle, markdown


def test_a_search_stands_beside_a_study(tmp_path):
    write_study(tmp_path, seeds=(1,), levels=(0.36,), controls=False, optional=False)
    folder = write_tuning_result(tmp_path)
    page = write_report(tmp_path, tmp_path / "report").read_text(encoding="utf-8")
    assert page.count("<article ") == 2
    for heading in ("CNN on IMDB: learning rates", "Accuracy against the learning rate", "2.1.3"):
        assert heading in page
    links = set(re.findall(r'href="([^"#][^"]*)"', page)) - {"data:,"}
    assert all((tmp_path / "report" / link).is_file() for link in links)
    copied = tmp_path / "report" / "data" / folder.name
    for name in ("tuning.json", "trials.csv", "rule.json"):
        assert (copied / name).read_bytes() == (folder / name).read_bytes()
    figures = {path.name for path in (tmp_path / "report" / "figures").iterdir()}
    levels = ("0.36", "0.738", "0.832")
    assert {f"{folder.name}-rates-{level}.svg" for level in levels} <= figures
    assert f"{folder.name}-best.svg" in figures


def rows_of(folder, table) -> list[dict[str, str]]:
    write_report(folder, folder.parent / "report")
    path = folder.parent / "report" / "tables" / f"{folder.name}-{table}.csv"
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_tables_hold_what_was_judged(tmp_path):
    folder = write_tuning_result(tmp_path)
    cells = json.loads((folder / "tuning.json").read_text())["cells"]
    networks = rows_of(folder, "networks")
    assert len(networks) == len(cells) == 1 + 3 * 2
    for row, cell in zip(networks, cells, strict=True):
        assert float(row["rate"]) == cell["best"]["learning_rate"]
        if cell["gain"]:
            assert float(row["gain"]) == pytest.approx(cell["gain"]["mean"], abs=1e-5)
        else:  # the configured rate is the best
            assert (row["gain"], row["rate"]) == ("", "0.002")
        assert float(row["own_test"]) == pytest.approx(
            cell["own"]["test_accuracy"]["mean"], abs=1e-5
        )
        assert float(row["own_epochs_to_99"]) > 0 and row["trials"] == str(len(RATES))
    curve = rows_of(folder, "rates")
    assert len(curve) == len(cells) * len(RATES)
    first = cells[0]["curve"][0]
    assert float(curve[0]["median"]) == pytest.approx(first["median"], abs=1e-5)


def outcomes(folder) -> list[str]:
    return [answer.outcome for answer in answers(load_tuning(folder))]


def written(folder) -> MarkdownArticle:
    return MarkdownArticle(tuning_article(load_tuning(folder)))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        # rises; more accurate; sooner; tickets no worse than dense; better than reinit
        # At 36 % the best rate lies nearer to the configured one than to the next.
        ({}, [HELD, IN_PART, HELD, HELD, HELD]),
        # A higher rate converges sooner here, whether it is more accurate or not.
        ({"exponent": 0.0, "reinit": 1.0}, [UNSURE, FAILED, HELD, HELD, FAILED]),
        ({"exponent": -0.5}, [FAILED, FAILED, HELD, HELD, HELD]),
        # The best rate of the sparsest network may lie beyond those that were tried.
        ({"exponent": 1.3}, [UNSURE, HELD, HELD, HELD, HELD]),
        ({"levels": (0.0, 0.832)}, [MISSING, HELD, HELD, HELD, HELD]),
        ({"levels": (0.0,)}, [MISSING] * 5),
    ],
)
def test_answers(tmp_path, settings, expected):
    assert outcomes(write_tuning_result(tmp_path, **settings)) == expected


def shown(folder) -> str:
    console = Console(width=80, force_terminal=False)
    with console.capture() as capture:
        console.print(terminal(load_tuning(folder)), soft_wrap=True)
    return capture.get()


def test_the_terminal_fits_80_columns_and_says_whether_raising_helps(tmp_path):
    folder = write_tuning_result(tmp_path)
    table = shown(folder).splitlines()[1:]
    assert max(map(len, table)) <= 80 and len(table) == 2 + 7
    text = " ".join(in_words(load_tuning(folder)))
    assert "(1 - sparsity)^(-0." in text and "it rises with sparsity" in text
    flat = load_tuning(write_tuning_result(tmp_path, "flat", exponent=0.0))
    text = " ".join(in_words(flat))
    assert "The best rate is above 0.002 for none of 3 tickets" in text
    assert "36.0 % pruned at 0.004 −" in text


def test_what_a_search_gives_says_the_lines_of_the_command(tmp_path):
    folder = write_tuning_result(tmp_path)
    done = TuningResult(folder, {}, 0, ())
    assert done.findings == in_words(done.results) and len(done.findings) > 1
    assert done.rule_file == folder / "rule.json" and done.rule_file.is_file()
    short = TuningResult(write_tuning_result(tmp_path, "short", levels=(0.0, 0.36)), {}, 0, ())
    assert short.rule_file is None and short.findings[0].startswith("No rule was fitted")
    with pytest.raises(UserError, match="this is a worker"):
        _ = TuningResult(None, {}, 0, ()).findings


def test_where_no_higher_rate_was_tried_raising_it_is_open(tmp_path):
    folder = write_tuning_result(tmp_path, found_learning_rate=max(RATES))
    assert outcomes(folder)[1:3] == [MISSING, MISSING]
    assert "No rate above 0.016 was tried" in " ".join(in_words(load_tuning(folder)))


def test_one_seed_an_edge_and_failures_are_said(tmp_path):
    failed = (("ticket", 0.832, 0.016, 1),)
    folder = write_tuning_result(tmp_path, seeds=(1,), exponent=1.5, failed=failed)
    tuning = load_tuning(folder)
    text = markdown([written(folder)])
    assert "one seed" in text and "±" not in shown(folder)
    assert "ticket, 83.2 % pruned, rate 0.016, seed 1 (the loss is not finite)" in text
    assert "ticket at 73.8 % pruned (highest)" in text
    assert {
        cell.failed for cell in tuning.cells if (cell.arm, cell.level) == ("ticket", 0.832)
    } == {1}


def test_hyperband_makes_no_curve(tmp_path):
    folder = write_tuning_result(tmp_path, tuner="hyperband", rule=None)
    article = written(folder)
    assert all(drawing.name != "rates" for drawing in article.drawings)
    chapter = markdown([article]).partition("### Accuracy against the learning rate")[2]
    assert "no curve" in chapter.partition("###")[0]
    assert outcomes(folder)[0] == MISSING and "rule.json" not in article.article.files


def test_a_network_whose_trials_all_failed_has_a_row(tmp_path):
    failed = tuple(("ticket", 0.36, rate, seed) for rate in RATES for seed in (1, 2, 3))
    folder = write_tuning_result(tmp_path, failed=failed)
    assert "failed" in shown(folder)
    (row,) = [row for row in rows_of(folder, "networks") if row["failed"] == "6"]
    assert row["rate"] == "" and row["level"] == "0.36"


def test_damaged_searches_are_named(tmp_path):
    folder = write_tuning_result(tmp_path)
    about = json.loads((folder / "tuning.json").read_text())
    del about["sha256"]
    about["cells"][0].pop("edge")
    (folder / "tuning.json").write_text(seal(about))
    with pytest.raises(UserError, match=r"no valid 'cells\[0\]\.edge'"):
        load_tuning(folder)
    (folder / "tuning.json").write_text(seal({**about, "cells": 3}))
    with pytest.raises(UserError, match="no valid 'cells'"):
        load_tuning(folder)
