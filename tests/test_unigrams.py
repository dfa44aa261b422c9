"""Word counts: merging, coverage and divergence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflottery.data.words.unigrams import Unigrams, divergence, merge
from tflottery.data.words.vocabulary import Vocabulary


def unigrams(**counts: int) -> Unigrams:
    return Unigrams(tuple(counts), np.array(list(counts.values()), np.int64))


counted = st.dictionaries(st.sampled_from("abcdefg"), st.integers(1, 50), min_size=1).map(
    lambda counts: unigrams(**counts)
)


def test_divergence_by_hand():
    assert divergence(unigrams(a=3, b=1), unigrams(b=5, a=15)) == pytest.approx(0.0, abs=1e-12)
    assert divergence(unigrams(a=1), unigrams(b=7)) == pytest.approx(1.0)
    # Half of the mass is shared: (1 * log2(1 / 0.75) + 0.5 * log2(0.5 / 0.75) + 0.5 * 1) / 2
    expected = (np.log2(4 / 3) + 0.5 * np.log2(2 / 3) + 0.5) / 2
    assert divergence(unigrams(a=2), unigrams(a=1, b=1)) == pytest.approx(expected)


@given(counted, counted)
def test_divergence_is_symmetric_and_between_0_and_1(one, other):
    there, back = divergence(one, other), divergence(other, one)
    assert there == pytest.approx(back) and -1e-12 <= there <= 1 + 1e-12


@given(counted, counted)
def test_merging_adds_counts(one, other):
    together = merge([one, other])
    both = dict(zip(together.words, together.counts.tolist(), strict=True))
    for part in (one, other):
        for word, count in zip(part.words, part.counts.tolist(), strict=True):
            both[word] -= count
    assert set(both.values()) == {0}


def test_the_part_that_a_vocabulary_does_not_hold():
    words = unigrams(a=6, b=3, c=1)
    assert words.unknown_to(words.vocabulary(4)) == pytest.approx(0.1)
    assert words.unknown_to(Vocabulary(("[PAD]", "[UNK]"))) == 1.0
