"""Writes the report's folder, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tflottery.errors import UserError
from tflottery.files import new_folder, require_writable
from tflottery.report.article import Article
from tflottery.report.rendering import GENERATOR, MarkdownArticle, markdown, page


def write_articles(articles: Sequence[Article], output: Path) -> Path:
    """Writes a page, Markdown, figures and tables, and copies the files that they are made of.

    Args:
        articles: in the order in which they are to stand.
        output: made anew; an older report in its place is replaced.

    Returns:
        The path of ``index.html``.

    Raises:
        UserError: ``output`` holds something else than a report.
    """
    require_place(output)
    with new_folder(output) as folder:
        written = [MarkdownArticle(article) for article in articles]
        for one in written:
            _write_files(folder, one)
        (folder / "report.md").write_text(markdown(written), encoding="utf-8")
        (folder / "index.html").write_text(page(articles), encoding="utf-8")
    return output / "index.html"


def _write_files(folder: Path, written: MarkdownArticle) -> None:
    article = written.article
    data, figures, tables = (
        folder / name for name in (f"data/{article.slug}", "figures", "tables")
    )
    for place in (data, figures, tables):
        place.mkdir(parents=True, exist_ok=True)
    for name in article.files:
        shutil.copyfile(article.folder / name, data / name)
    for drawing in written.drawings:
        for panel in drawing.panels:
            (figures / panel.file).write_text(panel.alone, encoding="utf-8")
    for table in written.tables:
        (folder / written.path(table)).write_text(table.csv(), encoding="utf-8")


def require_place(output: Path) -> None:
    """A folder that is not a report is never replaced: it may be the user's home.

    Raises:
        UserError: it is one, or cannot be written.
    """
    require_writable(output, "--output")
    index = output / "index.html"
    is_report = index.is_file() and GENERATOR in index.read_text("utf-8", errors="replace")[:2000]
    if output.exists() and any(output.iterdir()) and not is_report:
        raise UserError(f"{output} holds other things than a report; give --output another place.")
