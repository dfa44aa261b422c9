"""Tables with scores: every row and column kept, whatever is in it, in every format."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tflottery as tfl
from tests.scored import ADDED, COLUMNS, ROWS, delimited, model_loaded_once
from tflottery.cli import predict
from tflottery.data.reading.whole_table import WholeTable, text_bytes
from tflottery.exports import client
from tflottery.scoring import formats, writing
from tflottery.scoring import model as scoring_model
from tflottery.scoring.score import reading


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Iterator[Path]:
    with model_loaded_once(tmp_path_factory.mktemp("scored")) as base:
        yield base


@pytest.fixture(scope="module")
def expected(model) -> list[client.Answer]:
    return client.local(client.Model(model))([row[1].encode() for row in ROWS])


def objects() -> list[dict[str, str]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]


def excel(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in [COLUMNS, *ROWS]:
        book.active.append([f"'{cell}" if cell.startswith("=") else cell for cell in row])
    book.save(path)


def lines() -> str:
    return "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in objects())


INPUTS = {
    "new.csv": lambda path: path.write_text(delimited(","), encoding="utf-8"),
    "new.tsv": lambda path: path.write_text(delimited("\t"), encoding="utf-8"),
    "semicolons.txt": lambda path: path.write_text(delimited(";"), encoding="utf-8"),
    "marked.csv": lambda path: path.write_text(delimited(","), encoding="utf-8-sig"),
    "wide.csv": lambda path: path.write_text(delimited(","), encoding="utf-16"),
    "new.csv.gz": lambda path: path.write_bytes(gzip.compress(delimited(",").encode())),
    "new.jsonl.bz2": lambda path: path.write_bytes(bz2.compress(lines().encode())),
    "new.jsonl": lambda path: path.write_text(lines(), encoding="utf-8"),
    "array.json": lambda path: path.write_text(json.dumps(objects()), encoding="utf-8"),
    "columns.json": lambda path: pd.DataFrame(objects()).to_json(path),
    "new.parquet": lambda path: pd.DataFrame(objects()).to_parquet(path),
    "new.xlsx": excel,
}


@pytest.mark.parametrize("name", INPUTS)
def test_every_row_and_column_of_any_table(tmp_path, model, expected, name):
    INPUTS[name](tmp_path / name)
    done = tfl.score(model, tmp_path / name, text="review", output=tmp_path / "scores.csv")
    assert (done.rows, done.empty, list(done.columns)) == (len(ROWS), 1, ADDED)
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == [*COLUMNS, *ADDED]
    kept = [["'=1+1" if name.endswith("xlsx") and cell == "=1+1" else cell for cell in row]
            for row in ROWS]  # fmt: skip
    assert [row[:3] for row in rows] == kept
    assert [row[3] for row in rows] == [answer.label for answer in expected]
    scores = np.array([row[4:] for row in rows], float)
    assert scores[:, 1] == pytest.approx([answer.score for answer in expected], abs=1e-6)
    assert scores.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert any("no text" in line for line in done.remarks)


def test_odd_bytes_stay_as_they_are(tmp_path, model):
    raw = b'review,other\nodd \xff\xc3( again,\xfe\n"NUL \0 here",b\n'
    (tmp_path / "odd.csv").write_bytes(raw)
    tfl.score(model, tmp_path / "odd.csv", text="review", output=tmp_path / "out.csv")
    first, second = (tmp_path / "out.csv").read_bytes().splitlines()[1:]
    assert first.startswith(b"odd \xff\xc3( again,\xfe,")
    assert second.replace(b'"', b"").startswith(b"NUL \0 here,b,")
    tfl.score(model, tmp_path / "odd.csv", text="review", output=tmp_path / "out.jsonl")
    record = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert record["review"].encode("utf-8", "surrogateescape") == b"odd \xff\xc3( again"
    # And back again, with the same score.
    tfl.score(
        model, tmp_path / "out.jsonl", text="review", output=tmp_path / "back.csv", prefix="n_"
    )
    frame = pd.read_csv(tmp_path / "back.csv", encoding="latin-1")
    assert frame["score_positive"].tolist() == frame["n_score_positive"].tolist()


def test_json_keeps_kinds_and_rows_of_other_keys(tmp_path, model):
    given = [
        {"text": "again", "n": 3, "list": [1, {"a": None}], "ok": True},
        {"more": 1.5, "text": None},
        {"text": 12, "n": 10**40},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(one)}\n" for one in given))
    tfl.score(model, path, output=tmp_path / "out.jsonl")
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [{key: one[key] for key in one if key not in ADDED} for one in found] == given
    tfl.score(model, path, output=tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as stream:
        header, first, second, _ = csv.reader(stream)
    assert header[:5] == ["text", "n", "list", "ok", "more"]
    assert first[:5] == ["again", "3", '[1, {"a": null}]', "true", ""]
    assert second[:5] == ["", "", "", "", "1.5"]


_CELLS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["\udcff\udc80", '"', '""', "\r", "\n", "a\r\nb", ",", "\t", " x ", "=1", "'", "\0", "#", ";"]
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(_CELLS, _CELLS), min_size=1, max_size=6),
    st.sampled_from(["csv", "tsv", "jsonl"]),
)
def test_what_is_written_reads_back_the_same(tmp_path, rows, kind):
    """By Python's csv and json, and by our own reader."""
    rows = [("first", "plain"), *rows]
    writer = formats.writer(kind, ["text", "other"], 0)
    content = writer.head() + writer.rows(rows)
    path = tmp_path / f"table.{kind}"
    path.write_bytes(content)
    text = content.decode("utf-8", "surrogateescape")
    if kind == "jsonl":
        found = [tuple(json.loads(line).values()) for line in text.split("\n")[:-1]]
    elif "\0" in text and sys.version_info < (3, 11):
        found = rows  # which that csv reads no more than it writes it
    else:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if kind == "tsv" else ",")
        found = list(map(tuple, lines))[1:]
    assert found == rows
    settings_of = {"data.quote": '"'} if kind != "jsonl" else {}
    assert (
        list(WholeTable(reading(path, "text", {**settings_of, "data.encoding": "utf-8"}))) == rows
    )


def test_frames_and_lists_come_back_as_frames(model, expected):
    frame = pd.DataFrame({"review": [row[1] for row in ROWS]}, index=list("vwxyz"))
    frame.loc["x", "review"] = None
    scored = tfl.score(model, frame, text="review", progress=False)
    assert list(scored.columns) == ["review", *ADDED] and list(scored.index) == list("vwxyz")
    assert list(frame.columns) == ["review"]
    assert scored["score_positive"].tolist() == pytest.approx(
        [answer.score for answer in expected], abs=1e-6
    )
    listed = tfl.score(model, [row[1] for row in ROWS])
    assert listed["label"].tolist() == scored["label"].tolist()
    assert len(tfl.score(model, [])) == 0


def test_a_file_comes_back_as_a_frame_without_an_output(tmp_path, model):
    INPUTS["new.csv"](tmp_path / "new.csv")
    frame = tfl.score(model, tmp_path / "new.csv", text="review")
    assert list(frame.columns) == [*COLUMNS, *ADDED] and frame["id"].tolist()[0] == "007"


def test_files_without_rows_or_header(tmp_path, model):
    (tmp_path / "none.csv").write_text("text,b\n")
    assert tfl.score(model, tmp_path / "none.csv", output=tmp_path / "a.csv").rows == 0
    assert (tmp_path / "a.csv").read_text() == f"text,b,{','.join(ADDED)}\n"
    (tmp_path / "bare.csv").write_text("7,again\n8,dull\n")
    tfl.score(
        model, tmp_path / "bare.csv", text="2", set={"data.header": False},
        output=tmp_path / "b.csv.gz",
    )  # fmt: skip
    with gzip.open(tmp_path / "b.csv.gz", "rt") as stream:
        assert stream.readline() == f"1,2,{','.join(ADDED)}\n"


class Fake:
    """A model of hostile class names that answers at once."""

    classes = ("a\nb", "=2+5", "\x1b[31mred")

    def __init__(self, folder: Path = Path()) -> None:
        self.folder = folder

    def score(self, texts):
        return ["a\nb"] * len(texts), np.full((len(texts), 3), 0.25, np.float32)


def test_hostile_names_stay_what_they_are_and_reach_no_terminal(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(writing, "Scorer", Fake)
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "saved_model.pb").touch()
    path = tmp_path / "in.csv"
    path.write_text('text,"line\nbreak",=SUM(A1)\n"\x1b]0;t\x07again\u202e",2,=3\n')
    tfl.score(tmp_path / "m", path, output=tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as stream:
        header, row = csv.reader(stream)
    assert header == ["text", "line\nbreak", "=SUM(A1)", "label",
                      *(f"score_{name}" for name in Fake.classes)]  # fmt: skip
    assert row == ["\x1b]0;t\x07again\u202e", "2", "=3", "a\nb", "0.25", "0.25", "0.25"]
    assert predict.main(["--model", str(tmp_path / "m"), "--input", str(path),
                         "--format", "table"]) == 0  # fmt: skip
    shown = capsys.readouterr()
    for said in (shown.out, shown.err):
        assert all(sign.isprintable() or sign == "\n" for sign in said)
    assert len(shown.out.splitlines()) == 2


def test_memory_stays_the_same_however_long_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "Scorer", Fake)
    monkeypatch.setattr(writing, "_ROWS", 100)

    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.csv"
        path.write_text("id,text\n" + "".join(f"{n},a film {n} again\n" for n in range(rows)))
        tracemalloc.start()
        table = WholeTable(reading(path, "text"))
        writing.write(Path(), table, tmp_path / f"out{rows}.csv", "csv")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(100)
    assert peak(2_500) < 1.3 * peak(600)


def test_the_command_says_how_many_rows_are_done(tmp_path, monkeypatch, heard, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(writing, "Scorer", Fake)
    monkeypatch.setattr(writing, "_ROWS", 1_000)
    Path("m").mkdir()
    Path("m/saved_model.pb").touch()
    Path("new.csv").write_text("text\n" + "a film again\n" * 2_500)
    ask = ["--model", "m", "--input", "new.csv"]
    assert predict.main([*ask, "--output", "scores.csv"]) == 0
    told = [line for line in heard.lines if line]
    reading = [line for line in told if line.startswith("reading")]
    assert (reading[0], reading[-1]) == ("reading new.csv", "reading new.csv: 2,500 rows")
    rows = ("1,000", "2,000", "2,500")
    scoring = [f"scoring new.csv: {number} of 2,500 rows" for number in rows]
    assert told[len(reading) :] == ["scoring new.csv", *scoring]

    # Of rows that come along a pipe, nobody knows how many there will be.
    heard.lines.clear()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"again\n" * 1_200)))
    assert predict.main(["--model", "m", "--format", "csv"]) == 0
    scoring = [line for line in heard.lines if line.startswith("scoring")]
    assert scoring == ["scoring texts", *(f"scoring texts: {n} rows" for n in ("1,000", "1,200"))]


def test_texts_are_put_together_by_length_and_by_size():
    sizes = [3, 5_000_000, 1, 2, *[10] * 600]
    found = scoring_model.batches(sizes)
    assert sorted(np.concatenate(found).tolist()) == list(range(len(sizes)))
    assert max(map(len, found)) == scoring_model.TOGETHER and len(found[0]) == 1
    assert scoring_model.batches([]) == []


def test_nothing_is_half_written_and_nothing_else_is_lost(tmp_path, model, monkeypatch):
    INPUTS["new.csv"](tmp_path / "new.csv")
    output = tmp_path / "scores.csv"
    ask = {"text": "review", "output": output}
    output.write_text("a,b\n1,2\n")
    with pytest.raises(tfl.UserError, match="there already and holds no such scores"):
        tfl.score(model, tmp_path / "new.csv", **ask)
    output.write_text("a,label\n1,2\n")  # a table of labels, not of scores
    with pytest.raises(tfl.UserError, match="there already"):
        tfl.score(model, tmp_path / "new.csv", **ask)
    output.unlink()
    tfl.score(model, tmp_path / "new.csv", **ask)
    before = output.read_bytes()
    tfl.score(model, tmp_path / "new.csv", **ask)  # scores may be made anew
    assert output.read_bytes() == before

    def fails(self, texts):
        raise KeyboardInterrupt

    monkeypatch.setattr(scoring_model.Scorer, "score", fails)
    for place in (output, tmp_path / "other.csv"):
        with pytest.raises(KeyboardInterrupt):
            tfl.score(model, tmp_path / "new.csv", text="review", output=place)
    assert output.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.csv", "scores.csv"]


@given(st.lists(st.lists(_CELLS, min_size=1, max_size=4), max_size=5), st.sampled_from(",\t"))
def test_lines_are_those_of_the_csv_module_which_writes_no_nul_on_python_3_10(rows, delimiter):
    class Refuses:
        def writerows(self, rows):
            list(rows)
            raise csv.Error("need to escape, but no escapechar set")

    kind = "tsv" if delimiter == "\t" else "csv"
    rows = [[cell.replace("\0", "") for cell in row] for row in rows]
    usual, other = (formats.writer(kind, ["a"], 0) for _ in range(2))
    other._writer = Refuses()
    assert other.rows(rows) == usual.rows(rows)
    assert formats.delimited_line(["a\0", "b"], delimiter) == f"a\0{delimiter}b\n"


def test_a_folder_of_texts_is_a_table_of_files(tmp_path, model, expected):
    """Whether its folders are classes, splits or nothing; each text is scored as it is alone."""
    names = ["1.txt", "neg/a b.txt", "neg/empty.txt", "pos/2.TXT", "pos/deeper/long.txt"]
    for name, row in zip(names, ROWS, strict=True):
        (tmp_path / "texts" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "texts" / name).write_text(row[1], encoding="utf-8")
    (tmp_path / "texts" / "neg" / ".hidden.txt").write_text("no")
    (tmp_path / "texts" / "about.csv").write_text("no")
    (tmp_path / "texts" / "again").symlink_to(tmp_path / "texts")
    done = tfl.score(model, tmp_path / "texts", output=tmp_path / "out.csv")
    assert (done.rows, done.empty) == (5, 1) and "empty.txt has no text" in done.remarks[0]
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        head, *rows = csv.reader(stream)
    assert head == ["file", "text", *ADDED]
    assert [row[:2] for row in rows] == [[n, r[1]] for n, r in zip(names, ROWS, strict=True)]
    assert [row[2] for row in rows] == [one.label for one in expected]


def test_texts_without_a_suffix_and_in_another_encoding(tmp_path):
    folder = tmp_path / "news"
    folder.mkdir()
    (folder / "51060").write_bytes("naïve café, déjà vu, très bon".encode("cp1252"))
    (folder / "notes.md").write_text("no")
    (folder / "odd").write_bytes(b"a \x81\x8d\xff film")
    table = WholeTable(reading(folder, ""))
    assert [row[0] for row in table] == ["51060", "odd"]
    assert next(iter(table))[1] == "naïve café, déjà vu, très bon"
    assert any("no UTF-8 are read as" in line for line in table.remarks)
    assert text_bytes(list(table)[1][1]) == b"a \x81\x8d\xff film"


def test_the_command_writes_files_and_standard_output(tmp_path, monkeypatch, model, capsys):
    monkeypatch.chdir(tmp_path)
    INPUTS["new.csv"](Path("new.csv"))
    ask = ["--model", str(model), "--input", "new.csv", "--text_column", "review"]
    assert predict.main([*ask, "--output", "scores.csv"]) == 0
    said = capsys.readouterr()
    assert said.out == "" and "Scores: scores.csv (5 rows; label," in said.err
    assert predict.main(ask) == 0
    assert capsys.readouterr().out == Path("scores.csv").read_text(encoding="utf-8")

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"again\nodd \xff\n")))
    assert predict.main(["--model", str(model), "--format", "jsonl"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["text"] for one in found] == ["again", "odd \udcff"]
    for flags, message in (
        (["--server", "localhost:1"], "leave --server out"),
        (["--column", "review"], "--input brings the texts"),
        (["more"], "--input brings the texts"),
    ):
        assert predict.main([*ask, *flags]) == 2
        assert message in capsys.readouterr().err
    assert predict.main(["--model", str(model), "--text_column", "x", "a"]) == 2
    assert "says how --input is read" in capsys.readouterr().err
