"""Whatever is printed goes through one place, and is shown there instead of obeyed."""

from __future__ import annotations

import ast
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from tflottery import printed, status

PACKAGE = ROOT / "tflottery"
# The places where text leaves the program, and processes that answer others of its own.
EDGES = {
    "printed.py", "progress/consoles.py", "exports/session.py", "runs/worker.py",
    "exports/formats/reference/normalise.py",
}  # fmt: skip
TEXTS = st.text(
    st.characters() | st.sampled_from("\x1b\x07\r\n\t\u2028\u202e\x9b\x00"), max_size=30
)


def _is_print(node: ast.AST) -> bool:
    """Whether it is a call of ``print``, one that writes to a stream of the process as text, or one
    that opens a console or a table of rich's own."""
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func)
    return called in ("print", "Console", "Table.grid", "rich.print") or called in (
        "sys.stdout.write", "sys.stderr.write",
    )  # fmt: skip


def test_nothing_else_prints():
    found = {
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        if str(path.relative_to(PACKAGE)) not in EDGES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if _is_print(node) and not ast.unparse(node).startswith("Console(quiet=True")
    }
    assert not found


def test_no_table_of_a_terminal_is_riches_own():
    found = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if path.name != "terminal.py" or path.parent.name != "report"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Table"
        if "from rich.table import Table" in path.read_text(encoding="utf-8")
    ]
    assert not found


def _is_harmless(line: str) -> bool:
    return all(sign.isprintable() or sign in printed.JOINERS for sign in line)


@given(TEXTS)
def test_a_line_is_a_line(text):
    assert _is_harmless(printed.visible(text)) and _is_harmless(printed.visible(text, spaces=True))
    assert printed.visible(printed.visible(text)) == printed.visible(text)
    assert printed.lines(text).count("\n") == text.count("\n")
    assert all(map(_is_harmless, printed.lines(text).split("\n")))


@pytest.mark.parametrize("text", ["a\x1b[31mRED", "a\nforged\t0.9999", "\u202egnp.exe", "\x9b2J"])
def test_every_way_out_prints_a_line(text, capsys):
    printed.say(text, "0.5")
    printed.complain(text)
    out, errors = capsys.readouterr()
    assert out.count("\n") == errors.count("\n") == out.count("\t") == 1
    assert _is_harmless(out.replace("\n", "").replace("\t", ""))
    assert _is_harmless(errors.replace("\n", ""))


@pytest.mark.parametrize("text", ["a\x1b[31mRED", "a\nforged\t0.9999"])
def test_what_goes_on_is_shown_in_a_line(text, capsys):
    stream = io.StringIO()
    status.Terminal(stream).show(f"reading {text}")
    line = stream.getvalue().removeprefix("\r").removesuffix("\x1b[K")
    assert line.startswith("reading a") and _is_harmless(line)
    status.Log(status._line).show(f"reading {text}")
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and _is_harmless(said.rstrip("\n"))
