"""Sources of one's own: functions and classes under a name, read and judged as all data are."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pytest

import tflottery as tfl
from tests.registries import put_back
from tflottery.data.reading import memory, sources
from tflottery.data.reading.registered import register_source
from tflottery.data.reading.source import REGISTERED
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError

WORDS = {"pos": ["fine", "warm"], "neg": ["dull", "cold"]}


@pytest.fixture(autouse=True)
def registries() -> Iterator[None]:
    with put_back():
        yield


def rows(number: int, word: str = "is") -> list[tuple[str, str]]:
    return [(f"text {n} {word} {WORDS[one][n % 2]}", one) for n in range(number) for one in WORDS]


def pair(number: int, word: str = "is") -> tuple[list[str], list[str]]:
    texts, labels = zip(*rows(number, word), strict=True)
    return list(texts), list(labels)


def frame(number: int, word: str = "is") -> pd.DataFrame:
    return pd.DataFrame(rows(number, word), columns=["text", "label"])


class Whole:
    """All that a source may say."""

    classes: ClassVar[list[str]] = ["neg", "pos"]
    splits: ClassVar[list[str]] = ["test", "train"]
    caution = "Made up."
    remarks: ClassVar[list[str]] = ["Read from nowhere."]
    texts = 90

    def __init__(self, settings):
        self.settings = settings

    def size(self, split):
        return {"train": 60, "test": 30}[split]

    def fingerprint(self):
        return "whole-1"

    def examples(self, split):
        for text, label in rows(self.size(split) // 2, split):
            yield text, self.classes.index(label)


class Least:
    """The least that a class has to have."""

    classes = ("neg", "pos")
    splits = ("train",)

    def __init__(self, settings): ...

    def examples(self, split):
        for text, label in rows(30):
            yield text.encode(), self.classes.index(label)


FORMS = {
    "pair": lambda: pair(30),
    "frame": lambda: frame(30),
    "columns": lambda: {"text": pair(30)[0], "label": pair(30)[1]},
    "rows": lambda: iter(rows(30)),
    "iterators": lambda: tuple(map(iter, pair(30))),
    "one split": lambda: {"train": pair(30)},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_data_as_given_to_a_call(form):
    register_source("mine")(FORMS[form])
    looked = sources.look(DataSettings(dataset="mine"))
    known = sources.look(DataSettings(dataset=memory.register(pair(30))))
    assert looked.settings.fingerprint == known.settings.fingerprint
    assert looked.classes == ("neg", "pos") and looked.remarks == ()
    source = sources.open_source(looked.settings)
    assert (source.name, source.splits, source.texts) == ("mine", ("train",), 60)


@pytest.mark.parametrize(
    "given",
    [
        {"train": pair(30), "dev": frame(10, "seems"), "test": iter(rows(5, "was"))},
        pd.concat([
            frame(30).assign(split="train"), frame(10, "seems").assign(split="valid"),
            frame(5, "was").assign(split="test"),
        ]),
    ],
    ids=["mapping", "column"],
)  # fmt: skip
def test_splits_are_used_as_they_are(given):
    register_source("mine")(lambda: given)
    source = sources.open_source(DataSettings(dataset="mine"))
    sizes = {split: source.size(split) for split in source.splits}
    assert sizes == {"train": 60, "validation": 20, "test": 10}
    assert next(iter(source.examples("test"))) == (b"text 0 was fine", 1)


def test_columns_have_the_names_of_the_settings():
    register_source("mine")(lambda: frame(30).rename(columns={"text": "review"}))
    assert sources.look(DataSettings(dataset="mine", text_column="review")).classes
    with pytest.raises(UserError, match=r"The data of the source 'mine'.* no column 'text'"):
        sources.look(DataSettings(dataset="mine"))


def test_other_content_is_other_data():
    register_source("mine")(lambda: pair(30))
    one = sources.identify(DataSettings(dataset="mine")).fingerprint
    with put_back():
        REGISTERED.pop("mine")
        register_source("mine")(lambda: pair(31))
        assert sources.identify(DataSettings(dataset="mine")).fingerprint != one


def test_a_class_says_what_it_wants_and_the_rest_is_found():
    register_source("whole")(Whole)
    register_source("least")(Least)
    whole = sources.open_source(DataSettings(dataset="whole"))
    assert (whole.name, whole.classes, whole.splits) == ("whole", ("neg", "pos"), ("train", "test"))
    assert whole.fingerprint() == "whole-1" and whole.remarks == ("Read from nowhere.",)
    assert sources.source_of("whole").caution == "Made up."
    least = sources.open_source(DataSettings(dataset="least"))
    assert least.size("train") == 60 and len(least.fingerprint()) == 64
    looked = sources.look(DataSettings(dataset="least", validation=0.25))
    assert looked.classes == ("neg", "pos") and looked.settings.fingerprint == least.fingerprint()
    seen = tfl.inspect("whole")
    assert seen.findings.name == "whole" and "Made up." in seen.cautions


def _empty() -> dict:
    return {}


def _of(**changes) -> type:
    return type("Given", (Least,), changes)


def _examples(*given):
    return lambda self, split: iter(given)


def _some(any_texts: bool) -> Iterator[tuple[str, int]]:
    return iter([(text, Least.classes.index(label)) for text, label in rows(30 * any_texts)])


BAD = {
    "nothing": (lambda: None, "The source 'mine' gives nothing; it returns a DataFrame"),
    "a number": (lambda: 3, "The data of the source 'mine' are a int"),
    "no train": (lambda: {"test": pair(3)}, "The source 'mine' gives no split 'train'"),
    "empty": (_empty, "The source 'mine' gives no split 'train'"),
    "a split": (
        lambda: {"train": pair(3), "held_out": pair(3)},
        "The source 'mine' gives a split 'held_out'; a split is one of train, validation, test",
    ),
    "a split twice": (
        lambda: {"train": pair(3), "dev": pair(3), "valid": pair(3)},
        "The source 'mine' gives a split 'valid'",
    ),
    "lengths": (
        lambda: {"train": (["a b", "b c"], ["x"])},
        "The data of the source 'mine' for train have 2 texts and 1 labels",
    ),
    "triples": (lambda: iter([("a", "b", "c")]), "The source 'mine' yields .* has to yield"),
    "fails": (lambda: 1 / 0, "The source 'mine' failed: ZeroDivisionError: division by zero"),
    "no file": (
        lambda: Path("/nowhere").read_text(),
        "The source 'mine' failed: FileNotFoundError: ",
    ),
    "fails late": (
        lambda: ((str(1 // (3 - n)), "x") for n in range(5)),
        "The source 'mine' failed: ZeroDivisionError",
    ),
    "one class": (lambda: (["a b"] * 9, ["x"] * 9), "one class|two classes"),
    "no texts": (lambda: ([], []), ""),
    "classes": (_of(classes=("one",)), "has the classes .*; it needs two or more"),
    "classes twice": (_of(classes=("one", "one")), "it needs two or more, each of another name"),
    "splits": (_of(splits=("test",)), r"has the splits \['test'\]; they are train"),
    "other splits": (_of(splits=("train", "more")), "they are train, and validation and test"),
    "no settings": (_of(__init__=lambda self: None), "failed: TypeError"),
    "label": (_of(examples=_examples(("a", 2))), r"gives the label 2 in train, text 1; labels are"),
    "label's name": (_of(examples=_examples(("a", "neg"))), "gives the label 'neg' in train"),
    "label is true": (_of(examples=_examples(("a", True))), "gives the label True in train"),
    "text": (_of(examples=_examples((3, 1))), "gives a int for a text in train, text 1"),
    "no pair": (_of(examples=_examples("abc")), "gives 'abc' in train, text 1; it has to give"),
    "empty train": (
        _of(examples=_examples()),
        "The source 'mine' gives no text of its split 'train'; give some",
    ),
    "empty, with a name of its own": (
        _of(examples=_examples(), fingerprint=lambda self: "mine-1"),
        "gives no text of its split 'train'",
    ),
    "empty test": (
        _of(splits=("train", "test"), examples=lambda self, split: _some(split == "train")),
        "gives no text of its split 'test'; give some, or leave it out of splits",
    ),
    "size": (
        _of(size=lambda self, split: 59),
        r"gives 60 texts of train, of which its size\('train'\) says 59; mend it",
    ),
    "size is no number": (_of(size=lambda self, split: "all"), "'mine' failed: ValueError"),
    "examples fail": (
        _of(examples=lambda self, split: (1 // 0 for _ in "a")),
        "The source 'mine' failed: ZeroDivisionError",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_source_is_one_line_that_names_it(name, monkeypatch, capfd, tmp_path):
    from tflottery.cli import inspect as command

    given, told = BAD[name]
    monkeypatch.setenv("TFLOTTERY_PLUGINS", "none")
    monkeypatch.chdir(tmp_path)
    register_source("mine")(given)
    with pytest.raises(UserError, match=told or "mine"):
        sources.look(DataSettings(dataset="mine"))
    assert command.main(["--dataset", "mine"]) == 2
    errors = capfd.readouterr().err
    assert "mine" in errors and "Traceback" not in errors


def test_a_class_that_lacks_something_is_refused_at_once():
    with pytest.raises(UserError, match="The source 'mine' lacks splits, examples"):

        @register_source("mine")
        class Mine:
            classes = ("one", "other")

    assert "mine" not in REGISTERED


@pytest.mark.parametrize("name", ["toy", "imdb", "yelp_polarity", "My mails", "a/b", "a.csv"])
def test_names_that_it_may_not_have(name):
    with pytest.raises(UserError, match=r"already, of tflottery itself|A source is not called"):
        register_source(name)(lambda: pair(3))


def test_a_name_that_is_mistyped_is_told_with_the_nearest():
    register_source("mailings")(lambda: pair(30))
    with pytest.raises(UserError, match="Did you mean 'mailings'"):
        sources.look(DataSettings(dataset="mailngs"))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("cut \ud83d", "cut \ufffd"),
        ("\ud83d\ude00", "😀"),
        ("what?", "what?"),
        ("größer", "größer"),
    ],
)
def test_half_a_character_is_read_alike_from_a_function_and_a_class(text, read):
    given = [*rows(30), (text, "neg")]
    numbered = [(one, Least.classes.index(label)) for one, label in given]
    register_source("function")(lambda: iter(given))
    register_source("class")(_of(examples=lambda self, split: iter(numbered)))
    for name in ("function", "class"):
        source = sources.open_source(DataSettings(dataset=name))
        assert [one.decode() for one, _ in source.examples("train")][-1] == read


def test_a_name_comes_before_a_folder_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    register_source("mine")(lambda: pair(30))
    assert sources.open_source(DataSettings(dataset="mine")).name == "mine"
    assert sources.source_of("./mine") is sources.FilesSource


def test_one_that_gives_something_else_each_time_is_told(tmp_path):
    numbers = itertools.count(30)
    register_source("mine")(lambda: pair(next(numbers)))
    with pytest.raises(UserError, match=r"mine (changed|has other content)"):
        tfl.inspect("mine", store=tmp_path / "runs")
