"""Where the sources of the site's pages lie: most in docs/, some elsewhere in the checkout.

GitHub shows the same Markdown, so that its links go by the folders of the checkout. ``Places``
knows both worlds, and rewrites the links of one for the other.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Pages outside of docs/, by their path in the checkout.
_MOVED = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
    "SECURITY.md": "security.md",
    "CODE_OF_CONDUCT.md": "conduct.md",
    "notebooks/README.md": "notebooks/index.md",
}
# Files that pages link to and that are no page.
_FILES = {"CITATION.cff": "files/CITATION.cff"}
# The page that shows the files of configs/, and what it is called there.
CONFIGURATIONS = "configurations.md"
_BLOCKS = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(\[[^\]]*\]\()([^()\s]+)(\))")


@dataclass(frozen=True)
class Places:
    """The files of a checkout, and where the site has them.

    Attributes:
        root: the checkout.
        moved: pages by their path in the checkout, and their path in the site; notebooks too.
    """

    root: Path
    moved: dict[str, str]

    @property
    def files(self) -> dict[str, Path]:
        """Files that come along as they are, by their path in the site."""
        return {there: self.root / here for here, there in _FILES.items()}

    @classmethod
    def of(cls, root: Path) -> Places:
        notebooks = {
            f"notebooks/{path.name}": f"notebooks/{path.stem}.md"
            for path in sorted((root / "notebooks").glob("*.ipynb"))
        }
        there = {path: page for path, page in _MOVED.items() if (root / path).is_file()}
        return cls(root, {**there, **notebooks})

    def source(self, page: str) -> str:
        """The path in the checkout of a page of the site."""
        sources = {there: here for here, there in self.moved.items()}
        return sources.get(page, f"docs/{page}")

    def page(self, path: str) -> str | None:
        """Where the site has a file of the checkout, with the anchor; None: nowhere."""
        if found := self.moved.get(path) or _FILES.get(path):
            return found
        if path == "configs":
            return CONFIGURATIONS
        if path.startswith("configs/"):
            return f"{CONFIGURATIONS}#{posixpath.splitext(posixpath.basename(path))[0]}"
        return path.removeprefix("docs/") if path.startswith("docs/") else None

    def relinked(self, markdown: str, page: str) -> str:
        """A page's text with its links as they go in the site; blocks of code stay as they are."""
        here, there = posixpath.dirname(self.source(page)), posixpath.dirname(page)

        def target(link: re.Match[str]) -> str:
            path, mark, anchor = link[2].partition("#")
            if not path or re.match(r"[a-z]+:", path):
                return link[0]
            found = self.page(posixpath.normpath(posixpath.join(here, path)))
            if found is None:
                return link[0]
            relative = posixpath.relpath(found, there or ".")
            return f"{link[1]}{relative}{mark}{anchor}{link[3]}"

        return outside_code(markdown, lambda text: _LINK.sub(target, text))


def outside_code(markdown: str, change: Callable[[str], str]) -> str:
    """A text, changed but for its blocks of code."""
    parts = _BLOCKS.split(markdown)
    return "".join(part if number % 2 else change(part) for number, part in enumerate(parts))


def nested(markdown: str) -> str:
    """Lists within lists four spaces deep a level, as Python-Markdown reads them, and not two."""
    deeper = re.compile(r"^((?:  )+)(?=[-*] )", re.MULTILINE)
    return outside_code(markdown, lambda text: deeper.sub(lambda found: found[1] * 2, text))


def anchor(heading: str, separator: str) -> str:
    """The anchor of a heading, as GitHub forms it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", separator)


def with_examples(lines: list[str]) -> list[str]:
    """Lines of Markdown, as of a docstring, with each example of ``>>>`` in a block of code."""
    made: list[str] = []
    inside = False
    for line in [*lines, ""]:
        if inside and not line.strip():
            made.append("```")
            inside = False
        elif not inside and line.startswith(">>> "):
            made.append("```pycon")
            inside = True
        made.append(re.sub(r"\s*# doctest: \+\w+$", "", line) if inside else line)
    return made[:-1]


def configurations(folder: Path) -> str:
    """The page of the files of configs/."""
    shown = [
        f"## {path.stem}\n\n```toml\n{path.read_text(encoding='utf-8')}```\n"
        for path in sorted(folder.glob("*.toml"))
    ]
    rules = [
        f"## {path.stem}\n\n```json\n{path.read_text(encoding='utf-8').rstrip()}\n```\n"
        for path in sorted((folder / "rules").glob("*.json"))
    ]
    return "\n".join(
        [
            "# Configurations\n",
            "What `--config NAME` takes: the files of `configs/`, which every installation has. "
            "`claims` is the contrasts of the [claims](claims.md); a `.json` is a rule that "
            "`--learning_rate auto` goes by.\n",
            *shown,
            *rules,
        ]
    )


def reference(places: dict[str, str], names: list[str]) -> str:
    """The page of every public name, for mkdocstrings.

    Args:
        places: the module of each name, as ``tflottery.tickets.ticket``.
        names: in the page's order.
    """
    entries = "\n".join(f"::: {places[name]}.{name}\n" for name in names)
    return (
        "# Every public name\n\n`import tflottery as tfl`; all of these are `tfl.<name>`. "
        f"[Python API](api.md) has examples.\n\n{entries}"
    )
