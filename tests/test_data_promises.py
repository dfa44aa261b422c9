"""Fingerprints, class order and encoded data that stores hold already: no change of the readers may
give the same file another one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.conftest import write_reviews
from tflottery.data import corpus
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings

_TABLE = (
    '\ufeffid,review,stars,split\r\n1,"Gut, ""sehr"" gut\r\nneue Zeile",10,train\r\n'
    "2, schlecht ,2,train\r\n\r\n"
    '3,"naïve — ’x’",2,test\r\n4,x y,10.5,test\r\n4,x y,10.5,train\r\n'
)
_JSON_LINES = (
    '{"text": "\\u00e9t\\u00e9 \\ud83d\\ude00", "label": 1.0}\n'
    '{"text": "a\\u0000b", "label": true}\n\n'
    '{"text": "z", "label": "cafe\\u0301", "split": "train"}\n'
    '{"text": "z", "label": 1.0, "split": "test"}\n'
)
_TABS = 'text\tlabel\n"a\ttab ""q"""\tinf\n"two\nlines"\t-3\nplain "q" here\t1_0\nx\tzz\n'
_FOLDER = {
    "train/pos/1.txt": "\ufefffine",
    "train/neg/1.txt": "poor\r\n",
    "train/unsup/1.txt": "w",
    "test/pos/1.txt": "good",
}


def _written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode())
    return path


def _reviews(folder: Path) -> DataSettings:
    return DataSettings(str(write_reviews(folder / "a.csv")))


def _tabs_of_reviews(folder: Path) -> DataSettings:
    return DataSettings(str(write_reviews(folder / "a.tsv", delimiter="\t")))


def _table(folder: Path) -> DataSettings:
    path = _written(folder, "b.csv", _TABLE)
    return DataSettings(str(path), text_column="review", label_column="stars")


def _json_lines(folder: Path) -> DataSettings:
    return DataSettings(str(_written(folder, "c.jsonl", _JSON_LINES)))


def _tabs(folder: Path) -> DataSettings:
    return DataSettings(str(_written(folder, "d.tsv", _TABS)))


def _class_folders(folder: Path) -> DataSettings:
    for name, content in _FOLDER.items():
        _written(folder / "f", name, content)
    return DataSettings(str(folder / "f"))


@pytest.mark.parametrize(
    ("made", "fingerprint", "classes"),
    [
        (
            _reviews,
            "9556e46263875c31c2c5ae39991ecf40286be295056e4ecd0e4d22c1ce967193",
            ("neg", "pos"),
        ),
        (
            _tabs_of_reviews,
            "9556e46263875c31c2c5ae39991ecf40286be295056e4ecd0e4d22c1ce967193",
            ("neg", "pos"),
        ),
        (
            _table,
            "4857c131df45e0272c4462ef04e9adfb37a8b205e867c527f91b77736ca21606",
            ("2", "10", "10.5"),
        ),
        (
            _json_lines,
            "cd98e7df5424b316f8283e62572f85baa62ec1682f6d639a184170d2ff384120",
            ("1.0", "True", "café"),
        ),
        (
            _tabs,
            "1234cdaecf4e79dc72200f3f3b20525780cc325d867df934c2d3179fe8fcbeb5",
            ("-3", "1_0", "inf", "zz"),
        ),
        (
            _class_folders,
            "20f8fc8482ee387610f825f87c50e2839d7e0e1ff78e82ee93b25936f839b1eb",
            ("neg", "pos"),
        ),
    ],
)
def test_a_file_keeps_its_fingerprint_and_its_class_order(tmp_path, made, fingerprint, classes):
    source = sources.open_source(made(tmp_path))
    assert (source.fingerprint(), source.classes) == (fingerprint, classes)


def _write_distinct(path: Path, columns: str = "text,label") -> Path:
    lines = [f"text number {n} of {'abc'[n % 3]},{'xyz'[n % 3]}" for n in range(90)]
    path.write_text("\n".join([columns, *lines]) + "\n")
    return path


def _digest(folder: Path) -> str:
    (made,) = folder.iterdir()
    files = sorted(path for path in made.iterdir())
    digest = hashlib.sha256(made.name.encode())
    for path in files:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


@pytest.mark.parametrize(
    ("changes", "digest"),
    [
        ({}, "4b3c4082d2eb825b16d2360542674748a9fac784f2d2a651d40098541574357b"),
        (
            {"train_size": 40, "max_length": 4},
            "64a4108030721f44d03347884c2010f08ccdca0dea9a8f009dae5d128c5d237c",
        ),
        (
            {"text_column": "review", "validation": 0.3},
            "261ef282af8df61c28eee9bb7914e598f608b0d474ca97664f22a58cf805ac90",
        ),
    ],
)
def test_texts_that_differ_are_split_and_cached_as_ever(tmp_path, changes, digest):
    columns = f"{changes.get('text_column', 'text')},label"
    path = _write_distinct(tmp_path / "reviews.csv", columns)
    settings = sources.identify(DataSettings(str(path), **changes))
    corpus.load(settings, tmp_path / "cache")
    assert _digest(tmp_path / "cache") == digest


def test_texts_that_are_equal_are_split_as_ever_where_their_run_is_an_old_one(tmp_path):
    settings = _reviews(tmp_path)
    old = DataSettings(settings.dataset, fingerprint=sources.open_source(settings).fingerprint())
    corpus.load(old, tmp_path / "cache")
    assert (
        _digest(tmp_path / "cache")
        == "7ed9f0474d93b65ebc53aa4449a6a9cc593280bbb522e80a9ecf748815e8f77c"
    )
