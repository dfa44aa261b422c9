"""Delimited text and JSON are read right, or refused by line."""

from __future__ import annotations

import csv
import io
from encodings.aliases import aliases

import pandas as pd
import pytest

from tests.reading import (
    SOUND,
    csv_of,
    lines_of,
    opened,
    refusal,
    remarks,
    rows_of,
)
from tflottery.errors import UserError

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


@pytest.mark.parametrize("name", sorted(set(aliases.values())))
def test_any_encoding_reads_a_file_or_refuses_it_in_a_line(tmp_path, name):
    rows = [(f"{text} größer", label) for text, label in SOUND]
    for of_file in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "latin-1"):
        for form, content in (("a.csv", csv_of(rows)), ("a.jsonl", lines_of(rows))):
            (tmp_path / form).write_bytes(content.encode(of_file))
            try:
                rows_of(opened(tmp_path / form, encoding=name))
            except UserError as error:
                assert "\n" not in str(error)


@pytest.mark.parametrize("name", ["utf-16", "utf-32"])
def test_an_order_of_bytes_that_no_mark_says_is_asked_for(tmp_path, name):
    content = csv_of(SOUND)
    (tmp_path / "a.csv").write_bytes(content.encode(f"{name}-le"))
    message = refusal(tmp_path / "a.csv", encoding=name)
    assert f"data.encoding={name}-le or data.encoding={name}-be" in message
    assert rows_of(opened(tmp_path / "a.csv", encoding=f"{name}-le")) == SOUND


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


@pytest.mark.parametrize("broken", ['{"text": "x", "label": "n"', '{"text": "x",\n"label": "n"}'])
def test_a_first_line_that_is_broken_is_no_document(tmp_path, broken):
    (tmp_path / "a.jsonl").write_text(f"{broken}\n{lines_of(SOUND)}")
    assert "1" in (message := refusal(tmp_path / "a.jsonl")) and "this is no JSON" in message
    assert rows_of(opened(tmp_path / "a.jsonl", skip_bad=True)) == SOUND
