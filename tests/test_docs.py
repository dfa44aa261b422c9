"""What README and docs say exists: links, commands, flags, and examples that Python can read."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tflottery.cli import COMMANDS
from tflottery.cli.app import defined

README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
GUIDES = [README, *sorted((ROOT / "docs").glob("*.md"))]
_WITH_PYTHON = ("api.md", "extending.md", "metrics.md", "report.md", "tickets.md")
PYTHON_PAGES = [README, *(ROOT / "docs" / name for name in _WITH_PYTHON)]
LONGEST = 135
# Flags of TensorFlow Serving and of `python -m benchmarks`.
OTHERS = {"model_config_file", "batching_parameters_file", "turns", "steps"}

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
_COMMAND = re.compile(r"(?:bin/|tflottery )(\w+)((?:\s.*)?)$")


def blocks(page: Path) -> list[tuple[str, str]]:
    """Language and text of the page's code blocks."""
    return _FENCE.findall(page.read_text(encoding="utf-8"))


def prose(page: Path) -> str:
    """The page without its code."""
    return _SPAN.sub("", _FENCE.sub("", page.read_text(encoding="utf-8")))


@cache
def anchors(page: Path) -> set[str]:
    """The links that the page's headings make, as GitHub forms them."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@cache
def flags_of(command: str) -> set[str]:
    return set(defined(importlib.import_module(f"tflottery.cli.{command}").COMMAND))


def commands(text: str) -> list[tuple[str, str]]:
    """The commands in lines of shell, with what follows them up to a comment or another command."""
    text = text.replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        for part in re.split(r"\s#|;|\||&", line):
            if match := _COMMAND.search(part):
                found.append((match[1], match[2]))
    return found


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_relative_links_lead_somewhere(page):
    missing = []
    for link in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in anchors(target)
        ):
            missing.append(link)
    assert missing == []


def test_the_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("page", GUIDES, ids=name)
def test_commands_and_flags_exist(page):
    shell = [text for language, text in blocks(page) if language != "python"]
    spans = _SPAN.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))
    found = commands("\n".join([*shell, *(" ".join(span.split()) for span in spans)]))
    unknown = []
    for command, rest in found:
        if command == "completion":
            continue
        if command not in COMMANDS:
            unknown.append(command)
            continue
        try:
            words = shlex.split(rest)
        except ValueError:  # cut at a sign within quotes
            words = rest.split()
        given = [re.match(r"--(\w+)", word) for word in words]
        unknown += [
            f"{command} --{flag[1]}" for flag in given if flag and flag[1] not in flags_of(command)
        ]
    assert unknown == []


@pytest.mark.parametrize("page", GUIDES, ids=name)
def test_flags_that_stand_alone_exist(page):
    known = set().union(*map(flags_of, COMMANDS)) | OTHERS
    spans = _SPAN.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))
    given = [match[1] for span in spans if (match := re.match(r"--(\w+)", span))]
    assert [flag for flag in given if flag not in known] == []


def test_commands_are_found_in_a_page():
    text = "$ bin/find_ticket --dataset toy   # --no\nX=1 bin/export --ticket t \\\n  --nope"
    assert commands(text) == [
        ("find_ticket", " --dataset toy  "),
        ("export", " --ticket t    --nope"),
    ]
    assert flags_of("export") >= {"ticket", "compact"}
    assert "nope" not in flags_of("export")


@pytest.mark.parametrize("page", PYTHON_PAGES, ids=name)
def test_python_examples_compile(page):
    examples = [text for language, text in blocks(page) if language == "python"]
    assert examples
    for example in examples:
        compile(example, name(page), "exec")


def _names_in(module: str) -> set[str]:
    """What may be imported from a module of the package; it is read, and not run."""
    place = ROOT.joinpath(*module.split("."))
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    if not file.is_file():
        return set()
    found = {one.stem for one in place.iterdir()} if place.is_dir() else set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def test_what_examples_import_is_there():
    imported = [
        (name(page), node.module, alias.name)
        for page in GUIDES
        for language, text in blocks(page)
        if language == "python"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("tflottery.")
        for alias in node.names
    ]
    assert imported
    assert [one for one in imported if one[2] not in _names_in(one[1])] == []


def test_the_architecture_shows_the_house_as_it_is():
    """Every room with its files, and their lines to within a fifth: run python docs/rooms.py."""
    spec = importlib.util.spec_from_file_location("rooms", ROOT / "docs" / "rooms.py")
    assert spec and spec.loader
    rooms = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rooms)
    page = rooms.PAGE.read_text(encoding="utf-8")
    shown, actual = (
        re.findall(r"^\| `([^`]+)` \| (.*) \| ([\d,]+) \| (.*) \|$", text, re.MULTILINE)
        for text in (page, rooms.written(page))
    )
    assert len(shown) == len(rooms.ROOMS)
    package = ROOT / "tflottery"
    folders = {str(one.parent.relative_to(package)) for one in package.rglob("*/__init__.py")}
    alone = {one.name for one in package.glob("*.py")}
    assert folders | alone == set(rooms.ROOMS)

    def names(rows: list[tuple[str, ...]]) -> list[tuple[str, str, set[str]]]:
        return [
            (room, why, set(re.findall(r"[\w./]+\.\w+", files))) for room, why, _, files in rows
        ]

    assert names(shown) == names(actual)
    for one, other in zip(shown, actual, strict=True):
        lines, now = (int(row[2].replace(",", "")) for row in (one, other))
        assert abs(lines - now) <= max(20, now / 5), f"{one[0]} has {now} lines"
