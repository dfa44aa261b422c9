"""The words and n-grams that decide a class: found with few questions, by what they do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exported import CLASSES
from tests.test_explain import bag
from tflottery.reasons.deciding import TEXTS, decide, deciding_words, drawn
from tflottery.reasons.filters import strongest
from tflottery.reasons.words import Ask

NAMES = ["[PAD]", "[UNK]", *(f"w{number}" for number in range(2, 6_000))]
ROWS = np.arange(len(NAMES), dtype=np.int32)


def counted(ask: Ask) -> tuple[Ask, list[int]]:
    """The same, and how many texts were asked for each time."""
    asked: list[int] = []

    def ask_and_count(texts):
        asked.append(len(texts))
        return ask(texts)

    return ask_and_count, asked


def test_an_effect_is_what_the_log_odds_lose_without_the_word_wherever_it_stands():
    weights = np.zeros((10, 1))
    weights[2], weights[3], weights[4] = 1.0, -2.0, 9.0
    ids = [[2, 3, 5], [2, 2, 3], [4, 5], [1, 1]]
    ask = bag(weights, np.zeros(1))
    found = decide(ids, ask, NAMES, CLASSES, {}, ROWS, "validation", 40)
    assert found.words[["class", "word", "texts"]].values.tolist() == [
        ["negative", "w3", 2], ["positive", "w2", 2],
    ]  # fmt: skip
    assert found.words["effect"].tolist() == pytest.approx([2, 1.5])
    assert (found.texts, found.of, found.split) == (4, 40, "validation") and found.ngrams.empty
    nothing = decide([], ask, NAMES, CLASSES, {}, ROWS, "test", 0)
    assert nothing.words.empty and nothing.texts == 0


@settings(max_examples=8)
@given(st.integers(0, 1_000), st.integers(2, 4))
def test_of_a_bag_of_words_the_heaviest_words_are_found(seed, classes):
    """Rare ones among many that do little, in texts that hold each word once at most."""
    random = np.random.default_rng(seed)
    weights = random.normal(0, 0.05, (400, classes))
    heavy = random.choice(np.arange(2, 400), 2 * classes, replace=False).reshape(classes, 2)
    for number, words in enumerate(heavy):
        weights[words, number] += 3
    ids = [random.choice(np.arange(1, 400), 30, replace=False).tolist() for _ in range(200)]
    ask = bag(weights, np.zeros(classes))
    names = [f"class {number}" for number in range(classes)]
    table = deciding_words(ids, ask(ids), ask, NAMES, names)
    for number, words in enumerate(heavy):
        first = table[table["class"] == names[number]]["word"].tolist()[:2]
        assert set(first) == {NAMES[word] for word in words}
    assert "[UNK]" not in set(table["word"])


def test_so_many_scores_are_asked_for_however_long_texts_are():
    random = np.random.default_rng(0)
    ids = [random.integers(2, len(NAMES), 120).tolist() for _ in range(TEXTS)]
    ask, asked = counted(bag(random.normal(0, 0.1, (len(NAMES), 1)), np.zeros(1)))
    found = decide(ids, ask, NAMES, CLASSES, {}, ROWS, "validation", TEXTS)
    assert sum(asked) <= TEXTS + 160 * 12 and len(found.words) == 20


def test_the_same_texts_are_drawn_each_time():
    assert drawn(3).tolist() == [0, 1, 2] and drawn(0).tolist() == []
    assert len(drawn(2_500)) == TEXTS and drawn(2_500).tolist() == drawn(2_500).tolist()
    assert (np.diff(drawn(2_500)) > 0).all()


@pytest.mark.parametrize(
    "shapes",
    [
        {},
        {"conv_3/kernel": (3, 4, 5)},
        {"conv_3/kernel": (3, 3, 4, 5), "conv_3/bias": (5,)},
        {"conv_3/kernel": (3, 9, 5), "conv_3/bias": (5,)},
        {"conv_3/kernel": (3, 4, 5), "conv_3/bias": (5,), "head/kernel": (5, 2, 1)},
        {"conv_3/kernel": (3, 4, 5), "conv_3/bias": (5,), "embedding/embeddings": (2, 4)},
    ],
)
def test_a_network_with_names_of_the_cnn_s_has_no_filters(shapes):
    whole = {"embedding/embeddings": (9, 4), "head/kernel": (5, 1), "head/bias": (1,), **shapes}
    weights = {name: np.ones(shape, np.float32) for name, shape in whole.items()}
    scores = np.array([[0.5, 0.5]])
    rows = np.arange(9, dtype=np.int32)
    assert strongest(weights, rows, [["w2"]], [[2]], scores, CLASSES).empty
