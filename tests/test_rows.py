"""Where numbers stand: each row of README's findings and of the answers has the intervals of its
own contrasts, in the order in which it names them, by the tables once more."""

from __future__ import annotations

import re

import pytest

from tests.recomputing import study
from tests.stated import SAID
from tests.test_recomputed import _INTERVAL, PAGES, _is

COMPUTED = {(page, what): compute for page, what, compute in SAID}
LSTM_NOTE = tuple(f"note: LSTM {one}" for one in ("original", "end", "carried", "kept"))
NOTE_RANDOM = tuple(f"note: {one}" for one in ("carried", "kept", "fresh"))
README = {
    "Has a CNN winning tickets": (
        "new: ticket dense", "new: ticket new", "new: LSTM dense", "new: LSTM new", "new: clearer",
    ),
    "Do some beat": ("new: beats dense", "again: beats dense", "new: LSTM beats dense"),
    "Do an LSTM's tickets": (*LSTM_NOTE, "note: LSTM fresh"),
    "Is one-shot": ("new: one-shot", "new: LSTM one-shot"),
    "Past 95 %": (
        "new: random", "new: random one-shot", *NOTE_RANDOM, "note: carried - kept",
        "note: carried - fresh",
    ),
    "Do very sparse": ("new: steps", "new: rate 83.2", "new: rate 97.2", "new: rate, beyond dense"),
    "Is late rewinding": (
        "new: rewound", "new: rewound, sparsest", "new: rewound, else", "new: LSTM rewound",
        "new: rewound one-shot", "new: LSTM rewound one-shot",
    ),
    "Is much of a ticket": ("words, counts", "words, rest", "new: same cost"),
    "Does a ticket from IMDB": (
        "new: transfer dense", "new: transfer new", "news transfer: dense", "news transfer: new",
    ),
    "Are there tickets": (
        "new cnn_glove dense", "new cnn_glove new", "new lstm_glove dense", "new lstm_glove new",
        "news: dense", "news: new",
    ),
}  # fmt: skip
ANSWERS = {
    "A CNN has winning tickets": ("new: ticket dense", "new: ticket new"),
    "An LSTM has winning tickets": ("new: LSTM dense", "new: LSTM new"),
    "They are far clearer": ("new: clearer",),
    "Some tickets beat": ("new: beats dense", "new: LSTM beats dense"),
    "The same, asked again": ("again: beats dense",),
    "An LSTM's tickets beat": LSTM_NOTE,
    "They do so by their mask": ("note: LSTM fresh",),
    "One-shot": README["Is one-shot"],
    "Past 95 %": README["Past 95 %"][:2],
    "By the note's protocol": NOTE_RANDOM,
    "The trained embedding": README["Past 95 %"][-2:],
    "Very sparse": ("new: steps",),
    "Late rewinding is much better": ("new: rewound", "new: LSTM rewound"),
    "It is not decisive": ("new: rewound one-shot", "new: LSTM rewound one-shot"),
    "Much of a ticket": ("words, counts", "words, rest"),
    "A ticket is better than": ("new: same cost",),
    "Learning rates": README["Do very sparse"][1:],
    "A ticket from IMDB": README["Does a ticket from IMDB"][:2],
    "It wins on AG News": README["Does a ticket from IMDB"][2:],
    "A CNN that begins with GloVe": README["Are there tickets"][:2],
    "So has an LSTM": README["Are there tickets"][2:4],
    "A CNN has winning tickets on AG News": README["Are there tickets"][4:],
}
ROWS = [
    (page, row, named)
    for page, rows in (("README", README), ("answers", ANSWERS))
    for row, named in rows.items()
]


def _rows(page: str, begins: str) -> list[str]:
    text = PAGES[page].read_text(encoding="utf-8")
    return re.findall(rf"^\| {re.escape(begins)}(?! on AG).*\|$", text, re.MULTILINE)


@pytest.mark.parametrize(("page", "row", "named"), ROWS)
def test_a_row_has_its_own_intervals_in_order(page, row, named):
    (line,) = _rows(page, row)
    shown = _INTERVAL.findall(line)
    computed = [COMPUTED[page, what]() for what in named]
    assert len(shown) == len(computed)
    for one, other in zip(shown, computed, strict=True):
        assert _is(one, other), (one, other)


def test_how_many_never_get_there():
    cells = study("new cnn")
    sparse = (cells["part"] == "convergence") & (cells["method"] == "iterative")
    sparse &= cells["level"] == 0.972
    never = int(cells.loc[sparse, "steps_to_dense"].isna().sum())
    said = f"{never} of {int(sparse.sum())}"
    assert f"{said} never reach" in _rows("README", "Do very sparse")[0]
    assert f"({said} never get there" in _rows("answers", "Very sparse")[0]
