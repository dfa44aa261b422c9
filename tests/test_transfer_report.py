"""Transfers in the report and on the terminal: the numbers, the answers, bad input."""

from __future__ import annotations

import csv
import json
import re

import pytest
from rich.console import Console

from tests.synthetic_study import write_study
from tests.synthetic_transfer import write_transfer_result
from tflottery.errors import UserError
from tflottery.experiments.reports import write_report
from tflottery.experiments.transfer.answers import answers
from tflottery.experiments.transfer.arms import DEFAULT_ARMS
from tflottery.experiments.transfer.article import transfer_article
from tflottery.experiments.transfer.results import load_transfer
from tflottery.experiments.transfer.terminal import terminal
from tflottery.files import seal
from tflottery.report.drawing import Curve, Point, ends_in_words
from tflottery.report.outcomes import FAILED, HELD, MISSING, UNSURE
from tflottery.report.rendering import MarkdownArticle, markdown
from tflottery.report.style import style


def test_a_transfer_stands_beside_a_study(tmp_path):
    write_study(tmp_path, seeds=(1,), levels=(0.36,), controls=False, optional=False)
    folder = write_transfer_result(tmp_path)
    write_transfer_result(tmp_path, "full", full=True)
    page = write_report(tmp_path, tmp_path / "report").read_text(encoding="utf-8")
    assert page.count("<article ") == 3
    for heading in ("CNN: from IMDB to Yelp sample", "Words in common", "Own ticket", "2.1.5"):
        assert heading.lower() in page.lower()
    links = set(re.findall(r'href="([^"#][^"]*)"', page)) - {"data:,"}
    assert all((tmp_path / "report" / link).is_file() for link in links)
    copied = tmp_path / "report" / "data" / folder.name / "result.json"
    assert copied.read_bytes() == (folder / "result.json").read_bytes()
    with (tmp_path / "report" / "tables" / f"{folder.name}-arms.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    result = json.loads((folder / "result.json").read_text())
    assert len(rows) == len(result["arms"]) == 1 + 3 * len(DEFAULT_ARMS)
    ticket = next(
        arm for arm in result["arms"] if (arm["mask"], arm["init"], arm["level"]) == (
            "source", "source", 0.59,
        )
    )  # fmt: skip
    row = next(
        row for row in rows if (row["mask"], row["init"], row["level"]) == (
            "source", "source", "0.59",
        )
    )  # fmt: skip
    assert float(row["mean"]) == pytest.approx(ticket["test_accuracy"]["mean"], abs=1e-5)
    for key in ("minus_dense", "minus_target_ticket"):
        assert float(row[key]) == pytest.approx(ticket[key]["mean"], abs=1e-5)
        assert float(row[f"{key}_p"]) == pytest.approx(ticket[key]["p"], abs=1e-5)
    assert (tmp_path / "report" / "figures" / "full-accuracy-shuffled.svg").is_file()


def test_a_store_of_transfers_alone_and_one_transfer(tmp_path):
    folder = write_transfer_result(tmp_path)
    from_store = write_report(tmp_path, tmp_path / "one").read_bytes()
    assert write_report(folder, tmp_path / "other").read_bytes() == from_store
    with pytest.raises(UserError, match="holds no study, transfer or search"):
        write_report(tmp_path / "one", tmp_path / "third")


def outcomes(folder) -> list[str]:
    return [answer.outcome for answer in answers(load_transfer(folder))]


def said(folder) -> str:
    """The article's Markdown."""
    return markdown([MarkdownArticle(transfer_article(load_transfer(folder)))])


def arms(own: float, ticket: float, reinit: float, random: float) -> dict:
    return dict(zip(DEFAULT_ARMS, (own, ticket, reinit, random), strict=True))


@pytest.mark.parametrize(
    ("shifts", "noise", "expected"),
    [
        # wins; no worse than the own ticket; the weights help; the mask helps
        (arms(-0.2, -0.1, -2.0, -4.0), 0.02, [HELD, HELD, HELD, HELD]),
        (arms(-0.2, -3.0, -2.0, -1.0), 0.02, [FAILED, FAILED, FAILED, FAILED]),
        (arms(-0.1, -0.1, -0.1, -0.1), 3.0, [UNSURE] * 4),
        # Beyond the tolerance on average, but the interval holds dense.
        (arms(-0.8, -0.8, -0.8, -0.8), 3.0, [UNSURE] * 4),
        # As good as its own ticket and as dense, but the weights say nothing.
        (arms(-0.2, -0.2, -0.2, -4.0), 0.02, [UNSURE, HELD, UNSURE, HELD]),
    ],
)
def test_answers(tmp_path, shifts, noise, expected):
    folder = write_transfer_result(tmp_path, shifts=shifts, noise=noise, seeds=(1, 2, 3, 4))
    assert outcomes(folder) == expected


def test_one_seed_cannot_tell(tmp_path):
    folder = write_transfer_result(
        tmp_path, seeds=(1,), shifts=arms(-0.2, -0.1, -2.0, -4.0), noise=0
    )
    assert outcomes(folder) == [UNSURE] * 4
    assert "There is one seed" in said(folder)
    assert "±" not in shown(folder)


def test_failures_other_classes_and_missing_arms_are_said(tmp_path):
    failed = {"mask": "source", "init": "reinit", "level": 0.59, "seed": 2, "reason": "no memory"}
    folder = write_transfer_result(
        tmp_path, failures=[failed], same_classes=False, gains=[], overlap=[]
    )
    text = said(folder)
    assert "source mask, new, 59.0 % pruned, seed 2 (no memory)" in text
    assert "the head is initialised anew" in text
    assert outcomes(folder)[2:] == [MISSING] * 2
    assert "No level has both tickets." in write_report(folder, tmp_path / "r").read_text()


def shown(folder) -> str:
    console = Console(width=80, force_terminal=False)
    with console.capture() as capture:
        console.print(terminal(load_transfer(folder)), soft_wrap=True)
    return capture.get()


def test_an_arm_that_lacks_a_seed_says_so(tmp_path):
    folder = write_transfer_result(tmp_path)
    assert "Of fewer seeds" not in shown(folder)
    about = json.loads((folder / "result.json").read_text())
    del about["sha256"]
    lacking = next(arm for arm in about["arms"] if (arm["mask"], arm["level"]) == ("random", 0.59))
    lacking["test_accuracy"]["n"] = 2
    (folder / "result.json").write_text(seal(about))
    text = " ".join(shown(folder).split())
    assert text.endswith("Of fewer seeds: random mask, new, 59.0 % pruned (2)")


def test_the_terminal_fits_80_columns(tmp_path):
    text = shown(write_transfer_result(tmp_path))
    lines = text.splitlines()
    assert "IMDB to Yelp sample" in lines[0] and max(map(len, lines[1:])) <= 80
    assert "…" not in text
    assert sum("source  source" in line for line in lines) == 3


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "result.json is missing"),
        (lambda path: path.write_text(path.read_text().replace("imdb", "imdc")), "damaged"),
        (lambda path: path.write_text(seal({"format_version": 1})), "no valid 'name'"),
        (lambda path: path.write_text(seal({"format_version": 9})), "format version 9"),
    ],
)
def test_damaged_input_is_named(tmp_path, damage, message):
    folder = write_transfer_result(tmp_path)
    damage(folder / "result.json")
    with pytest.raises(UserError, match=message) as caught:
        write_report(tmp_path, tmp_path / "report")
    assert "\n" not in str(caught.value) and not (tmp_path / "report").exists()


def test_arms_of_another_form_are_named(tmp_path):
    folder = write_transfer_result(tmp_path, arms=[{"mask": "source"}])
    with pytest.raises(UserError, match=r"has no valid 'arms\[0\]\.init'"):
        load_transfer(folder)


def test_the_ends_of_curves_in_words():
    two = Curve("ticket", style(0), [Point(64.0, 93.604), Point(2.8, 93.38)])
    one = Curve("random", style(1), [Point(16.8, 86.25)])
    none = Curve("dense", style(2), [])
    assert ends_in_words([two, one, none], digits=2) == (
        "ticket: 93.60 at 64.0, 93.38 at 2.8. random: 86.25 at 16.8."
    )


def test_wide_intervals_leave_the_table_whole(tmp_path):
    folder = write_transfer_result(tmp_path, shifts=arms(-0.2, -9.0, -9.0, -27.5), noise=9.0)
    text = shown(folder)
    assert "…" not in text and max(map(len, text.splitlines()[1:])) <= 80
