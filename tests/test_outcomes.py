"""The outcomes that README and docs/results/answers.md give to claims, by the tests once more.

With pandas and scipy alone, as ``test_recomputed.py``: t tests, two one-sided tests, Holm.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.criteria_page import WEIGHTS_ASKED, of_competing_layers, weights_asked
from tests.recomputing import (
    AT_END,
    AT_ONE,
    CARRIED,
    FINE_TUNED,
    GRID,
    KEPT,
    LENGTHS,
    LSTM_LEVELS,
    MIDDLE,
    NEW,
    NOTE_LEVELS,
    RANDOM,
    RATE_REWOUND,
    RESULTS,
    SHOT,
    SHOT_NEW,
    SHOT_ONE,
    SOURCE,
    SOURCE_NEW,
    TARGET_DENSE,
    TICKET,
    arm,
    best_of_dense,
    beyond_gradual,
    beyond_length,
    cell,
    dense,
    holm,
    mean_of,
    over,
    raised,
    study,
    words,
)  # fmt: skip
from tests.test_recomputed import PAGES

SHOTS = (0.59, 0.832)

# Of each claim that was asked of new seeds: what the pages call it, what each contrast of its
# family asks, and the margins, the widest first, where there are any.
ASKED = {
    "A CNN has winning tickets": (("not worse", "above"), (0.5,)),
    "An LSTM has winning tickets": (("not worse", "above"), (0.5,)),
    "They are far clearer in the LSTM": (("above",), ()),
    "Some tickets beat": (("above",) * 2, ()),
    "The same, asked again": (("above, else equivalent",), (0.5, 0.25)),
    "It wins on AG News": (("not worse", "above"), (1.0,)),
    "A CNN that begins with GloVe": (("not worse", "above"), (0.5,)),
    "So has an LSTM": (("not worse", "above"), (0.5,)),
    "An LSTM's tickets beat": (("above",) * 4, ()),
    "They do so by their mask": (("above",), ()),
    "One-shot": (("above, else equivalent",) * 2, (0.5, 0.25)),
    "Past 95 %": (("above", "above"), ()),
    "By the note's protocol": (("above",) * 3, ()),
    "The trained embedding": (("above",) * 2, ()),
    "Very sparse": (("above",), ()),
    "Late rewinding is much better": (("above, else equivalent",) * 2, (0.5, 0.25)),
    "It is not decisive": (("equivalent",) * 2, (0.5, 0.25)),
    "Late rewinding does more": (("above, else equivalent",) * 3, (0.5, 0.25)),
    "Weights of the round before": (("above, else equivalent",) * 2, (0.5, 0.25)),
    "A ticket is better than gradual": (("above, else equivalent",), (0.5, 0.25)),
    "Much of a ticket is": (("above", "above"), ()),
    "A ticket is better than the best": (("above, else equivalent",), (0.5, 0.25)),
    "Learning rates": (("above, else equivalent",) * 3, (0.5, 0.25)),
    "A ticket from IMDB": (("not worse", "above"), (0.5,)),
    **WEIGHTS_ASKED,
    "A ticket is better where": (("above, else equivalent",) * 3, (0.5, 0.25)),
    "A CNN has winning tickets on AG News": (("not worse", "above"), (1.0,)),
}
# Of these each contrast has its own outcome: of the CNN and the LSTM, or of three embeddings.
OF_EACH = (
    "Some tickets beat", "One-shot", "Late rewinding is much better", "It is not decisive",
    "By the note's protocol", "Late rewinding does more", "Weights of the round before",
    "A ticket is better where", *WEIGHTS_ASKED,
)  # fmt: skip
Pair = tuple[pd.Series, pd.Series | None]
WORDS = (
    "held", "did not hold", "equivalent within 0.25", "equivalent within 0.5", "cannot tell",
)  # fmt: skip


@cache
def _pairs() -> dict[str, list[Pair]]:
    """The values behind each contrast: differences by seed, or two groups."""
    cnn, lstm = "new cnn", "new lstm_long"

    def sparse(name: str) -> pd.Series:
        return mean_of(name, TICKET, (0.36, 0.59))

    frame = study(cnn)
    frame = frame[(frame["part"] == "convergence") & (frame["method"] != "one_shot")]
    frame = frame[(frame["method"] == "dense") | np.isclose(frame["level"], 0.972)]
    steps = frame["steps_to_dense"].fillna(frame["epochs"] * frame["steps_per_epoch"])
    is_dense = frame["method"] == "dense"
    return {
        "A CNN has winning tickets": [
            (cell(cnn, *TICKET, 0.832), dense(cnn)), (over(cnn, TICKET, NEW, [0.832]), None),
        ],
        "An LSTM has winning tickets": [
            (cell(lstm, *TICKET, 0.672), dense(lstm)), (over(lstm, TICKET, NEW, [0.672]), None),
        ],
        "They are far clearer in the LSTM": [
            (over(lstm, TICKET, NEW, (0.36, 0.59)), over(cnn, TICKET, NEW, (0.36, 0.59))),
        ],
        "Some tickets beat": [(sparse(name), dense(name)) for name in (cnn, lstm)],
        "The same, asked again": [(sparse("again cnn"), dense("again cnn"))],
        "It wins on AG News": [
            (arm("news", *SOURCE, 0.832), arm("news", *TARGET_DENSE, 0.0)),
            (arm("news", *SOURCE, 0.832) - arm("news", *SOURCE_NEW, 0.832), None),
        ],
        "A CNN that begins with GloVe": [
            (cell("new cnn_glove", *TICKET, 0.832), dense("new cnn_glove")),
            (over("new cnn_glove", TICKET, NEW, [0.832]), None),
        ],
        "So has an LSTM": [
            (cell("new lstm_glove", *TICKET, 0.672), dense("new lstm_glove")),
            (over("new lstm_glove", TICKET, NEW, [0.672]), None),
        ],
        "An LSTM's tickets beat": [
            (mean_of("note lstm", kind, NOTE_LEVELS), dense("note lstm"))
            for kind in (TICKET, AT_END, CARRIED, KEPT)
        ],
        "They do so by their mask": [
            (mean_of("note lstm", RANDOM, NOTE_LEVELS), dense("note lstm")),
        ],
        "One-shot": [
            (over(cnn, SHOT, TICKET, MIDDLE), None), (over(lstm, SHOT, TICKET, SHOTS), None),
        ],
        "Past 95 %": [
            (over(cnn, RANDOM, TICKET, [0.972]), None), (over(cnn, SHOT_NEW, SHOT, [0.972]), None),
        ],
        "By the note's protocol": [
            (over("note cnn", kind, TICKET, [0.972]), None) for kind in (CARRIED, KEPT, RANDOM)
        ],
        "The trained embedding": [
            (over("note cnn", CARRIED, kind, [0.972]), None) for kind in (KEPT, RANDOM)
        ],
        "Very sparse": [(steps[~is_dense], steps[is_dense])],
        "Late rewinding is much better": [
            (over(cnn, AT_ONE, TICKET, GRID), None),
            (over(lstm, AT_ONE, TICKET, LSTM_LEVELS), None),
        ],
        "It is not decisive": [
            (over(cnn, SHOT_ONE, SHOT, GRID), None), (over(lstm, SHOT_ONE, SHOT, SHOTS), None),
        ],
        "Late rewinding does more": [
            (beyond_length(*of_what), None) for of_what in LENGTHS.values()
        ],
        "Weights of the round before": [
            (over("later cnn", kind, AT_ONE, (0.832, 0.972)), None)
            for kind in (RATE_REWOUND, FINE_TUNED)
        ],
        "A ticket is better than gradual": [(beyond_gradual(), None)],
        "A ticket is better than the best": [(cell(cnn, *TICKET, 0.832), best_of_dense(cnn, 9))],
        "A ticket from IMDB": [
            (arm("new", *SOURCE, 0.832), arm("new", *TARGET_DENSE, 0.0)),
            (arm("new", *SOURCE, 0.832) - arm("new", *SOURCE_NEW, 0.832), None),
        ],
        "Learning rates": [
            (raised("ticket", 0.832), None), (raised("ticket", 0.972), None),
            (raised("ticket", 0.972), raised("dense", 0.0)),
        ],
        "A CNN has winning tickets on AG News": [
            (cell("new ag_news", *TICKET, 0.832), dense("new ag_news")),
            (over("new ag_news", TICKET, NEW, [0.832]), None),
        ],
        "A ticket is better where": of_competing_layers(),
        **{claim: [(one, None) for one in family] for claim, family in weights_asked().items()},
        "Much of a ticket is": [
            (words("shuffled_words", "shuffled", 0.832, 0.972), None),
            (words("ticket", "shuffled_words", 0.832, 0.972), None),
        ],
    }  # fmt: skip


def _p(one: pd.Series, other: pd.Series | None, at: float = 0.0, side: str = "two-sided") -> float:
    if other is None:
        return float(stats.ttest_1samp(one - at, 0, alternative=side).pvalue)
    return float(stats.ttest_ind(one - at, other, equal_var=False, alternative=side).pvalue)


def _within(one: pd.Series, other: pd.Series | None, margin: float) -> float:
    """The p value of two one-sided tests."""
    return max(_p(one, other, -margin, "greater"), _p(one, other, margin, "less"))


def _outcomes(claim: str) -> list[str]:
    return outcomes_of(*ASKED[claim], _pairs()[claim])


def outcomes_of(asked: Sequence[str], margins: Sequence[float], values: list[Pair]) -> list[str]:
    """The outcome of each contrast of a claim, after Holm's correction over all of them.

    Args:
        asked: what each asks.
        margins: the widest first.
        values: of each, differences by seed, or two groups.
    """
    ps = [
        _p(*pair, -margins[0], "greater") if how == "not worse"
        else _within(*pair, margins[0]) if how == "equivalent"
        else _p(*pair)
        for how, pair in zip(asked, values, strict=True)
    ]  # fmt: skip
    within = {margin: holm([_within(*pair, margin) for pair in values]) for margin in margins}
    found = []
    for place, (how, p) in enumerate(zip(asked, holm(ps), strict=True)):
        one, other = values[place]
        mean = one.mean() - (0.0 if other is None else other.mean())
        equivalent = [margin for margin in margins if within[margin][place] < 0.05]
        if how != "equivalent" and p < 0.05:
            found.append("held" if mean > 0 or how == "not worse" else "did not hold")
        elif how in ("not worse", "equivalent") and _beyond(how, values, margins[0])[place] < 0.05:
            found.append("did not hold")  # the interval lies beyond the margin
        elif "equivalent" in how and equivalent:
            found.append(f"equivalent within {equivalent[-1]:g}")
        else:
            found.append("cannot tell")
    return found


def _beyond(how: str, values: list[Pair], margin: float) -> list[float]:
    """The p value, of all contrasts of a claim, that a difference lies beyond the margin: below it,
    where equivalence is asked on either side; two-sided, as the interval is."""
    sides = [[_p(*pair, -margin, "less")] for pair in values]
    if how == "equivalent":
        sides = [
            [*ps, _p(*pair, margin, "greater")] for ps, pair in zip(sides, values, strict=True)
        ]
    return holm([min(1.0, 2 * min(ps)) for ps in sides])


def _outcome(claim: str) -> str:
    """Of a claim that says all of its contrasts at once: one that does not hold is enough."""
    found = set(_outcomes(claim))
    if "did not hold" in found:
        return "did not hold"
    if all(one.startswith("equivalent") for one in found):
        return max(found, key=lambda one: float(one.split()[-1]))
    return found.pop() if len(found) == 1 else "cannot tell"


# README's rows, each of several claims: whose outcomes stand in it, in this order. Of a claim of
# both networks, which of the two.
Named = tuple[str | tuple[str, int], ...]
ROWS: dict[str, Named] = {
    "A CNN has winning tickets at": (
        "A CNN has winning tickets", "An LSTM has winning tickets",
        "They are far clearer in the LSTM",
    ),
    "Tickets at 36 and 59": (
        ("Some tickets beat", 0), "The same, asked again", ("Some tickets beat", 1),
    ),
    "By the earlier study's protocol": ("An LSTM's tickets beat", "They do so by their mask"),
    "From 59 to 83.2": ("One-shot",),
    "Past 95 %": ("Past 95 %", "By the note's protocol", "The trained embedding"),
    "Very sparse CNNs": ("Very sparse", "Learning rates"),
    "Late rewinding": (
        "Late rewinding is much better", "It is not decisive", "Late rewinding does more",
        "Weights of the round before",
    ),
    "Much of a ticket": (
        "Much of a ticket is", "A ticket is better than the best",
        "A ticket is better than gradual",
    ),
    "A ticket from IMDB": ("A ticket from IMDB", "It wins on AG News"),
    "Networks that begin": (
        "A CNN that begins with GloVe", "So has an LSTM", "A CNN has winning tickets on AG News",
    ),
    "A CNN that is pruned before": tuple(WEIGHTS_ASKED),
    "At 97.2 %": ("A ticket is better where",),
}  # fmt: skip
# And what the story of the results says, a point each.
POINTS: dict[str, Named] = {
    "A CNN has winning": ("A CNN has winning tickets",),
    "An LSTM has no": ("An LSTM has winning tickets", "They are far clearer in the LSTM"),
    "As the note's code": ("An LSTM's tickets beat", "They do so by their mask"),
    "Tickets at 36": ("The same, asked again", ("Some tickets beat", 1)),
    "Rounds pay late": ("One-shot",),
    "Past 95 %": ("Past 95 %", "By the note's protocol", "The trained embedding"),
    "Late rewinding": (
        "Late rewinding is much better",
        "It is not decisive",
        "Late rewinding does more",
        "Weights of the round before",
    ),
    "At 97.2 %": ("Very sparse", "Learning rates"),
    "Much of a ticket": ("Much of a ticket is",),
    "A ticket lies near": (
        "A ticket is better than the best",
        "A ticket is better than gradual",
    ),
    "Transfer": ("A ticket from IMDB", "It wins on AG News"),
    "Other beginnings": ROWS["Networks that begin"],
    "Pruned before": tuple(WEIGHTS_ASKED),
    "Where layers compete": ("A ticket is better where",),
}


def _said(page: str, claim: str) -> list[str]:
    """The outcomes in the last cell of a page's row that begins with these words."""
    (row,) = re.findall(
        rf"^\| {claim}(?! on AG)[^|\n]*\|.*\|$", PAGES[page].read_text("utf-8"), re.MULTILINE
    )
    return re.findall("|".join(map(re.escape, WORDS)), row.split("|")[-2])


def _shown(claim: str) -> list[str]:
    return _outcomes(claim) if claim in OF_EACH else [_outcome(claim)]


def _of_each(named: Named) -> list[str]:
    return [
        outcome
        for one in named
        for outcome in (_shown(one) if isinstance(one, str) else [_shown(one[0])[one[1]]])
    ]


@pytest.mark.parametrize("claim", sorted(ASKED))
def test_each_outcome_is_that_of_the_tests(claim):
    assert _said("answers", claim) == _shown(claim)


@pytest.mark.parametrize("row", ROWS)
def test_readmes_rows_have_the_outcomes_of_their_claims(row):
    assert _said("README", row) == _of_each(ROWS[row])


@pytest.mark.parametrize("point", POINTS)
def test_the_storys_points_have_the_outcomes_of_their_claims(point):
    story = (RESULTS / "README.md").read_text("utf-8").partition("## What holds")[2]
    (text,) = (" ".join(one.split()) for one in story.split("\n- ") if one.startswith(f"**{point}"))
    said = re.findall("|".join(rf"\*\*({re.escape(one)})" for one in WORDS), text)
    assert {next(filter(None, one)) for one in said} == set(_of_each(POINTS[point]))


def test_readme_and_the_story_have_every_claim():
    for table in (ROWS, POINTS):
        named = {one if isinstance(one, str) else one[0] for row in table.values() for one in row}
        assert named == set(ASKED)
