"""Damaged tables are read right as far as anyone can tell, or refused in one line: never a
traceback, and nothing is lost in silence."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.reading import BASES, PIECES, ROWS, Rows, csv_of, mutated, opened, remarks, rows_of
from tflottery.data.reading.source import Source
from tflottery.errors import UserError

MANY = 50_000


def letters_of(text: str) -> Counter[str]:
    """How often each letter and digit occurs, in Unicode's composed form."""
    return Counter(x for x in unicodedata.normalize("NFC", text) if x.isalnum())


def read(path: Path, content: bytes) -> tuple[Source, Rows] | str:
    """A damaged table and its rows, or what became of it: refused in a line, or read in part, and
    said so."""
    path.write_bytes(content)
    try:
        source = opened(path)
        rows = rows_of(source)
    except UserError as error:
        message = str(error)
        assert message.isprintable() and len(message) < 1_500, message
        return "refused"
    # An empty row has nothing to lose.
    if any("left out" in line and "empty row" not in line for line in source.remarks):
        return "said"
    return source, rows


# Delimited text: every letter is in its row.

_TABS = [(re.sub(r"[\t\n]", " ", text), label) for text, label in ROWS]
_TEXT = {
    **BASES,
    "tabs": (csv_of(_TABS, delimiter="\t").encode(), r"\t(neg|pos)[ \t]*(?=[\r\n]|$)"),
    "bare tabs": (
        "\n".join("\t".join(row) for row in [("text", "label"), *_TABS]).encode(),
        r"\t(neg|pos)[ \t]*(?=[\r\n]|$)",
    ),
}


def check_text(path: Path, base: str, chance: random.Random) -> str:
    content = mutated(chance, _TEXT[base][0])
    found = read(path, content)
    if isinstance(found, str):
        return found
    source, rows = found
    encoding = "cp1252" if "Windows-1252" in remarks(source) else "utf-8-sig"
    text = content.decode(encoding)
    body = re.split("\r\n|\n|\r", text.lstrip("\r\n"), maxsplit=1)[1]
    if text.lower().startswith(("sep=", '"sep=')):
        body = re.split("\r\n|\n|\r", body, maxsplit=1)[1]
    assert letters_of("".join(a + b for a, b in rows)) == letters_of(body), content
    # No row is part of another's text.
    ends = re.findall(_TEXT[base][1], body)
    assert len([label for _, label in rows if label in ("neg", "pos")]) >= len(ends), content
    return "read"


def name_of(base: str) -> str:
    return "a.tsv" if "tabs" in base else "a.csv"


@pytest.mark.parametrize("base", _TEXT)
def test_mutations_of_a_small_table(tmp_path, base):
    outcomes = [
        check_text(tmp_path / name_of(base), base, random.Random(f"{base} {n}")) for n in range(300)
    ]
    assert outcomes.count("read") > 60 and outcomes.count("refused") > 60


@pytest.mark.long
@pytest.mark.parametrize("base", _TEXT)
def test_a_hundred_thousand_mutations_of_a_small_table(tmp_path, base):
    for n in range(MANY):
        check_text(tmp_path / name_of(base), base, random.Random(f"many {n}"))


# JSON: what the json module makes of the same bytes.

_OBJECTS = [{"text": text, "label": label} for text, label in ROWS]
_JSON = {
    "lines": "".join(json.dumps(row) + "\n" for row in _OBJECTS).encode(),
    "letters": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _OBJECTS).encode(),
    "array": json.dumps(_OBJECTS, indent=1, ensure_ascii=False).encode(),
    "one line": json.dumps(_OBJECTS).encode(),
    "columns": pd.DataFrame(_OBJECTS).to_json().encode(),
    "split": pd.DataFrame(_OBJECTS).to_json(orient="split").encode(),
}
_JSON_PIECES = [*PIECES, b"}", b"]", b":", b'{"text": "', b'"label": ', b"null", b"1.0", b"\\ud83d",
                b"\\u0000", b"\\n", b"},\n{", b"[]", b"true"]  # fmt: skip


def check_json(path: Path, base: str, chance: random.Random) -> str:
    content = mutated(chance, _JSON[base], _JSON_PIECES)
    found = read(path, content)
    if isinstance(found, str):
        return found
    source, rows = found
    encoding = "cp1252" if "Windows-1252" in remarks(source) else "utf-8-sig"
    text = content.decode(encoding)
    try:
        values = json.loads(text)
    except ValueError:
        values = [json.loads(line) for line in text.splitlines() if line.strip()]
    expected = values if isinstance(values, list) else [values]
    if base == "columns" and isinstance(values, dict):
        columns = [list(values[name].values()) for name in ("text", "label")]
        expected = [{"text": a, "label": b} for a, b in zip(*columns, strict=True)]
    if base == "split" and isinstance(values, dict):
        expected = [dict(zip(values["columns"], row, strict=True)) for row in values["data"]]
    assert [letters_of(a + b) for a, b in rows] == [
        letters_of(f"{row['text']}{row['label']}") for row in expected
    ], content
    return "read"


@pytest.mark.parametrize("base", _JSON)
def test_mutations_of_json(tmp_path, base):
    outcomes = [
        check_json(tmp_path / "a.json", base, random.Random(f"{base} {n}")) for n in range(300)
    ]
    assert outcomes.count("read") > 20 and outcomes.count("refused") > 60


@pytest.mark.long
@pytest.mark.parametrize("base", _JSON)
def test_very_many_mutations_of_json(tmp_path, base):
    for n in range(MANY // 5):
        check_json(tmp_path / "a.json", base, random.Random(f"many {n}"))


# What is packed or binary has checksums: all is as it was, or the file is refused.


def _zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", content)
    return stream.getvalue()


def _stored(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.csv", content)
    return stream.getvalue()


def _parquet(rows: Rows, **options: object) -> bytes:
    import pyarrow
    import pyarrow.parquet

    stream = io.BytesIO()
    table = pyarrow.table({"text": [a for a, _ in rows], "label": [b for _, b in rows]})
    pyarrow.parquet.write_table(table, stream, write_page_checksum=True, **options)
    return stream.getvalue()


def _excel(rows: Rows) -> bytes:
    stream = io.BytesIO()
    pd.DataFrame(rows, columns=["text", "label"]).to_excel(stream, index=False)
    return stream.getvalue()


_CSV = csv_of(ROWS).encode()
_PACKED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "gz": ("a.csv.gz", lambda: gzip.compress(_CSV, mtime=0)),
    "bz2": ("a.csv.bz2", lambda: bz2.compress(_CSV)),
    "xz": ("a.csv.xz", lambda: lzma.compress(_CSV)),
    "zip": ("a.zip", lambda: _zipped(_CSV)),
    "stored zip": ("a.zip", lambda: _stored(_CSV)),
    "parquet": ("a.parquet", lambda: _parquet(ROWS)),
    "plain parquet": (
        "a.parquet",
        lambda: _parquet(ROWS, compression="none", use_dictionary=False, row_group_size=3),
    ),
    "excel": ("a.xlsx", lambda: _excel(ROWS)),
}


def check_packed(path: Path, content: bytes) -> str:
    found = read(path, content)
    if isinstance(found, str):
        return found
    assert found[1] == ROWS, content
    return "read"


@pytest.mark.parametrize("kind", _PACKED)
def test_mutations_of_what_is_packed(tmp_path, kind):
    name, made = _PACKED[kind]
    whole = made()
    outcomes = [
        check_packed(tmp_path / name, mutated(random.Random(f"{kind} {n}"), whole))
        for n in range(60 if kind == "excel" else 200)
    ]
    assert outcomes.count("refused") > 20
    assert check_packed(tmp_path / name, whole) == "read"


@pytest.mark.long
@pytest.mark.parametrize("kind", _PACKED)
def test_very_many_mutations_of_what_is_packed(tmp_path, kind):
    name, made = _PACKED[kind]
    whole = made()
    for n in range(MANY // (50 if kind == "excel" else 10)):
        check_packed(tmp_path / name, mutated(random.Random(f"many {n}"), whole))
