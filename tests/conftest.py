"""Fixtures that many tests use: small data, small networks, commands as real processes."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# The background jobs of a shell ignore Ctrl-C, and their children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
# xdist starts a worker for each core; and bits depend on the number of threads.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import numpy as np
import pytest
from hypothesis import settings

from tflottery import activity
from tflottery.data.encoded import Corpus
from tflottery.data.encoding import encode
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings
from tflottery.models.shipped.cnn import Cnn
from tflottery.models.shipped.gru import Gru
from tflottery.models.shipped.lstm import Lstm
from tflottery.models.shipped.transformer import Transformer
from tflottery.runs.recipes import Recipe
from tflottery.tickets.ticket import Ticket
from tflottery.training.settings import TrainingSettings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "tfds"

# Machines differ too much for hypothesis' deadlines; ours are tests, not benchmarks.
settings.register_profile("tflottery", deadline=None, derandomize=True)
settings.load_profile("tflottery")

SMALL = {
    "cnn": Cnn(embedding=8, widths=(2, 3), filters=6, embedding_dropout=0.1, dropout=0.2),
    "lstm": Lstm(embedding=8, units=5, embedding_dropout=0.1, dropout=0.2),
    "gru": Gru(embedding=8, units=5, pooling="max", embedding_dropout=0.1, dropout=0.2),
    "transformer": Transformer(
        embedding=8, heads=2, feed_forward=6, positions=12, block_dropout=0.2, dropout=0.2
    ),
}


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A name for bytes that is the same in every process, which the workers of xdist must agree on.

    Written out, packed bytes hold the second in which they were packed.
    """
    return f"{argname} of {len(val)} bytes" if isinstance(val, bytes) else None


def is_prunable(tensor: str) -> bool:
    """Whether a network's tensor of that name has a mask: kernels and embeddings have one."""
    return tensor.endswith(("kernel", "embeddings"))


REVIEWS = {
    "pos": ["a fine film", "great fun and great heart", "i loved it", "bright , warm and funny"],
    "neg": ["a poor film", "no fun and no heart", "i hated it", "dull , cold and tired"],
}


def write_reviews(path: Path, copies: int = 12, delimiter: str = ",") -> Path:
    """A CSV of small reviews: ``copies`` variants of each of ``REVIEWS``."""
    rows = [
        f'"{text} {word}"{delimiter}{label}'
        for label, texts in REVIEWS.items()
        for number, text in enumerate(texts)
        for word in ["indeed"] * number + ["truly"] * (copies - number)
    ]
    path.write_text("\n".join([f"text{delimiter}label", *rows]) + "\n", encoding="utf-8")
    return path


def small_settings_in(folder: Path) -> DataSettings:
    """The settings of small reviews, which are written into a folder."""
    file = write_reviews(folder / "small.csv")
    settings = DataSettings(dataset=str(file), vocabulary_size=40, max_length=12)
    # Few of the texts differ. Dealt one by one, the classes are equally large on each side.
    return dataclasses.replace(sources.identify(settings), division=1)


def small_corpus_in(folder: Path) -> Corpus:
    """The encoded data of ``small_settings_in``."""
    settings = small_settings_in(folder)
    return encode(sources.open_source(settings), settings)


@pytest.fixture(scope="session")
def small_settings(tmp_path_factory: pytest.TempPathFactory) -> DataSettings:
    return small_settings_in(tmp_path_factory.mktemp("reviews"))


@pytest.fixture(scope="session")
def small_corpus(small_settings: DataSettings) -> Corpus:
    return encode(sources.open_source(small_settings), small_settings)


@pytest.fixture(
    params=[one if one in ("cnn", "lstm") else pytest.param(one, marks=pytest.mark.long)
            for one in sorted(SMALL)]
)  # fmt: skip
def small_recipe(request: pytest.FixtureRequest, small_settings: DataSettings) -> Recipe:
    """A recipe that trains in a second, once for each architecture."""
    training = TrainingSettings(learning_rate=0.01, batch_size=16, epochs=2, patience=2)
    return Recipe(small_settings, SMALL[request.param], training)


@pytest.fixture(scope="session")
def small_export(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ticket, Path]:
    """A ticket of a small CNN with drawn weights, and the folder of its exported model."""
    from tests.exported import make_ticket
    from tflottery.exports.publishing import publish

    ticket = make_ticket(tmp_path_factory.mktemp("tickets") / "cnn", "cnn")
    base = tmp_path_factory.mktemp("saved_models") / "small"
    publish(ticket, base)
    return ticket, base


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium, as in ``browsing``."""
    from tests.browsing import chromium

    with chromium() as opened:
        yield opened


class Heard(activity.Deaf):
    """Keeps what it is told of what goes on."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def changed(self, now: activity.Activity | None) -> None:
        self.lines.append(str(now or ""))

    def moved(self, now: activity.Activity) -> None:
        self.lines.append(str(now))


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Who listens meanwhile."""
    listener = Heard()
    with activity.told_to(listener):
        yield listener


def user_environment() -> dict[str, str]:
    """The environment without what the tests themselves set in it."""
    chosen = {**os.environ, "PYTHONPATH": str(ROOT)}
    del chosen["TF_CPP_MIN_LOG_LEVEL"]
    return chosen


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Runs ``bin/<name>`` with flags in a folder of its own; gives the finished process."""

    def run(name: str, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", f"tflottery.cli.{name}", *flags],
            cwd=tmp_path,
            env={**user_environment(), **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def same_arrays(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    """Whether both hold the same names and, bit for bit, the same arrays."""
    return set(one) == set(other) and all(np.array_equal(one[name], other[name]) for name in one)
