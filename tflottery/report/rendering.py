"""Articles as Markdown and as a page, both from the same template.

An article's template is Markdown. It calls these blocks, and each form puts its own in their place:

- ``{{ head(title, facts, subject) }}``, ``{{ contents() }}``, ``{{ configuration() }}``,
  ``{{ files() }}``
- ``{{ answers(found) }}``: what held and what did not
- ``{% call remark() %}…``, ``{% call chapter(name, title) %}…``
- ``{% call figure(drawing) %}caption…``
- ``{% call table(table) %}caption…``; with ``folded=True`` a long one, which the page shows on
  demand and Markdown leaves to the CSV, with ``folded="open"`` one that the page shows at once

For the page, a block is rendered to HTML first and leaves a fenced code block with a number in the
text; once markdown-it has made HTML of the text, the block takes that place. No value can forge
such a fence, since values are filled in without line breaks and with their backticks escaped.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any, TypeVar

from jinja2 import Environment
from jinja2.environment import TemplateModule
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token
from markupsafe import Markup

from tflottery.report import environments
from tflottery.report.answers import Effect, Said
from tflottery.report.article import Article
from tflottery.report.environments import unbroken
from tflottery.report.panel import Drawing
from tflottery.report.table import Table
from tflottery.report.whiskers import Scale, Whisker, picture

GENERATOR = '<meta name="generator" content="tflottery report">'
_FRONT = "report/templates/front.md.j2"
_BLOCK = "block"
# So many differences of an answer are seen at once, the others on demand.
_AT_ONCE = 4
Caller = Callable[[], str]
_Lines = list[tuple[tuple[str, Effect], Whisker]]
_AnyForm = TypeVar("_AnyForm", bound="_Form")


def markdown(articles: Sequence[MarkdownArticle]) -> str:
    """``report.md``: words, short tables and figures; long tables are links to their CSV."""
    template = environments.markdown().get_template("report/templates/report.md.j2")
    texts = [Markup(one.source) for one in articles]
    return _tidy(template.render(front=_front(), articles=texts, answered=_with_answers(articles)))


def page(articles: Sequence[Article]) -> str:
    """``index.html``: one file that needs no network, no server and no script."""
    front, made = _front(), _Page()
    css = (resources.files("tflottery.report") / "page.css").read_text(encoding="utf-8")
    template = environments.html().get_template("report/templates/page.html.j2")
    shown = [_HtmlArticle(article, made) for article in articles]
    return template.render(
        blocks=_blocks(environments.html(), "html"),
        css=Markup(css),
        title=Markup(front.title()).unescape(),
        lead=made.inline(front.lead()),
        guide=Markup(front.guide(made.term)),
        articles=shown,
        answered=[(one, one.drawn(one.article.fixed)) for one in _with_answers(shown)],
        before=made.inline(front.before()),
    )


def markdown_table(table: Table) -> str:
    """A table as Markdown, without a caption."""
    return str(_blocks(environments.markdown(), "md").plain_table(table)).strip()


def _with_answers(articles: Sequence[_AnyForm]) -> list[_AnyForm]:
    """The articles with answers by contrasts that were fixed beforehand, where there are several:
    one page then says at its top what was asked, and what came of it."""
    some = [one for one in articles if one.article.fixed]
    return some if len(some) > 1 else []


def _front() -> Any:
    return environments.markdown().get_template(_FRONT).module


def _blocks(environment: Environment, form: str) -> Any:
    module: TemplateModule = environment.get_template(f"report/templates/blocks.{form}.j2").module
    return module


class _Form(ABC):
    """An article in one form. ``tables`` and ``drawings`` are those that its template showed,
    ``chapters`` their names and titles. ``subject``: the title without its seeds, since
    an answer may be of other folders' seeds too."""

    def __init__(self, article: Article) -> None:
        self.article = article
        self.tables: list[Table] = []
        self.drawings: list[Drawing] = []
        self.chapters: list[tuple[str, str]] = []
        self.title = self.subject = ""
        names = ("head", "contents", "configuration", "files", "answers", "remark", "chapter")
        blocks = {name: getattr(self, name) for name in names}
        template = environments.markdown().get_template(article.template)
        self.source = template.render(
            fixed=article.fixed,
            explored=article.answers,
            **article.context,
            **blocks,
            figure=self._figure,
            table=self._table,
        )

    def _figure(self, drawing: Drawing | None, caller: Caller) -> Markup:
        """Nothing where there is no drawing."""
        if drawing is None:
            return Markup("")
        self.drawings.append(drawing)
        return self.figure(drawing, _line(caller))

    def _table(self, table: Table | None, caller: Caller, *, folded: bool | str = False) -> Markup:
        if table is None:
            return Markup("")
        self.tables.append(table)
        return self.table(table, _line(caller), folded)

    def path(self, table: Table) -> str:
        """Where a table's CSV is in the report."""
        return f"tables/{self.article.slug}-{table.name}.csv"

    @property
    def links(self) -> list[str]:
        """Every file of the article in the report's folder, but for figures."""
        data = [f"data/{self.article.slug}/{name}" for name in self.article.files]
        return [*data, *map(self.path, self.tables)]

    @abstractmethod
    def head(self, title: str, facts: Mapping[str, str], subject: str = "") -> Markup: ...

    @abstractmethod
    def contents(self) -> Markup: ...

    @abstractmethod
    def configuration(self) -> Markup: ...

    @abstractmethod
    def files(self) -> Markup: ...

    @abstractmethod
    def answers(self, found: Sequence[Said]) -> Markup: ...

    @abstractmethod
    def remark(self, caller: Caller) -> Markup: ...

    @abstractmethod
    def chapter(self, name: str, title: str, caller: Caller) -> Markup: ...

    @abstractmethod
    def figure(self, drawing: Drawing, caption: Markup) -> Markup: ...

    @abstractmethod
    def table(self, table: Table, caption: Markup, folded: bool | str) -> Markup: ...


class MarkdownArticle(_Form):
    """An article as Markdown: ``source``."""

    def __init__(self, article: Article) -> None:
        self._blocks = _blocks(environments.markdown(), "md")
        super().__init__(article)

    def head(self, title: str, facts: Mapping[str, str], subject: str = "") -> Markup:
        del facts  # the page shows them at a glance; the text says them too
        self.title, self.subject = title, subject
        return Markup(self._blocks.head(self.article, title))

    def contents(self) -> Markup:
        return Markup("")

    def configuration(self) -> Markup:
        return Markup("")

    def files(self) -> Markup:
        return Markup(self._blocks.files(self.article))

    def answers(self, found: Sequence[Said]) -> Markup:
        return Markup(self._blocks.answers(found))

    def remark(self, caller: Caller) -> Markup:
        return Markup(self._blocks.remark(_line(caller)))

    def chapter(self, name: str, title: str, caller: Caller) -> Markup:
        self.chapters.append((name, title))
        return Markup(self._blocks.chapter(title, Markup(caller().strip())))

    def figure(self, drawing: Drawing, caption: Markup) -> Markup:
        return Markup(self._blocks.figure(drawing, caption))

    def table(self, table: Table, caption: Markup, folded: bool | str) -> Markup:
        return Markup(self._blocks.table(table, caption, self.path(table), folded))


class _HtmlArticle(_Form):
    """An article as a part of the page: ``html``."""

    def __init__(self, article: Article, made: _Page) -> None:
        self._page = made
        self._blocks = _blocks(environments.html(), "html")
        super().__init__(article)
        self.html = made.render(self.source)

    def head(self, title: str, facts: Mapping[str, str], subject: str = "") -> Markup:
        self.title, self.subject = title, subject
        return self._page.put(self._blocks.head(self.article, title, facts))

    def contents(self) -> Markup:
        # Which chapters there are is known at the end.
        return self._page.put(lambda: self._blocks.contents(self.article, self.chapters))

    def configuration(self) -> Markup:
        self.chapters.append(("configuration", "Configuration"))
        return self._page.put(self._blocks.configuration(self.article))

    def files(self) -> Markup:
        self.chapters.append(("files", "Files"))
        return self._page.put(self._blocks.files(self.article, self.links))

    def answers(self, found: Sequence[Said]) -> Markup:
        place = f"{self.article.slug}-answer" if found is self.article.fixed else ""
        return self._page.put(self._blocks.answers(self.drawn(found), place))

    def drawn(self, found: Sequence[Said]) -> list[tuple[Said, _Lines, _Lines, Scale | None]]:
        """Each answer with its pictures: those that are seen at once, the others, their scale."""
        drawn = []
        for one in found:
            drawing = picture(one.answer.effects, self.article.tolerance)
            lines = list(zip(one.effects, drawing.whiskers, strict=True))
            drawn.append((one, lines[:_AT_ONCE], lines[_AT_ONCE:], drawing.scale))
        return drawn

    def remark(self, caller: Caller) -> Markup:
        return self._page.put(self._blocks.remark(self._page.inline(_line(caller))))

    def chapter(self, name: str, title: str, caller: Caller) -> Markup:
        self.chapters.append((name, title))
        body = self._page.render(caller())
        return self._page.put(self._blocks.chapter(self.article.slug, name, title, body))

    def figure(self, drawing: Drawing, caption: Markup) -> Markup:
        shown = self._page.inline(caption)
        return self._page.put(self._blocks.figure(drawing, shown, len(self.drawings)))

    def table(self, table: Table, caption: Markup, folded: bool | str) -> Markup:
        shown = self._page.inline(caption)
        label = shown.striptags()
        return self._page.put(self._blocks.table(table, shown, label, folded))


class _Page:
    """Makes HTML of Markdown, with blocks put in."""

    def __init__(self) -> None:
        self._parts: list[str | Callable[[], str]] = []
        self._markdown = MarkdownIt("commonmark", {"html": False})
        self._markdown.add_render_rule("fence", self._fence())
        self._markdown.add_render_rule("text", _text)

    def put(self, html: str | Callable[[], str]) -> Markup:
        """Keeps HTML; gives the Markdown that stands for it."""
        self._parts.append(html)
        return Markup(f"\n\n```{_BLOCK}\n{len(self._parts) - 1}\n```\n\n")

    def render(self, text: str) -> Markup:
        """Paragraphs and blocks."""
        return Markup(self._markdown.render(str(text)))

    def inline(self, text: str) -> Markup:
        """A line of a text."""
        return Markup(self._markdown.renderInline(str(text).replace("\n", " ")))

    def term(self, word: str, caller: Caller) -> Markup:
        """A word of the guide and what it means."""
        return Markup(_blocks(environments.html(), "html").term(word, self.inline(caller())))

    def _fence(self) -> Callable[..., str]:
        """A rule of markdown-it that puts a block in the place of its fence."""

        def rule(renderer: object, tokens: Sequence[Token], place: int, *rest: object) -> str:
            del renderer, rest
            token = tokens[place]
            if token.info != _BLOCK:
                code = token.content.rstrip("\n")
                return str(_blocks(environments.html(), "html").code(code))
            part = self._parts[int(token.content)]
            return str(part() if callable(part) else part)

        return rule


def _text(renderer: object, tokens: Sequence[Token], place: int, *rest: object) -> str:
    del renderer, rest
    return escapeHtml(unbroken(tokens[place].content))


def _line(caller: Caller) -> Markup:
    """What a block of a template holds, on one line."""
    return Markup(" ".join(caller().split()))


def _tidy(text: str) -> str:
    """Each paragraph on a line, and one empty line where blocks left several; code as it is."""
    lines: list[str] = []
    fence = ""
    for line in text.splitlines():
        mark = line[: len(line) - len(line.lstrip("`"))]
        if fence or len(mark) > 2:
            lines.append(line)
            fence = mark if not fence else "" if line == fence else fence
        elif not line.strip():
            lines += [""] if lines and lines[-1] else []
        elif lines and _is_prose(lines[-1]) and _is_prose(line):
            lines[-1] += " " + line.strip()
        else:
            lines.append(line.rstrip())
    return "\n".join(lines).strip() + "\n"


def _is_prose(line: str) -> bool:
    return bool(line) and not line.startswith(("#", ">", "-", " ", "|", "![", "`"))
