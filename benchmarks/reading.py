"""A table of texts, read and encoded, beside what pandas takes to read it."""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.harness import Options, Table, counted, ratio
from benchmarks.watch import Watch
from tflottery.data import corpus
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings

_ROWS = 100_000
_WORDS = 100
_VOCABULARY = 100_000
_AT_ONCE = 5_000
# How often a word has something before or after it.
_AFTER = (("", "", 0.87), ("", ",", 0.05), ("", ".", 0.05), ('"', '"', 0.01), ("", "!", 0.01),
          ("", "'s", 0.009), ("", "<br />", 0.001))  # fmt: skip
_PANDAS = "pandas.read_csv"


def table(options: Options, watch: Watch) -> Table:
    """Rows of English-like texts, and of texts with letters beyond ASCII."""
    spent: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for called, accents in (("in ASCII", 0.0), ("with accents", 0.2)):
            watch.at(f"writing {_ROWS:,} texts {called}")
            files[called] = Path(folder) / f"{len(files)}.csv"
            write(files[called], _ROWS, accents)
        variants: dict[str, Callable[[], object]] = {}
        for called, path in files.items():
            variants[f"{_PANDAS}, {called}"] = lambda path=path: _by_pandas(path)
            variants[f"read and encoded, {called}"] = lambda path=path: _encoded(path)
        watch.expect(dict.fromkeys(variants, options.turns + 1))
        for turn in range(options.turns + 1):
            for name, work in variants.items():
                with watch.piece(name, f"turn {turn}, {name}" if turn else f"warming up, {name}"):
                    began = time.process_time()
                    work()
                    if turn:
                        spent.setdefault(name, []).append(time.process_time() - began)
    return Table(
        title="A table of texts",
        about=f"{_ROWS:,} rows of about {_WORDS} words from {_VOCABULARY:,}, distributed as in a "
        "language, with quotes and commas; with accents, a fifth of the words has letters beyond "
        f"ASCII. {counted(options.turns, 'turn')}, one after the other; seconds of processor time, "
        "since other work on a machine disturbs these least. *Read and encoded*: judged row by "
        "row, fingerprint, duplicates, splits, vocabulary, ids on disk with checksums.",
        columns=("what", "processor time", "in times pandas'"),
        rows=tuple(
            (
                name,
                f"{median(times):.2f} s",
                ratio(spent, name, f"{_PANDAS}, {name.split(', ')[1]}"),
            )
            for name, times in spent.items()
        ),
    )


def _by_pandas(path: Path) -> None:
    import pandas as pd

    pd.read_csv(path)


def _encoded(path: Path) -> None:
    # As if it had never been seen.
    path.touch()
    with tempfile.TemporaryDirectory() as cache:
        settings = sources.identify(DataSettings(str(path)))
        corpus.load(settings, Path(cache))


def write(path: Path, rows: int, accents: float) -> None:
    """A CSV of texts and labels.

    Args:
        path: where to.
        rows: how many.
        accents: share of the words with letters beyond ASCII.
    """
    random = np.random.default_rng(1)
    words = _words(random, accents)
    shares = np.cumsum(1 / np.arange(1, len(words) + 1) ** 1.05)
    around = [(before, after) for before, after, _ in _AFTER]
    chances = [share for _, _, share in _AFTER]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("text", "label"))
        for start in range(0, rows, _AT_ONCE):
            count = min(_AT_ONCE, rows - start)
            sizes = np.clip(random.lognormal(np.log(0.85 * _WORDS), 0.55, count), 5, 600)
            offsets = np.cumsum([0, *sizes.astype(int)])
            drawn = np.searchsorted(shares, random.random(offsets[-1]) * shares[-1])
            beside = random.choice(len(around), offsets[-1], p=chances)
            said = [
                f"{around[kind][0]}{words[word]}{around[kind][1]}"
                for word, kind in zip(drawn.tolist(), beside.tolist(), strict=True)
            ]
            labels = random.integers(0, 2, count).tolist()
            writer.writerows(
                (" ".join(said[first:last]), ("neg", "pos")[label])
                for first, last, label in zip(offsets, offsets[1:], labels, strict=False)
            )


def _words(random: np.random.Generator, accents: float) -> list[str]:
    """Distinct words, the first ones short."""
    letters = list("eeeeeeeetttttaaaaaooooiiiinnnnsssshhhrrrdddlllccuummwwffggyyppbbvvkjxqz")
    other = str.maketrans("aous", "äöüß")
    found: dict[str, None] = {}
    while len(found) < _VOCABULARY:
        size = int(np.clip(random.poisson(3 if len(found) < 200 else 6), 1, 16))
        word = "".join(random.choice(letters, size))
        found[word.translate(other) if random.random() < accents else word] = None
    return list(found)
