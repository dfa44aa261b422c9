"""What MkDocs does for this site beside reading docs/ (mkdocs.yml names it)."""

from __future__ import annotations

import sys
from pathlib import Path

from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
import pages  # noqa: E402

import notebooks  # noqa: E402
import tflottery  # noqa: E402

PLACES = pages.Places.of(ROOT)


class _Examples(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        return pages.with_examples(lines)


class _Docstrings(Extension):
    """Examples of docstrings as code, before anything takes ``>>>`` for a quotation."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - Python-Markdown's name
        md.preprocessors.register(_Examples(md), "examples", 29)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    config.markdown_extensions.append(_Docstrings())
    config.mdx_configs["toc"]["slugify"] = pages.anchor
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    def add(path: str, content: str | bytes) -> None:
        files.append(File.generated(config, path, content=content))

    for source, page in PLACES.moved.items():
        if source.endswith(".ipynb"):
            text, pictures = notebooks.rendered(ROOT / source)
            for name, content in pictures.items():
                add(f"notebooks/{name}", content)
            add(page, text)
        else:
            add(page, (ROOT / source).read_text(encoding="utf-8"))
    for page, path in PLACES.files.items():
        add(page, path.read_bytes())
    add(pages.CONFIGURATIONS, pages.configurations(ROOT / "configs"))
    places = {name: f"tflottery.{module}" for name, module in tflottery._PLACES.items()}
    places["__version__"] = "tflottery.versions"
    add("reference.md", pages.reference(places, tflottery.__all__))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    return pages.nested(PLACES.relinked(markdown, page.file.src_uri))
