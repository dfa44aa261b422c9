"""Equal texts on one side, whatever else is dealt as ever; and data that a program holds."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import pathlib
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT, write_reviews
from tflottery.data import corpus, encoding, splitting
from tflottery.data.reading import memory, sources
from tflottery.data.settings import DataSettings
from tflottery.data.words.duplicates import groups_of, words_of
from tflottery.data.words.text import normalise
from tflottery.data.words.vocabulary import Vocabulary
from tflottery.errors import UserError

_LETTERS = st.characters(exclude_categories=["Cs", "Cn", "Co"])
_TEXTS = st.text(_LETTERS) | st.text(
    st.sampled_from("aAbB'’!?.,<br/> \\n\n\t\"éÉßΣσςİıǅ好क्ष\u0301\u200d😀_-1²Ⅷ")
)


@given(st.lists(_TEXTS, max_size=20))
def test_words_are_those_of_the_normalisation_in_tensorflow(texts):
    encoded = [text.encode() for text in [*texts, "a<BR />b\\nc<br>"]]
    assert [words_of(text) for text in encoded] == normalise(encoded).numpy().tolist()


def test_equal_texts_have_one_number():
    texts = [b"Good film!", b"good  film !", b"GOOD<br/>film!", b"good film", "göod".encode(), b"*"]
    assert groups_of(texts).tolist()[:3] == [groups_of(texts)[0]] * 3
    assert len(set(groups_of(texts).tolist())) == 4


LABELS = st.lists(st.integers(0, 2), min_size=60, max_size=200)


@given(LABELS, st.sampled_from([0.1, 0.2, 0.5]), st.booleans(), st.randoms(use_true_random=False))
def test_no_group_is_on_two_sides_and_single_texts_fall_as_ever(labels, part, has_test, random):
    labels = np.array(sorted([*labels, *[0, 1, 2] * 12]))
    settings = DataSettings(validation=part)
    splits = ("train", "test") if has_test else ("train",)
    classes = ("a", "b", "c")
    alone = splitting.divide(labels, splits, settings, classes)
    single = splitting.divide(labels, splits, settings, classes, np.arange(len(labels)))
    for one, other in zip(dataclasses.astuple(alone), dataclasses.astuple(single), strict=True):
        assert np.array_equal(one, other)
    groups = np.array([random.randrange(len(labels)) for _ in labels])
    try:
        whole = splitting.divide(labels, splits, settings, classes, groups)
    except UserError as error:
        assert "equal" in str(error)
        return
    sides = [side for side in dataclasses.astuple(whole) if side is not None]
    assert sorted(np.concatenate(sides).tolist()) == list(range(len(labels)))
    seen = [set(groups[side].tolist()) for side in sides]
    assert sum(map(len, seen)) == len(set().union(*seen))
    assert all(set(labels[side].tolist()) == {0, 1, 2} for side in sides)


COUNTS = st.lists(st.integers(8, 300), min_size=2, max_size=4)


@given(COUNTS, st.integers(1, 400), st.sampled_from([(), ("test",), ("validation", "test")]))
def test_fewer_texts_keep_every_class_or_the_least_number_that_does_is_said(counts, size, given):
    labels = np.repeat(np.arange(len(counts)), counts)
    splits, classes = ("train", *given), "abcd"

    def train(size: int) -> str:
        """What is wrong with this size; empty where each class has texts on every side."""
        settings = DataSettings(train_size=size)
        try:
            found = splitting.divide(labels, splits, settings, classes)
        except UserError as error:
            return str(error)
        assert len(found.train) + (0 if found.validation is None else len(found.validation)) == size
        for side in (found.train, found.validation, found.test):
            assert side is None or set(labels[side]) == set(labels)
        return ""

    told = train(size)
    if "leaves no text of the class" not in told:
        assert not told or "too few to hold out" in told or f"train_size is {size};" in told
        return
    least = re.search(r"the least that keeps every class is (\d+)\.", told)
    if least is None:
        assert "no size keeps every class" in told and train(len(labels))
        return
    assert train(int(least[1])) == "" and size < int(least[1])
    assert all(train(other) for other in range(size, int(least[1])))


def test_a_class_of_which_no_text_is_left_is_named(tmp_path):
    labels = ["a"] * 500 + ["b"] * 500 + ["c"] * 6
    rows = pd.DataFrame({"text": [f"word{n}" for n in range(1_006)], "label": labels})
    rows.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(UserError, match=r"the class 'c' \(5 of 805 texts\).* is \d+\."):
        sources.look(DataSettings(str(tmp_path / "a.csv"), train_size=80))


@given(st.lists(st.integers(1, 300), min_size=1, max_size=5), st.data())
def test_classes_share_a_size_as_ever(counts, data):
    counts = np.array(counts)
    size = data.draw(st.integers(1, int(counts.sum())))
    shares = counts * size / counts.sum()
    as_ever = np.floor(shares).astype(np.int64)
    as_ever[np.argsort(as_ever - shares, kind="stable")[: size - as_ever.sum()]] += 1
    assert splitting._shared_out(counts, np.array([size])).tolist() == [as_ever.tolist()]


def write(path, texts):
    rows = pd.DataFrame({"text": texts, "label": ["np"[n % 2] for n in range(len(texts))]})
    rows.to_csv(path, index=False)
    return DataSettings(str(path))


def test_the_key_changes_only_where_equal_texts_would_fall_on_two_sides(tmp_path):
    distinct = sources.identify(write(tmp_path / "a.csv", [f"text {n}" for n in range(100)]))
    assert distinct.division == 1
    twice = [f"text {n % 60}" + "!" * (n >= 60) for n in range(100)]
    assert sources.identify(write(tmp_path / "b.csv", twice)).division == 1
    twice = [f"Text {n % 60}" + "." * (n >= 60) for n in range(100)]
    settings = sources.identify(write(tmp_path / "c.csv", twice))
    assert settings.division == 3
    words = Vocabulary(("[PAD]", "[UNK]", "text", *map(str, range(60))))
    made = encoding.encode(sources.open_source(settings), settings, words)
    texts = [
        {tuple(part.ids[a:b]) for a, b in zip(part.offsets, part.offsets[1:], strict=False)}
        for part in (made.train, made.validation, made.test)
    ]
    assert not any(1 in text for side in texts for text in side)
    assert not (texts[0] & texts[1] or texts[0] & texts[2] or texts[1] & texts[2])
    sizes = [len(part) for part in (made.train, made.validation, made.test)]
    assert sum(sizes) == 100 and 15 <= sizes[2] <= 20
    # A run of before has no division in its settings, and reads what it read then.
    old = dataclasses.replace(settings, division=1)
    assert len(corpus.load(old, tmp_path / "cache").test) == 20


@pytest.mark.parametrize(("division", "expected"), [(2, 2.15), (3, 1.0)])
def test_texts_with_many_copies_are_held_out_no_more_often_than_others(division, expected):
    """One in five texts is in a group of four."""
    groups = np.concatenate([np.arange(8000), 8000 + np.repeat(np.arange(500), 4)])
    labels = np.concatenate([np.arange(8000) % 2, np.repeat(np.arange(500) % 2, 4)])
    settings = DataSettings("a.csv", division=division)
    made = splitting.divide(labels, ("train",), settings, ("n", "p"), groups)
    share = (made.test >= 8000).mean() / 0.2
    assert abs(share - expected) < 0.15, share


def test_texts_that_are_all_equal_or_without_a_word_cannot_be_divided(tmp_path):
    with pytest.raises(UserError, match="equal"):
        sources.identify(write(tmp_path / "a.csv", ["the same"] * 40))
    with pytest.raises(UserError, match="no text holds a word"):
        sources.identify(write(tmp_path / "b.csv", ["😀", "...", "👍 👍"] * 20))


# Data that a program holds.


def frame_of(path) -> pd.DataFrame:
    write_reviews(path)
    return pd.read_csv(path)


def test_a_frame_and_lists_are_what_a_csv_is(tmp_path):
    frame = frame_of(tmp_path / "a.csv")
    own = sources.identify(DataSettings(str(tmp_path / "a.csv")))
    renamed = frame.rename(columns={"text": "review", "label": "stars"})
    for name, columns in [
        (memory.register(frame), {}),
        (memory.register((frame.text.tolist(), frame.label.to_numpy())), {}),
        (memory.register({"text": list(frame.text), "label": list(frame.label)}), {}),
        (
            memory.register(renamed, text_column="review", label_column="stars"),
            {"text_column": "review", "label_column": "stars"},
        ),
    ]:
        settings = DataSettings(name, **columns)
        identified = sources.identify(settings)
        assert identified.fingerprint == own.fingerprint and identified.division == own.division
        assert sources.open_source(settings).classes == ("neg", "pos")
    assert memory.register(frame) == memory.register(frame) != memory.register(frame[:-1])


def test_numbers_as_labels_and_splits_of_ones_own(tmp_path):
    frame = pd.DataFrame({"text": [f"text {n}" for n in range(40)], "label": [1.0, 2.0] * 20})
    frame.to_csv(tmp_path / "a.csv", index=False)
    name = memory.register(frame)
    assert sources.open_source(DataSettings(name)).classes == ("1.0", "2.0")
    both = [sources.identify(DataSettings(x)).fingerprint for x in (name, str(tmp_path / "a.csv"))]
    assert both[0] == both[1]
    name = memory.register(frame[:24], validation=frame[24:32], test=(["x", "y"], [1, 2]))
    source = sources.open_source(DataSettings(name))
    assert source.splits == ("train", "validation", "test") and source.classes == ("1", "2")
    with_split = frame.assign(split=["train", "train", "Test", "test"] * 10)
    source = sources.open_source(DataSettings(memory.register(with_split)))
    assert source.splits == ("train", "test")


def test_a_data_set_of_hugging_face_in_memory():
    datasets = pytest.importorskip("datasets")
    columns = {"text": ["a", "b"], "label": ["n", "p"], "more": [1, 2]}
    names = [memory.register(made) for made in (datasets.Dataset.from_dict(columns), columns)]
    assert names[0] == names[1]


def test_bad_rows_of_a_frame_are_named_and_its_changes_do_not_reach_us():
    frame = pd.DataFrame({"text": ["a", None, "c", "d"], "label": ["n", "p", float("nan"), pd.NA]})
    message = "row 2: the text is empty; rows 3, 4: the label is missing"
    with pytest.raises(UserError, match=message):
        sources.open_source(DataSettings(memory.register(frame)))
    frame = pd.DataFrame({"text": ["a", "b"], "label": ["n", "p"]})
    name = memory.register(frame)
    frame.loc[0, "text"] = "changed"
    examples = list(sources.open_source(DataSettings(name)).examples("train"))
    assert examples == [(b"a", 0), (b"b", 1)]


class Obj:
    """What does not say how it is written."""


@dataclasses.dataclass
class Review:
    text: str


class Colour(enum.Enum):
    RED = 1


class OneOfOne:
    """An array of one, as PyTorch has it on a GPU."""

    shape = ()

    def numpy(self):
        raise TypeError("can't convert")

    def item(self):
        return 3


def _tensor(value: object) -> object:
    import tensorflow as tf

    return tf.constant(value)


def _arrow(*values: object) -> object:
    return pytest.importorskip("pyarrow").array(values)


# A label as a program holds it, made where a test runs, and its class; none where it is refused.
LABELS_HELD = {
    "text": (lambda: "n", "n"),
    "bytes": (lambda: b"n", "n"),
    "number": (lambda: 3, "3"),
    "fraction": (lambda: 0.5, "0.5"),
    "bool": (lambda: True, "True"),
    "decimal": (lambda: decimal.Decimal("1.50"), "1.50"),
    "date": (lambda: datetime.date(2026, 1, 2), "2026-01-02"),
    "time": (lambda: pd.Timestamp("2026-01-02"), "2026-01-02 00:00:00"),
    "interval": (lambda: pd.Interval(0, 1), "(0, 1]"),
    "path": (lambda: pathlib.PurePosixPath("a/b"), "a/b"),
    "a member": (lambda: Colour.RED, "Colour.RED"),
    "numpy's number": (lambda: np.int64(3), "3"),
    "numpy's float32": (lambda: np.float32(0.1), "0.1"),
    "numpy's date": (lambda: np.datetime64("2026-01-02"), "2026-01-02"),
    "array of one": (lambda: np.array(3), "3"),
    "array of one text": (lambda: np.array(b"n"), "n"),
    "tensor": (lambda: _tensor(3), "3"),
    "tensor of text": (lambda: _tensor("n"), "n"),
    "one that is elsewhere": (OneOfOne, "3"),
    "Arrow's": (lambda: _arrow("n")[0], "n"),
    "Arrow's number": (lambda: _arrow(3)[0], "3"),
    "object": (Obj, None),
    "dataclass": (lambda: Review("n"), None),
    "function": (lambda: len, None),
    "class": (lambda: Obj, None),
    "range": (lambda: range(3), None),
    "frozen": (lambda: frozenset("n"), None),
    "bytes that change": (lambda: bytearray(b"n"), None),
    "list": (lambda: ["n"], None),
    "tensor of several": (lambda: _tensor([1, 2]), None),
    "Arrow's null": (lambda: _arrow("n", None)[1], None),
}


@pytest.mark.parametrize("name", LABELS_HELD)
def test_a_value_is_read_as_python_has_it_or_refused(name):
    make, expected = LABELS_HELD[name]
    value = make()
    if expected is None:
        for pair in ((["a", "b"], ["x", value]), (["a", value], ["x", "y"])):
            with pytest.raises(UserError, match=r"row 2: the (text|label) is"):
                sources.open_source(DataSettings(memory.register(pair)))
        return
    source = sources.open_source(DataSettings(memory.register((["a", "b"], ["x", value]))))
    assert set(source.classes) == {"x", expected}
    texts = memory.register((["a", value], ["x", "y"]))
    read = [text for text, _ in sources.open_source(DataSettings(texts)).examples("train")]
    assert read == [b"a", expected.encode()]


def test_columns_of_arrow_and_of_tensors_are_lists():
    pa = pytest.importorskip("pyarrow")
    texts, labels = ["a", "b"], ["n", "p"]
    plain = memory.register((texts, labels))
    arrow = pa.table({"text": texts, "label": labels})
    chunked = (pa.chunked_array([texts]), pa.chunked_array([labels]))
    tensors = (_tensor(texts), _tensor(labels))
    assert {memory.register(one) for one in (arrow, chunked, tensors)} == {plain}
    for kind in (pa.array, lambda values: pa.chunked_array([values])):
        with pytest.raises(UserError, match=r"row 2: the label is empty \(null\)"):
            sources.open_source(DataSettings(memory.register((kind(texts), kind(["n", None])))))


def test_classes_of_hugging_face_have_their_names_in_memory_too(tmp_path):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])}
    )
    columns = {"text": [f"text {n}" for n in range(20)], "label": [0, 1] * 10}
    made = datasets.Dataset.from_dict(columns, features=features)
    made.save_to_disk(tmp_path / "saved")
    saved = sources.identify(DataSettings(str(tmp_path / "saved")))
    formatted = made.with_format("numpy")
    pairs = [(one["text"], one["label"]) for one in (made, formatted)]
    for one in (made, formatted, made.to_iterable_dataset(), *pairs):
        known = sources.look(DataSettings(memory.register(one)))
        assert known.classes == ("neg", "pos")
        assert known.settings.fingerprint == saved.fingerprint
    columns["label"][3] = -1
    name = memory.register(datasets.Dataset.from_dict(columns, features=features))
    with pytest.raises(UserError, match="row 4: the label is -1, which is no class"):
        sources.open_source(DataSettings(name))
    assert sources.open_source(DataSettings(name, skip_bad=True)).size("train") == 19


FRAME = pd.DataFrame({"text": ["a", "b"], "label": ["n", "p"]})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((FRAME[["text"]], FRAME[["label"]]),), r"DataFrame is a table: .* table\['text'\]"),
        (((FRAME["text"], FRAME[["label"]]),), r"DataFrame is a table: .* table\['label'\]"),
        ((({"text": ["a", "b"]}, ["n", "p"]),), "a dict is a table"),
        (({"text": FRAME[["text"]], "label": ["n", "p"]},), "a DataFrame is a table"),
        (((np.array("ab"), ["n", "p"]),), "come as lists; 'ab' is none"),
        (((["a"], ["n", "p"]),), "1 texts and 2 labels"),
        (("a.csv",), "give a DataFrame"),
        ((("text", ["n"]),), "come as lists"),
        (({"body": ["a"], "label": ["n"]},), "no column 'text'"),
    ],
)
def test_what_is_no_table_is_refused_when_it_is_given(arguments, message):
    with pytest.raises(UserError, match=message):
        memory.register(*arguments)


def test_a_name_of_another_process_is_told_in_one_line_but_its_encoded_data_are_read(tmp_path):
    frame = frame_of(tmp_path / "a.csv")
    settings = sources.identify(DataSettings(memory.register(frame), vocabulary_size=50))
    made = corpus.load(settings, tmp_path / "cache")
    memory.forget(settings.dataset)
    again = corpus.load(settings, tmp_path / "cache")
    assert again.name == made.name == settings.dataset.replace(":", "_")
    with pytest.raises(UserError, match="another process or session"):
        sources.open_source(settings)


_LARGE = r"""
import re, sys, time
from pathlib import Path
from tflottery.data import corpus, encoding
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings
settings = sources.identify(DataSettings(sys.argv[1]))
corpus.load(settings, Path(sys.argv[2]))
peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
print(int(peak[1]) / 2**20)
"""


@pytest.mark.long
def test_a_million_rows_are_encoded_in_2_gb(tmp_path):
    words = np.array([f"word{n}" for n in range(30_000)])
    chance = np.random.default_rng(1)
    with (tmp_path / "a.csv").open("w") as stream:
        stream.write("text,label\n")
        for _ in range(1_000):
            drawn = words[(30_000 * chance.random((1_000, 100)) ** 3).astype(int)]
            stream.writelines(f'"{" ".join(row)}",{n % 2}\n' for n, row in enumerate(drawn))
    done = subprocess.run(
        [sys.executable, "-c", _LARGE, str(tmp_path / "a.csv"), str(tmp_path / "cache")],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert float(done.stdout) < 2
