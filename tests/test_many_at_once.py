"""Rows and words that are read many at once are those that are read one by one."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.reading import (
    BASES,
    QUICK,
    ROWS,
    SOUND,
    TABLES,
    both_classes,
    csv_of,
    mutated,
    opened,
    rows_of,
)  # fmt: skip
from tflottery.data import encoded, encoding
from tflottery.data.reading import sources
from tflottery.data.reading.delimited import Delimited
from tflottery.data.reading.records import Block
from tflottery.data.settings import DataSettings
from tflottery.data.words.duplicates import groups_of, words_of
from tflottery.data.words.joined_words import is_translated, joined_words
from tflottery.data.words.numbered_texts import NumberedTexts
from tflottery.data.words.numbering import Numbering
from tflottery.data.words.text import normalise
from tflottery.errors import UserError

# Words.

_ODD = st.text(
    st.sampled_from(
        "aAbBrRnN'’!?.,<br/> \\n\n\t\"éÉßΣσςİıǅ好क्ष\u0301\u200d😀_-1²Ⅷ\0\x0b\x0c\x1f\xa0"
    )
)
_PIECES = st.sampled_from(["<br />", "<BR/>", "<br\x0b>", "<br\xa0/>", "\\n", "\\N", "don't", "ẞ"])
_RAW = st.lists(
    (
        st.lists(_ODD | _PIECES | st.text(max_size=9), max_size=5)
        .map("".join)
        .map(lambda text: text.encode("utf-8", "surrogatepass"))
    )
    | st.binary(max_size=12),
    max_size=8,
)


def one_by_one(texts: list[bytes]) -> list[bytes]:
    """What the words of each text are: without TensorFlow for ASCII, with it for all else."""
    made = normalise(texts).numpy().tolist() if texts else []
    return [
        words_of(text) if text.isascii() else by_tensorflow
        for text, by_tensorflow in zip(texts, made, strict=True)
    ]


def together(texts: list[bytes]) -> list[bytes]:
    words = joined_words(texts, lambda _, others: one_by_one(list(others)))
    return [b" ".join(text.split()) for text in words.split(b"\0")[:-1]]


@settings(max_examples=300)
@given(_RAW)
@example(["<br\u2003>é".encode(), b"a<br\x1c/>b", "\u212a\u212b İ ΑΣ".encode(), b"\xff<br>"])
def test_words_of_many_texts_are_those_of_each(texts):
    assert together(texts) == one_by_one(texts)


def test_every_letter_that_is_translated_alone_is_what_tensorflow_makes_of_it():
    letters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    chosen = [letter for letter in letters if is_translated(letter)]
    assert len(chosen) > 90_000 and set("äöüßéèçñøåœžşğıłđþ’“€–😀好क") < set(chosen)
    texts = [f"a{letter}A {letter}".encode() for letter in chosen if letter != "\0"]
    made = normalise(texts).numpy().tolist()
    assert made == [words_of(text) for text in texts]
    refused: list[bytes] = []
    words = joined_words(texts, lambda _, others: refused.extend(others) or list(others))
    assert not refused
    assert [b" ".join(text.split()) for text in words.split(b"\0")[:-1]] == made


@given(st.lists(st.text(st.sampled_from("abz !ü\n"), max_size=90), max_size=20), st.integers(1, 9))
def test_words_are_numbered_in_order_of_first_sight(texts, at_once):
    raw = [text.encode() for text in texts]
    # So few slots that most words have none.
    numbering = Numbering(bits=(5, 5, 5, 5))
    made: list[list[int]] = []
    for start in range(0, len(raw), at_once):
        some = raw[start : start + at_once]
        numbers, counts = numbering.number(some, lambda _, others: list(map(words_of, others)))
        made += [part.tolist() for part in np.split(numbers, np.cumsum(counts)[:-1])]
    expected = [(words_of(text) or b"[UNK]").decode().split() for text in raw]
    words = numbering.words
    assert [[words[number] for number in numbers] for numbers in made] == expected
    in_order = dict.fromkeys(word for of_text in expected for word in of_text)
    # That a text has no word is seen after the words of those beside it.
    in_order.pop("[UNK]", None)
    assert [word for word in words if word != "[UNK]"] == list(in_order)


@given(_RAW, st.integers(1, 4))
def test_equal_texts_are_those_with_equal_words(texts, copies):
    texts = [*texts, *texts * (copies - 1), b"some words", b"Some  words."]
    numbered = NumberedTexts()
    numbered.add(texts)
    numbered.flush()
    groups, expected = numbered.groups(), groups_of(texts)
    assert np.array_equal(groups[:, None] == groups[None], expected[:, None] == expected[None])
    assert [numbered.is_wordless(n) for n in range(len(texts))] == [
        not words_of(text) for text in texts
    ]


@given(_RAW)
def test_texts_that_tensorflow_alone_knows_are_settled(texts):
    numbered = NumberedTexts()
    numbered.add(texts)
    numbered.flush()
    numbered.settle(one_by_one)
    words, offsets = numbered.words, numbered.offsets
    made = [
        " ".join(words[number] for number in numbered.ids[start:end])
        for start, end in pairwise(offsets)
    ]
    assert made == [(text or b"[UNK]").decode() for text in one_by_one(texts)]


# Rows.


def plain(rows: object) -> list[object]:
    """Rows with blocks taken apart."""
    made: list[object] = []
    for item in rows:  # type: ignore[attr-defined]
        if not isinstance(item, Block):
            made.append(item)
            continue
        suspects = dict(item.suspects)
        made += [suspects.get(row) or item.record(row) for row in range(len(item))]
    return made


def check_rows(path: Path, size: int, **changes: object) -> int:
    """Reads a table in blocks of so many bytes and row by row, where it is one; how many rows came
    in blocks."""
    try:
        opened(path, **changes)
        reader = opened(path, **changes, skip_bad=True)._reader
    except UserError:
        try:
            reader = opened(path, **changes, skip_bad=True)._reader
        except UserError:
            return 0
    if not isinstance(reader, Delimited):
        return 0
    reader.block_size = size
    in_blocks = list(reader.blocks())
    assert plain(in_blocks) == list(reader)
    return sum(len(item) for item in in_blocks if isinstance(item, Block))


@QUICK
@given(
    TABLES,
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"]),
    st.sampled_from([0, 1, 3]),
    st.integers(1, 60),
)
def test_rows_in_blocks_are_those_of_the_csv_module(
    tmp_path, table, mark, end, encoding, quoting, size
):
    rows = both_classes(table)
    written = csv_of(
        rows, delimiter=mark, quoting=quoting, escapechar="\\" if quoting == 3 else None
    )
    content = written.replace("\n", end).encode(encoding, "ignore")
    (tmp_path / "a.csv").write_bytes(content)
    told = {"encoding": encoding} if encoding in ("cp1252", "latin-1") else {}
    check_rows(tmp_path / "a.csv", size, **told)
    check_rows(tmp_path / "a.csv", 1 << 18, **told)
    check_rows(tmp_path / "a.csv", size, quote='"', **told)
    check_rows(tmp_path / "a.csv", size, quote="none", **told)


@pytest.mark.parametrize("base", BASES)
def test_rows_of_mutated_tables_in_blocks_are_those_of_the_csv_module(tmp_path, base):
    in_blocks = 0
    for n in range(250):
        chance = random.Random(f"blocks {base} {n}")
        content = mutated(chance, BASES[base][0])
        (tmp_path / "a.csv").write_bytes(content.replace(b"\n", chance.choice((b"\n", b"\r\n"))))
        in_blocks += check_rows(tmp_path / "a.csv", chance.choice((1, 20, 50, 90, 1 << 18)))
    assert in_blocks > 800


def test_most_rows_come_in_blocks(tmp_path):
    rows = [(f'one "{n}", ä\nand\r\ntwo', "np"[n % 2]) for n in range(400)] + ROWS
    (tmp_path / "a.csv").write_text(csv_of(rows), newline="")
    assert check_rows(tmp_path / "a.csv", 1_000) == len(rows)
    with (tmp_path / "a.csv").open("a") as stream:
        stream.write('short\n\n" ",n\n"text","label"\nlong,n,p\n"a",p\n' * 9)
    assert check_rows(tmp_path / "a.csv", 1_000) == len(rows) + 9


def test_a_row_longer_than_any_block_and_a_file_of_one_line(tmp_path, monkeypatch):
    from tflottery.data.reading import delimited_blocks

    monkeypatch.setattr(delimited_blocks, "_LONGEST", 500)
    rows = [("word, " * 400 + str(n), "np"[n % 2]) for n in range(4)] + SOUND
    for end in ("\n", "\r\n", "\r"):
        (tmp_path / "a.csv").write_text(csv_of(rows).replace("\n", end), newline="")
        check_rows(tmp_path / "a.csv", 64)
        assert rows_of(opened(tmp_path / "a.csv")) == rows
    (tmp_path / "a.csv").write_text("text,label\n" + '"never closed,n\n' * 200)
    check_rows(tmp_path / "a.csv", 64)


# Sources.


def tables(path: Path) -> list[Path]:
    """Tables of many kinds: with splits in turn, bad lines, rows in rows, letters of all kinds."""
    chance = random.Random(1)
    words = "good bad film plot ünder straße 好 “so” don't ! ? ẞ 𞤀𞤁 ΑΣ <br\xa0/> x".split(" ")
    made = []
    for number in range(6):
        lines = []
        for row in range(90):
            text = " ".join(chance.choices(words, k=chance.randrange(1, 9))) + f" {row // 2}"
            label = chance.choice("np")
            split = chance.choice(("train", "Train", "dev", "test")) if number % 2 else None
            lines.append([text, label, *([split] if split else [])])
        header = ["text", "label", *(["split"] if number % 2 else [])]
        content = csv_of(lines, header)
        if number > 3:
            content += "bad\n" * 3 + '"two,n\nthree,p\nfour",n' + ",train" * (number % 2) + "\n"
        made.append(path / f"{number}.csv")
        made[-1].write_text(content)
    made.append(path / "a.jsonl")
    made[-1].write_text(
        "".join(json.dumps({"text": t, "label": b}) + "\n" for t, b in SOUND * 2 + ROWS)
    )
    return made


def same(one: encoded.Corpus, other: encoded.Corpus) -> bool:
    parts = [
        np.array_equal(getattr(getattr(one, split), name), getattr(getattr(other, split), name))
        for split in encoded.SPLITS
        for name in ("ids", "offsets", "labels")
    ]
    return (
        all(parts)
        and one.vocabulary == other.vocabulary
        and one.unigrams.words == other.unigrams.words
        and np.array_equal(one.unigrams.counts, other.unigrams.counts)
    )


def test_a_table_that_is_read_once_is_encoded_as_one_that_is_read_again(tmp_path):
    changes: list[dict[str, object]] = [
        {},
        {"max_length": 3, "vocabulary_size": 12},
        {"train_size": 20},
    ]
    for path in tables(tmp_path):
        for change in changes:
            chosen = DataSettings(str(path), skip_bad=True, validation=0.3, **change)
            sources._LAST.clear()
            settings = sources.identify(chosen)
            source = sources.open_source(settings)
            assert source.numbered() is not None
            at_once = encoding.encode(source, settings)
            source.release_numbered()
            assert same(at_once, encoding.encode(source, settings)), path
            division = dataclasses.replace(settings, division=4 - settings.division)
            assert sources.splitting.division(source, chosen) == settings.division != division


def test_a_fingerprint_is_what_it_says(tmp_path):
    for path in tables(tmp_path):
        source = opened(path, skip_bad=True)
        content = {
            split: [
                [hashlib.sha256(text).hexdigest(), source.classes[label]]
                for text, label in source.examples(split)
            ]
            for split in source.splits
        }
        written = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert source.fingerprint() == hashlib.sha256(written.encode()).hexdigest()


def test_texts_that_wait_are_not_kept_without_end(tmp_path, monkeypatch):
    from tflottery.data.words import numbered_texts

    path = tmp_path / "a.csv"
    path.write_text(csv_of([(f"ẞ {n} ẞ {n % 7}", "np"[n % 2]) for n in range(60)]))
    settings = sources.identify(DataSettings(str(path)))
    whole = encoding.encode(sources.open_source(settings), settings)
    monkeypatch.setattr(numbered_texts, "_MOST_WAITING", 100)
    sources._LAST.clear()
    source = sources.open_source(settings)
    assert source.numbered() is None
    assert same(encoding.encode(source, settings), whole)


def test_a_file_a_split_is_read_in_blocks_too(tmp_path):
    for name, rows in (("train.csv", SOUND + ROWS), ("dev.jsonl", SOUND[:4]), ("TEST.csv", ROWS)):
        written = "".join(json.dumps({"text": t, "label": b}) + "\n" for t, b in rows)
        (tmp_path / name).write_text(written if "json" in name else csv_of(rows))
    with (tmp_path / "train.csv").open("a") as stream:
        stream.write('"two\nthree,n\nfour,p\n",n\nshort\n')
    reader = opened(tmp_path, skip_bad=True, labels="as written", split_column="")
    made = list(reader._reader.blocks())
    assert plain(made) == list(reader._reader)
    assert sum(isinstance(item, Block) for item in made) >= 2
