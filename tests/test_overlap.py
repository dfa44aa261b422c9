"""Held-out texts that a network cannot tell from training texts, or from each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import write_reviews
from tflottery.data import overlap
from tflottery.data.encoded import Encoded
from tflottery.data.encoding import encode
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings

IGNORED = 3
TEXTS = st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=3), max_size=12)


def encoded(texts) -> Encoded:
    offsets = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    ids = np.array([one for text in texts for one in text], np.int32)
    return Encoded(ids, offsets, np.zeros(len(texts), np.int32))


@given(TEXTS, TEXTS)
def test_unseen_and_first_texts_are_those_that_a_plain_search_finds(held, train):
    def known(text):
        return sorted(one for one in text if one != IGNORED)

    bags, seen = [known(text) for text in held], [known(text) for text in train]
    assert overlap.unseen(encoded(held), encoded(train), (IGNORED,)).tolist() == [
        bag != [] and bag not in seen for bag in bags
    ]
    assert overlap.firsts(encoded(held), (IGNORED,)).tolist() == [
        bag not in bags[:place] for place, bag in enumerate(bags)
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["a fine film,pos", "fine film,neg"], [False, True]),
        # Unknown words and exclamations make no text another one, nor does the order of words.
        (["a fine film zzzz,pos", "film! fine a yyyy,neg"], [False, False]),
        (["A  FINE <br/> film!,neg", "a fine film ! x y z,neg"], [False, False]),
        (["zzzz yyyy,neg", "a film,neg"], [False, True]),
    ],
)
def test_a_text_is_the_known_words_that_the_network_reads_of_it(tmp_path, rows, expected):
    write_reviews(tmp_path / "train.csv")
    more = "\n".join(["a fine film,pos", "a fine film !,pos"])
    with (tmp_path / "train.csv").open("a", encoding="utf-8") as file:
        file.write(f"{more}\n")
    for name in ("validation", "test"):
        (tmp_path / f"{name}.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    settings = sources.identify(DataSettings(dataset=str(tmp_path), max_length=4))
    corpus = encode(sources.open_source(settings), settings)
    assert corpus.unseen("test").tolist() == expected
    assert corpus.unseen("validation").tolist() == expected
