"""Jinja's environments: one for Markdown, one for HTML and SVG, one for plain words.

Templates are named by their path in the package, as ``report/templates/page.html.j2``. Whatever a
template fills in is escaped for the form that it makes; ``markupsafe.Markup`` marks a text that is
in that form already.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tflottery.report import escaping, numbers

_UNBROKEN = re.compile(r"(?<=[0-9]) (?=%|ep\b|it\b|points)|(?<=[±=]) (?=[0-9])|(?<=\bn) (?==)")


def unbroken(text: str) -> str:
    """The text with a number kept on one line with its unit."""
    return _UNBROKEN.sub("\u00a0", text)


@cache
def markdown() -> Environment:
    """Fills values in so that none of them can become Markdown or HTML."""
    return _environment(_unless_marked(lambda text: Markup(escaping.escaped(text))))


@cache
def html() -> Environment:
    """Fills values in as text; ``unbroken`` keeps numbers and units together."""
    made = _environment(lambda value: "" if value is None else value)
    made.filters["unbroken"] = lambda value: (
        value if hasattr(value, "__html__") else unbroken(str(value))
    )
    return made


@cache
def plain() -> Environment:
    """Fills values in as they are, but on one line; for terminals, and for words that another
    template fills in."""
    return _environment(_unless_marked(lambda text: Markup(escaping.one_line(text))))


def _unless_marked(mark: Callable[[str], Markup]) -> Callable[[Any], Any]:
    def finalize(value: Any) -> Any:
        if hasattr(value, "__html__"):
            return value
        return Markup("") if value is None else mark(str(value))

    return finalize


def _environment(finalize: Callable[[Any], Any]) -> Environment:
    made = Environment(
        loader=PackageLoader("tflottery", "."),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    made.filters.update(
        code=lambda text: Markup(escaping.code(str(text))),
        fenced=lambda text: Markup(escaping.fenced(str(text))),
        **numbers.FILTERS,
    )
    made.globals.update(numbers.FUNCTIONS)
    return made
