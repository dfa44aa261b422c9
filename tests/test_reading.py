"""Formats, settings and names: what a person calls a table is read, or refused in one line."""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import io
import json
import lzma
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import ROOT
from tests.reading import (
    SOUND,
    csv_of,
    lines_of,
    opened,
    refusal,
    remarks,
    rows_of,
)
from tflottery.data.reading import sources
from tflottery.data.reading.records import Remarks
from tflottery.data.reading.text_folder import TextFolder
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.runs import specs

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
        ("a.csv.gz", gzip.compress(b"text,label\n" * 9_999, mtime=0)[:-40], "cut or damaged"),
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
from tflottery.data.reading import memory, sources
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


FILES = {
    "plain": (b"a plain text", "", "a plain text"),
    "umlauts": ("schöne Größe".encode(), "", "schöne Größe"),
    "a mark": ("schöne Größe".encode("utf-8-sig"), "", "\ufeffschöne Größe"),
    "a NUL": (b"a text with\0 one", "", "a text with\0 one"),
    "UTF-16": ("schöne Größe".encode("utf-16"), "", "schöne Größe"),
    "UTF-16, no mark": ("a plain text".encode("utf-16-le"), "", "a plain text"),
    "the other order": ("schöne Größe".encode("utf-16-be"), "", "schöne Größe"),
    "said to be it": ("a plain text".encode("utf-16-be"), "utf-16", "a plain text"),
    "said in full": ("ok".encode("utf-16-le"), "utf-16-le", "ok"),
    "UTF-8 beside it": ("schöne Größe!".encode(), "utf-16", "schöne Größe!"),
    "UTF-8 beside Japanese": ("schöne Größe".encode(), "iso2022_jp", "schöne Größe"),
    "Japanese": ("素晴らしい映画".encode("iso2022_jp"), "iso2022_jp", "素晴らしい映画"),
    "Chinese that is UTF-8 too": ("盲枚".encode("gb18030"), "gb18030", "盲枚"),
    "Russian": ("Отличный фильм".encode("cp1251"), "cp1251", "Отличный фильм"),
    "broken UTF-16": (b"a\0b\0" * 30 + b"\x01\xd8", "", None),
}


@pytest.mark.parametrize("name", FILES)
def test_files_of_a_folder_are_in_the_encoding_that_is_set_or_found(tmp_path, name):
    content, encoding, text = FILES[name]
    folder = class_folder(tmp_path / "a", **{"n/z.txt": content})
    if text is None:
        assert "n/z.txt: not UTF-8 text" in refusal(folder, encoding=encoding)
        return
    source = opened(folder, encoding=encoding)
    assert (text, "n") in rows_of(source) and len(rows_of(source)) == len(SOUND) + 1
    is_guessed = name in ("UTF-16", "UTF-16, no mark", "the other order")
    assert ("files that are no UTF-8 are read as utf-16" in remarks(source)) == is_guessed
    table = TextFolder(folder, DataSettings(encoding=encoding), Remarks())
    assert dict(row.cells for row in table.rows())["n/z.txt"] == text.lstrip("\ufeff")


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
        ({"encoding": "idna"}, "data.encoding is 'idna', in which Python reads no text"),
        ({"encoding": "punycode"}, "data.encoding is 'punycode'"),
        ({"encoding": "undefined"}, "data.encoding is 'undefined'"),
        ({"delimiter": "||"}, "one character"),
        ({"quote": "often"}, "one character or 'auto' or 'none'"),
        ({"labels": "upper"}, "data.labels is 'upper'"),
        ({"classes": ("a",)}, "two classes or more"),
        ({"classes": ("a", "a")}, "each once"),
        ({"division": 4}, "data.division is 1, 2 or 3"),
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
