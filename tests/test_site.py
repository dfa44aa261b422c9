"""The site's pages: links for GitHub and for the site, lists, examples, notebooks. ``make docs``
builds it, strictly."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

import tflottery
from tests.browsing import Visit
from tests.conftest import ROOT


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"site_{name}", ROOT / f"docs/site/{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


pages, notebooks = load("pages"), load("notebooks")
PLACES = pages.Places.of(ROOT)


@pytest.mark.parametrize(
    ("page", "link", "there"),
    [
        ("index.md", "docs/data.md#a-look-first", "data.md#a-look-first"),
        ("index.md", "CHANGELOG.md", "changes.md"),
        ("index.md", "docs/results/README.md", "results/README.md"),
        ("data.md", "../configs/claims.toml", "configurations.md#claims"),
        ("data.md", "../README.md", "index.md"),
        ("data.md", "export.md", "export.md"),
        ("results/a/README.md", "../../../configs/rules/b.json", "../../configurations.md#b"),
        ("results/a/README.md", "../../study.md#x", "../../study.md#x"),
        ("notebooks/index.md", "from_ticket_to_server.ipynb", "from_ticket_to_server.md"),
        ("contributing.md", "https://example.org/README.md", "https://example.org/README.md"),
        ("data.md", "#here", "#here"),
    ],
)
def test_a_link_leads_to_the_same_page_in_the_site(page, link, there):
    assert PLACES.relinked(f"see [`it`]({link}).", page) == f"see [`it`]({there})."


def test_code_keeps_its_links_and_lists():
    code = "```\n  - [a](../README.md)\n```\n"
    assert PLACES.relinked(code, "data.md") == code and pages.nested(code) == code
    assert pages.nested("- a\n  - b\n    - c\n") == "- a\n    - b\n        - c\n"


def test_anchors_are_those_of_github():
    assert pages.anchor("`find_ticket`: what's left (in %)", "-") == "find_ticket-whats-left-in-"


def test_examples_of_docstrings_are_code():
    lines = ["What it does.", "", ">>> 1 + 1    # doctest: +SKIP", "2", "", "More."]
    made = ["What it does.", "", "```pycon", ">>> 1 + 1", "2", "```", "", "More."]
    assert pages.with_examples(lines) == made
    assert pages.with_examples([">>> 1"]) == ["```pycon", ">>> 1", "```"]


def test_a_notebook_is_shown_with_what_it_printed(tmp_path):
    outputs = [
        {"output_type": "stream", "text": ["\x1b[1mbold\x1b[0m <a>\n", "\n", "end\n"]},
        {"output_type": "display_data", "data": {"image/png": "aGk=", "text/plain": "Figure"}},
        {"output_type": "execute_result", "data": {"text/html": '<table border="1">\n\n</table>'}},
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "text"]},
        {"cell_type": "code", "source": "draw()", "outputs": outputs},
    ]
    path = tmp_path / "one.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    text, pictures = notebooks.rendered(path)
    assert text.split("\n\n```python\n")[0] == "# Title\ntext"
    assert "```python\ndraw()\n```" in text
    assert '<pre class="output">bold &lt;a&gt;\n\nend</pre>' in text
    assert "![What the cell drew](one_1.png)" in text and pictures == {"one_1.png": b"hi"}
    assert '<div class="output"><table> </table></div>' in text


def test_every_public_name_has_a_place_on_the_page():
    places = {name: f"tflottery.{module}" for name, module in tflottery._PLACES.items()}
    places["__version__"] = "tflottery.versions"
    shown = re.findall(r"^::: (\S+)$", pages.reference(places, tflottery.__all__), re.MULTILINE)
    assert [one.rpartition(".")[2] for one in shown] == tflottery.__all__


def test_every_page_is_in_the_navigation():
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"[\w/.-]+\.md$", config, re.MULTILINE))
    docs = ROOT / "docs"
    there = {str(path.relative_to(docs)) for path in docs.rglob("*.md")}
    made = {*PLACES.moved.values(), pages.CONFIGURATIONS, "reference.md"}
    assert named <= there | made
    assert {page for page in (there | made) - named if not page.startswith("results/")} == set()


def test_nothing_of_the_site_comes_from_elsewhere():
    for path in (ROOT / "docs" / "site" / "assets").iterdir():
        assert "://" not in path.read_text(encoding="utf-8"), path
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "font: false" in config and "://" not in config
    # Material fetches what draws them.
    assert not [
        page for page in Path(ROOT / "docs").rglob("*.md") if "```mermaid" in page.read_text()
    ]


PAGES = {
    "index.md": "# Start\n\nRead of [masks](masks.md).\n",
    "masks.md": "# Masks\n\nWhat stays.\n\n## Moving\n\nA walrus moves them, and no walrus asks.\n",
}


def a_site_of_two_pages(folder: Path) -> Path:
    """The site's settings for two pages: the same theme, scripts and search."""
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    settings["plugins"] = [one for one in settings["plugins"] if "mkdocstrings" not in one]
    for name in ("hooks", "nav", "not_in_nav", "exclude_docs"):
        del settings[name]
    docs = folder / "docs"
    shutil.copytree(ROOT / "docs" / "site" / "assets", docs / "site" / "assets")
    for name, text in PAGES.items():
        (docs / name).write_text(text, encoding="utf-8")
    file = folder / "mkdocs.yml"
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("settings", "words", "page", "heading"),
    [
        (a_site_of_two_pages, "walrus", "masks.html", "Moving"),
        pytest.param(
            lambda _: ROOT / "mkdocs.yml", "glove pypi", "vectors.html", "GloVe from PyPI",
            marks=pytest.mark.long,
        ),
    ],
    ids=["two pages", "whole"],
)  # fmt: skip
def test_a_site_in_a_folder_is_searched_without_a_network(
    browser, settings, words, page, heading, tmp_path
):
    made = tmp_path / "a site"
    build = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict"]
    subprocess.run(
        [*build, "--config-file", settings(tmp_path), "--site-dir", made],
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, check=True,
    )  # fmt: skip
    visit = Visit(browser, made / "index.html", viewport={"width": 1280, "height": 900})
    visit.page.click("[data-md-component=search-query]")
    visit.page.keyboard.type(words)
    found = visit.page.locator(f".md-search-result a[href*='/{page}']", has_text=heading).first
    found.click()
    visit.page.wait_for_url(f"**/{page}*")
    visit.page.locator(".md-content :is(h2, h3)", has_text=heading).first.wait_for()
    # What was looked for is marked on the page that it leads to.
    visit.page.locator(".md-content mark").first.wait_for()
    assert visit.page.url.startswith(made.as_uri())
    visit.require_alone()
    visit.page.close()
