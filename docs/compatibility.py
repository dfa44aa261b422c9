"""Writes the rows of compatibility.md: what was installed on which Python, and what its tests said.

``make test-pythons PYTHONS="-- --write"`` calls it, by noxfile.py.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

_ROW = re.compile(r"\| \d+\.\d+\S* \| (newest|lowest) ")
PAGE = Path(__file__).parent / "compatibility.md"
NEWEST, LOWEST = "newest", "lowest"
_SHOWN = ("tensorflow", "tensorflow-datasets", "tensorflow-metadata", "protobuf", "keras-tuner",
          "numpy", "pandas", "pyarrow", "scipy", "scikit-learn", "matplotlib", "onnx",
          "onnxruntime", "ai-edge-litert", "safetensors", "gensim", "openpyxl")  # fmt: skip
# What an environment says of itself: its Python and the version of each package, as JSON.
LISTING = """
import json, platform
from importlib.metadata import distributions
found = {one.metadata["Name"].lower().replace("_", "-"): one.version for one in distributions()}
print(json.dumps({**found, "python": platform.python_version()}))
"""


def _suite(results: Path) -> Mapping[str, str]:
    (suite,) = ElementTree.parse(results).getroot().iter("testsuite")
    return suite.attrib


def failures(results: Path) -> int:
    """How many tests of a JUnit file failed."""
    suite = _suite(results)
    return int(suite["failures"]) + int(suite["errors"])


def row(kind: str, versions: Mapping[str, str], results: Path) -> str:
    """A row of the page's table.

    Args:
        kind: the newest or the lowest versions that the bounds allow.
        versions: by package, and of ``python``.
        results: pytest's JUnit file.
    """
    suite = _suite(results)
    skipped, failed = int(suite["skipped"]), failures(results)
    said = f"{int(suite['tests']) - skipped - failed} passed"
    said += f", {failed} failed" if failed else ""
    said += f", {skipped} skipped" if skipped else ""
    shown = ", ".join(f"{name} {versions[name]}" for name in _SHOWN)
    return f"| {versions['python']} | {kind} | {said} | {datetime.date.today()} | {shown} |"


def write(row: str) -> None:
    """Puts a row into the page, in place of the one of the same Python and kind."""
    text = PAGE.read_text(encoding="utf-8")
    minor, kind = re.match(r"\| (\d+\.\d+)\S* \| (\w+) ", row).groups()  # type: ignore[union-attr]
    rows = [line for line in text.splitlines() if _ROW.match(line)]
    others = [
        line for line in rows if not re.match(rf"\| {re.escape(minor)}\.\S+ \| {kind} ", line)
    ]
    head, divider, _ = text.partition("|---|---|---|---|---|\n")
    tail = text[len(head) + len(divider) :]
    after = "\n".join(line for line in tail.splitlines() if line not in rows)
    table = "\n".join(sorted([*others, row], key=_order))
    PAGE.write_text(f"{head}{divider}{table}\n{after}".rstrip() + "\n", encoding="utf-8")


def _order(row: str) -> tuple[bool, int]:
    cells = row.split(" | ")
    return cells[1] != NEWEST, int(re.match(r"\| 3\.(\d+)", row)[1])  # type: ignore[index]
