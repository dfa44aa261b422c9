"""bin/report on synthetic studies: the numbers, the words, the page in a browser."""

from __future__ import annotations

import csv
import dataclasses
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tests.browsing import Visit
from tests.conftest import ROOT
from tests.synthetic_study import edit, write_study
from tflottery.experiments.reports import write_report
from tflottery.experiments.study import figures, mask_figures, summary, tables, terminal
from tflottery.experiments.study.answers import answers
from tflottery.experiments.study.article import study_articles
from tflottery.experiments.study.cells import Arm, Results
from tflottery.experiments.study.note import accuracies, lookup
from tflottery.experiments.study.results import load_study
from tflottery.report.drawing import spread
from tflottery.report.outcomes import FAILED, MISSING, UNSURE
from tflottery.report.rendering import MarkdownArticle, markdown

FAILED_CELLS = (("one_shot", "original", 0.972, 2), ("iterative", "rewind:end", 0.59, 1))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CNN with two failed runs, an LSTM, and one seed without optional files."""
    folder = tmp_path_factory.mktemp("store")
    write_study(folder, failed=FAILED_CELLS)
    lstm_levels = (0.2, 0.36, 0.488, 0.59, 0.672, 0.832)
    write_study(folder, "study_lstm", model="lstm", levels=lstm_levels)
    write_study(
        folder, "study_toy", seeds=(1,), levels=(0.36, 0.832), optional=False, controls=False,
        dataset="toy",
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def report(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(store, tmp_path_factory.mktemp("out") / "report").parent


@pytest.fixture(scope="module")
def cnn(store: Path) -> Results:
    return Results(load_study(store / "studies" / "study_cnn"))


def said(results: Results) -> str:
    """The article's Markdown."""
    return markdown([MarkdownArticle(article) for article in study_articles([results])])


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_files_and_links(report):
    assert {path.name for path in report.iterdir()} == {
        "index.html", "report.md", "figures", "tables", "data",
    }  # fmt: skip
    text = (report / "index.html").read_text(encoding="utf-8")
    links = set(re.findall(r'href="([^"#][^"]*)"', text)) - {"data:,"}
    assert links and all((report / link).is_file() for link in links)
    markdown = (report / "report.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"\]\(([^)]+)\)", markdown))
    assert targets and all((report / target).is_file() for target in targets)
    described = re.findall(r"!\[([^]]*)\]\(figures/", markdown)
    assert described and all(len(said.split()) > 3 for said in described)
    assert "<script" not in text and "http://" not in text.replace("http://www.w3.org/", "")
    assert str(report.parent) not in text + markdown
    assert len(set(re.findall(r' id="([^"]+)"', text))) == len(re.findall(r' id="([^"]+)"', text))


def test_same_input_same_bytes(store, report, tmp_path):
    again = write_report(store, tmp_path / "again").parent
    files = sorted(path.relative_to(report) for path in report.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    for file in files:
        assert (report / file).read_bytes() == (again / file).read_bytes(), file


def test_two_folders_of_one_study_are_told_apart_where_they_are_listed(tmp_path):
    write_study(tmp_path / "a", seeds=(4, 5, 6))
    write_study(tmp_path / "b", seeds=(9,))
    other = tmp_path / "b" / "studies" / "study_cnn"
    other.rename(tmp_path / "a" / "studies" / "study_cnn_seed_9")
    page = write_report(tmp_path / "a", tmp_path / "report")
    listed = page.read_text().partition('aria-label="Studies"')[2].partition("</nav>")[0]
    titles = re.findall(r"<a [^>]*>([^<]*)</a>", listed)
    assert titles == ["CNN on IMDB, seeds 4-6", "CNN on IMDB, seed 9"]


def test_every_cell_of_the_study_is_shown(store, report):
    cells = pd.read_csv(store / "studies" / "study_cnn" / "cells.csv")
    for part in ("grid", "control", "rewind"):
        asked = cells[cells["part"] == part]
        keys = asked[["method", "mask", "init", "level"]].drop_duplicates()
        rows = _rows(report / "tables" / f"study_cnn-{part}.csv")
        assert len(rows) == len(keys) + 1  # and dense


def test_numbers_of_a_cell(store, report):
    cells = pd.read_csv(store / "studies" / "study_cnn" / "cells.csv")
    cells = cells[(cells["state"] == "done")].set_index("seed")
    dense = 100 * cells[cells["part"] == "dense"]["test_accuracy"]
    chosen = (cells["part"] == "grid") & (cells["method"] == "iterative") & (cells["level"] == 0.59)
    ticket = 100 * cells[chosen & (cells["init"] == "original")]["test_accuracy"]
    (row,) = [
        row
        for row in _rows(report / "tables" / "study_cnn-grid.csv")
        if (row["method"], row["init"], row["level"]) == ("iterative", "original", "0.59")
    ]
    assert float(row["mean"]) == pytest.approx(ticket.mean(), abs=1e-5)
    assert float(row["deviation"]) == pytest.approx(ticket.std(), abs=1e-5)
    assert float(row["difference"]) == pytest.approx((ticket - dense).mean(), abs=1e-5)
    assert row["matches_strict"] == str(bool((ticket - dense).mean() >= 0)).lower()
    assert row["n"] == "3" and 0 <= float(row["p"]) <= float(row["p_holm"]) <= 1


def test_convergence_of_a_cell(store, report):
    cells = pd.read_csv(store / "studies" / "study_cnn" / "cells.csv").set_index("seed")
    dense = cells[cells["part"] == "dense"]
    chosen = (cells["method"] == "iterative") & (cells["init"] == "reinit")
    ticket = cells[chosen & (cells["level"] == 0.832)]
    (row,) = [
        row
        for row in _rows(report / "tables" / "study_cnn-convergence.csv")
        if (row["method"], row["init"], row["level"]) == ("iterative", "reinit", "0.832")
    ]
    for column in ("steps_to_best", "steps_to_99"):
        assert float(row[column]) == pytest.approx(ticket[column].mean())
        assert float(row[f"{column}_epochs"]) == pytest.approx(ticket[column].mean() / 313)
        difference = (ticket[column] - dense[column]).mean()
        assert float(row[f"{column}_difference"]) == pytest.approx(difference)


def test_failed_runs_are_shown_and_not_counted(report, cnn):
    rows = _rows(report / "tables" / "study_cnn-grid.csv")
    (row,) = [row for row in rows if row["failed"] and row["method"] == "one-shot"]
    assert row["n"] == "2" and row["failed"] == "seed 2: the loss is not finite at step 40"
    assert "2 runs failed" in said(cnn)
    text = (report / "index.html").read_text(encoding="utf-8")
    assert "seed 2: the loss is not finite at step 40" in text


def test_a_cell_that_failed_in_every_seed(tmp_path):
    everywhere = tuple(("iterative", "original", 0.972, seed) for seed in (1, 2, 3))
    write_study(tmp_path, failed=everywhere)
    page = write_report(tmp_path, tmp_path / "report").read_text(encoding="utf-8")
    assert page.count("the loss is not finite") >= 3
    (row,) = [
        row for row in _rows(tmp_path / "report" / "tables" / "study_cnn-grid.csv") if row["failed"]
    ]
    assert row["n"] == "0" and row["mean"] == ""


def test_dense_that_failed_everywhere_is_said(tmp_path):
    folder = write_study(tmp_path, levels=(0.36, 0.59))

    def fail(cells: pd.DataFrame) -> None:
        dense = cells["part"] == "dense"
        cells.loc[dense, "state"], cells.loc[dense, "test_accuracy"] = "failed", None

    edit(folder, "cells.csv", fail)
    page = write_report(tmp_path, tmp_path / "report").read_text(encoding="utf-8")
    assert "The dense network failed for every seed" in page


def test_one_seed_says_that_it_has_no_intervals(store, report):
    results = Results(load_study(store / "studies" / "study_toy"))
    assert "There is one seed" in said(results)
    assert {answer.outcome for answer in answers(results)} <= {UNSURE, MISSING, FAILED}
    assert "± " not in _terminal(results)


def test_what_was_not_measured_is_said(report):
    text = (report / "index.html").read_text(encoding="utf-8")
    toy = text[text.index('<article id="study_toy"') :]
    for sentence in (
        "This study has no controls.", "This study has no rewind sweep.",
        "This study did not compare masks.", "Masks of epochs were not compared.",
        "Instability was not measured.",
    ):  # fmt: skip
        assert sentence in toy


def test_a_control_without_a_ticket_is_compared_with_nothing(tmp_path):
    folder = write_study(tmp_path)
    ticket = "part == 'grid' and init == 'original' and level == 0.59"
    edit(folder, "cells.csv", lambda cells: cells.drop(cells.query(ticket).index))
    table = tables.controls(Results(load_study(folder)))
    compared = {row["at"]: (row.get("interval"), row.get("p_holm")) for row in table.rows}
    assert compared[59.0] == (None, None) and None not in compared[83.2]


def test_note_beside_ours(report):
    rows = _rows(report / "tables" / "study_cnn-note.csv")
    assert len(rows) == 20
    row = next(r for r in rows if r["pruned"] == "83.2" and r["their_name"] == "lt")
    assert float(row["one_shot_note"]) == 87.0 and float(row["iterative_note"]) == 85.76
    ours = float(row["iterative_ours"])
    assert float(row["iterative_difference"]) == pytest.approx(ours - 85.76, abs=1e-5)
    assert len(_rows(report / "tables" / "study_lstm-note.csv")) == 5 * 4
    assert lookup(accuracies("cnn"), "iterative", "original", 0.737856) == 86.31
    assert lookup(accuracies("cnn"), "iterative", "original", 0.7) is None
    assert accuracies("transformer") == {}


def test_the_rewind_sweep_goes_forward_in_time_from_one_beginning(cnn):
    # 500 steps are more than an epoch of 313 and fewer than two.
    assert figures.sweep_points(cnn, 0.832) == [
        "original", "rewind:100it", "rewind:1ep", "rewind:500it", "rewind:2ep", "rewind:end",
    ]  # fmt: skip
    assert figures.sweep_points(cnn, 0.738) == ["original", "rewind:1ep", "rewind:end"]


def test_the_barrier_is_the_top_of_the_line_above_the_mean_of_its_ends(cnn):
    def rows(seed: int, *errors: float) -> list[dict[str, object]]:
        return [
            {"seed": seed, "point": "1ep", "alpha": place / 2, "val_loss": 0.3, "val_error": error}
            for place, error in enumerate(errors)
        ]

    frame = pd.DataFrame([*rows(1, 0.10, 0.15, 0.12), *rows(2, 0.10, 0.09, 0.12)])
    made = Results(dataclasses.replace(cnn.study, instability=frame))
    (barrier,) = mask_figures.barriers(made).values()
    # 15 above 11; on the other line an end is the highest: 12 above 11.
    assert (barrier.n, barrier.mean) == (2, pytest.approx((4 + 1) / 2))


def test_early_bird_epoch(cnn):
    (settled,) = summary.settled(cnn)
    assert (settled.epochs, settled.last, settled.early) == ((2, 2, 2), 4, 3)
    sentence = "after epoch 2 of 4 (3 of 3 seeds before the end), which saves 50 %"
    assert said(cnn).count(sentence) == 1


def test_early_bird_within_an_epoch(cnn):
    frame = cnn.study.early_bird.copy()
    for column in ("epoch_one", "epoch_other"):
        frame[column] = frame[column].replace({0.0: 0.3195})
    moved = Results(dataclasses.replace(cnn.study, early_bird=frame))
    (panel, *_) = mask_figures.early_bird(moved).panels
    assert "Columns 0.32, 1, 2, 3, 4." in panel.description and "none" not in panel.description
    turned = frame.rename(columns={"epoch_one": "epoch_other", "epoch_other": "epoch_one"})
    backwards = Results(dataclasses.replace(cnn.study, early_bird=turned))
    (same, *_) = mask_figures.early_bird(backwards).panels
    assert same.description == panel.description
    frame["relative"] = 0.0
    (settled,) = summary.settled(moved)
    assert settled.saved == 92 and "after epoch 0.32 of 4" in said(moved)


def _terminal(results: Results) -> str:
    console = Console(width=80, file=None, record=True, quiet=False, force_terminal=False)
    with console.capture() as capture:
        console.print(terminal.terminal(results.study))
    return capture.get()


def test_terminal_table_fits_80_columns(cnn):
    text = _terminal(cnn)
    assert max(map(len, text.splitlines())) <= 80 and "…" not in text
    cell = cnn.points("test_accuracy", Arm("grid", "one_shot", "magnitude", "original"), 0.972)
    assert f"{sum(cell.values()) / 2:.2f}" in text and "(2 of 3)" in text
    for word in ("pruned", "left", "one-shot", "iterative", "n = 3", "rewind 1 ep", "reinit"):
        assert word in text


@given(st.lists(st.floats(0, 200), max_size=9))
def test_labels_are_spread(places):
    moved = spread(places, 14.0, 200.0)
    order = sorted(range(len(places)), key=lambda index: (places[index], index))
    assert all(-1e-6 <= place <= 200 + 1e-6 for place in moved)
    assert all(moved[two] - moved[one] >= 14.0 - 1e-6 for one, two in pairwise(order))


def test_nothing_heavy_is_imported():
    code = (
        "import sys, tflottery.experiments.reports\n"
        "heavy = ('tensorflow', 'tf_keras', 'tflottery.training', 'tflottery.models', "
        "'tflottery.data', 'tflottery.runs', 'matplotlib.pyplot')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_print_opens_what_is_folded(browser, report):
    viewport = {"width": 800, "height": 1100}
    page = Visit(browser, report / "index.html", viewport=viewport).page
    page.emulate_media(media="print")
    heights = page.eval_on_selector_all(
        "figure svg, details.rests p, .chapter > summary h3",
        "all => all.map(one => one.getBoundingClientRect().height)",
    )
    assert len(heights) > 50 and min(heights) > 5
    page.close()


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.long)])
@pytest.mark.parametrize("width", [390, 1280])
def test_in_a_browser(browser, report, width, theme):
    viewport = {"width": width, "height": 900}
    visit = Visit(browser, report / "index.html", viewport=viewport, color_scheme=theme)
    page = visit.page
    visit.require_alone()
    assert [url for url in visit.requests if not url.startswith("data:")] == [page.url]

    # The answers are seen at once, the depth on demand: a link to a chapter opens it.
    first = page.locator(".findings li").first
    assert first.bounding_box()["height"] > 100
    assert page.locator("figure svg").first.is_hidden()
    page.click('nav.contents a[href="#study_cnn-accuracy"]')
    assert page.locator("#study_cnn-accuracy figure svg").first.is_visible()
    page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true })")
    figures = page.eval_on_selector_all(
        "figure svg",
        "all => all.map(one => [one.getBoundingClientRect().width, "
        "one.getBoundingClientRect().height, one.getAttribute('aria-label')])",
    )
    assert len(figures) > 30
    assert all(wide > 200 and tall > 100 and label for wide, tall, label in figures)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # No label is cut off by the edge of its panel's page.
    outside = page.eval_on_selector_all(
        "figure svg text",
        "all => all.filter(one => { const box = one.getBoundingClientRect(); "
        "const own = one.ownerSVGElement.getBoundingClientRect(); "
        "return box.right > own.right + 2 || box.left < own.left - 2 })"
        ".map(one => one.textContent)",
    )
    assert outside == []
    ink = page.evaluate("getComputedStyle(document.querySelector('figure svg text')).fill")
    light = sum(map(int, re.findall(r"\d+", ink)[:3])) > 384
    assert light == (theme == "dark")
    page.close()
