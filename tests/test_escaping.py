"""Texts that others wrote cannot break out of Markdown, HTML or CSV, whatever they hold."""

from __future__ import annotations

import csv
import io
import sys
import unicodedata
from html.parser import HTMLParser
from xml.etree import ElementTree

from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from matplotlib.colors import Normalize

from tests.synthetic_study import write_study
from tflottery.experiments.reports import write_report
from tflottery.report.drawing import Canvas, Curve, Point
from tflottery.report.escaping import code, escaped, fenced, one_line
from tflottery.report.heat_map import heat_map
from tflottery.report.rendering import markdown_table
from tflottery.report.style import style
from tflottery.report.table import Column, Table

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HOSTILE = "a\n# b ![](http://x.invalid/p.png) | `c` <script>alert(1)</script> [l](javascript:x) *d*"
# What turns the direction for the characters that follow, or stands for one of either direction.
TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
IMPLICIT = "\u200e\u200f\u061c"
# What Markdown and HTML are made of comes often, and lines begin with it.
TEXTS = st.one_of(
    st.text(max_size=40),
    st.text("ab1 \n\t\\`*_{}[]()#+-.!|~<>&;:/=$@\x1b\u2028\u202e", max_size=40),
)


def shown(tokens: list[Token]) -> str:
    """The text of one paragraph's inline tokens, which are nothing but text."""
    assert {token.type for token in tokens} <= {"text"}, tokens
    return "".join(token.content for token in tokens)


def test_no_mark_turns_the_direction_of_writing():
    turning = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.bidirectional(chr(code)) in TURNING or chr(code) in IMPLICIT
    ]
    assert len(turning) == 12
    for way in (one_line, escaped, code, fenced):
        assert not set(way("".join(turning))) & set(turning)
        assert way(f"a{''.join(turning)}b") == way("a b" if way is not fenced else f"a{' ' * 12}b")


@given(TEXTS)
@example(HOSTILE)
@example("1. one")
@example("- - -")
@example("===")
@example("\\")
@example("&lt;b&gt; &#35;")
@example("__a__ _b_ c_d")
def test_markdown_shows_any_text_as_it_is(text):
    for before, after in (("", ""), ("- **x** ", ""), ("> ", " *y*")):
        inline = [
            token
            for token in READER.parse(f"{before}{escaped(text)}{after}\n")
            if token.type == "inline"
        ]
        if not before:
            tokens = READER.parse(escaped(text))
            kinds = [token.type for token in tokens]
            assert kinds == (["paragraph_open", "inline", "paragraph_close"] if tokens else [])
            assert (shown(inline[0].children) if inline else "") == one_line(text)
        else:
            assert len(inline) == 1
            kinds = {token.type for token in inline[0].children}
            assert kinds <= {"text", "strong_open", "strong_close", "em_open", "em_close"}


@given(TEXTS)
@example(HOSTILE)
def test_a_table_keeps_its_shape_whatever_its_cells_hold(text):
    columns = [Column("a", "a", is_text=True), Column("b", text or "b")]
    table = Table("name", columns, [{"a": text, "b": 1}, {"a": "x", "b": text}])
    tokens = READER.parse(markdown_table(table))
    assert [token.type for token in tokens].count("td_open") == 4
    cells = [shown(token.children) for token in tokens if token.type == "inline"]
    assert cells == [one_line(cell) for cell in ("a", text or "b", text, "1", "x", text)]
    rows = list(csv.reader(io.StringIO(table.csv(), newline="")))
    assert rows[1:] == [[one_line(text), "1"], ["x", one_line(text)]]


@given(TEXTS)
@example("``` a ` b ````")
def test_code_holds_any_text(text):
    (paragraph,) = [one for one in READER.parse(f"x {code(text)}") if one.type == "inline"]
    spans = [one.content for one in paragraph.children if one.type == "code_inline"]
    assert spans == ([one_line(text)] if one_line(text) else [])
    (block,) = READER.parse(fenced(text))
    assert block.type == "fence"


# matplotlib takes what stands between two dollars for mathematics.
NAMES = st.text("a$^_{}\\%# ", min_size=1, max_size=12).map(lambda name: f"x{name}x")


@settings(max_examples=15, deadline=None)
@given(NAMES)
@example("US$ to x^ $")
@example("$\\frac$")
def test_a_figure_shows_any_name_as_it_is(name):
    canvas = Canvas("curves", name)
    canvas.curves([Curve(name, style(0), [Point(10, 1), Point(100, 2)])])
    canvas.axis_labels(name, name)
    canvas.level_line(1.5, None, None, name)
    canvas.axes.set_yticks([1, 2], [name, "b"])
    canvas.remaining_axis([0.36, 0.9])
    grid = heat_map(
        "grid", name, [name], [name, "b"], [[1.0, 2.0]], lambda _: name, Normalize(0, 3),
        "viridis", below=name, beside=name,
    )  # fmt: skip
    for panel, count in ((canvas.finish(""), 6), (grid, 7)):
        texts = ElementTree.fromstring(f"<svg>{panel.body}").itertext()
        assert sum(text == name for text in texts) == count


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[str]]] = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, [name for name, _ in attrs]))


def test_a_hostile_study_breaks_neither_page_nor_markdown(tmp_path):
    failed = (("iterative", "original", 0.36, 1),)
    folders = [tmp_path / name for name in ("calm", "hostile")]
    texts = ("a", HOSTILE)
    pages, markdowns = [], []
    for folder, text in zip(folders, texts, strict=True):
        write_study(
            folder, levels=(0.36,), optional=False, failed=failed, note=text, reason=text,
            dataset=text, command=text,
        )  # fmt: skip
        page = write_report(folder, folder / "report")
        tags = _Tags()
        tags.feed(page.read_text(encoding="utf-8"))
        pages.append(tags.found)
        tokens = READER.parse((folder / "report" / "report.md").read_text(encoding="utf-8"))
        markdowns.append([(token.type, token.tag) for token in tokens])
        images = [
            child.attrs["src"]
            for token in tokens
            for child in token.children or []
            if child.type == "image"
        ]
        assert images and all(str(image).startswith("figures/") for image in images)
    assert pages[0] == pages[1]
    assert markdowns[0] == markdowns[1]
