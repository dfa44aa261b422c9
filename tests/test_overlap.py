"""Held-out texts that a network cannot tell from training texts, or from each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import write_reviews
from tflottery.data import overlap, sources
from tflottery.data.encoded import Encoded
from tflottery.data.encoding import encode
from tflottery.data.settings import DataSettings

TEXTS = st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=3), max_size=12)


def encoded(texts) -> Encoded:
    offsets = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    ids = np.array([one for text in texts for one in text], np.int32)
    return Encoded(ids, offsets, np.zeros(len(texts), np.int32))


@given(TEXTS, TEXTS)
def test_unseen_and_first_texts_are_those_that_a_plain_search_finds(held, train):
    assert overlap.unseen(encoded(held), encoded(train)).tolist() == [x not in train for x in held]
    assert overlap.firsts(encoded(held)).tolist() == [
        text not in held[:place] for place, text in enumerate(held)
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["a fine film,pos", "something else again,neg"], [False, True]),
        # Unknown words are all one, and what lies beyond the length is not read.
        (["a fine zzzz,pos", "a fine yyyy,neg"], [True, True]),
        (["A  FINE <br/> film!,neg", "a fine film ! x y z,neg"], [False, False]),
    ],
)
def test_a_text_is_what_the_network_reads_of_it(tmp_path, rows, expected):
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
