"""Whatever csv, json and pandas write is read back equal."""

from __future__ import annotations

import csv
import io
import json
import re

import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.reading import (
    QUICK,
    TABLES,
    both_classes,
    opened,
    rows_of,
)


@QUICK
@given(
    TABLES,
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


@QUICK
@given(TABLES, st.sampled_from([None, 1]), st.booleans(), st.booleans(), st.booleans())
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


@QUICK
@given(
    TABLES,
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


@settings(QUICK, max_examples=20)
@given(TABLES)
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
