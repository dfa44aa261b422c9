"""What docs/results/fast/README.md states, recomputed from the tables beside it."""

from __future__ import annotations

import re

import pytest

from tests.criteria_page import interval, signed
from tests.fast_page import (
    FAST,
    FRONTIERS,
    NETWORKS,
    SEARCHES,
    by_round,
    chosen,
    frontier,
    given,
    lost,
    rounds,
    search,
    speed,
    unbeaten,
    verdict,
)

PAGE = (FAST / "README.md").read_text(encoding="utf-8")
_INTERVAL = re.compile(r"[+−]\d+\.\d+ \[[+−]\d+\.\d+, [+−]\d+\.\d+\]")


@pytest.mark.parametrize(
    "rows", [chosen(), by_round(), *map(unbeaten, FRONTIERS)],
    ids=["chosen", "rounds", *(f"frontier {name}" for name in FRONTIERS)],
)  # fmt: skip
def test_every_row_of_the_tables(rows):
    assert {*rows} <= {*PAGE.splitlines()}


def test_every_interval_is_one_of_the_tables():
    known = {given(row) for name in FRONTIERS for _, row in frontier(name).iterrows()}
    for model in NETWORKS:
        for method in ("one_shot", "iterative"):
            table = rounds(model, method)
            for network in ("ticket", "reinit"):
                for number in {*table.loc[table["network"] == network, "round"]}:
                    for split in ("validation", "test"):
                        known.add(interval(lost(table, network, number, split)))
            for other in ("dense", "reinit"):
                known.add(given(verdict(model, method, other)))
    known.add("−0.21 [−0.51, +0.08]")  # of the LSTM's search, which its page has
    stated = _INTERVAL.findall(PAGE)
    assert len(stated) > 20 and {*stated} <= known


def test_a_search_chose_by_validation_what_meets_its_budget():
    for (name, budget), said in SEARCHES.items():
        table = search(name, budget)
        amount = float(re.findall(r"[\d.]+(?=x)", said)[0])
        assert (table["meets"] == (table["throughput"] >= amount)).all()
        (one,) = table[table["chosen"]].iloc
        assert one["meets"] and one["accuracy"] == table.loc[table["meets"], "accuracy"].max()


def _file(pruned: str, form: str, name: str = "cnn"):
    """The row of the least pruned network so called."""
    rows = frontier(name).query("pruned == @pruned and form == @form")
    return rows.iloc[0]


def _given_up(*points: str) -> str:
    """A difference with its interval, of what was given up: the mean, the least and the most."""
    mean, high, low = (signed(-float(one.replace("−", "-"))) for one in points)
    return f"{mean} [{low}, {high}]"


def test_what_is_said_of_the_targets():
    text = " ".join(PAGE.split())
    small, fast = _file("weights", "TFLite int8"), _file("taylor, layerwise", "TFLite int8-full")
    equal = _file("taylor, layerwise", "SavedModel")
    for said in (
        f"TFLite int8: {small['times_smaller']:.1f} times, {given(small)}",
        f"`int8-full`: {fast['times_dense']:.2f} times, {given(fast)}",
        f"within 0.3 is {equal['times_dense']:.2f} times, {given(equal)}",
    ):
        assert said in text, said
    assert small["times_smaller"] >= 15 and fast["times_dense"] >= 6
    assert min(small["low"], fast["low"], equal["low"]) >= -0.3
    # No SavedModel that is shown to be as good is faster.
    faster = frontier("cnn").query("form == 'SavedModel' and low >= -0.3")
    assert faster["times_dense"].max() == equal["times_dense"]
    rounds_of_lstm = lost(rounds("lstm", "iterative"), "ticket", 4)
    of_lstm = f"{speed('lstm', 'layerwise', 4):.2f} times at {interval(rounds_of_lstm)}"
    assert f"{of_lstm}, over five seeds" in text
    (by_search,) = search("lstm", "throughput-1.8x").query("chosen").iloc
    page = (FAST / "lstm" / "throughput-1.8x.md").read_text(encoding="utf-8")
    points, *ends = re.findall(r"Given up: ([\d.]+) points .* training (\S+) to ([\d.]+)\)", page)[
        0
    ]
    lost_by_search = f"{by_search['throughput']:.2f} times, is {_given_up(points, *ends)}"
    assert f"what the search chose, {lost_by_search}" in text
    of_lstm = frontier("lstm")
    whole = of_lstm.query("form == 'SavedModel' and low >= -0.3").nlargest(1, "times_dense").iloc[0]
    least = of_lstm.query("low >= -0.3").nlargest(1, "times_smaller").iloc[0]
    single = _file("weights", "TFLite int8", "lstm")
    for said in (
        f"Of one training, {whole['times_dense']:.2f} times is within 0.3: {given(whole)}",
        f"within 0.3 is {least['times_smaller']:.1f} times, {given(least)}",
        f"pruned: {single['times_smaller']:.1f} times, {given(single)}",
    ):
        assert said in text, said
    slowest = of_lstm[of_lstm["form"] != "SavedModel"]["times_dense"]
    assert f"{1 / slowest.max():.1f} to {1 / slowest.min():.1f} times as long" in text
    (taken,) = search("cnn", "throughput-3x").query("chosen").iloc
    shown = frontier("cnn").query("form == 'SavedModel'")
    (same,) = shown[(shown["times_smaller"] - taken["size"]).abs() < 1e-3].iloc
    lost_there = f"{taken['throughput']:.2f} times, loses {-same['difference']:.2f}: {given(same)}"
    assert f"what the search chose, {lost_there}" in text
    assert f"what the search chose is {signed(taken['accuracy'])} to dense there, and" in text


def test_what_is_said_of_times():
    table = search("cnn", "throughput-3x")
    whole = table[table["pruned"] == "taylor, layerwise"].set_index("sparsity")["throughput"]
    said = (
        f"filters of each width are {whole[0.36]:.2f} times as fast as dense, 51 of each "
        f"{whole[0.488]:.2f} times, 46 of each {whole[0.542]:.2f} times"
    )
    assert said in " ".join(PAGE.split())
    rates = table[table["pruned"].str.contains("rates")].iloc[-1]
    assert f"at {rates['throughput']:.2f} times they lose {-rates['accuracy']:.2f} points" in PAGE
    for form, lost_points in (("TFLite int8", "0.03"), ("TFLite int8-full", "0.09")):
        assert f"{-_file('dense', form)['difference']:.2f}" == lost_points
    eight = (_file("dense", form)["times_dense"] for form in ("TFLite int8", "TFLite int8-full"))
    assert "give {:.2f} and {:.2f} times the throughput".format(*eight) in PAGE
