"""Normalisation, vocabulary and encoding."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tflottery.data.words.duplicates import words_of
from tflottery.data.words.text import normalise
from tflottery.data.words.vocabulary import UNKNOWN, Vocabulary
from tflottery.errors import DamagedFileError


def normalised(text: str | bytes) -> str:
    return normalise([text]).numpy()[0].decode()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("A GOOD Film.", "a good film"),
        ("one<br /><br/>two<BR>three", "one two three"),
        (r"first\nsecond", "first second"),
        ('the ""best"" one', "the best one"),
        ("don't, isn’t", "dont isnt"),
        ("Really?! No!", "really ? ! no !"),
        ("well-made (1999) 8/10", "well made 1999 8 10"),
        ("Überraschung: ÉCLAIR", "überraschung éclair"),
        ("정말 좋은 영화", "정말 좋은 영화"),
        ("so 😀 good", "so good"),
        (b"caf\xc3\xa9 \xff\xfe ok", "café ok"),
        ("", ""),
        (" \t\n ", ""),
        ("[PAD] [UNK]", "pad unk"),
    ],
)
def test_normalisation(raw, expected):
    assert normalised(raw) == expected


@pytest.mark.parametrize("raw", ["a\0b", "\0é good\0 film", "É\0"])
def test_a_nought_ends_no_text(raw):
    made = normalised(raw)
    assert made == " ".join(raw.replace("\0", " ").lower().split())
    assert made == words_of(raw.encode()).decode()


@given(st.text(max_size=80))
def test_normalisation_is_done_once_and_for_all(text):
    once = normalised(text.encode("utf-8", "replace"))
    assert "  " not in once and once == once.strip()
    assert normalised(once) == once


def test_normalisation_runs_inside_a_saved_model(tmp_path):
    module = tf.Module()
    module.serve = tf.function(normalise, input_signature=[tf.TensorSpec([None], tf.string)])
    tf.saved_model.save(module, str(tmp_path))
    texts = ["It's GREAT<br />", "한국 영화!", ""]
    loaded = tf.saved_model.load(str(tmp_path)).serve(tf.constant(texts))
    assert [text.decode() for text in loaded.numpy()] == [normalised(text) for text in texts]


def test_vocabulary_takes_the_frequent_and_breaks_ties_by_the_alphabet():
    words = ["c", "a", "b", "never", "often"]
    vocabulary = Vocabulary.from_counts(words, np.array([2, 2, 2, 0, 9]), size=5)
    assert vocabulary.words == ("[PAD]", "[UNK]", "often", "a", "b")


def test_encoding_cuts_marks_the_unknown_and_gives_the_empty_a_word():
    vocabulary = Vocabulary(("[PAD]", "[UNK]", "good", "film"))
    assert vocabulary.encode(["Good FILM", "a good one", "", "..."], max_length=2) == [
        [2, 3],
        [UNKNOWN, 2],
        [UNKNOWN],
        [UNKNOWN],
    ]


def test_vocabulary_survives_the_disk(tmp_path):
    vocabulary = Vocabulary(("[PAD]", "[UNK]", "영화", "!"))
    (tmp_path / "v").write_text(vocabulary.to_text(), encoding="utf-8")
    assert Vocabulary.from_file(tmp_path / "v") == vocabulary


@pytest.mark.parametrize("words", [("good",), ("[PAD]", "[UNK]", "a", "a")])
def test_a_vocabulary_that_cannot_be_is_damage(words):
    with pytest.raises(DamagedFileError):
        Vocabulary(words)
