"""Whatever csv, json and pandas write is read back equal."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.reading import (
    QUICK,
    SOUND,
    TABLES,
    both_classes,
    opened,
    rows_of,
)
from tflottery.data.reading import json_table


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


DOCUMENTS = {
    "a key": lambda rows: {"data": [{"text": a, "label": b} for a, b in rows]},
    "split": lambda rows: {"columns": ["text", "label"], "data": [list(row) for row in rows]},
    "columns": lambda rows: {"text": [a for a, _ in rows], "label": [b for _, b in rows]},
    "index": lambda rows: {str(n): {"text": a, "label": b} for n, (a, b) in enumerate(rows)},
    "array": lambda rows: [{"text": a, "label": b} for a, b in rows],
}


@QUICK
@given(
    TABLES, st.sampled_from(sorted(DOCUMENTS)), st.sampled_from(["a.json", "a.jsonl", "a", "b"]),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_a_document_is_read_wherever_its_lines_end(tmp_path, table, form, name, random):
    rows = both_classes(table)
    lines = json.dumps(DOCUMENTS[form](rows), indent=0, ensure_ascii=False).split("\n")
    written = lines[0] + "".join(random.choice(["\n", "\r\n", " ", ""]) + one for one in lines[1:])
    (tmp_path / name).write_text(written, encoding="utf-8", newline="")
    # A block that ends within the document, as that of a large one does.
    block = random.choice([json_table._BLOCK, max(40, len(written) // 2)]) if name != "b" else 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_table, "_BLOCK", block or json_table._BLOCK)
        assert rows_of(opened(tmp_path / name)) == rows


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


# Labels that are no words, and columns beside them.

_LABELS = {
    "integers": (pd.Series([3, 10], dtype="int64"), ("3", "10")),
    "small integers": (pd.Series([0, 1], dtype="int8"), ("0", "1")),
    "missing possible": (pd.Series([2, 1], dtype="Int64"), ("1", "2")),
    "floats": (pd.Series([1.0, 2.5]), ("1.0", "2.5")),
    "truth": (pd.Series([True, False]), ("False", "True")),
    "categories": (pd.Series(["n", "p"], dtype="category"), ("n", "p")),
    "objects": (pd.Series(["n", "p"], dtype=object), ("n", "p")),
    "numbers as categories": (pd.Series(pd.Categorical([4, 5])), ("4", "5")),
}


def framed(texts: list[str], labels: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "at": pd.date_range("2020-02-28", periods=len(texts), freq="36h"),
            "id": range(len(texts)),
            "text": texts,
            "gap": [None, 1.5] * (len(texts) // 2) + [None] * (len(texts) % 2),
            "label": [labels.iloc[n % 2] for n in range(len(texts))],
        }
    ).astype({"label": labels.dtype})


def ways_to_write(frame: pd.DataFrame, path: Path) -> list[Path]:
    """The frame in every format that pandas and pyarrow write."""
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    made: list[Path] = []

    def at(name: str) -> Path:
        made.append(path / f"{len(made)}.{name}")
        return made[-1]

    for index in (False, True):
        frame.to_csv(at("csv"), index=index)
    frame.set_index("id").to_csv(at("csv"), sep=";")
    frame.to_csv(at("csv.gz"), quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n", index=False)
    frame.to_csv(at("tsv"), sep="\t", quoting=csv.QUOTE_ALL, date_format="%d.%m.%Y")
    for orient in ("records", "columns", "split", "index", "table"):
        frame.to_json(at("json"), orient=orient, date_format="iso")
    frame.to_json(at("jsonl"), orient="records", lines=True, date_format="iso")
    frame.to_json(
        at("jsonl.gz"), orient="records", lines=True, force_ascii=False, date_format="iso"
    )
    for compression in ("snappy", "gzip", "brotli", "zstd", None):
        frame.to_parquet(at("parquet"), compression=compression)
    frame.to_excel(at("xlsx"), index=False)
    table = pyarrow.Table.from_pandas(frame)
    place = table.schema.get_field_index("text")
    for kind in (pyarrow.large_string(), pyarrow.binary(), pyarrow.large_binary()):
        cast = table.set_column(place, "text", table["text"].cast(kind))
        pyarrow.parquet.write_table(cast, at("parquet"), row_group_size=2)
    coded = table.set_column(place, "text", table["text"].combine_chunks().dictionary_encode())
    pyarrow.parquet.write_table(coded, at("parquet"))
    pyarrow.parquet.write_table(table, at("parquet"), version="1.0", data_page_version="2.0")
    pyarrow.csv.write_csv(table.select(["id", "text"]).append_column(
        "label", table["label"].cast(pyarrow.string())), at("csv"))  # fmt: skip
    return made


@pytest.mark.parametrize("kind", _LABELS)
def test_labels_of_every_type_are_read_alike_from_every_format(tmp_path, kind):
    labels, classes = _LABELS[kind]
    texts = [f'{text} "{n}",\tgrün; 😀' for n, (text, _) in enumerate(SOUND)]
    frame = framed(texts, labels)
    for path in ways_to_write(frame, tmp_path):
        source = opened(path)
        # JSON and Excel write 1.0 as 1, pyarrow True as true.
        made = {"floats": float, "truth": str.lower}.get(kind, str)
        assert tuple(map(made, source.classes)) == tuple(map(made, classes)), path
        found = [text for text, _ in source.examples("train")]
        assert [text.decode() for text in found] == texts, path
        numbers = [label for _, label in source.examples("train")]
        assert numbers == [numbers[n % 2] for n in range(len(texts))], path


@QUICK
@given(
    TABLES,
    st.sampled_from(",;\t|"),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_whatever_options_of_pandas_are_read_back(
    tmp_path, table, mark, quoting, end, doubled, encoding
):
    rows = [(text.replace("\r", " "), label) for text, label in both_classes(table)]
    assume(all(text.strip() for text, _ in rows))
    frame = pd.DataFrame(rows, columns=["text", "label"])
    escape = None if doubled else "\\"
    frame.to_csv(
        tmp_path / "a.csv", sep=mark, quoting=quoting, lineterminator=end, doublequote=doubled,
        escapechar=escape, encoding=encoding, index=False,
    )  # fmt: skip
    told = {} if doubled else {"escape": "\\", "quote": '"'}
    assert rows_of(opened(tmp_path / "a.csv", **told)) == rows


@settings(QUICK, max_examples=30)
@given(TABLES, st.sampled_from(["", ".gz", ".zip", ".bz2", ".xz"]), st.booleans())
def test_whatever_json_pandas_writes_packed_is_read_back(tmp_path, table, packing, ascii_only):
    rows = both_classes(table)
    frame = pd.DataFrame(rows, columns=["text", "label"])
    for name, lines in (("a.jsonl", True), ("a.json", False)):
        path = tmp_path / f"{name}{packing}"
        frame.to_json(path, orient="records", lines=lines, force_ascii=ascii_only)
        assert rows_of(opened(path)) == rows
