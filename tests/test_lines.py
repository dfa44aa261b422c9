"""Standard input of bin/predict: texts, or a table that is taken for texts."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflottery.cli import lines, predict
from tflottery.errors import UserError

TABLES = {
    "a CSV": "text,label\na fine film,pos\na poor film,neg\n",
    "texts with commas in quotes": 'text,label\n"good, but long",pos\n"bad, and long",neg\n',
    "texts with commas and no quotes": "text,label\ngood, but long,pos\nbad, and long,neg\n",
    "label first": "label,text\n1,a fine film\n0,a poor film\n",
    "a TSV": "sentence\tlabel\nhide new secretions\t0\ncontains no wit\t0\n",
    "semicolons and a mark": "\ufeffText;Bewertung\nsehr gut;5\nschlecht;1\n",
    "pandas' index": ",review,sentiment\n0,fine,positive\n1,poor,negative\n",
    "a test set without labels": "id,text\n1,a fine film\n2,a poor film\n",
    "bars": "review|stars\nfine|5\npoor|1\n",
    "a line of Excel": "sep=;\ntext;label\nfine;1\npoor;0\n",
    "JSON Lines": '{"text": "fine", "label": 1}\n{"text": "poor", "label": 0}\n',
    "old line ends": "text,label\r\nfine,1\r\npoor,0\r\n",
    "texts of two lines": 'text,label\n"fine\nfilm",1\n"poor\nfilm",0\n',
    "names in German": 'id,bewertung\nN1,sehr gut\nN2,"schlecht, leider"\nN3,geht so\n',
    "names in Korean": "별점;평\n5;좋아요 정말\n1;싫어요\n2;그냥\n",
    "two lines": "text,label\nfine,1\n",
}
TEXTS = {
    "one text": "a fine film\n",
    "prose with commas": "Good, but long.\nBad, and long.\nSo, so.\n",
    "a comma on each line": "Well, yes\nWell, no\nWell, perhaps\n",
    "the word text with a comma": "Text, image and sound are fine, all of them\nWell, no\n",
    "one line like a header": "text,label\n",
    "a list in the first line": "Review, comment or text: say what you like.\nI like it, really.\n",
    "semicolons": "I came; I saw\nI went; I cried\n",
    "tabs within": "a\tb\nplain\n",
    "braces": "{sic}\n[deleted]\n",
    "a number": "1\n2\n",
    "years in prose": "So gut, so alt\nIm Jahr 1999, gesehen\nIm Jahr 2001, vergessen\n",
    "scores without a header": "5,gut\n1,schlecht\n2,naja\n",
    "nothing": "",
    "empty lines": "\n\n",
    "bytes that are no text": "\ufffd\ufffd\n",
    "predict's own output": "pos\t0.9\ta fine film\nneg\t0.1\ta poor film\n",
}


def given_lines(text: str) -> list[bytes]:
    return text.encode().splitlines(keepends=True)


@pytest.mark.parametrize("text", TABLES.values(), ids=TABLES)
def test_a_table_is_refused_with_the_way_to_go_on(text):
    with pytest.raises(UserError, match="--lines") as raised:
        lines.texts_of(given_lines(text))
    assert "JSON" in str(raised.value) or "--column " in str(raised.value)
    assert list(lines.texts_of(given_lines(text), any_lines=True))
    # A person who types sees each answer at once.
    assert list(lines.texts_of(given_lines(text), look=False))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_texts_are_texts(text):
    given_texts = given_lines(text)
    expected = [line.rstrip(b"\r\n") for line in given_texts]
    assert list(lines.texts_of(given_texts)) == expected


@given(st.lists(st.text("ab ,;|\t'\"{}.", max_size=30), max_size=12))
def test_lines_without_such_a_header_are_never_refused(texts):
    assert len(list(lines.texts_of([f"{text}\n".encode() for text in texts]))) == len(texts)


CELLS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r"), max_size=20)


@given(st.lists(CELLS, min_size=1, max_size=50), st.sampled_from(",;\t|"))
def test_the_column_of_a_table_gives_its_texts(texts, mark):
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=mark, quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "review", "stars"])
    writer.writerows([number, text, 1] for number, text in enumerate(texts))
    encoded = io.BytesIO(stream.getvalue().encode())
    assert [one.decode() for one in lines.texts_of(encoded, "review")] == texts


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("text,label\nfine,1\n", "txt", "Did you mean 'text'"),
        ("", "text", "no column 'text'"),
        ("text,label\nfine, really,1\n", "text", "line 2: 3 fields, and the header has 2"),
        ('text,label\nfine,1\n"open,1\n', "text", "line 3: a quote is opened and never closed"),
        ('text,label\nfine,1\n"open" it,1\n', "text", "line 3: .* Write a quote in a text twice"),
        ("\n", "text", "no column 'text': it is empty"),
        ("text, text\nfine,1\n", "text", "has 2 columns 'text'; rename one"),
    ],
)
def test_a_column_that_cannot_be_read_is_one_line(text, column, message):
    with pytest.raises(UserError, match=message):
        list(lines.texts_of(given_lines(text), column))


@pytest.mark.parametrize("column", ["", "text"])
@pytest.mark.parametrize("any_lines", [False, True])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text\na film\n".encode("utf-16"), "iconv -f UTF-16"),
        ("text\na film\n".encode("utf-32"), "iconv -f UTF-32"),
        (gzip.compress(b"text\na film\n", mtime=0), "packed; unpack"),
        (bz2.compress(b"text\na film\n"), "packed; unpack"),
        (lzma.compress(b"text\na film\n"), "packed; unpack"),
        (b"PK\x03\x04\x14\0", "packed; unpack"),
        (b"PAR1\x15\x04", "Parquet"),
        (b"%PDF-1.4\n", "a PDF"),
    ],
)
def test_what_is_no_text_is_never_taken_for_lines(content, message, column, any_lines):
    """No score comes of bytes that a model would read as words that nobody wrote."""
    with pytest.raises(UserError, match=message):
        list(lines.texts_of(io.BytesIO(content), column, any_lines=any_lines))


def test_a_mark_of_utf_8_is_no_part_of_a_text():
    marked = [b"\xef\xbb\xbftext\n", b"a film\n"]
    assert list(lines.texts_of(marked)) == [b"text", b"a film"]
    assert list(lines.texts_of(marked, "text")) == [b"a film"]


def test_predict_refuses_a_table_before_it_loads_anything(monkeypatch, capsys):
    class Given:
        buffer = io.BytesIO(TABLES["a CSV"].encode())

        @staticmethod
        def isatty() -> bool:
            return False

    monkeypatch.setattr("sys.stdin", Given)
    monkeypatch.setattr("tflottery.startup.start_tensorflow", lambda: pytest.fail("loaded"))
    assert predict.main(["--model", "nowhere"]) == 2
    errors = capsys.readouterr().err
    assert "(columns 'text', 'label')" in errors and "--column text" in errors
    assert errors.count("\n") == 1
