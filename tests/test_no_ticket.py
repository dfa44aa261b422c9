"""What people really bring: data of which nothing can be learnt, or nothing can be shown, give no
winning ticket. Real trainings, on small files."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

import tflottery as tfl
from tflottery.tickets.verdict import NO_VERDICT

SMALL = {
    "training.epochs": 2,
    "model.filters": 4,
    "model.embedding": 6,
    "model.widths": [2],
    "data.vocabulary_size": 300,
}
WORDS = [f"word{number}" for number in range(200)]


def write(path: Path, rows: list[tuple[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])


def drawn(count: int, label: str, source: random.Random) -> list[tuple[str, str]]:
    return [(" ".join(source.choices(WORDS, k=6)), label) for _ in range(count)]


def one_class(folder: Path) -> None:
    """97 % of the texts are one class, and words say nothing of it."""
    source = random.Random(1)
    rows = drawn(679, "ham", source) + drawn(21, "spam", source)
    source.shuffle(rows)
    write(folder / "mine.csv", rows)


def copied(folder: Path) -> None:
    """Labels are drawn, and every test text is copied from train."""
    source = random.Random(2)
    train = drawn(200, "neg", source) + drawn(200, "pos", source)
    (folder / "mine.csv").mkdir()
    write(folder / "mine.csv" / "train.csv", train)
    write(folder / "mine.csv" / "test.csv", train[::4])


def twelve_rows(folder: Path) -> None:
    source = random.Random(3)
    write(folder / "mine.csv", drawn(6, "neg", source) + drawn(6, "pos", source))


def few_positives(folder: Path) -> None:
    """8 % of the texts are positive, and dense finds none of them."""
    source = random.Random(4)
    rows = drawn(644, "no", source) + drawn(56, "yes", source)
    source.shuffle(rows)
    write(folder / "mine.csv", rows)


def without_spaces(folder: Path) -> None:
    """Sentences of Chinese characters; as words, each is one that no other text holds."""
    source = random.Random(5)
    letters = [chr(0x4E00 + 7 * number) for number in range(300)]
    rows = [
        ("".join([*source.choices(letters, k=12), mark]), label)
        for mark, label in (("\u5dee", "neg"), ("\u597d", "pos")) * 200
    ]
    write(folder / "mine.csv", rows)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (few_positives, "dense is not shown to beat the larger class alone (no)"),
        (without_spaces, "hold known words that no text before them holds"),
        (one_class, "dense is not shown to beat the larger class alone (ham)"),
        (copied, "0 of 100 test texts hold known words that no text before them holds"),
        (twelve_rows, "hold known words that no text before them holds, and it takes 20 of each"),
    ],
)
def test_nothing_is_recommended_where_nothing_is_shown(tmp_path, monkeypatch, make, why):
    monkeypatch.chdir(tmp_path)
    make(tmp_path)
    found = tfl.find_ticket(
        "mine.csv",
        model="cnn",
        sparsity=0.2,
        tolerance=50,
        set={**SMALL, "data.tokens": "words"},
        progress=False,
    )
    assert found.verdict == found.ticket.about["verdict"] == NO_VERDICT
    assert why in found.sentence and found.sentence.startswith("No verdict: ")
    assert "not shown to match" in found.ticket.reservation
