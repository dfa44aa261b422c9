"""Budgets, what is tried for them, what is chosen, and the frontier, without a training."""

from __future__ import annotations

import dataclasses
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import exported
from tests.chains import RECIPE
from tests.conftest import ROOT
from tests.exported import make_ticket
from tflottery.errors import UserError
from tflottery.exports import measured
from tflottery.exports.fast import (
    candidates,
    frontier_figure,
    frontier_page,
    frontier_tables,
    units,
)
from tflottery.exports.fast.budget import Budget, Reached, parse
from tflottery.exports.fast.candidates import DEEPEST, INIT, RATE, ROWS, trainings
from tflottery.exports.fast.choosing import is_enough
from tflottery.exports.fast.chosen import Chosen, Tried
from tflottery.exports.fast.frontier import Frontier
from tflottery.exports.fast.shown import Shown, marked, on_frontier
from tflottery.exports.formats.asked import checked
from tflottery.exports.results import BudgetNotMetError, Exported, PlannedBudget
from tflottery.files import write_together
from tflottery.models.shipped.cnn import Cnn
from tflottery.models.shipped.lstm import Lstm
from tflottery.paired import Paired
from tflottery.report.drawing import Canvas
from tflottery.runs.pruned import Pruned
from tflottery.runs.store import Store

COSTS = {"embedding": 8.0, "conv_3": 1.0, "conv_4": 2.0, "conv_5": 3.0}


@pytest.mark.parametrize(
    ("text", "of", "amount"),
    [
        ("throughput 3x", "throughput", 3.0),
        ("  Throughput  2.5 X ", "throughput", 2.5),
        ("size 15x", "size", 15.0),
        ("accuracy -0.3", "accuracy", -0.3),
        ("accuracy 0", "accuracy", 0.0),
    ],
)
def test_a_budget_is_read(text, of, amount):
    budget = parse(text)
    assert budget == Budget(of, amount)
    assert parse(str(budget)) == budget


@pytest.mark.parametrize(
    "text",
    ["", "3x", "throughput", "throughput 3", "throughput 0.5x", "throughput -3x", "speed 3x",
     "accuracy", "accuracy 0.3", "accuracy -0.3x", "accuracy -100", "accuracy nan", "size 0x",
     "throughput 3x size 2x", f"throughput {'9' * 400}x", "throughput 3x\n", "x" * 999],
)  # fmt: skip
def test_what_is_no_budget_is_one_line(text):
    if text.strip() == "throughput 3x":
        assert parse(text).amount == 3
        return
    with pytest.raises(UserError) as caught:
        parse(text)
    line = str(caught.value)
    assert line.startswith("--budget ") and len(line) < 600 and "\n" not in line


REACHED = st.builds(
    Reached, st.floats(-5, 1), st.floats(0.5, 9), st.floats(0.5, 99)
)  # fmt: skip
BUDGETS = st.one_of(
    st.builds(Budget, st.just("throughput"), st.floats(1, 6)),
    st.builds(Budget, st.just("size"), st.floats(1, 60)),
    st.builds(Budget, st.just("accuracy"), st.floats(-3, 0)),
)


@given(st.lists(REACHED, min_size=1, max_size=6), BUDGETS)
def test_what_meets_it_is_judged_by_the_other_what_does_not_by_how_near_it_comes(found, budget):
    meeting = [one for one in found if budget.is_met(one)]
    best = max(found, key=budget.rank)
    if meeting:
        other = "throughput" if budget.of == "accuracy" else "accuracy"
        assert getattr(best, other) == max(getattr(one, other) for one in meeting)
    else:
        assert getattr(best, budget.of) == max(getattr(one, budget.of) for one in found)


def test_a_chain_is_followed_as_long_as_it_is_worth_it():
    fast, near = Budget("throughput", 3.0), Budget("accuracy", -0.3)
    assert not is_enough(fast, [False, False]) and is_enough(fast, [False, True])
    assert not is_enough(near, [False]) and not is_enough(near, [False, True, False])
    assert is_enough(near, [True, False, False])


# What is tried


@pytest.fixture
def ticket(tmp_path):
    return make_ticket(tmp_path / "tickets" / "given", "cnn")


def test_candidates_are_the_table_in_its_order(ticket):
    chains = candidates.chains(ticket, RECIPE, COSTS)
    assert [chain.name for chain in chains] == [row.name for row in ROWS]
    assert len({chain.plan.dense.key for chain in chains}) == 1
    for chain, row in zip(chains, ROWS, strict=True):
        assert len(chain.plan.levels) == 7
        masks = [level.ticket.mask for level in chain.plan.levels]
        assert all(isinstance(mask, Pruned) and mask.criterion == row.criterion for mask in masks)
        assert {mask.scope for mask in masks} == {row.scope}
        assert bool(masks[0].costs) is (row.criterion == "latency")
        steps = {level.ticket.init.at for level in chain.plan.levels}
        assert steps == {INIT.partition(":")[2]}
        # A level that is chosen is planned anew as a search's end, of the same networks.
        again = chain.to(chain.plan.levels[2], RECIPE, ticket)
        keys = [level.ticket.key for level in chain.plan.levels]
        assert [level.ticket.key for level in again.levels] == keys[:3]
    assert len(trainings(chains)) == 1 + 4 * 7


def test_the_page_has_the_table_of_candidates():
    page = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \d \| (.+?) \| `(\w+)` \| (.+?) \|", page, re.MULTILINE)
    assert [(name, criterion) for name, criterion, _ in rows] == [
        (row.name, row.criterion) for row in ROWS
    ]
    for (_, _, scope), row in zip(rows, ROWS, strict=True):
        told = f"`pruning.rates={{embedding={row.rates[0][1]:g}}}`" if row.rates else row.scope
        assert told.strip("`") in scope
    assert f"`--rate {RATE}`" in page and f"`--init {INIT}`" in page
    flowing = " ".join(page.split())
    assert f"down to {100 * DEEPEST:.0f} %" in flowing
    assert f"any of {', '.join(units.PRECISIONS)}" in flowing


def test_tickets_beside_it_are_those_of_its_dense_network(ticket, tmp_path, monkeypatch):
    folder = tmp_path / "tickets"
    make_ticket(folder / "other", "cnn")
    monkeypatch.setitem(exported.ABOUT, "dense_run_key", "another")
    make_ticket(folder / "elsewhere", "cnn")
    (folder / "damaged").mkdir()
    (folder / "damaged" / "ticket.json").write_text("{}")
    monkeypatch.setitem(exported.ABOUT, "dense_run_key", "d")
    monkeypatch.setitem(exported.ABOUT, "criterion", "nobody's")
    make_ticket(folder / "strange", "cnn")
    assert [one.folder.name for one in candidates.beside(ticket)] == ["given", "other"]


def test_a_chain_of_a_ticket_beside_it_is_looked_at_and_not_trained(ticket, tmp_path, monkeypatch):
    monkeypatch.setitem(exported.ABOUT, "criterion", "filters")
    make_ticket(tmp_path / "tickets" / "other", "cnn")
    chains = candidates.chains(ticket, RECIPE, COSTS)
    assert [(chain.name, chain.is_known) for chain in chains[len(ROWS) :]] == [
        ("filters, layerwise, iterative, original", True)
    ]
    assert chains[-1].plan.settings.criterion == "filters"
    assert len(trainings(chains)) == 1 + 4 * 7


def test_forms_that_have_to_reach_it(ticket):
    assert units.forms_of(checked("savedmodel", None, None), Cnn()) == ("SavedModel",)
    assert units.forms_of(checked("tflite", None, None), Cnn()) == units.PRECISIONS
    assert units.forms_of(checked("tflite", "int8", None), Cnn()) == ("TFLite int8",)
    assert units.forms_of(checked("tflite", None, None), Lstm()) == ("TFLite", "TFLite int8")
    open_ = checked("tflite", None, None)
    chosen = SimpleNamespace(best=SimpleNamespace(form="TFLite int8"))
    assert units.asked_as(chosen, open_).quantize == "int8"
    assert units.asked_as(chosen, open_).max_score_difference == 1.0
    bound = checked("tflite", "int8", 0.02)
    assert units.asked_as(chosen, bound) == bound
    chosen = SimpleNamespace(best=SimpleNamespace(form="TFLite"))
    assert units.asked_as(chosen, open_) == open_


def test_the_price_is_said_beforehand(ticket, tmp_path):
    chains = tuple(candidates.chains(ticket, RECIPE, COSTS))
    plan = PlannedBudget(Budget("throughput", 3.0), chains, Store(tmp_path / "runs"))
    # Dense, seven rounds of four chains and a network halfway in each, and a reinit.
    assert (plan.total, plan.missing) == (34, 34)
    assert repr(plan) == "<PlannedBudget: 34 of 34 runs to train at most>"
    of_accuracy = dataclasses.replace(plan, budget=Budget("accuracy", -0.3))
    assert (of_accuracy.total, of_accuracy.missing) == (30, 30)
    assert list(plan.runs["pruned"].unique()) == ["dense", *(row.name for row in ROWS)]
    assert plan.runs["sparsity"].max() == pytest.approx(DEEPEST, abs=1e-3)


# What is said


def tried(ticket, accuracy: float, throughput: float, size: float = 2.0) -> Tried:
    chain = candidates.chains(ticket, RECIPE, COSTS)[0]
    level = chain.plan.levels[1]
    reached = Reached(accuracy, throughput, size)
    return Tried(chain.name, "SavedModel", level.sparsity, reached, level, chain)


def test_what_was_gained_and_given_up_is_said(ticket, tmp_path):
    found = (tried(ticket, -0.2, 1.5), tried(ticket, -0.9, 2.75))
    test = Paired(-0.5, -0.9, -0.1, 900, 1)
    chosen = Chosen(Budget("throughput", 2.0), found, found[1], test, 0.875, 0.88)
    assert chosen.is_met
    for said in (
        "throughput 2x: met by taylor, layerwise, 36.0 % of units pruned, SavedModel, of 2 ",
        "2.75 times the throughput", "0.50 points of test accuracy (95 % interval of this one "
        "training 0.10 to 0.90)", "0.90 of validation accuracy", "bin/find_ticket", "--seeds",
        "87.50 % of all test texts against 88.00 %",
    ):  # fmt: skip
        assert said in chosen.sentence
    assert chosen.table["chosen"].tolist() == [False, True]
    assert chosen.table["meets"].tolist() == [False, True]
    missed = Chosen(Budget("throughput", 9.0), found, found[1], test, 0.875, 0.88)
    error = BudgetNotMetError(Exported(ticket, tmp_path / "m" / "1", "", chosen=missed))
    assert error.exit_code == 1 and error.exported.chosen is missed
    assert "throughput 9x: not met by" in str(error) and str(tmp_path / "m" / "1") in str(error)


def test_all_that_was_measured_for_a_budget_is_written(ticket, tmp_path):
    found = (tried(ticket, -0.2, 1.5), tried(ticket, -0.9, 2.75, 4.0))
    test = Paired(-0.5, -0.9, -0.1, 900, 1)
    chosen = Chosen(Budget("throughput", 2.0), found, found[1], test, 0.875, 0.88)
    wanted = checked(["tflite", "onnx"], "int8", None)
    version = tmp_path / "mine" / "3"
    version.mkdir(parents=True)
    files = measured.searched(chosen, ticket, wanted, version, ())
    assert [file.name for file in files] == ["budget-3.md", "budget-3.csv"]
    assert {file.parent for file in files} == {version.parent} and not any(version.iterdir())
    pd.testing.assert_frame_equal(pd.read_csv(files[1]), chosen.table)
    text = files[0].read_text(encoding="utf-8")
    assert chosen.sentence in text.replace("\\", "")
    (command,) = [line for line in text.splitlines() if line.startswith("bin/export")]
    assert command.endswith("--budget 'throughput 2x' --format tflite,onnx --quantize int8")
    shown = [line for line in text.splitlines() if line.startswith("| taylor")]
    assert shown == [
        "| taylor, layerwise | SavedModel | 36.0 | −0.20 | 1.50 | 2.0 | no | no |",
        "| taylor, layerwise | SavedModel | 36.0 | −0.90 | 2.75 | 4.0 | yes | yes |",
    ]


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(-0.3, 0.1, "shown to be within the"), (-0.31, 0.1, "not shown to be within, nor beyond, the"),
     (-0.9, -0.31, "beyond the")],
)  # fmt: skip
def test_test_texts_judge_a_budget_of_accuracy_by_their_interval(ticket, low, high, said):
    one = tried(ticket, -0.2, 1.5)
    test = Paired((low + high) / 2, low, high, 900, 1)
    chosen = Chosen(Budget("accuracy", -0.3), (one,), one, test, 0.875, 0.88)
    assert chosen.is_met and f"the loss is {said} budget." in chosen.sentence
    other = dataclasses.replace(chosen, budget=Budget("throughput", 1.2))
    assert "By the interval" not in other.sentence


# The frontier


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=9))
def test_the_frontier_is_what_nothing_beats(points):
    one, other = np.array(points, float).T
    found = on_frontier(one, other)
    for place, (x, y) in enumerate(points):
        beaten = any(a >= x and b >= y and (a, b) != (x, y) for a, b in points)
        assert found[place] == (not beaten)
    assert found.any()


def shown(pruned: str, form: str, difference: float, throughput: float, size: int) -> Shown:
    test = Paired(difference, difference - 0.3, difference + 0.3, 900, 1)
    return Shown(pruned, form, 0.5, 1_000, 2 * size, size, 100 * throughput, throughput,
                 0.88 + difference / 100, test)  # fmt: skip


@pytest.fixture
def frontier() -> Frontier:
    found = marked([
        shown("dense", "SavedModel", 0.0, 1.0, 8_000),
        shown("dense", "TFLite int8", -0.1, 0.9, 2_000),
        shown("taylor, layerwise", "SavedModel", -0.4, 3.0, 3_000),
        shown("latency", "SavedModel", -0.5, 2.0, 4_000),
        shown("latency", "TFLite int8", -0.6, 6.0, 500),
    ])  # fmt: skip
    return Frontier("cnn on toy", 60, found, "two cores", left_out=3, thinned=2)


def test_both_frontiers_are_marked(frontier):
    assert [one.fastest for one in frontier.shown] == [True, False, True, False, True]
    assert [one.smallest for one in frontier.shown] == [True, True, False, False, True]


def test_the_table_of_the_frontier(frontier):
    text = frontier_page.markdown(frontier, "bin/export --frontier")
    row = "| 5 | latency | TFLite int8 | 50.0 | 87.40 | −0.60 | −0.90 to −0.30 | 6.00 |"
    assert row in text
    flowing = " ".join(text.split())
    assert "3 networks more are left out: 1 because others are at least as accurate" in flowing
    assert "no larger, neither" in flowing and "; 2 that no other beats so" in flowing
    table = frontier.table
    assert table["times_smaller"].tolist() == [1, 4, pytest.approx(8 / 3), 2, 16]
    assert frontier_tables.csv(frontier.shown).splitlines()[0] == ",".join(table.columns)


def test_the_figures_of_the_frontier(frontier, tmp_path):
    written = write_together(tmp_path, frontier_figure.drawn(frontier.shown))
    assert [file.name for file in written] == [
        "frontier-throughput.svg", "frontier-throughput.png", "frontier-size.svg",
        "frontier-size.png",
    ]  # fmt: skip
    assert all(file.stat().st_size > 1_000 for file in written)
    first = written[0].read_bytes()
    assert b"latency TFLite int8: 6.00 times, -0.60 points" in first
    write_together(tmp_path, frontier_figure.drawn(frontier.shown))
    assert written[0].read_bytes() == first  # the same bytes every time


def test_every_way_of_pruning_has_a_look_of_its_own_and_a_name_that_has_room(frontier):
    names = [*(f"taylor_units, layerwise, iterative, rewind:{n}ep" for n in range(1, 9)), "dense"]
    shown = [dataclasses.replace(frontier.shown[0], pruned=name) for name in names]
    axes = Canvas("frontier", "Frontier", right=frontier_figure._RIGHT, height=360).axes
    frontier_figure.draw(axes, shown, "size")
    legend = axes.get_legend()
    looks = [(one.get_color(), one.get_markerfacecolor()) for one in legend.get_lines()]
    assert len({*looks[: len(names)]}) == len(names)
    axes.figure.canvas.draw()
    assert legend.get_window_extent().x1 <= axes.figure.bbox.x1


def test_the_line_goes_from_each_point_to_the_left(frontier):
    axes = frontier.plot(against="size")
    with pytest.raises(UserError, match="against"):
        frontier.plot(against="speed")
    assert axes.get_xscale() == "log" and "times smaller" in axes.get_xlabel()
    (line,) = [one for one in axes.lines if len(one.get_xdata()) == 3 and one.get_zorder() == 1]
    assert line.get_xdata().tolist() == [1, 4, 16]
    assert line.get_ydata().tolist() == [0, -0.1, -0.6] and line.get_drawstyle() == "steps-pre"
