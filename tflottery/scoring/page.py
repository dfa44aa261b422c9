"""Explanations as a page: words in colours, with nothing to load from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from tflottery.data.reading.records import shown_path
from tflottery.errors import UserError
from tflottery.files import new_file, require_replaceable, require_writable
from tflottery.reasons import coloured
from tflottery.reasons.words import Explanation
from tflottery.settings import place

_ENDINGS = (".html", ".htm")


def is_page(output: str) -> bool:
    """Whether a file of that name is a page, and no table."""
    return output.lower().endswith(_ENDINGS)


def place_of(output: str | Path) -> Path:
    """Where a page is written; nothing but such a page is replaced.

    Raises:
        UserError: its name is no page's, there is something else, or the folder cannot be written.
    """
    output = place("output", output)
    if not is_page(output.name):
        raise UserError(
            f"Words are explained on a page; give one as --output, as {shown_path(output)}.html."
        )
    require_writable(output.parent, "--output")
    if not output.exists():
        return output
    require_replaceable(output, "--output")
    if output.read_bytes()[: len(coloured.HEAD)] != coloured.HEAD.encode():
        raise UserError(
            f"{shown_path(output)} is there already and explains no words; give --output another "
            "name, or delete it."
        )
    return output


def write(explained: Iterable[Sequence[Explanation]], output: Path) -> int:
    """Writes a page, whole or not at all; gives the number of texts."""
    count = 0
    with new_file(output) as stream:
        stream.write(coloured.HEAD.encode())
        for batch in explained:
            count += len(batch)
            stream.write(coloured.html(batch).encode("utf-8", "replace"))
        stream.write(coloured.TAIL.encode())
    return count
