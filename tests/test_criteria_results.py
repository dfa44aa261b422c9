"""What docs/results/criteria/README.md and docs/criteria.md state, recomputed."""

from __future__ import annotations

import re

import pytest
from scipy import stats

from tests.criteria_page import (
    BEFORE,
    ONCE,
    UNITS,
    accuracies,
    check,
    checks,
    gained,
    interval,
    longer,
    mean_and_half,
    within,
)
from tests.recomputing import RESULTS, ROOT, holm, t

PAGE = (RESULTS / "criteria" / "README.md").read_text(encoding="utf-8")
CRITERIA = (ROOT / "docs" / "criteria.md").read_text(encoding="utf-8")
BY_SIZE, BY_CHANCE = (ONCE, "filters", "original"), (BEFORE, "random_units", "original")
UNITS_ASKED = {
    "Units that are kept by size": [UNITS.minus(BY_SIZE, BY_CHANCE)],
    "There is a better criterion": [
        UNITS.minus((ONCE, name, "original"), BY_SIZE)
        for name in ("taylor_units", "slimming", "geometric_median")
    ],
}


@pytest.mark.parametrize("claim", UNITS_ASKED)
def test_what_was_asked_of_units_has_its_intervals_and_its_outcome(claim):
    (row,) = re.findall(rf"^\| {claim}.*\|$", PAGE, re.MULTILINE)
    values = UNITS_ASKED[claim]
    assert re.findall(r"[+−][\d.]+ \[[^\]]+\]", row) == list(map(interval, values))
    above = holm([stats.ttest_1samp(one, 0).pvalue for one in values])
    equal = holm([within(one, 0.5) for one in values])
    # Neither above 0 nor, where that was asked, equivalent within the wider margin.
    assert min(above) >= 0.05 and (len(values) == 1 or min(equal) >= 0.05)
    assert row.endswith("| **cannot tell** |")


ROWS = {"tables of accuracies": accuracies, "tables of checks": checks, "longer": longer}


@pytest.mark.parametrize("study", [UNITS], ids=lambda one: one.name)
@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_every_row_of_the_tables(study, rows):
    assert set(rows(study)) <= {*PAGE.splitlines()}
    assert f"Dense has {mean_and_half(study.dense)} %" in PAGE


@pytest.mark.parametrize("study", [UNITS], ids=lambda one: one.name)
def test_what_each_criterion_gained(study):
    usual = "filters" if study is UNITS else "magnitude"
    for name, what in gained(study, usual).items():
        (row,) = re.findall(rf"^\| `{name}` .*\|$", CRITERIA, re.MULTILINE)
        assert row.endswith(f"| {what} |"), name


def test_what_is_said_beside_units():
    def arm(name: str, level: float):
        return UNITS.arm(ONCE, name, level=level)

    half, checked = 0.488, UNITS.checked
    by_loss, by_size = arm("taylor_units", half), arm("filters", half)
    chance = {level: UNITS.arm(*BY_CHANCE, level=level) for level in UNITS.levels}
    for text in (
        f"`taylor_units` gains something over `filters` at 48.8 %, {interval(by_loss - by_size)}",
        f"over chance it is\n  {interval(by_loss - chance[half])} there",
        f"`taylor_units` at 73.8 % is {interval(arm('taylor_units', checked) - chance[checked])}",
        f"from {interval(by_loss - UNITS.dense)}\n  (`taylor_units`) to "
        f"{interval(by_size - UNITS.dense)} (`filters`)",
    ):
        assert text in PAGE
    once = [name for when, name in UNITS.rows if when == ONCE]
    # No criterion is shown to be better than chance, and each is far below dense.
    for level, by_chance in chance.items():
        assert all(t(arm(name, level) - by_chance)[1] < 0 for name in once)
    assert all(t(arm(name, half) - UNITS.dense)[2] < -0.5 for name in once)
    for name in once:
        for which in ("reinit", ":inverted"):
            made, ticket = check(ONCE, name, which), (ONCE, name, "original")
            _, low, high = t(UNITS.minus(made, ticket))
            assert low < 0 < high
