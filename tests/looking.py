"""Data to look at: texts that are without a fault, and the look itself."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tflottery.data.look import inspection
from tflottery.data.look.inspection import Inspection
from tflottery.data.reading import memory, sources
from tflottery.data.settings import DataSettings

WORDS = [f"{a}{b}" for a in ("ba", "ko", "mi", "tu", "re") for b in ("lo", "na", "sti", "per")]
Rows = list[tuple[str, str]]


def clean(count: int = 2_500, words: int = 12, labels: Sequence[str] = ("bad", "good")) -> Rows:
    """Texts that all differ, of known words, classes in turn."""
    draw = random.Random(5)
    return [
        (" ".join(draw.choice(WORDS) for _ in range(words)) + f" {WORDS[n % 20]}", label)
        for n in range(count)
        for label in [labels[n % len(labels)]]
    ]


def identified(rows: Rows, **settings: object) -> DataSettings:
    texts, labels = zip(*rows, strict=True)
    name = memory.register((list(texts), list(labels)))
    return sources.identify(DataSettings(dataset=name, **settings))


def look(rows: Rows, **settings: object) -> Inspection:
    return inspection.inspect(identified(rows, **settings))


def relabelled(share: float) -> Rows:
    """A fraction of the texts is of one class, the rest of another."""
    rows = clean()
    return [(text, "rare" if n < share * len(rows) else "common") for n, (text, _) in
            enumerate(rows)]  # fmt: skip
