"""Whatever is printed goes through one place, and is shown there instead of obeyed."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT, user_environment
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


def _calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call in the package, with the path of its module."""
    for path in PACKAGE.rglob("*.py"):
        name = str(path.relative_to(PACKAGE))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield name, node


def test_nothing_else_prints():
    printing = {"print", "rich.print", "sys.stdout.write", "sys.stderr.write", "Console"}
    tables = {"report/terminal.py", *(name for name, _ in _calls() if not _has_rich_tables(name))}
    found = {
        f"{name}:{node.lineno}"
        for name, node in _calls()
        if (
            ast.unparse(node.func) in printing
            and name not in EDGES
            and not ast.unparse(node).startswith("Console(quiet=True")
        )
        or (ast.unparse(node.func) == "Table" and name not in tables)
    }
    assert not found


def _has_rich_tables(name: str) -> bool:
    return "from rich.table import Table" in (PACKAGE / name).read_text(encoding="utf-8")


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


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_letters_that_a_terminal_lacks_are_written_out(encoding, monkeypatch):
    content = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(content, encoding))
    monkeypatch.setattr("sys.stderr", io.TextIOWrapper(content, encoding))
    printed.say("ü 영화 \udcff", now=True)
    printed.complain("ü 영화 \udcff")
    printed.show("ü 영화 \udcff\n", end="")
    sys.stdout.flush()
    text = content.getvalue().decode(encoding)
    assert text.count("\n") == 3 and text.count("\\udcff") == 3
    assert text.count("영화" if encoding == "utf-8" else "\\uc601\\ud654") == 3


@pytest.mark.parametrize("streams", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_process_without_its_streams_ends_well(streams, tmp_path):
    command = f'exec "{sys.executable}" -m tflottery.cli.report none {streams}'
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env=user_environment(), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and done.stdout == ""
    assert ("There is no folder none" in done.stderr) == ("2>&-" not in streams)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["a\x1b[31mRED", "a\nforged\t0.9999"])
def test_what_goes_on_is_shown_in_a_line(text, capsys):
    stream = io.StringIO()
    status.Terminal(stream).show(f"reading {text}")
    line = stream.getvalue().removeprefix("\r").removesuffix("\x1b[K")
    assert line.startswith("reading a") and _is_harmless(line)
    status.Log(status._line).show(f"reading {text}")
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and _is_harmless(said.rstrip("\n"))
