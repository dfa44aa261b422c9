"""Whatever a person calls a table of texts and labels is read right, or refused in one line."""

from __future__ import annotations

import bz2
import csv
import dataclasses
import gzip
import io
import json
import lzma
import random
import re
import subprocess
import sys
import unicodedata
import zipfile
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT
from tflottery.data import sources
from tflottery.data.settings import DataSettings
from tflottery.data.source import Source
from tflottery.errors import UserError
from tflottery.runs import specs

Rows = list[tuple[str, str]]

# Enough of each class to hold some out, and none twice.
SOUND = [(f"a film of {n} hours, {'dull' if n % 2 else 'fine'}", "np"[n % 2]) for n in range(12)]


def opened(path: Path | str, **changes: object) -> Source:
    return sources.open_source(DataSettings(dataset=str(path), **changes))


def rows_of(source: Source, split: str = "train") -> Rows:
    return [(text.decode(), source.classes[n]) for text, n in source.examples(split)]


def refusal(path: Path | str, **changes: object) -> str:
    with pytest.raises(UserError) as caught:
        rows_of(opened(path, **changes))
    message = str(caught.value)
    assert message.isprintable() and len(message) < 1_500
    return message


def remarks(source: Source) -> str:
    return "\n".join(source.remarks)


def csv_of(rows: Rows, header: list[str] | None = None, **options: object) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n", **options)
    writer.writerow(header or ["text", "label"])
    writer.writerows(rows)
    return stream.getvalue()


def lines_of(rows: Rows) -> str:
    return "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)


# Formats, by content.


def packed(content: bytes) -> dict[str, bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("inner/table", content)
        zipped.writestr("__MACOSX/._table", b"\0\5\x16\7")
    return {
        "": content,
        ".gz": gzip.compress(content),
        ".bz2": bz2.compress(content),
        ".xz": lzma.compress(content),
        ".zip": archive.getvalue(),
    }


@pytest.mark.parametrize("packing", ["", ".gz", ".bz2", ".xz", ".zip"])
@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "json", "parquet", "xlsx"])
def test_every_format_packed_or_not_under_any_name(tmp_path, kind, packing):
    frame = pd.DataFrame(SOUND, columns=["text", "label"])
    stream = io.BytesIO()
    if kind == "parquet":
        frame.to_parquet(stream)
    elif kind == "xlsx":
        frame.to_excel(stream, index=False)
    text = {
        "csv": csv_of(SOUND), "tsv": csv_of(SOUND, delimiter="\t"), "jsonl": lines_of(SOUND),
        "json": frame.to_json(orient="records", indent=1),
    }  # fmt: skip
    content = stream.getvalue() or text[kind].encode()
    fingerprints = set()
    for name in (f"reviews.{kind}{packing}", f"reviews{packing}", f"reviews.dat{packing}"):
        (tmp_path / name).write_bytes(packed(content)[packing])
        source = opened(tmp_path / name)
        assert rows_of(source) == SOUND and not source.remarks
        fingerprints.add(source.fingerprint())
    (tmp_path / "plain.csv").write_text(csv_of(SOUND))
    assert fingerprints == {opened(tmp_path / "plain.csv").fingerprint()}


def test_a_name_that_lies_about_its_content(tmp_path):
    (tmp_path / "a.csv").write_text(lines_of(SOUND))
    (tmp_path / "b.tsv").write_text(csv_of(SOUND, delimiter=";"))
    (tmp_path / "c.jsonl").write_text(json.dumps([{"text": t, "label": n} for t, n in SOUND]))
    for name in ("a.csv", "b.tsv", "c.jsonl"):
        assert rows_of(opened(tmp_path / name)) == SOUND


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"<!DOCTYPE html><html>", "a web page"),
        ("a.xlsx", b"text,label\n", "is no xlsx file"),
        ("a.parquet", b"PAR1 and no more", "cut or damaged"),
        ("a.csv.gz", gzip.compress(b"text,label\n" * 9_999)[:-40], "cut or damaged"),
        ("a.zip", b"PK\x03\x04 and no more", "cut or damaged"),
        ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel"),
        ("a.csv", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("a.csv", b"%PDF-1.4", "PDF"),
        ("a.json", b'[{"text": "x", "label": "a"}, {"text": ', "item 2.*cut"),
        ("a.json", b'{"columns": ["body"]}', "no column 'text'"),
        ("a.json", b"7", "line 1: each line is one JSON object|no table"),
    ],
)
def test_what_is_no_table_is_called_by_its_name(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    assert re.search(message, refusal(tmp_path / name))


def test_a_zip_of_several_tables_names_them(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("one.csv", "x")
        archive.writestr("two.csv", "x")
    assert "holds 2 files (one.csv, two.csv)" in refusal(tmp_path / "a.zip")


def test_a_web_address_a_long_name_and_what_no_name_can_be(tmp_path):
    assert "download the file" in refusal("https://example.org/reviews.csv")
    assert "There is no file" in refusal("nofile.csv")
    assert "File name too long" in refusal("x" * 300 + ".csv")
    assert "There is no file" in refusal("a\0b.csv")
    for name in ("my data", "a/b/c:d", "x" * 300, "imdb:1", "what?"):
        assert "No data set" in refusal(name)


@pytest.mark.parametrize("flag", ["nofile.csv", "no such thing", "https://example.org/a.csv"])
def test_a_mistake_is_told_before_pandas_or_tensorflow(flag):
    code = f"""
import sys
from tflottery.data import memory, sources
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
try:
    sources.identify(DataSettings({flag!r}))
except UserError:
    heavy = {{"tensorflow", "pandas", "pyarrow", "datasets", "openpyxl", "charset_normalizer"}}
    print(heavy & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")


# Tables.


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiters_encodings_and_line_ends(tmp_path, encoding, end, mark):
    rows = [(f"{text} – größer; 好 | \t , 'x", label) for text, label in SOUND]
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=mark, lineterminator=end)
    writer.writerows([("id", "label", "text"), *((n, b, a) for n, (a, b) in enumerate(rows))])
    (tmp_path / "a.csv").write_bytes(stream.getvalue().encode(encoding))
    source = opened(tmp_path / "a.csv")
    assert rows_of(source) == rows
    assert bool(source.remarks) == (encoding == "utf-16-le")


def test_windows_1252_is_read_and_said(tmp_path):
    rows = [(f"{text}, schöne Größe – für „alle“", label) for text, label in SOUND]
    (tmp_path / "a.csv").write_bytes(csv_of(rows).encode("cp1252"))
    source = opened(tmp_path / "a.csv")
    assert rows_of(source) == rows and "Windows-1252" in remarks(source)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Отличный фильм, всем советую", "cp1251"),
        ("Świetna książka, źle przetłumaczona", "cp1250"),
        ("素晴らしい映画でした。また見たいです。", "cp932"),
        ("这部电影非常好看，我很喜欢。", "gb18030"),
    ],
)
def test_another_encoding_is_named_and_read_when_told(tmp_path, text, encoding):
    rows = [(f"{text} {n}", label) for n, (_, label) in enumerate(SOUND)]
    (tmp_path / "a.csv").write_bytes(csv_of(rows).encode(encoding))
    assert "not UTF-8 text" in (message := refusal(tmp_path / "a.csv"))
    assert f"data.encoding={encoding}" in message or encoding == "cp932"
    assert rows_of(opened(tmp_path / "a.csv", encoding=encoding)) == rows


def test_broken_bytes_in_utf_8_are_named_by_line(tmp_path):
    content = csv_of([(f"{text} – ß", label) for text, label in SOUND]).encode()
    lines = content.split(b"\n")
    lines[3] = lines[3].replace(b"film", b"fi\xfclm")
    (tmp_path / "a.csv").write_bytes(b"\n".join(lines))
    assert "line 4: not UTF-8 text" in refusal(tmp_path / "a.csv")
    source = opened(tmp_path / "a.csv", skip_bad=True)
    assert len(rows_of(source)) == len(SOUND) - 1 and "1 bad line is left out" in remarks(source)


def test_sep_line_title_rows_and_empty_rows(tmp_path):
    body = csv_of(SOUND, delimiter=";")
    (tmp_path / "a.csv").write_text(f"sep=;\n{body}")
    assert rows_of(opened(tmp_path / "a.csv")) == SOUND
    (tmp_path / "b.csv").write_text(f"Report of November;;\n\nAll films;;\n{body};\n;\n   \n\n")
    source = opened(tmp_path / "b.csv")
    assert rows_of(source) == SOUND
    assert "2 lines above the header" in remarks(source) or "3 lines above" in remarks(source)
    assert "2 empty rows are left out" in remarks(source)
    (tmp_path / "c.csv").write_text(csv_of(SOUND[:3], ["body", "class"]) + csv_of(SOUND))
    assert "lines that look like rows" in refusal(tmp_path / "c.csv")


def test_rows_of_another_length_are_named_by_line(tmp_path):
    lines = csv_of(SOUND).split("\n")
    for number in (2, 4, 5, 6, 8, 9, 11):
        lines[number] = lines[number].replace('"', "")
    (tmp_path / "a.csv").write_text("\n".join(lines))
    message = refusal(tmp_path / "a.csv")
    assert "lines 3, 5, 6, 7, 9: more fields than the header has columns (3, not 2)" in message
    assert "7 bad lines in all" in message and "Put quotes" in message and "skip_bad" in message
    source = opened(tmp_path / "a.csv", skip_bad=True)
    assert len(rows_of(source)) == len(SOUND) - 7
    assert "7 bad lines are left out" in remarks(source)
    lines = csv_of(SOUND).split("\n")
    lines[3] = "cut short"
    (tmp_path / "a.csv").write_text("\n".join(lines))
    assert "line 4: fewer fields" in refusal(tmp_path / "a.csv")


def test_a_label_first_table_keeps_its_commas(tmp_path):
    lines = ["label,text", *(f"{label},{text}" for text, label in SOUND)]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    assert "lines 2, 3, 4, 5, 6: more fields" in refusal(tmp_path / "a.csv")


def plain_lines(changed: dict[int, str], mark: str = "\t") -> str:
    rows = [(f"text {n} here", "np"[n % 2]) for n in range(1, 61)]
    return "\n".join(
        [f"text{mark}label", *(
            f"{changed.get(n, '{}').format(text)}{mark}{label}"
            for n, (text, label) in enumerate(rows, 1)
        )]
    )  # fmt: skip


@pytest.mark.parametrize(
    "changed", [{10: '"{}', 14: '{} and more"'}, {10: '"{}', 20: '"{}'}, {10: 'an "{}', 60: '{}"'}]
)
def test_in_a_tsv_quotes_are_characters(tmp_path, changed):
    (tmp_path / "a.tsv").write_text(plain_lines(changed))
    rows = rows_of(opened(tmp_path / "a.tsv"))
    assert len(rows) == 60 and sum(text.count('"') for text, _ in rows) == 2


def test_a_tsv_that_quotes_is_read_as_it_was_written(tmp_path):
    rows = [(f'{text}\n"two\tlines"', label) for text, label in SOUND]
    (tmp_path / "a.tsv").write_text(csv_of(rows, delimiter="\t"))
    assert rows_of(opened(tmp_path / "a.tsv")) == rows


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({5: '"{}'}, "line 6: a quote is opened and never closed"),
        ({5: '"{}', 9: '"{}'}, "line 6: a quote is opened that ends within a text on line 10"),
        ({5: '"{}', 9: '{} end"'}, "line 6: a quote is opened that closes on line 10"),
        ({5: '"{}', 6: '{} end"'}, "line 6: a quote is opened that closes on line 7"),
        ({5: '"{}" said'}, "line 6: a quote ends within a field"),
    ],
)
def test_a_stray_quote_in_a_csv_swallows_no_row(tmp_path, changed, message):
    (tmp_path / "a.csv").write_text(plain_lines(changed, ","))
    assert message in refusal(tmp_path / "a.csv")
    assert len(rows_of(opened(tmp_path / "a.csv", quote="none"))) == 60


def test_a_text_may_hold_lines_that_look_like_rows_where_the_quote_is_trusted(tmp_path):
    rows = [("as in\ntwo,n\nthree,p\nit was", "n"), *SOUND]
    (tmp_path / "a.csv").write_text(csv_of(rows))
    assert "whole rows" in refusal(tmp_path / "a.csv")
    assert rows_of(opened(tmp_path / "a.csv", quote='"')) == rows


def test_a_nul_and_a_second_header_are_named(tmp_path):
    lines = csv_of(SOUND).split("\n")
    lines[2] = lines[2].replace("film", "fi\0lm")
    lines.insert(5, "text,label")
    (tmp_path / "a.csv").write_text("\n".join(lines))
    message = refusal(tmp_path / "a.csv")
    assert "line 3: a NUL character" in message and "line 6: the header again" in message


def test_without_a_header_columns_have_numbers(tmp_path):
    body = csv_of(SOUND).split("\n", 1)[1]
    (tmp_path / "a.csv").write_text(body)
    assert "data.header=false" in refusal(tmp_path / "a.csv")
    assert "a number from 1 to 2" in refusal(tmp_path / "a.csv", header=False)
    source = opened(tmp_path / "a.csv", header=False, text_column=1, label_column=2)
    assert rows_of(source) == SOUND


def test_columns_of_one_name_and_one_column_for_both(tmp_path):
    (tmp_path / "a.csv").write_text("text,text,label\na,b,c\n")
    assert "2 columns are called 'text'" in refusal(tmp_path / "a.csv")
    assert "name two columns" in refusal(tmp_path / "a.csv", label_column="text")


def test_the_first_five_bad_lines_stand_in_one_message(tmp_path):
    bad = ["x", ",n", "text,", "t,n,o", '{"a": 1},', "a b,nan", "c d,NULL"]
    (tmp_path / "a.csv").write_text("\n".join(["text,label", *bad]) + "\n" + csv_of(SOUND)[11:])
    message = refusal(tmp_path / "a.csv")
    assert "line 2: fewer fields" in message and "line 5: more fields" in message
    assert "lines 4, 6: the label is empty" in message and "7 bad lines in all" in message
    assert rows_of(opened(tmp_path / "a.csv", skip_bad=True)) == SOUND


# JSON.


@pytest.mark.parametrize("orient", ["records", "columns", "split", "index", "table", "lines"])
@pytest.mark.parametrize("indent", [None, 2])
def test_whatever_orient_pandas_writes(tmp_path, orient, indent):
    frame = pd.DataFrame([(f'{t}\n"ß" \\ {{', b) for t, b in SOUND], columns=["text", "label"])
    options = {"orient": "records", "lines": True} if orient == "lines" else {
        "orient": orient, "indent": indent
    }  # fmt: skip
    frame.to_json(tmp_path / "a.json", **options)
    assert rows_of(opened(tmp_path / "a.json")) == list(frame.itertuples(index=False, name=None))
    if orient == "records":
        frame.to_json(tmp_path / "b.json", orient="values")
        source = opened(tmp_path / "b.json", header=False, text_column=1, label_column=2)
        assert len(rows_of(source)) == len(SOUND)


def test_half_an_emoji_is_a_space_in_a_text_and_refused_in_a_label(tmp_path):
    lines = lines_of(SOUND).split("\n")
    lines[3] = '{"text": "cut \\ud83d", "label": "n"}'
    lines[4] = '{"text": "whole \\ud83d\\ude00", "label": "n"}'
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    source = opened(tmp_path / "a.jsonl")
    assert rows_of(source)[3:5] == [("cut \ufffd", "n"), ("whole 😀", "n")]
    assert "line 4 has half a character" in remarks(source)
    lines[3] = '{"text": "cut", "label": "n\\ud83d"}'
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    assert "line 4: the label holds half a character" in refusal(tmp_path / "a.jsonl")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"text": "x", "label": null}', "the label is empty"),
        ('{"text": "x", "label": ["n"]}', "the label is a list"),
        ('{"text": "x", "label": {"n": 1}}', "the label is an object"),
        ('{"text": "x", "label": NaN}', "the label is missing"),
        ('{"text": ["x"], "label": "n"}', "the text is a list"),
        ('{"text": null, "label": "n"}', "the text is empty"),
        ('{"text": "x"}', "no 'label'"),
        ('{"text": "x", "text": "y", "label": "n"}', "'text' stands twice"),
        ('{"text": "x", "label": "a\\nb"}', "a control character"),
        ('{"text": "x", "label": "\\u001b[31mRED"}', "a control character"),
        ("[" * 9_999, "no JSON"),
        ('{"text": "x", "label": "n"', "no JSON"),
    ],
)
def test_a_bad_row_of_json_is_named_by_line(tmp_path, row, message):
    lines = lines_of(SOUND).split("\n")
    lines.insert(2, row)
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    found = refusal(tmp_path / "a.jsonl")
    assert f"line 3: {message}" in found or ("line 3" in found and message in found)
    assert rows_of(opened(tmp_path / "a.jsonl", skip_bad=True)) == SOUND


# Excel and Hugging Face.


def test_the_sheet_with_the_columns_is_read_and_that_is_said(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["nothing", "here"])
    sheet = book.create_sheet("Data")
    sheet.append(["Films of the year"])
    sheet.append([])
    sheet.append(["id", "label", "text", None])
    for n, (text, label) in enumerate(SOUND):
        sheet.append([n, label, text])
    sheet.append([])
    book.save(tmp_path / "a.xlsx")
    source = opened(tmp_path / "a.xlsx")
    assert rows_of(source) == SOUND
    assert "sheet 'Data' is read" in remarks(source) and "above row 3" in remarks(source)
    sheet.append([99, None, "a film without a label"])
    sheet.append([99, "n", "a film", "and", "more"])
    book.save(tmp_path / "a.xlsx")
    message = refusal(tmp_path / "a.xlsx")
    assert "row 17: the label is empty" in message and "row 18: more cells" in message
    (tmp_path / "a.xlsx").write_bytes((tmp_path / "a.xlsx").read_bytes()[:-300])
    assert "cut or damaged" in refusal(tmp_path / "a.xlsx")


@pytest.mark.parametrize("library", ["openpyxl", "datasets"])
def test_a_library_that_is_missing_is_named_with_its_extra(tmp_path, monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    path = tmp_path / "a.xlsx"
    if library == "openpyxl":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("[Content_Types].xml", "")
            archive.writestr("xl/workbook.xml", "")
    else:
        path.mkdir()
        (path / "dataset_dict.json").write_text("{}")
    extra = "excel" if library == "openpyxl" else "datasets"
    assert f'pip install "tflottery[{extra}]"' in refusal(path)


def test_what_hugging_face_has_saved(tmp_path):
    datasets = pytest.importorskip("datasets")
    names = datasets.ClassLabel(names=["n", "p"])
    features = datasets.Features({"text": datasets.Value("string"), "label": names})

    def made(rows, label=None):
        numbers = [("np".index(one) if label is None else label) for _, one in rows]
        columns = {"text": [text for text, _ in rows], "label": numbers}
        return datasets.Dataset.from_dict(columns, features=features)

    made(SOUND).save_to_disk(tmp_path / "one")
    assert rows_of(opened(tmp_path / "one")) == SOUND
    parts = {"train": made(SOUND), "validation": made(SOUND[:2]), "unsupervised": made(SOUND[2:])}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "parts")
    source = opened(tmp_path / "parts")
    assert source.splits == ("train", "validation") and rows_of(source) == SOUND
    assert "'unsupervised' is left out" in remarks(source)
    made(SOUND, label=-1).save_to_disk(tmp_path / "unlabelled")
    assert "the label is -1, which is no class" in refusal(tmp_path / "unlabelled")
    (arrow,) = (tmp_path / "one").glob("*.arrow")
    arrow.write_bytes(arrow.read_bytes()[:-200])
    assert "cut or damaged" in refusal(tmp_path / "one")


# Labels.


def with_labels(path: Path, labels: list[object], count: int = 12) -> Path:
    rows = [{"text": f"text {n}", "label": labels[n % len(labels)]} for n in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([" pos", "neg\t", "pos\u200b", "\ufeffneg"], ("neg", "pos")),
        (["café", "cafe\u0301", "thé"], ("café", "thé")),
        ([1, 1.0, "1", "2", "2.00", 10], ("1", "2", "10")),
        ([1.0, 2.0], ("1.0", "2.0")),
        (["01", "1"], ("01", "1")),
        (["-1", "1", "+1.0", "0", "-0"], ("-1", "0", "1")),
        (["none", "some"], ("none", "some")),
        ([True, False], ("False", "True")),
    ],
)
def test_spellings_of_one_label_are_one_class(tmp_path, labels, classes):
    assert opened(with_labels(tmp_path / "a.jsonl", labels)).classes == classes


def test_labels_that_differ_in_case_alone_are_refused_unless_kept_as_written(tmp_path):
    path = with_labels(tmp_path / "a.jsonl", ["Pos", "pos", "neg", "pos"])
    message = refusal(path)
    assert (
        "'Pos' (3 texts) and 'pos' (6 texts)" in message and 'data.labels="as written"' in message
    )
    assert opened(path, labels="as written").classes == ("Pos", "neg", "pos")


@pytest.mark.parametrize(
    "label", ["nan", "NaN", "null", "NULL", "<NA>", "#N/A", "", "  ", "\u200b"]
)
def test_a_missing_label_is_refused_by_line(tmp_path, label):
    path = with_labels(tmp_path / "a.jsonl", ["n", "p", label])
    assert "lines 3, 6, 9, 12: the label is" in refusal(path)
    assert opened(path, skip_bad=True).classes == ("n", "p")
    if label.strip("\u200b "):
        assert label in opened(path, labels="as written").classes


_ORDER = """
import sys
from tflottery.data import sources
from tflottery.data.settings import DataSettings
source = sources.open_source(DataSettings(sys.argv[1], labels="as written"))
print(source.classes, source.fingerprint())
"""


def test_the_order_of_classes_follows_the_labels_alone(tmp_path):
    labels = ["nan", "0", "1", "inf", "-inf", "b", "NaN", "1e3", "É"]
    path = with_labels(tmp_path / "a.jsonl", labels, 90)
    found = {
        subprocess.run(
            [sys.executable, "-c", _ORDER, str(path)], cwd=ROOT, capture_output=True, check=True,
            env={"PYTHONHASHSEED": str(seed), "PATH": ""},
        ).stdout
        for seed in range(3)
    }  # fmt: skip
    assert len(found) == 1
    shuffled = [labels[n] for n in (4, 8, 0, 2, 6, 1, 3, 7, 5)]
    other = opened(with_labels(tmp_path / "b.jsonl", shuffled, 90), labels="as written")
    assert other.classes == opened(path, labels="as written").classes


def test_classes_can_be_set(tmp_path):
    path = with_labels(tmp_path / "a.jsonl", ["neg", "pos", "1.0"])
    plain = opened(path)
    assert plain.classes == ("1.0", "neg", "pos")
    chosen = opened(path, classes=("neg", "1", "pos"))
    assert chosen.classes == ("neg", "1", "pos")
    assert [text for text, _ in rows_of(chosen)] == [text for text, _ in rows_of(plain)]
    assert rows_of(chosen)[2] == ("text 2", "1")
    assert chosen.fingerprint() != plain.fingerprint()
    assert opened(path, classes=plain.classes).fingerprint() == plain.fingerprint()
    assert "the label '1.0' is not in data.classes" in refusal(path, classes=("neg", "pos"))
    assert len(rows_of(opened(path, classes=("neg", "pos"), skip_bad=True))) == 8
    four = ("neg", "1.0", "pos", "odd")
    assert "no training text of 'odd'" in refusal(path, classes=four)


def test_a_column_of_ids_and_classes_too_small_are_named(tmp_path):
    path = with_labels(tmp_path / "a.jsonl", [f"r{n}" for n in range(300)], 300)
    assert "300 classes ('r0', 'r1'" in refusal(path) and "ids or numbers" in refusal(path)
    path = with_labels(tmp_path / "b.jsonl", ["a"] * 10 + ["b"] * 9 + ["c"], 20)
    with pytest.raises(UserError, match=r"The class 'c' \(1 text\) has too few"):
        sources.identify(DataSettings(str(path)))


# Splits.


@pytest.mark.parametrize("word", ["validation", "VALID", "Val", " dev "])
def test_splits_in_any_case_and_a_validation_split_of_ones_own(tmp_path, word):
    from tflottery.data import corpus

    splits = ["Train", word, "TEST", "train"]
    rows = [(*row, splits[n % 4]) for n, row in enumerate(SOUND * 4)]
    path = tmp_path / "a.csv"
    path.write_text(csv_of(rows, ["text", "label", "split"]))
    source = opened(path)
    assert source.splits == ("train", "validation", "test")
    own = [row[:2] for row in rows if row[2] == word]
    assert rows_of(source, "validation") == own
    made = corpus.encode(source, sources.identify(DataSettings(str(path))))
    assert [len(made.train), len(made.validation), len(made.test)] == [24, 12, 12]
    assert made.validation.labels.tolist() == [source.classes.index(label) for _, label in own]


def test_a_split_column_can_have_another_name_or_none(tmp_path):
    rows = [(*row, "later" if n % 3 else "test") for n, row in enumerate(SOUND)]
    (tmp_path / "a.csv").write_text(csv_of(rows, ["text", "label", "split"]))
    assert "the split is 'later'" in refusal(tmp_path / "a.csv")
    assert opened(tmp_path / "a.csv", split_column="").splits == ("train",)
    rows = [(*row, "train" if n % 3 else "test") for n, row in enumerate(SOUND)]
    (tmp_path / "a.csv").write_text(csv_of(rows, ["text", "label", "part"]))
    assert opened(tmp_path / "a.csv", split_column="part").splits == ("train", "test")
    (tmp_path / "a.csv").write_text(csv_of(rows, ["text", "label", "Split"]))
    assert "'Split' is not read as splits" in remarks(opened(tmp_path / "a.csv"))


def test_a_file_a_split(tmp_path):
    for name, rows in (("train.csv", SOUND), ("dev.jsonl", SOUND[:4]), ("TEST.tsv", SOUND[4:8])):
        mark = "\t" if name.endswith("tsv") else ","
        written = lines_of(rows) if "json" in name else csv_of(rows, delimiter=mark)
        (tmp_path / name).write_text(written)
    source = opened(tmp_path)
    assert source.splits == ("train", "validation", "test")
    assert rows_of(source) == SOUND and rows_of(source, "test") == SOUND[4:8]
    (tmp_path / "train.csv").write_text(csv_of([*SOUND, ("x", "")]))
    assert "train.csv, line 14: the label is empty" in refusal(tmp_path)


# Folders.


def class_folder(path: Path, **files: str | bytes) -> Path:
    for n, (text, label) in enumerate(SOUND):
        file = path / label / f"{n:02}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for name, content in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_what_systems_leave_in_folders_is_passed_over(tmp_path):
    plain = opened(class_folder(tmp_path / "plain"))
    messy = opened(
        class_folder(
            tmp_path / "messy",
            **{
                ".ipynb_checkpoints/00-checkpoint.txt": "x",
                "__MACOSX/._n.txt": b"\0\5\x16",
                "n/._00.txt": b"\0\5\x16\xff",
                ".DS_Store": b"\0\0",
                "p/Thumbs.db": b"\xff",
                "n/.hidden.txt": "x",
                "p/desktop.ini": "x",
            },
        )
    )
    assert messy.classes == ("n", "p") and not messy.remarks
    assert messy.fingerprint() == plain.fingerprint()


def test_files_without_a_suffix_are_texts_and_what_is_left_out_is_said(tmp_path):
    folder = class_folder(tmp_path / "a", **{"n/notes.pdf": b"\xff", "n/deep/x.txt": "x"})
    source = opened(folder)
    assert "n/notes.pdf" in remarks(source) and "n/deep" in remarks(source)
    bare = tmp_path / "b"
    for n, (text, label) in enumerate(SOUND):
        (bare / label).mkdir(parents=True, exist_ok=True)
        (bare / label / f"{51_060 + n}").write_text(text)
    assert sorted(rows_of(opened(bare))) == sorted(SOUND)
    (tmp_path / "c" / "n").mkdir(parents=True)
    (tmp_path / "c" / "n" / "a.docx").write_bytes(b"PK")
    assert "no .txt files" in refusal(tmp_path / "c")


def test_names_that_are_no_utf_8_and_files_in_windows_1252(tmp_path):
    folder = class_folder(tmp_path / "a", **{"n/z.txt": "schöne Größe".encode("cp1252")})
    source = opened(folder)
    assert ("schöne Größe", "n") in rows_of(source) and "cp1252" in remarks(source)
    odd = Path(f"{folder}/p\udcff")
    odd.mkdir()
    (odd / "1.txt").write_text("x")
    assert "not UTF-8" in refusal(folder)
    (odd / "1.txt").unlink()
    odd.rmdir()
    (folder / "n" / "name\udcff.txt").write_text("a file whose name is no UTF-8")
    assert len(rows_of(opened(folder))) == len(SOUND) + 2


def test_an_empty_file_is_named(tmp_path):
    folder = class_folder(tmp_path / "a", **{"p/99.txt": ""})
    assert "file p/99.txt: the text is empty" in refusal(folder)
    assert len(rows_of(opened(folder, skip_bad=True))) == len(SOUND)


# Settings and names.


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoding": "utf-99"}, "data.encoding is 'utf-99'"),
        ({"encoding": "hex"}, "data.encoding is 'hex'"),
        ({"delimiter": "||"}, "one character"),
        ({"quote": "often"}, "one character or 'auto' or 'none'"),
        ({"labels": "upper"}, "data.labels is 'upper'"),
        ({"classes": ("a",)}, "two classes or more"),
        ({"classes": ("a", "a")}, "each once"),
        ({"division": 3}, "data.division is 1 or 2"),
    ],
)
def test_a_setting_out_of_range_is_told_at_once(changes, message):
    with pytest.raises(UserError, match=re.escape(message)):
        DataSettings(**changes)


def test_settings_of_reading_are_in_no_key_and_can_be_given_on_the_command_line():
    from tflottery.experiments import configuration

    chosen = configuration.load(
        "",
        {"data.dataset": "a.csv"},
        [
            "data.header=false", "data.text_column=2", "data.label_column=1", "data.delimiter=;",
            "data.skip_bad=true", "data.labels=as written", 'data.classes=["neg", "pos"]',
            "data.encoding=cp1252", "data.quote=none", "data.escape=\\", "data.split_column=part",
        ],
    ).data  # fmt: skip
    assert (chosen.text_column, chosen.label_column, chosen.delimiter) == ("2", "1", ";")
    assert chosen.classes == ("neg", "pos") and chosen.labels == "as written"
    tabs = configuration.load("", {"data.dataset": "a.csv"}, ["data.delimiter=\\t"]).data
    assert tabs.delimiter == "\t"
    spec = dataclasses.replace(chosen, text_column="text", label_column="label")
    assert specs._canonical_fields(spec) == specs._canonical_fields(DataSettings())


def test_a_name_is_fit_for_folders_terminals_and_tables(tmp_path):
    for name in ("n" * 240 + ".csv", "a[red]\x1b[31m\n`x`<b>|.csv", "-rf.csv", "ü 好.csv", ".csv"):
        path = tmp_path / name
        path.write_text(csv_of(SOUND))
        made = opened(path).name
        assert made and made.isprintable() and len(made.encode()) <= 60
        assert not set(made) & set("[]<>|`/\\$\"'*") and not made.startswith(("-", "."))
    (tmp_path / "reviews.csv.gz").write_bytes(gzip.compress(csv_of(SOUND).encode()))
    assert opened(tmp_path / "reviews.csv.gz").name == "reviews"
    (tmp_path / "reviews.v2.csv").write_text(csv_of(SOUND))
    assert opened(tmp_path / "reviews.v2.csv").name == "reviews.v2"


def test_two_files_of_equal_content_keep_their_names(tmp_path):
    from tflottery.data import corpus

    rows = [(f"{text} {n}", label) for n, (text, label) in enumerate(SOUND * 2)]
    names = []
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text(csv_of(rows))
        identified = sources.identify(DataSettings(str(tmp_path / name)))
        names.append(corpus.load(identified, tmp_path / "cache").name)
    assert names == ["one", "two"] and len(list((tmp_path / "cache").iterdir())) == 1


def test_a_file_takes_the_place_of_no_name_without_a_word(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("reviews").write_text(csv_of(SOUND))
    assert "working directory" in remarks(opened("reviews"))
    assert not opened("./reviews").remarks
    Path("imdb").mkdir()
    assert sources.source_of("imdb").__name__ == "TfdsSource"
    assert sources.source_of("./imdb").__name__ == "FilesSource"
    Path("toy").mkdir()
    assert sources.source_of("toy").__name__ == "ToySource"


# Whatever is written is read back.

_LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
_TEXTS = st.text(_LETTERS, min_size=1, max_size=20).filter(str.strip) | st.sampled_from(
    ['"', '""', "'", ",", "a\tb", "a\nb", '"a"', '"a', 'a"', ";", "a,b", "\\", "a\r\nb", "  x "]
)
_TABLES = st.lists(st.tuples(_TEXTS, st.sampled_from(["n", "p"])), min_size=1, max_size=8)
_QUICK = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def both_classes(rows: Rows) -> Rows:
    return [("first of one", "n"), ("first of two", "p"), *rows]


@_QUICK
@given(
    _TABLES,
    st.sampled_from(",;\t|"),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC, csv.QUOTE_NONE]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(['"', "'"]),
)
def test_whatever_csv_writes_is_read_back(
    tmp_path, table, mark, quoting, end, encoding, doubled, header, quote
):
    rows = both_classes(table)
    if quoting in (csv.QUOTE_NONE, csv.QUOTE_MINIMAL):
        # The csv module itself leaves these bare, and cannot read them back.
        rows = [(re.sub("[\r\n]", " ", text), label) for text, label in rows]
        assume(all(text.strip() for text, _ in rows))
    stream = io.StringIO()
    escape = None if doubled and quoting != csv.QUOTE_NONE else "\\"
    options = {
        "delimiter": mark, "quoting": quoting, "lineterminator": end, "escapechar": escape,
        "doublequote": doubled, "quotechar": quote,
    }  # fmt: skip
    writer = csv.writer(stream, **options)
    if header:
        writer.writerow(["text", "label"])
    writer.writerows(rows)
    (tmp_path / "a.csv").write_bytes(stream.getvalue().encode(encoding))
    told: dict[str, object] = {"escape": escape or ""}
    if quoting == csv.QUOTE_NONE:
        told["quote"] = "none"
    elif quote != '"':
        told["quote"] = quote
    if not header:
        told |= {"header": False, "text_column": 1, "label_column": 2, "delimiter": mark}
    assert rows_of(opened(tmp_path / "a.csv", **told)) == rows


@_QUICK
@given(_TABLES, st.sampled_from([None, 1]), st.booleans(), st.booleans(), st.booleans())
def test_whatever_json_writes_is_read_back(tmp_path, table, indent, ascii_only, lines, sort):
    rows = both_classes(table)
    made = [{"text": text, "label": label, "more": {"a": [1, None]}} for text, label in rows]
    options = {"ensure_ascii": ascii_only, "sort_keys": sort}
    written = (
        "\n".join(json.dumps(row, **options) for row in made)
        if lines
        else json.dumps(made, indent=indent, **options)
    )
    (tmp_path / "a.json").write_text(written, encoding="utf-8", newline="")
    assert rows_of(opened(tmp_path / "a.json")) == rows


@_QUICK
@given(
    _TABLES,
    st.sampled_from(",;\t|"),
    st.booleans(),
    st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
    st.sampled_from(["", ".gz", ".zip", ".bz2", ".xz"]),
)
def test_whatever_pandas_writes_as_csv_is_read_back(
    tmp_path, table, mark, index, encoding, packing
):
    rows = [(text.replace("\r", " "), label) for text, label in both_classes(table)]
    assume(all(text.strip() for text, _ in rows))
    frame = pd.DataFrame(rows, columns=["text", "label"])
    path = tmp_path / f"a.csv{packing}"
    frame.to_csv(path, sep=mark, index=index, encoding=encoding)
    source = opened(path)
    assert rows_of(source) == rows


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_TABLES)
def test_whatever_pandas_writes_in_other_formats_is_read_back(tmp_path, table):
    rows = both_classes(table)
    frame = pd.DataFrame(rows, columns=["text", "label"])
    frame.to_parquet(tmp_path / "a.parquet")
    assert rows_of(opened(tmp_path / "a.parquet")) == rows
    for orient in ("records", "columns", "split", "index", "table"):
        frame.to_json(tmp_path / "a.json", orient=orient)
        assert rows_of(opened(tmp_path / "a.json")) == rows
    frame.text = [re.sub("[\0-\x1f\ufffe\uffff=]|_x", "_", text) for text in frame.text]
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    read = [text for text, _ in rows_of(opened(tmp_path / "a.xlsx"))]
    assert read == frame.text.tolist()


# Mutations.

_ROWS = [
    ("a quiet film", "neg"), ("warm, and funny", "pos"), ("not a word of it", "neg"),
    ('she said "go"', "pos"), ("two\nlines, and more", "neg"), ("plain and true", "pos"),
    ("grey on grey", "neg"), ("bright — and größer", "pos"),
]  # fmt: skip
# The table, and what a row looks like within a text.
_BASES = {
    "label last": (csv_of(_ROWS).encode(), r",(neg|pos)[ \t]*(?=[\r\n]|$)"),
    "label first": (
        csv_of([(b, a) for a, b in _ROWS], ["label", "text"]).encode(),
        r"(?:^|[\r\n])(neg|pos),[^ ,]",
    ),
}
_PIECES = [b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"\xc3", b'""', b'",', b',"', b"\t", b";",
           b"neg", b"pos", b"text,label\n", b" ", b"\xef\xbb\xbf", b"nan", b"{", b"[", b"sep=,\n",
           b"\xe2\x80\x8b", b"\\"]  # fmt: skip


def mutated(chance: random.Random, base: str) -> bytes:
    """The small table with one to three changes."""
    content = bytearray(_BASES[base][0])
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        at = chance.randrange(len(content) + 1)
        to = min(len(content), at + chance.choice((1, 1, 2, 5, 30)))
        kind = chance.randrange(6)
        if kind == 0:
            del content[at:to]
        elif kind == 1:
            content[at:at] = chance.choice(_PIECES)
        elif kind == 2:
            content[at:to] = chance.choice(_PIECES)
        elif kind == 3 and at < len(content):
            content[at] ^= 1 << chance.randrange(8)
        elif kind == 4:
            content[at:at] = content[at:to]
        else:
            del content[at:]
        if not content:
            break
    return bytes(content)


def letters_of(text: str) -> Counter[str]:
    """How often each letter and digit occurs, in Unicode's composed form."""
    return Counter(x for x in unicodedata.normalize("NFC", text) if x.isalnum())


def check_mutation(path: Path, content: bytes, base: str) -> str:
    """What became of a mutated table: refused, said, or read with every letter in its row."""
    path.write_bytes(content)
    try:
        source = opened(path)
        rows = rows_of(source)
    except UserError as error:
        message = str(error)
        assert message.isprintable() and len(message) < 1_500, message
        return "refused"
    if any("left out" in line for line in source.remarks):
        return "said"
    encoding = "cp1252" if "Windows-1252" in remarks(source) else "utf-8-sig"
    text = content.decode(encoding)
    body = re.split("\r\n|\n|\r", text.lstrip("\r\n"), maxsplit=1)[1]
    if text.lower().startswith(("sep=", '"sep=')):
        body = re.split("\r\n|\n|\r", body, maxsplit=1)[1]
    assert letters_of("".join(a + b for a, b in rows)) == letters_of(body), content
    # No row is part of another's text.
    ends = re.findall(_BASES[base][1], body)
    assert len([label for _, label in rows if label in ("neg", "pos")]) >= len(ends), content
    return "read"


@pytest.mark.parametrize("base", _BASES)
def test_mutations_of_a_small_table(tmp_path, base):
    outcomes = [
        check_mutation(tmp_path / "a.csv", mutated(random.Random(f"{base} {n}"), base), base)
        for n in range(300)
    ]
    assert outcomes.count("read") > 60 and outcomes.count("refused") > 60


@pytest.mark.long
@pytest.mark.parametrize("base", _BASES)
def test_a_hundred_thousand_mutations_of_a_small_table(tmp_path, base):
    for n in range(50_000):
        check_mutation(tmp_path / "a.csv", mutated(random.Random(f"many {n}"), base), base)
