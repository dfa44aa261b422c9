"""Imports go down: no room needs one above it, and no two modules need each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter

from tests.conftest import ROOT

PACKAGE = ROOT / "tflottery"
# What a room may not import, at any time.
ABOVE = {
    "report": ("experiments", "cli", "runs", "tickets", "training", "exports"),
    "experiments": ("cli",),
    "runs": ("experiments", "report", "cli", "tickets", "exports"),
    "pruning": ("runs", "training", "experiments", "report", "cli"),
}


def _modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


MODULES = _modules()


def _imported(node: ast.AST) -> Iterator[str]:
    """The modules of the package that a statement imports."""
    if isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield inner if inner in MODULES else node.module
    elif isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)


def test_no_room_imports_one_above_it():
    wrong = [
        (name, imported)
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        for imported in _imported(node)
        for above in ABOVE.get(name.split(".")[1] if "." in name else "", ())
        if imported.split(".")[:2] == ["tflottery", above]
    ]
    assert wrong == []


def test_no_module_imports_itself_by_way_of_others():
    # Imports inside functions come later, and those for type checkers never.
    graph = {
        name: {
            imported
            for node in tree.body
            for imported in _imported(node)
            if imported in MODULES and imported != name
        }
        for name, tree in MODULES.items()
    }
    assert len(list(TopologicalSorter(graph).static_order())) >= len(MODULES)
