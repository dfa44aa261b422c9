"""The look before the work: what is counted, and what it warns of."""

from __future__ import annotations

import dataclasses
import random
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.looking import Rows, clean, identified, look, relabelled
from tflottery import statistics
from tflottery.data import counting, findings
from tflottery.data.look import cautions as warnings
from tflottery.data.look import inspection, terminal
from tflottery.data.look.inspection import Inspection
from tflottery.data.look.near_labels import near_labels
from tflottery.data.reading import memory, sources
from tflottery.data.settings import DataSettings
from tflottery.data.words.scripts import count_letters
from tflottery.data.words.vocabulary import RESERVED
from tflottery.errors import DamagedFileError
from tflottery.files import seal


def parts(train: Rows, validation: Rows, test: Rows, **settings: object) -> Inspection:
    columns = [tuple(map(list, zip(*rows, strict=True))) for rows in (train, validation, test)]
    name = memory.register(*columns)
    return inspection.inspect(sources.identify(DataSettings(dataset=name, **settings)))


def headings(seen: Inspection) -> list[str]:
    return [line.partition(":")[0] for line in seen.cautions]


def replaced(count: int, text: str) -> Rows:
    """Every so many-th text is this one, with a number for ``{}``."""
    return [(text.format(n) if n % count < 2 else one, label)
            for n, (one, label) in enumerate(clean())]  # fmt: skip


HAN = "".join(chr(0x4E00 + 7 * n) for n in range(60))
THAI = "".join(chr(0x0E01 + n) for n in range(40))


def run_on(letters: str, length: int) -> Rows:
    draw = random.Random(9)
    return [("".join(draw.choice(letters) for _ in range(length)), label) for _, label in clean()]


def spaced(letters: str, length: int) -> Rows:
    """Words of a few letters, as a program that finds words leaves them."""
    draw = random.Random(9)
    words = ["".join(draw.choice(letters) for _ in range(length)) for _ in range(30)]
    return [(" ".join(draw.choice(words) for _ in range(12)), label) for _, label in clean()]


def test_clean_data_are_without_a_caution():
    seen = look(clean())
    assert seen.cautions == () and len(seen.short) == 2
    assert "\n" not in repr(seen)


def test_other_shares_in_a_held_out_split_are_told():
    rows = clean(3_000)
    skewed = [row for n, row in enumerate(rows[1_000:2_000]) if row[1] == "bad" or n % 20 == 1]
    seen = parts(rows[:1_000], skewed, rows[2_000:])
    (line,) = [one for one in seen.cautions if one.startswith("Shares that differ: ")]
    assert "50.0 % of the training texts are 'bad', but 90.9 % of validation" in line


@pytest.mark.parametrize(
    ("rows", "settings", "heading", "said"),
    [
        (relabelled(0.1), {}, "Skewed classes", "scores 90.0 % on test data. Judge by balanced"),
        (clean(400), {}, "Few texts", "64 of validation cannot tell differences under 12 points"),
        (relabelled(0.01), {}, "Small classes", "'rare' has 4 validation and 5 test texts"),
        (clean(words=100), {"max_length": 40}, "Long texts", "--set data.max_length=101 "),
        (
            [(f"{text} x{n} y{n} z{n} u{n} v{n}", label) for n, (text, label) in
             enumerate(clean(words=6))],
            {}, "Unknown words", "stand in no training text: add texts",
        ),
        (clean(), {"vocabulary_size": 10}, "Unknown words", "--set data.vocabulary_size=22."),
        (replaced(20, "the same again"), {}, "Copies", "Delete the copies"),
        (replaced(20, "the same again"), {}, "Equal texts of different classes", "250 texts"),
        (clean(labels=("positive", "postive")), {}, "Labels that are nearly equal",
         "'positive' (1,250 texts) and 'postive' (1,250 texts)"),
        (clean(labels=("sport", "sports")), {}, "Labels that are nearly equal", "in one way"),
        (clean(labels=("very good", "verygood")), {}, "Labels that are nearly equal", "one class"),
        (run_on(HAN, 14), {}, "Scripts without spaces", "--set data.tokens=auto"),
        (run_on(THAI, 30), {}, "Scripts without spaces", "100.0 % of the letters are Thai"),
        (replaced(60, "\U0001f600\U0001f44d" * 2), {}, "Texts without a word", "data.symbols"),
        ([(f"id{n}", label) for n, (_, label) in enumerate(clean())], {}, "Texts of one word",
         "--set data.text_column=NAME"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_each_fault_is_a_line_with_its_mend(rows, settings, heading, said):
    seen = look(rows, **settings)
    (line,) = [line for line in seen.cautions if line.startswith(f"{heading}: ")]
    assert said in line and "\n" not in line


@pytest.mark.parametrize(
    ("rows", "settings"),
    [
        (relabelled(0.25), {}),
        (clean(words=100), {"max_length": 90}),
        (replaced(100, "the same as number {}"), {}),
        (replaced(1_000, "\U0001f600"), {}),
        (replaced(50, "one{}"), {}),
        (spaced(HAN, 2), {}),
        (spaced(THAI, 6), {}),
        (clean(labels=("spam", "ham")), {}),
        (clean(labels=("moral", "amoral")), {}),
        (clean(labels=("10", "100", "-1", "+1")), {}),
    ],
)
def test_what_is_no_fault_yet_is_not_said(rows, settings):
    assert look(rows, **settings).cautions == ()


def test_copies_of_training_texts_are_told_for_splits_of_ones_own():
    train, validation, test = clean(1_000), clean(2_500)[1_000:1_500], clean(2_500)[1_500:2_000]
    assert headings(parts(train, validation, test)) == []
    seen = parts(train, validation, test[:-20] + train[:20])
    assert headings(seen) == ["Copies across splits"]
    assert "20 test texts (4.0 %) equal a training text" in seen.cautions[0]
    assert list(seen.splits["of_train"]) == [0, 0, 20]
    other = {"bad": "good", "good": "bad"}
    turned = [(text, other[label]) for text, label in train[:40]]
    assert headings(parts(train, validation, test[:-40] + turned)) == [
        "Equal texts of different classes", "Copies across splits",
    ]  # fmt: skip


def test_fewer_cautions_than_six_lines_are_all_said_and_more_are_counted():
    seen = look([(f"{n} {HAN}", ("positive", "postive")[n % 9 == 0]) for n in range(60)])
    assert len(seen.cautions) >= 4
    some = dataclasses.replace(seen.findings, caution="The source's own.")
    short = Inspection(some).short
    assert len(short) == 6
    left = len(Inspection(some).cautions) - 3
    assert short[-1] == f"{left} more cautions: bin/inspect shows them."
    assert short[2] == "Caution: The source's own."


def test_what_so_many_texts_can_tell():
    assert round(statistics.resolution(57)) == 13
    assert statistics.resolution(400) == pytest.approx(4.9)
    assert statistics.resolution(0) == np.inf
    # Half an interval of that width holds 95 % of the accuracies of guessing.
    guesses = np.random.default_rng(1).binomial(400, 0.5, 20_000) / 4
    within = np.abs(guesses - 50) <= statistics.resolution(400)
    assert 0.94 < within.mean() < 0.96


some_words = st.lists(st.sampled_from(["a", "b", "c", "d!"]), max_size=4).map(" ".join)
some_rows = st.lists(st.tuples(some_words, st.sampled_from(["x", "y"])), min_size=1, max_size=12)
# Both classes, and each with a word, stand in every split.
BASE = [("the first", "x"), ("the second", "y")]


@given(some_rows, some_rows, some_rows, st.integers(1, 3), st.integers(3, 6))
def test_the_counts_are_what_counting_by_hand_gives(train, validation, test, length, size):
    rows = {
        name: BASE + [(text or "...", label) for text, label in some]
        for name, some in (("train", train), ("validation", validation), ("test", test))
    }
    seen = parts(*rows.values(), max_length=length, vocabulary_size=size)
    split_words = {
        name: [re.findall(r"[a-z]+|!", text) for text, _ in some] for name, some in rows.items()
    }
    counted = Counter(word for words in split_words["train"] for word in words)
    known = sorted(counted, key=lambda word: (-counted[word], word))[: size - len(RESERVED)]
    everything = [
        (tuple(words), label)
        for name, some in rows.items()
        for words, (_, label) in zip(split_words[name], some, strict=True)
        if words
    ]
    seen_labels = {words: {label for other, label in everything if other == words} for words, _ in
                   everything}  # fmt: skip
    clashing = sum(len(seen_labels[words]) > 1 for words, _ in everything)
    assert seen.findings.contradicting == clashing
    of_train = {tuple(words) for words in split_words["train"] if words}
    for name, split in seen.findings.splits.items():
        texts = split_words[name]
        worded = [tuple(words) for words in texts if words]
        read = [word for words in texts for word in words[:length]]
        assert split.texts == len(texts) and split.wordless == len(texts) - len(worded)
        assert split.copies == len(worded) - len(set(worded))
        assert split.of_train == (0 if name == "train" else sum(w in of_train for w in worded))
        assert split.words == sum(map(len, texts)) and split.longest == max(map(len, texts))
        assert split.cut == sum(len(words) > length for words in texts)
        assert split.lost == split.words - len(read)
        assert split.read == len(read)
        assert split.unknown == sum(word not in known for word in read)
        assert split.new == sum(word not in counted for word in read)
        assert split.single == sum(len(words) == 1 for words in texts)
        assert split.quartiles == tuple(np.percentile(list(map(len, texts)), (25, 50, 75)))
        assert sum(split.histogram) == len(texts)
        assert split.by_class == tuple(sum(one == c for _, one in rows[name]) for c in ("x", "y"))


def test_tables_hold_fractions_and_numbers():
    seen = look(relabelled(0.2), max_length=10)
    assert list(seen.classes["class"]) == ["common", "rare"]
    assert list(seen.classes["train"]) == [1280, 320]
    assert seen.classes["train_share"].tolist() == [0.8, 0.2]
    assert seen.splits.set_index("split")["texts"].to_dict() == {
        "train": 1600, "validation": 400, "test": 500,
    }  # fmt: skip
    assert seen.splits["larger_class"].tolist() == [0.8, 0.8, 0.8]
    assert seen.splits["resolution"].iloc[1] == pytest.approx(4.9)
    assert seen.lengths["median"].tolist() == [13.0] * 3 and (seen.lengths["cut"] == 1).all()
    assert seen.lengths["lost"].tolist() == pytest.approx([3 / 13] * 3)
    assert "always answering 'common' scores 80.0 % on validation, 80.0 % on test" in seen.sentence


def test_encoding_counts_the_same_and_keeps_it(tmp_path, monkeypatch):
    settings = identified(clean(120) + clean(40, words=3), max_length=8)
    kept = inspection.inspect_encoded(settings, tmp_path)
    assert kept.findings == inspection.inspect(settings).findings
    monkeypatch.setattr(counting, "count", lambda *_: pytest.fail("counted again"))
    monkeypatch.setattr(sources, "open_source", lambda *_: pytest.fail("read again"))
    for again in (inspection.inspect, inspection.inspect_encoded):
        assert again(settings, tmp_path).findings == kept.findings


def test_data_that_were_encoded_before_tell_what_they_hold(tmp_path, monkeypatch):
    settings = identified(clean(120) + clean(40, words=3), max_length=8)
    whole = inspection.inspect_encoded(settings, tmp_path).findings
    (folder,) = tmp_path.iterdir()
    (folder / findings.FILE).unlink()
    seen = inspection.inspect_encoded(settings, tmp_path)
    told, train = seen.findings, seen.findings.splits["train"]
    assert not told.whole and train.lost is None and train.wordless is None
    assert train.longest == 8 and train.cut == whole.splits["train"].cut
    for split, before in whole.splits.items():
        for same in ("texts", "by_class", "unknown", "read", "single"):
            assert getattr(told.splits[split], same) == getattr(before, same)
    assert (told.letters, told.distinct) == (whole.letters, whole.distinct)
    assert seen.lengths["lost"].isna().all() and seen.splits["wordless"].isna().all()
    assert "and at most" in seen.read and "leaves out" not in seen.read
    assert terminal.tables(told)
    # Once.
    monkeypatch.setattr(counting, "count", lambda *_: pytest.fail("counted again"))
    assert inspection.inspect_encoded(settings, tmp_path).findings == told


def test_a_store_that_cannot_be_written_is_looked_at_all_the_same(tmp_path, monkeypatch):
    settings = identified(clean(120))
    inspection.inspect_encoded(settings, tmp_path)
    (folder,) = tmp_path.iterdir()
    (folder / findings.FILE).unlink()

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(inspection, "write_atomically", refuse)
    assert inspection.inspect_encoded(settings, tmp_path).findings.splits["train"].texts == 76
    assert not (folder / findings.FILE).exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"texts": 76', '"texts": 77'),
        lambda text: text[:-40],
        lambda text: seal({"format_version": 1, "inspection": {"name": "x"}}),
        lambda text: seal({"format_version": 1, "inspection": [1]}),
    ],
)
def test_damage_is_named(tmp_path, change):
    settings = identified(clean(120))
    inspection.inspect_encoded(settings, tmp_path)
    (path,) = tmp_path.glob(f"*/{findings.FILE}")
    path.write_text(change(path.read_text()))
    with pytest.raises(DamagedFileError, match=findings.FILE):
        inspection.inspect_encoded(settings, tmp_path)


@pytest.mark.parametrize(
    ("one", "other", "are_near"),
    [
        ("positive", "postive", True), ("neutral", "netural", True), ("sport", "sports", True),
        ("class", "classes", True), ("very good", "very_good", True), ("e-mail", "email", True),
        ("neg.", "neg", True), ("Négatif", "Negatif", True), ("good service", "good servce", True),
        ("positive", "negative", False), ("ham", "spam", False), ("1", "-1", False),
        ("10", "100", False), ("level 1", "level 2", False), ("type a", "type b", False),
        ("typea", "typeb", False), ("happy", "unhappy", False), ("moral", "amoral", False),
        ("C", "C++", False), ("A", "A-", False), ("new", "news", False), ("Pos", "pos", False),
        ("part i", "part ii", False), ("hypertension", "hypotension", False), ("4-5", "45", False),
        ("好", "坏", False), ("", "s", False),
    ],
)  # fmt: skip
def test_labels_are_near_where_one_was_meant(one, other, are_near):
    assert bool(near_labels([one, other])) is bool(near_labels([other, one])) is are_near


def test_thousands_of_labels_are_compared_by_kind():
    kinds = [f"sku category {number}" for number in range(3000)]
    words = ["".join("abcdefghij"[int(digit)] for digit in f"{n:05d}") for n in range(3000)]
    assert near_labels([*kinds, *words, "positive", "postive"]) == [("positive", "postive")]


@pytest.mark.parametrize(
    ("word", "spaceless", "long"),
    [
        ("hello", {}, 0), ("čeština", {}, 0), ("한국어는띄어쓰기를합니다", {}, 0),
        ("服务", {"Han": 2}, 0), ("这家店的服务非常好吃", {"Han": 10}, 10),
        ("とても美味しかったです", {"Han": 2, "kana": 9}, 11), ("コーヒー", {"kana": 4}, 0),
        ("ราคา", {"Thai": 4}, 0), ("อาหารอร่อยมากบริการดี", {"Thai": 21}, 21),
        ("ສະບາຍດີ", {"Lao": 7}, 0), ("ភាសាខ្មែរ", {"Khmer": 9}, 0), ("မြန်မာ", {"Burmese": 6}, 0),
        ("iphone手机", {"Han": 2}, 0),
    ],
)  # fmt: skip
def test_letters_of_scripts_without_spaces_are_counted(word, spaceless, long):
    letters = count_letters([word, "abc"], [2, 1])
    assert letters.all == 2 * len(word) + 3
    assert letters.spaceless == {script: 2 * count for script, count in spaceless.items()}
    assert letters.run_on == 2 * long


@pytest.mark.parametrize(
    ("fraction", "shown"),
    [(0.0, "0.0 %"), (1.0, "100.0 %"), (0.0001, "under 0.1 %"), (0.9999, "over 99.9 %"),
     (0.97, "97.0 %")],
)  # fmt: skip
def test_a_share_that_is_not_all_is_not_called_so(fraction, shown):
    assert warnings.percent(fraction) == shown
