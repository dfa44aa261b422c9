"""Panels of figures: labels stay within them, whatever they say."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation

from tflottery.report.drawing import WIDTH, Canvas, Curve, Point
from tflottery.report.style import MARKERS, SERIES, style

LETTERS = "abmW, ⌘…$\\\n\U0001f300"
NOTES = ["random, embedding carried", "random, embedding kept", "rewind 1 ep"]


def drawn(labels: list[str], right: int = 118) -> Canvas:
    canvas = Canvas("name", "Title", right=right)
    canvas.remaining_axis([0.2, 0.36, 0.488, 0.59, 0.672, 0.738, 0.832, 0.972])
    canvas.axes.set_ylim(0, 10)
    points = [Point(100.0, 3.0), Point(2.8, 5.0)]
    canvas.curves([Curve(label, style(place), points) for place, label in enumerate(labels)])
    return canvas


def ends(canvas: Canvas) -> list[float]:
    """Where each direct label ends, in units."""
    renderer = FigureCanvasAgg(canvas.figure).get_renderer()
    labels = [one for one in canvas.axes.texts if isinstance(one, Annotation)]
    for one in labels:
        one.set_parse_math(False)  # as a finished panel has it
    return [one.get_window_extent(renderer).x1 for one in labels]


@pytest.mark.filterwarnings("ignore:Glyph")
@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(LETTERS, min_size=1, max_size=60), min_size=1, max_size=4))
def test_labels_end_within_the_panel_and_leave_room_for_the_curves(labels):
    canvas = drawn(labels)
    assert max(ends(canvas)) <= WIDTH + 1
    assert canvas.axes.get_position().width * WIDTH >= WIDTH / 4


@pytest.mark.parametrize("right", [92, 118, 150])
def test_the_notes_arms_are_told_apart_by_whole_words(right):
    canvas = drawn(NOTES, right)
    assert [one.get_text() for one in canvas.axes.texts] == NOTES
    # Numbers below the axis keep their distance where it became narrower.
    box, low, high = canvas.axes.get_position(), *sorted(canvas.axes.get_xlim())
    ticks = [one for one in canvas.axes.get_xticks() if low <= one <= high]
    places = [
        box.width * WIDTH * canvas.axes.transAxes.inverted().transform(
            canvas.axes.transData.transform((tick, 0))
        )[0]
        for tick in sorted(ticks, reverse=True)
    ]  # fmt: skip
    assert len(places) > 3
    assert all(after - before >= 23 for before, after in itertools.pairwise(places))


def test_short_labels_change_no_panel():
    narrow, usual = drawn(["a"], right=118), Canvas("name", "Title", right=118)
    assert narrow.axes.get_position().bounds == usual.axes.get_position().bounds


def test_no_two_of_many_curves_look_alike():
    looks = [style(place) for place in range(len(SERIES) * len(MARKERS))]
    assert len({(one.colour, one.marker) for one in looks[:20]}) == 20
    again = len(SERIES)
    for place in range(again, 2 * again):
        assert looks[place].dash != looks[place - again].dash
