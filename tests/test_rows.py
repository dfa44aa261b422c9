"""Where numbers stand: each row of README's findings and of the answers has the intervals of its
own contrasts, in the order in which it names them, by the tables once more."""

from __future__ import annotations

import re

import pytest

from tests.recomputing import RESULTS, study, t, words
from tests.rows import ANSWERS, README, STORY
from tests.stated import SAID
from tests.test_recomputed import _INTERVAL, PAGES, _is

COMPUTED = {(page, what): compute for page, what, compute in SAID}
# What stands in the answers without an interval.
ALL_WORDS = {
    f"all words {level}": lambda level=level: t(words("ticket", "shuffled", level))
    for level in (0.832, 0.972)
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


@pytest.mark.parametrize("point", STORY)
def test_a_point_of_the_story_has_its_own_numbers_in_order(point):
    """Differences have two decimals and no sign there; margins are said with "within"."""
    story = (RESULTS / "README.md").read_text("utf-8").partition("## What holds")[2]
    points = [" ".join(one.split()) for one in story.partition("## The folders")[0].split("\n- ")]
    (text,) = (one for one in points if one.startswith(f"**{point}"))
    shown = re.findall(r"(?<![\d.])\d+\.\d\d(?!\d|\.\d)", re.sub(r"within \d\.\d+", "", text))
    means = [abs((ALL_WORDS.get(what) or COMPUTED["answers", what])()[0]) for what in STORY[point]]
    assert shown == [f"{mean:.2f}" for mean in means]


def test_the_story_has_no_other_point():
    story = (RESULTS / "README.md").read_text("utf-8").partition("## What holds")[2]
    assert story.partition("## The folders")[0].count("\n- **") == len(STORY)


def test_how_many_never_get_there():
    cells = study("new cnn")
    sparse = (cells["part"] == "convergence") & (cells["method"] == "iterative")
    sparse &= cells["level"] == 0.972
    never = int(cells.loc[sparse, "steps_to_dense"].isna().sum())
    said = f"{never} of {int(sparse.sum())}"
    assert f"{said} never reach" in _rows("README", "Very sparse CNNs")[0]
    assert f"({said} never get there" in _rows("answers", "Very sparse")[0]
