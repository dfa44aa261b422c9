"""The sealed document of an experiment, and where those of a store are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tflottery.errors import DamagedFileError
from tflottery.files import read_sealed

Kinds = Mapping[str, type | tuple[type, ...]]
"""The type, or types, of each key that a document has to hold."""


def read_about(
    path: Path, *, what: str, format_version: int, kinds: Kinds, command: str
) -> dict[str, Any]:
    """The sealed document of a study, a transfer or a search, with every key of ``kinds``.

    Args:
        path, what, format_version: as ``read_sealed`` takes them.
        kinds: what it has to hold.
        command: what writes it anew.

    Raises:
        UserError: it is missing, damaged or of another format; the line names it.
    """
    about = read_sealed(path, what=what, format_version=format_version)
    for key, kind in kinds.items():
        if not isinstance(about.get(key), kind):
            raise DamagedFileError(f"{path} has no valid {key!r}; run {command} again.")
    return about


def folders_of(store: Path, kind: str, document: str) -> list[Path]:
    """The folders of a kind in a store, by name; ``store`` itself where it holds the document."""
    if (store / document).is_file():
        return [store]
    root = store / kind
    # A folder that is being written has a name that begins with a dot.
    return sorted(
        path
        for path in (root.iterdir() if root.is_dir() else [])
        if path.is_dir() and not path.name.startswith(".")
    )
