"""Notebooks as Markdown, with what they printed and drew; nothing is run."""

from __future__ import annotations

import base64
import html
import json
import re
from pathlib import Path
from typing import Any

Pictures = dict[str, bytes]
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def rendered(path: Path) -> tuple[str, Pictures]:
    """The notebook's Markdown, and its pictures by the names that the Markdown links to."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    pictures: Pictures = {}
    parts: list[str] = []
    for cell in notebook["cells"]:
        text = _text(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(text)
        elif cell["cell_type"] == "code" and text.strip():
            parts.append(f"```python\n{text}\n```")
            for output in cell["outputs"]:
                parts.append(_shown(output, path.stem, pictures))
    return "\n\n".join(filter(None, parts)) + "\n", pictures


def _shown(output: dict[str, Any], stem: str, pictures: Pictures) -> str:
    if output["output_type"] == "stream":
        return _block(_text(output["text"]))
    if output["output_type"] == "error":
        return _block("\n".join(output["traceback"]))
    data = output["data"]
    for kind, ending in (("image/svg+xml", "svg"), ("image/png", "png")):
        if kind in data:
            content = _text(data[kind])
            name = f"{stem}_{len(pictures) + 1}.{ending}"
            pictures[name] = content.encode() if ending == "svg" else base64.b64decode(content)
            return f"![What the cell drew]({name})"
    if "text/html" in data:
        # In a line of its own, without blank ones: Markdown ends its HTML at the first.
        lines = (line.strip() for line in _text(data["text/html"]).splitlines())
        # A bare table looks as those of the pages do.
        shown = re.sub(r"<table[^>]*>", "<table>", " ".join(filter(None, lines)))
        return f'<div class="output">{shown}</div>'
    return _block(_text(data.get("text/plain", "")))


def _block(text: str) -> str:
    text = html.escape(_ESCAPES.sub("", text).rstrip(), quote=False)
    return f'<pre class="output">{text}</pre>' if text else ""


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)
