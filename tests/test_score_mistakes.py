"""Tables that nobody can score, or only in part: one line that says what and where."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import tflottery as tfl
from tests.scored import delimited, model_loaded_once
from tflottery.data.reading.whole_table import WholeTable
from tflottery.scoring import model as scoring_model
from tflottery.scoring import writing
from tflottery.scoring.score import reading

WRONG = [
    ({}, "has no column 'text'; name the one with the texts"),
    ({"text": "review", "output": "new.csv"}, "is the table that is read"),
    (
        {"text": "review", "output": ".", "format": "csv"},
        "is a folder; give --output the name of a",
    ),
    (
        {"text": "review", "output": "/dev/stdout", "format": "csv"},
        "is a device .* standard output",
    ),
    ({"text": "review", "output": "pipe.csv"}, "is a device or a pipe"),
    ({"text": "review", "output": "out.docx"}, "say which it is with --format"),
    ({"text": "review", "output": "out.csv", "format": "xml"}, "--format is csv"),
    ({"text": "review", "output": "nowhere/x/\0"}, "it takes the path"),
    ({"text": "review", "format": "csv"}, "format is for what is written; give output, too"),
    ({"text": "id", "set": {"training.epochs": 1}}, "says nothing of how a table is read"),
    ({"text": "id", "set": {"data.dataset": "x"}}, "says nothing of how a table is read"),
    ({"text": "review", "data": "taken.csv"}, "has a column 'label' already; .* --prefix"),
    ({"text": "review", "data": "taken2.csv"}, "has a column 'score_positive' already"),
    ({"text": "review", "data": "ragged.csv"}, "line 3: more fields than the header"),
    ({"text": "review", "data": "lists.jsonl"}, "line 1: the text is a list"),
    ({"text": "a", "data": "twice.csv", "output": "o.jsonl"}, "Two columns are called 'b'"),
    ({"data": "empty"}, "is a folder without texts"),
    ({"text": "review", "data": "texts"}, "the columns 'file' and 'text', no 'review'"),
    ({"text": "review", "data": "nofile.csv"}, "There is no file"),
    ({"text": "review", "data": "I liked it."}, "texts themselves come as a list"),
    ({"text": "review", "data": "keys.jsonl"}, "has no column 'review'.*Did you mean 'review '"),
    ({"text": "te xt", "data": "keys.csv"}, "has no column 'te xt'.* Known: n, te"),
    ({"text": "review", "data": 5}, "a file, a DataFrame or a list"),
    ({"text": "a", "data": pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"])}, "2 columns 'a'"),
    ({"text": "b", "data": pd.DataFrame({"a": ["x"]})}, "no column 'b'; name the one"),
    ({"text": 1, "data": pd.DataFrame([["x"]])}, "no column '1'; name the one"),
    ({"data": pd.DataFrame({"text": ["x", ["y"]]})}, "Row 2: the text is a list"),
    ({"data": [["x"]]}, "Row 1: the text is a list"),
    ({"data": [None, {"x": 1}]}, "Row 2: the text is an object"),
    ({"model": "nowhere", "text": "review"}, "holds no exported model"),
]

BLANK = {
    "one.csv": b"review\nfine\n\ndull\n\n\n",
    "two.csv": b"n,review\n1,fine\n\n2,dull\n\n",
    "spaces.tsv": b"n\treview\n1\tfine\n   \n2\tdull\n",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Iterator[Path]:
    with model_loaded_once(tmp_path_factory.mktemp("scored")) as base:
        yield base


def test_a_stray_quote_is_told(tmp_path, model):
    rows = "".join(f"{n},text {n},x\n" for n in range(9))
    (tmp_path / "stray.csv").write_text(f'id,text,z\n{rows}10,"stray,y\n{rows}11,end",w\n')
    done = tfl.score(model, tmp_path / "stray.csv", output=tmp_path / "out.csv")
    assert any("look like rows of their own" in line and "11" in line for line in done.remarks)


@pytest.mark.parametrize("name", BLANK)
def test_blank_lines_between_rows_are_told(tmp_path, model, name):
    (tmp_path / name).write_bytes(BLANK[name])
    done = tfl.score(model, tmp_path / name, text="review", output=tmp_path / "out.csv")
    assert done.rows == 2 and "line 3 has no filled cell; left out." in done.remarks[0]
    assert len(done.remarks) == 1
    (tmp_path / name).write_bytes(
        BLANK[name].replace(b"fine\n\n", b"fine\n").replace(b"   \n", b"")
    )
    assert not tfl.score(model, tmp_path / name, text="review", output=tmp_path / "out.csv").remarks


def test_blank_rows_of_a_sheet_are_told(tmp_path, model):
    book = openpyxl.Workbook()
    for row in (["review", "n"], ["fine", 1], [None, None], ["dull", 2], [None, ""], ["", 3]):
        book.active.append(row)
    book.active.cell(row=40, column=1).value = ""
    book.save(tmp_path / "new.xlsx")
    done = tfl.score(model, tmp_path / "new.xlsx", text="review", output=tmp_path / "out.csv")
    assert done.rows == 3
    assert [line.partition(": ")[2] for line in done.remarks] == [
        "rows 3, 5 have no filled cell; left out.",
        "row 6 has no text; the score is that of no known word.",
    ]


@pytest.mark.parametrize(("given", "message"), WRONG)
def test_a_mistake_is_one_line_before_the_model_is_asked(
    tmp_path, monkeypatch, model, given, message
):
    monkeypatch.chdir(tmp_path)
    Path("new.csv").write_text(delimited(","), encoding="utf-8")
    Path("taken.csv").write_text("review,label\na,1\n")
    os.mkfifo("pipe.csv")
    Path("texts").mkdir()
    Path("empty").mkdir()
    Path("texts/1.txt").touch()
    Path("taken2.csv").write_text("review, score_positive \na,1\n")
    Path("ragged.csv").write_text("review,b\na,1\nx,y,z\n")
    Path("lists.jsonl").write_text('{"review": ["a"]}\n{"review": "b"}\n')
    Path("twice.csv").write_text("a,b,b\n1,2,3\n")
    Path("keys.jsonl").write_text('{"review ": "a"}\n')
    Path("keys.csv").write_text("n,te\0xt\n1,a\n")
    monkeypatch.setattr(scoring_model.Scorer, "score", None)
    call = {"model": model, "data": "new.csv", **given}
    with pytest.raises(tfl.UserError, match=message) as caught:
        tfl.score(**call)
    assert "\n" not in str(caught.value)
    assert not Path("out.csv").exists() and not Path("o.jsonl").exists()


def test_bad_rows_can_be_left_out(tmp_path, model):
    (tmp_path / "ragged.csv").write_text("text,b\na,1\nx,y,z\nb,2\n")
    done = tfl.score(
        model, tmp_path / "ragged.csv", output=tmp_path / "o.csv", set={"data.skip_bad": True}
    )
    assert done.rows == 2 and any("1 bad line is left out" in line for line in done.remarks)


def test_a_file_that_changes_meanwhile_is_told(tmp_path):
    path = tmp_path / "grows.csv"
    path.write_text("text,b\na,1\n")
    table = WholeTable(reading(path, "text"))
    path.write_text("text,b\na,1\nb,2\n")
    with pytest.raises(tfl.UserError, match="changed while it was read"):
        list(table)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.csv.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + b"\xff" * 40, "csv"),
        ("a.csv.gz", gzip.compress(b"label,score", mtime=0)[:-9], "csv"),
        ("a.jsonl", b"[" * 100_000, "jsonl"),
        ("a.jsonl", b'["label", 3]', "jsonl"),
        ("a.jsonl", b'["label", "score"]', "jsonl"),
    ],
)
def test_what_is_no_file_of_scores_is_not_replaced(tmp_path, name, content, kind):
    (tmp_path / name).write_bytes(content)
    assert not writing._holds_scores(tmp_path / name, kind, "")
