"""``report.md``: the report for a README."""

from __future__ import annotations

from collections.abc import Sequence

from tflottery.report.article import Article
from tflottery.report.page import GUIDE, LEAD, TITLE


def markdown(articles: Sequence[Article]) -> str:
    """The page's words, short tables and figures; long tables are links to their CSV."""
    lines = [f"# {TITLE}", "", LEAD, ""]
    lines += [f"**{word}.** {said}" + "\n" for word, said in GUIDE.items()]
    for article in articles:
        lines += _article(article)
    return "\n".join(lines).rstrip() + "\n"


def _article(article: Article) -> list[str]:
    lines = [f"## {article.title} (`{article.name}`)", ""]
    lines += [f"> {text}\n" for text in article.remarks]
    lines += ["```", article.command, "```", ""]
    lines += [f"{text}\n" for text in article.opening]
    lines += ["### What held, what did not", ""]
    for finding in article.findings:
        lines += [f"- **{finding.claim}** ({finding.question}) *{finding.outcome}.*"]
        lines += [f"  - {one.words}" for one in finding.effects]
        lines += [f"  - {text}" for text in finding.remarks]
    lines.append("")
    for chapter in article.chapters:
        lines += [f"### {chapter.title}", ""]
        lines += [f"{text}\n" for text in chapter.text]
        for drawing in chapter.figures:
            lines += [
                f"![{_plain(panel.description)}](figures/{panel.name}.svg)"
                for panel in drawing.panels
            ]
            lines += ["", f"*{drawing.caption}*", ""]
        for table in chapter.tables:
            lines += [table.markdown(), "", f"*{table.caption}*", ""]
        for table in [*chapter.tables, *chapter.folded]:
            path = f"tables/{article.slug}-{table.name}.csv"
            lines += [f"[{path}]({path}): {table.caption}", ""]
    lines += ["### Every run", ""]
    lines += [
        f"- [data/{article.slug}/{name}](data/{article.slug}/{name})" for name in article.files
    ]
    return [*lines, ""]


def _plain(text: str) -> str:
    """Text that stands between brackets."""
    return " ".join(text.split()).replace("[", "(").replace("]", ")")
