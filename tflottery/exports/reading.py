"""How an export reads a text, beside its SavedModel: what tells words of texts apart outside of its
graph, for whoever asks what each word did."""

from __future__ import annotations

import base64
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tflottery.data.words.vocabulary import PADDING, Vocabulary
from tflottery.data.words.wording import PLAIN, Wording
from tflottery.errors import UserError
from tflottery.settings import from_table

FILE = "reading.json"
SHARED = 1
"""The embedding row that words without a row of their own share."""


@dataclass(frozen=True)
class Reading:
    """``vocabulary``, ``wording`` and ``max_length`` (in words) of an export; ``own_rows``, as of
    ``Network``: bool [words], or None. ``is_written``: whether the export says so itself, or is of
    before it did."""

    vocabulary: Vocabulary
    wording: Wording
    own_rows: np.ndarray | None
    is_written: bool


def write(folder: Path, wording: Wording, own_rows: np.ndarray | None) -> None:
    """Writes the file into a version's folder."""
    packed = (
        None if own_rows is None else base64.b64encode(np.packbits(own_rows).tobytes()).decode()
    )
    document = {"wording": dataclasses.asdict(wording), "own_rows": packed}
    (folder / FILE).write_text(f"{json.dumps(document, indent=2)}\n", encoding="utf-8")


def read(folder: Path) -> Reading:
    """How the export in a version's folder reads texts; one of before it was written is taken for
    what most are.

    Raises:
        UserError: a file is missing or damaged.
    """
    words = folder / "assets" / "vocabulary.txt"
    if not words.is_file():
        raise UserError(f"{folder} has no vocabulary; export the ticket anew.")
    vocabulary = Vocabulary.from_file(words)
    try:
        document = json.loads((folder / FILE).read_text(encoding="utf-8"))
        wording = from_table(Wording, "wording", document["wording"])
        own = document["own_rows"]
        rows = None
        if own is not None:
            bits = np.unpackbits(np.frombuffer(base64.b64decode(own), np.uint8))
            rows = bits[: len(vocabulary)].astype(bool)
    except FileNotFoundError:
        return Reading(vocabulary, PLAIN, None, False)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise UserError(f"{folder / FILE} is damaged; export the ticket anew.") from None
    return Reading(vocabulary, wording, rows, True)


def embedding_rows(words: int, own_rows: np.ndarray | None) -> np.ndarray:
    """int32 [words]: the embedding row of each id; ``own_rows`` as of ``Network``."""
    if own_rows is None:
        return np.arange(words, dtype=np.int32)
    rows = np.where(own_rows, SHARED + np.cumsum(own_rows), SHARED)
    rows[PADDING] = PADDING
    return rows.astype(np.int32)
