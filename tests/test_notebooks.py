"""The notebooks run from top to bottom, and are committed as they were run."""

from __future__ import annotations

import importlib.util
import re

import nbformat
import pytest

from tests.conftest import ROOT

FOLDER = ROOT / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def runner():
    spec = importlib.util.spec_from_file_location("notebooks_run", FOLDER / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code(book):
    return [cell for cell in book.cells if cell.cell_type == "code"]


def shown(book) -> str:
    """All text that the outputs show."""
    texts = []
    for cell in code(book):
        for output in cell.outputs:
            texts += [output.get("text", ""), *output.get("data", {}).values()]
    return "\n".join(text for text in texts if isinstance(text, str))


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_committed_as_it_was_run(name):
    book = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    nbformat.validate(book)
    assert [cell.execution_count for cell in code(book)] == list(range(1, len(code(book)) + 1))
    assert "Traceback" not in shown(book) and str(ROOT) not in shown(book)
    assert not re.search(r"/(root|home|tmp|Users)/", shown(book))


# What is in them is tested elsewhere too.
@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_from_top_to_bottom_and_finds_what_it_says(name, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    committed = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    ran = runner().run(FOLDER / f"{name}.ipynb")
    kinds = [[output.output_type for output in cell.outputs] for cell in code(ran)]
    # What it trains ends with other last digits on another processor; what kind of thing a cell
    # gives is the same everywhere.
    assert [bool(one) for one in kinds] == [bool(cell.outputs) for cell in code(committed)]
    assert "error" not in [kind for one in kinds for kind in one]


def test_the_page_names_every_notebook():
    page = (FOLDER / "README.md").read_text()
    assert NAMES and all(f"({name}.ipynb)" in page for name in NAMES)
