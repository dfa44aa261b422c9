"""What was counted in labelled texts, as plain numbers that a file keeps."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflottery.errors import DamagedFileError
from tflottery.files import read_sealed, seal

if TYPE_CHECKING:
    from cattrs import Converter

FORMAT_VERSION = 1
# Another version has another name, so that one that cannot be read counts as none.
FILE = f"inspection-{FORMAT_VERSION}.json"


@dataclass(frozen=True)
class SplitFindings:
    """Counts of one split. None stands for what encoded data of before do not tell.

    ``by_class``: texts of each class. ``quartiles``, ``longest``: words of a text. ``words``:
    running words. ``cut``: texts with more words than are read, ``lost``: the words that are not.
    ``read``: running words that are read, ``unknown``: those of them that the vocabulary does not
    hold, ``new``: those that stand in no training text. ``single``: texts of one word,
    ``wordless``: of none. ``copies``: texts equal to an earlier one of the split, ``of_train``:
    held-out texts equal to a training text. ``histogram``: texts by number of words, in the bins of
    ``counting.EDGES``.
    """

    texts: int
    by_class: tuple[int, ...]
    quartiles: tuple[float, float, float]
    longest: int
    words: int
    cut: int
    lost: int | None
    read: int
    unknown: int
    new: int | None
    single: int
    wordless: int | None
    copies: int
    of_train: int
    histogram: tuple[int, ...]


@dataclass(frozen=True)
class Findings:
    """Counts of a data set as it is encoded.

    ``caution``: what its source says. ``whole``: whether texts were counted before they were cut;
    encoded data of before hold only what is read. ``tokens``, ``symbols``, ``keep``: as in
    the settings. ``vocabulary``:
    ids; ``distinct``: different words of the training texts; ``vocabulary_is_own``: whether no
    other data were counted for it. ``given``: the splits that the source has. ``contradicting``:
    texts of any split that equal one of another class. ``ninety``: words within which nine of ten
    training texts end. ``letters``, ``spaceless`` (by script), ``run_on``: of the training texts,
    as ``scripts.Letters``.
    """

    name: str
    classes: tuple[str, ...]
    caution: str
    whole: bool
    tokens: str
    max_length: int
    vocabulary: int
    distinct: int
    vocabulary_is_own: bool
    given: tuple[str, ...]
    splits: dict[str, SplitFindings]
    contradicting: int
    ninety: int
    letters: int
    spaceless: dict[str, int]
    run_on: int
    symbols: bool = False
    keep: str = "head"

    def payload(self) -> dict[str, Any]:
        """As JSON takes it."""
        return dataclasses.asdict(self)


@cache
def _converter() -> Converter:
    from cattrs import Converter

    return Converter(forbid_extra_keys=True)


def from_payload(payload: Mapping[str, Any], where: Path) -> Findings:
    """What ``payload`` gave.

    Args:
        payload: read from JSON.
        where: the file, for the message.

    Raises:
        DamagedFileError: it holds something else.
    """
    from cattrs.errors import BaseValidationError

    try:
        found = _converter().structure(payload, Findings)
        counts = {len(split.by_class) for split in found.splits.values()}
        if set(found.splits) != {"train", "validation", "test"} or counts != {len(found.classes)}:
            raise ValueError("splits or classes are missing")
    except (BaseValidationError, ValueError, TypeError, KeyError, AttributeError):
        raise DamagedFileError(f"{where} is damaged: it holds no inspection of data.") from None
    return found


def sealed(found: Findings) -> str:
    """The text of the file that keeps them beside encoded data."""
    return seal({"format_version": FORMAT_VERSION, "inspection": found.payload()})


def kept_in(folder: Path) -> Findings | None:
    """Those that are kept in a folder of encoded data; None where that is of before, or not there.

    Raises:
        DamagedFileError: the file is damaged.
    """
    path = folder / FILE
    if not path.exists():
        return None
    document = read_sealed(path, what="inspection", format_version=FORMAT_VERSION)
    return from_payload(document.get("inspection", {}), path)
