"""A small exported model and a table of odd texts for it to score."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from tests.exported import make_ticket, save_unchecked
from tflottery.exports import client

COLUMNS = ["id", "review", "note"]
ROWS = [
    ["007", "a film i would gladly see again", "=1+1"],
    ["2", 'two lines,\nand a "quote" again', "@x"],
    ["3", "", "-5"],
    ["4", "좋은 영화였다!", "+cmd|' /C calc'!A0"],
    ["5", "dull and flat " * 2_000, "  spaces  "],
]
ADDED = ["label", "score_negative", "score_positive"]


@contextmanager
def model_loaded_once(folder: Path) -> Iterator[Path]:
    """An exported model's folder in ``folder``; within, it is loaded once for all tests."""
    base = save_unchecked(make_ticket(folder / "ticket", "cnn"), folder / "small")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(client, "load", cache(client.load))
        yield base


def delimited(delimiter: str) -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter).writerows([COLUMNS, *ROWS])
    return stream.getvalue()
