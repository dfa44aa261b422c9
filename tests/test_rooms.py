"""Imports go down: no room needs one above it, and no two modules need each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter

from tests.conftest import ROOT

PACKAGE = ROOT / "tflottery"
# The rooms, from the top floor down: each may import those of the floors below it, at any time.
FLOORS = [
    {"__main__"},
    {"cli"},
    {"scoring"},
    {"exports"},
    {"experiments"},
    {"tickets", "progress"},
    {"runs"},
    {"training"},
    {"pruning"},
    {"models", "reasons"},
    {"data", "plugins"},
    {"report", "startup", "toml"},
    {"files", "paired", "power", "settings"},
    {"estimates"},
    {"metrics", "notebook", "seeds", "statistics", "status", "steps", "versions"},
    {"arithmetic", "digests", "memory", "naming", "registry"},
    {"activity", "archives", "disk", "errors", "interrupts", "printed", "program"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


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


def _room(module: str) -> str:
    """``runs`` of ``tflottery.runs.store``; empty for the package itself, which is lazy."""
    return module.split(".")[1] if "." in module else ""


def _reached(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those under ``if TYPE_CHECKING``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _reached(node)


def test_every_room_has_a_floor():
    assert {_room(name) for name in MODULES} - {""} == set(FLOOR)


def test_no_room_imports_one_above_it():
    wrong = [
        (name, imported)
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        for imported in _imported(node)
        if _room(name) and imported.split(".")[0] == "tflottery"
        if not _room(imported)
        or (_room(imported) != _room(name) and FLOOR[_room(imported)] <= FLOOR[_room(name)])
    ]
    assert wrong == []


def test_no_module_imports_itself_by_way_of_others():
    # Nor by those that only happen later, inside functions, or only for type checkers.
    graph = {
        name: {
            imported
            for node in ast.walk(tree)
            for imported in _imported(node)
            if imported in MODULES and imported != name
        }
        for name, tree in MODULES.items()
    }
    assert len(list(TopologicalSorter(graph).static_order())) >= len(MODULES)


def _outside(tree: ast.AST) -> set[str]:
    """The packages outside of this one that a module imports, at any time."""
    found = set()
    for node in _reached(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
    return found


def test_plans_stores_and_verdicts_know_neither_keras_nor_tfmot():
    knows = {
        package: {_room(name) for name, tree in MODULES.items() if package in _outside(tree)}
        for package in ("tf_keras", "tensorflow_model_optimization")
    }
    assert knows["tf_keras"] == {"models", "pruning", "training", "exports"}
    assert knows["tensorflow_model_optimization"] == {"pruning", "startup"}
    carriers = {
        name for name, tree in MODULES.items()
        if _room(name) == "pruning" and "tensorflow_model_optimization" in _outside(tree)
    }  # fmt: skip
    assert carriers == {"tflottery.pruning.tfmot"}
