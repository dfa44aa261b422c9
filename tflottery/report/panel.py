"""A figure as an article holds it: panels, each an SVG that is drawn, and its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tflottery.report import environments
from tflottery.report.style import THEME


@dataclass(frozen=True)
class Panel:
    """One SVG: its name, and what it shows in words, for readers who cannot see it. ``box`` and
    ``body`` are its ``viewBox`` and content."""

    name: str
    description: str
    box: str
    body: str

    @property
    def file(self) -> str:
        """Its name in the folder of figures."""
        return f"{self.name}.svg"

    @property
    def svg(self) -> Markup:
        """As a part of a page, whose theme it takes."""
        return self._rendered("panel")

    @property
    def alone(self) -> str:
        """As a file of its own, which brings its themes and a background."""
        return str(self._rendered("picture"))

    def _rendered(self, template: str) -> Markup:
        made = environments.html().get_template(f"report/templates/{template}.svg.j2")
        body = Markup(self.body)
        return Markup(
            made.render(box=self.box, description=self.description, body=body, theme=THEME)
        )


@dataclass(frozen=True)
class Drawing:
    """A figure of an article: panels under one caption."""

    name: str
    panels: Sequence[Panel]
