"""What decides a class in an exported ticket, for the report: read from the file beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflottery import program
from tflottery.errors import UserError
from tflottery.experiments import names
from tflottery.experiments.documents import Kinds, read_about
from tflottery.experiments.shapes import COUNT, FRACTION, Each, Many, Maybe, Number
from tflottery.reasons.written import FILE, FORMAT_VERSION
from tflottery.report.article import Article
from tflottery.report.numbers import POINTS, WHOLE
from tflottery.report.table import Column, Table

_KINDS: Kinds = {
    "dataset": str, "model": str, "classes": Many(str), "sentence": str,
    "sparsity": FRACTION, "test_accuracy": Maybe(FRACTION), "run_key": str, "config": {},
    "versions": Each(str), "split": str, "texts": COUNT, "of": COUNT,
    "words": Many({"class": str, "word": str, "effect": Number(), "texts": COUNT}),
    "ngrams": Many({"class": str, "filter": str, "effect": Number(), "ngrams": Many(str)}),
}  # fmt: skip
_CLASS = Column("class", "class", is_text=True)
_EFFECT = Column("effect", "effect", POINTS)


@dataclass(frozen=True)
class Decisive:
    """``folder``: of a version or a bundle; ``about``: what its file says."""

    folder: Path
    about: Mapping[str, Any]

    @property
    def name(self) -> str:
        """``imdb-cnn, version 2``; a bundle's folder's name."""
        folder = self.folder.resolve()
        is_version = folder.name.isdecimal()
        return f"{folder.parent.name}, version {folder.name}" if is_version else folder.name


def load_models(paths: Sequence[Path]) -> list[Decisive]:
    """What decides a class in each of some models (``load_decisive``).

    Raises:
        UserError: as there, or two of them have one name.
    """
    found = [load_decisive(path) for path in paths]
    for place, one in enumerate(found):
        if one.name in [other.name for other in found[:place]]:
            raise UserError(f"Two models are called {one.name}; write a report of each.")
    return found


def load_decisive(path: Path) -> Decisive:
    """What decides a class in a model.

    Args:
        path: the folder of a model, whose newest version is taken, of a version, or of a bundle.

    Raises:
        UserError: there is none, it does not say so, or its file is damaged.
    """
    if not path.is_dir():
        raise UserError(f"There is no folder {path}; give --model one that bin/export wrote.")
    versions = [one for one in path.iterdir() if one.name.isdecimal()]
    is_model = bool(versions) and not (path / FILE).is_file()
    folder = max(versions, key=lambda one: int(one.name)) if is_model else path
    if not (folder / FILE).is_file():
        raise UserError(
            f"{folder} holds no {FILE}: it is no export, one of before there was such a file, or "
            "one whose data could not be had; export the ticket anew."
        )
    about = read_about(
        folder / FILE,
        what="words that decide",
        format_version=FORMAT_VERSION,
        kinds=_KINDS,
        command="bin/export",
    )
    return Decisive(folder, about)


def decisive_article(found: Decisive) -> Article:
    """All that the report says of a model."""
    about = found.about
    return Article(
        template="experiments/ticket/decisive.md.j2",
        context={
            "about": about,
            "names": names,
            "tables": {"words": _words(about), "ngrams": _ngrams(about)},
        },
        name=found.name,
        folder=found.folder,
        files=(FILE,),
        command=program.recorded("report", model=str(found.folder)),
        config=about["config"],
        versions=about["versions"],
        tolerance=0.0,
        label=found.name,
    )


def _words(about: Mapping[str, Any]) -> Table:
    columns = (
        _CLASS,
        Column("word", "word", is_text=True),
        _EFFECT,
        Column("texts", "texts", WHOLE),
    )
    return Table("words", columns, about["words"], headers=2)


def _ngrams(about: Mapping[str, Any]) -> Table | None:
    """None of a network without filters."""
    if not about["ngrams"]:
        return None
    rows = [{**row, "ngrams": " · ".join(row["ngrams"])} for row in about["ngrams"]]
    columns = (
        _CLASS,
        Column("filter", "filter", is_text=True),
        _EFFECT,
        Column("ngrams", "n-grams that move it most", is_text=True),
    )
    return Table("ngrams", columns, rows, headers=2)
