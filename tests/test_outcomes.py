"""The outcomes that README and the results' README give to claims, by the tests once more.

With pandas and scipy alone, as ``test_recomputed.py``: t tests, two one-sided tests, Holm.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.recomputing import (
    AT_ONE,
    GRID,
    MIDDLE,
    NEW,
    RANDOM,
    SHOT,
    SHOT_NEW,
    SHOT_ONE,
    SOURCE,
    SOURCE_NEW,
    TARGET_DENSE,
    TICKET,
    arm,
    best_of_dense,
    cell,
    dense,
    holm,
    over,
    raised,
    study,
    words,
)  # fmt: skip
from tests.test_recomputed import PAGES

# Of each claim that was asked of new seeds: what the pages call it, the contrasts of the CNN, how
# many more its family has that are not measured yet, and what was asked: the margins, the widest
# first, where equivalence was.
ASKED = {
    "A CNN has winning tickets": (("not worse", "above"), 0, (0.5,)),
    "Some tickets beat": (("above",), 1, ()),
    "One-shot": (("above, else equivalent",), 1, (0.5, 0.25)),
    "Past 95 %": (("above", "above"), 0, ()),
    "Very sparse": (("above",), 0, ()),
    "Late rewinding is much better": (("above, else equivalent",), 1, (0.5, 0.25)),
    "It is not decisive": (("equivalent",), 1, (0.5, 0.25)),
    "Much of a ticket is": (("above", "above"), 0, ()),
    "A ticket is better than": (("above, else equivalent",), 0, (0.5, 0.25)),
    "Learning rates": (("above, else equivalent",) * 3, 0, (0.5, 0.25)),
    "A ticket from IMDB": (("not worse", "above"), 0, (0.5,)),
    "A CNN has winning tickets on AG News": (("not worse", "above"), 0, (1.0,)),
}


def _pairs() -> dict[str, list[tuple[pd.Series, pd.Series | None]]]:
    """The values behind each contrast: differences by seed, or two groups."""
    cnn = "new cnn"
    both = [cell(cnn, *TICKET, level) for level in (0.36, 0.59)]
    frame = study(cnn)
    frame = frame[(frame["part"] == "convergence") & (frame["method"] != "one_shot")]
    frame = frame[(frame["method"] == "dense") | np.isclose(frame["level"], 0.972)]
    steps = frame["steps_to_dense"].fillna(frame["epochs"] * frame["steps_per_epoch"])
    is_dense = frame["method"] == "dense"
    return {
        "A CNN has winning tickets": [
            (cell(cnn, *TICKET, 0.832), dense(cnn)), (over(cnn, TICKET, NEW, [0.832]), None),
        ],
        "Some tickets beat": [(pd.concat(both, axis=1).mean(axis=1), dense(cnn))],
        "One-shot": [(over(cnn, SHOT, TICKET, MIDDLE), None)],
        "Past 95 %": [
            (over(cnn, RANDOM, TICKET, [0.972]), None), (over(cnn, SHOT_NEW, SHOT, [0.972]), None),
        ],
        "Very sparse": [(steps[~is_dense], steps[is_dense])],
        "Late rewinding is much better": [(over(cnn, AT_ONE, TICKET, GRID), None)],
        "It is not decisive": [(over(cnn, SHOT_ONE, SHOT, GRID), None)],
        "A ticket is better than": [(cell(cnn, *TICKET, 0.832), best_of_dense(cnn, 9))],
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


def _outcome(claim: str) -> str:
    asked, waiting, margins = ASKED[claim]
    values = _pairs()[claim]
    means = [one.mean() - (0.0 if other is None else other.mean()) for one, other in values]
    ps = [
        _p(*pair, -margins[0], "greater") if how == "not worse"
        else _within(*pair, margins[0]) if how == "equivalent"
        else _p(*pair)
        for how, pair in zip(asked, values, strict=True)
    ]  # fmt: skip
    sure = [p < 0.05 for p in holm([*ps, *[1.0] * waiting])[: len(ps)]]
    equivalent = [
        margin
        for margin in margins
        if max(holm([*(_within(*pair, margin) for pair in values), *[1.0] * waiting])[: len(ps)])
        < 0.05
    ]
    if asked[0] == "equivalent":
        return f"equivalent within {equivalent[-1]:g}" if equivalent else "cannot tell"
    if all(is_sure and mean > 0 for is_sure, mean in zip(sure[-1:], means[-1:], strict=True)):
        return "held" if all(sure) else "cannot tell"
    if all(is_sure and mean < 0 for is_sure, mean in zip(sure, means, strict=True)):
        return "did not hold"
    if "else" in asked[0] and equivalent:
        return f"equivalent within {equivalent[-1]:g}"
    return "cannot tell"


@pytest.mark.parametrize("page", ["README", "results"])
@pytest.mark.parametrize("claim", sorted(ASKED))
def test_each_outcome_is_that_of_the_tests(page, claim):
    (row,) = re.findall(
        rf"^\| {claim}(?! on AG)[^|\n]*\|.*\|$", PAGES[page].read_text("utf-8"), re.MULTILINE
    )
    said = row.split("|")[-2]
    words = ("held", "did not hold", "equivalent within 0.25", "equivalent within 0.5")
    (first,) = re.findall(rf"^ \**({'|'.join((*words, 'cannot tell'))})\b", said)
    assert first == _outcome(claim)
