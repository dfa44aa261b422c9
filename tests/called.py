"""Small reviews and settings for tests of the library's calls, which train really."""

from __future__ import annotations

from pathlib import Path

import pytest

import tflottery as tfl
from tests.conftest import write_reviews
from tests.test_transfer import write_others

SMALL = {
    "training.epochs": 1,
    "model.filters": 4,
    "model.embedding": 6,
    "model.widths": [2],
}
STUDY = """
[data]
vocabulary_size = 50
[model]
name = "cnn"
embedding = 6
widths = [2]
filters = 4
[training]
epochs = 1
[study]
levels = [0.36]
inits = ["original"]
one_shot_levels = [0.36]
"""


def write_work(folder: Path) -> Path:
    """Writes films.csv, meals.csv and a study's configuration, tiny.toml, into a folder."""
    write_reviews(folder / "films.csv")
    write_others(folder / "meals.csv")
    (folder / "tiny.toml").write_text(STUDY, encoding="utf-8")
    return folder


def find_in(work: Path) -> tfl.FoundTicket:
    """The ticket of films.csv at 36 %."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(work)
        return tfl.find_ticket("films.csv", model="cnn", sparsity=0.36, set=SMALL, progress=False)
