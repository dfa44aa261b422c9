"""Labels and splits: which spellings are one, and which are refused."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from tflottery.data.reading.labels import one_class_each
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError

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
        (["0.0", "-0.00", "0", "1."], ("0", "1.")),
        (["1" * 30, "1" * 29 + "2", "1" * 30 + ".0"], ("1" * 30, "1" * 29 + "2")),
        (
            ["0." + "3" * 30, "0." + "3" * 29, "0." + "3" * 29 + "0"],
            (
                "0." + "3" * 29,
                "0." + "3" * 30,
            ),
        ),
    ],
)
def test_spellings_of_one_label_are_one_class(tmp_path, labels, classes):
    assert opened(with_labels(tmp_path / "a.jsonl", labels)).classes == classes


NUMBERS = st.from_regex(r"[+-]?(0|[1-9][0-9]{0,40})(\.[0-9]{0,40})?", fullmatch=True)


@given(NUMBERS, NUMBERS, st.integers(0, 3))
def test_numbers_are_one_class_where_their_values_are_one(one, other, noughts):
    same = f"{one}{'' if '.' in one else '.'}{'0' * noughts}"
    classes = one_class_each(dict.fromkeys([one, other, same], 1), "folded", "a.csv")
    assert classes[one] == classes[same]
    assert (classes[one] == classes[other]) == (Fraction(_whole(one)) == Fraction(_whole(other)))


def _whole(number: str) -> str:
    """A number as `Fraction` reads it, which takes no point at the end."""
    return number.removesuffix(".")


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
from tflottery.data.reading import sources
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
    from tflottery.data import encoding

    splits = ["Train", word, "TEST", "train"]
    rows = [(*row, splits[n % 4]) for n, row in enumerate(SOUND * 4)]
    path = tmp_path / "a.csv"
    path.write_text(csv_of(rows, ["text", "label", "split"]))
    source = opened(path)
    assert source.splits == ("train", "validation", "test")
    own = [row[:2] for row in rows if row[2] == word]
    assert rows_of(source, "validation") == own
    made = encoding.encode(source, sources.identify(DataSettings(str(path))))
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
