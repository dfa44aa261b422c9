"""An article: all that a report says of one study, transfer or search, whatever form it takes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tflottery.naming import short_name
from tflottery.report.answers import Said


@dataclass(frozen=True)
class Article:
    """``template`` is Markdown, filled in with ``context``; it names the figures and tables that
    stand in it (``rendering`` says how). ``folder`` holds ``files``, which are copied;
    ``tolerance`` is in points. ``fixed`` are answers by contrasts that were fixed beforehand,
    ``answers`` are exploratory. ``label``: what files and links call it, by default ``folder``'s
    name.
    """

    template: str
    context: Mapping[str, Any]
    name: str
    folder: Path
    files: Sequence[str]
    command: str
    config: Mapping[str, Any]
    versions: Mapping[str, str]
    tolerance: float
    answers: Sequence[Said] = field(default=())
    fixed: Sequence[Said] = field(default=())
    label: str = ""

    @property
    def slug(self) -> str:
        """Its name in file names and links."""
        return slug(Path(self.label)) if self.label else slug(self.folder)

    @property
    def settings(self) -> dict[str, dict[str, str]]:
        """The configuration in words, by table; settings outside of any table under ``study``."""
        tables = {key: value for key, value in self.config.items() if isinstance(value, Mapping)}
        loose = {key: value for key, value in self.config.items() if key not in tables}
        blocks = {**({"study": loose} if loose else {}), **tables, "versions": self.versions}
        return {
            name: {str(key): _in_words(value) for key, value in block.items()}
            for name, block in blocks.items()
        }


def slug(folder: Path) -> str:
    """A folder's name as it stands in file names and links, which need room for more."""
    return short_name(re.sub(r"[^A-Za-z0-9_-]+", "-", folder.resolve().name), 150)


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_in_words, value))
    if isinstance(value, Mapping):
        return "; ".join(f"{key} {_in_words(item)}" for key, item in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
