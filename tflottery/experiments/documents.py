"""The folder of an experiment: a sealed document, and tables whose checksums it holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tflottery.errors import DamagedFileError
from tflottery.experiments.schema import Schema
from tflottery.experiments.shapes import COUNT, FRACTION, Each, Many, Maybe, Number, Shape, fault
from tflottery.files import new_folder, read_sealed, seal, sha256_of_bytes, sha256_of_file

Kinds = Mapping[str, Shape]
"""The shape of each key that a document has to hold."""

_LEARNT: Shape = {
    "texts": COUNT, "seeds": COUNT, "difference": Maybe(Number()), "low": Maybe(Number()),
    "high": Maybe(Number()), "dense": Maybe(FRACTION), "larger_class": Maybe(FRACTION),
}  # fmt: skip
# What documents of earlier versions, or of other experiments, do not have.
_LATER: Kinds = {
    "cautions": Many(str), "learnt": Maybe(_LEARNT), "dense_alone": Many(COUNT),
    "files": Each(str),
}  # fmt: skip


@dataclass(frozen=True)
class Document:
    """A sealed document to be written, with the tables whose checksums it holds as ``files``.

    ``others``: further files, by name.
    """

    name: str
    payload: Mapping[str, Any]
    tables: Mapping[Schema, pd.DataFrame]
    others: Mapping[str, str] = field(default_factory=dict)

    def texts(self) -> dict[str, str]:
        """Every file by name, the document last."""
        texts = {schema.file: schema.csv(frame) for schema, frame in self.tables.items()}
        texts |= self.others
        sums = {name: sha256_of_bytes(text.encode()) for name, text in texts.items()}
        return {**texts, self.name: seal({**self.payload, "files": sums})}


def write_folder(folder: Path, *documents: Document) -> None:
    """Writes a folder of documents and tables whole, in place of an older one."""
    with new_folder(folder) as staging:
        for document in documents:
            for name, text in document.texts().items():
                (staging / name).write_text(text, encoding="utf-8", newline="\n")


def read_about(
    path: Path, *, what: str, format_version: int, kinds: Kinds, command: str
) -> dict[str, Any]:
    """The sealed document of a study, a transfer or a search, with every key of ``kinds``, and
    ``cautions``, lines on its data, of which documents of earlier versions have none.

    Args:
        path, what, format_version: as ``read_sealed`` takes them.
        kinds: what it has to hold.
        command: what writes it anew.

    Raises:
        UserError: it is missing, damaged or of another format; the line names it.
    """
    about = read_sealed(path, what=what, format_version=format_version)
    about.setdefault("cautions", [])
    later = {key: shape for key, shape in _LATER.items() if key in about}
    for key, shape in {**kinds, **later}.items():
        if wrong := fault(about.get(key), shape, key):
            raise DamagedFileError(f"{path} has no valid {wrong!r}; run {command} again.")
    return about


def check_files(
    folder: Path, about: Mapping[str, Any], command: str, tables: Iterable[str] = ()
) -> None:
    """Makes sure that the files beside a document are those that it was written with. Documents of
    earlier versions hold no checksums; then nothing is checked.

    Args:
        folder: where they are.
        about: the document.
        command: what writes them anew.
        tables: files that were read beside it.

    Raises:
        DamagedFileError: one is missing, is another, or is none of the document's; the line names
            it.
    """
    if not has_checksums(about):
        return
    sums = about["files"]
    for name in tables:
        if name not in sums:
            raise DamagedFileError(
                f"{folder / name} is none of the files that were written here. Delete it, or run "
                f"{command} again, which writes the folder anew."
            )
    for name, checksum in sums.items():
        path = folder / Path(str(name)).name
        if not path.is_file() or sha256_of_file(path) != checksum:
            raise DamagedFileError(
                f"{path} is damaged: its checksum does not fit. Run {command} again, which writes "
                "it anew."
            )


def has_checksums(about: Mapping[str, Any]) -> bool:
    """Whether a document holds the checksums of its files, as all but the earliest do."""
    return "files" in about


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
