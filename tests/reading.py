"""What the tests of reading share."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tflottery.data.reading import sources
from tflottery.data.reading.source import Source
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError

Rows = list[tuple[str, str]]

# Enough of each class to hold some out, and none twice.
SOUND = [(f"a film of {n} hours, {'dull' if n % 2 else 'fine'}", "np"[n % 2]) for n in range(12)]

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.text(LETTERS, min_size=1, max_size=20).filter(str.strip) | st.sampled_from(
    ['"', '""', "'", ",", "a\tb", "a\nb", '"a"', '"a', 'a"', ";", "a,b", "\\", "a\r\nb", "  x "]
)
TABLES = st.lists(st.tuples(TEXTS, st.sampled_from(["n", "p"])), min_size=1, max_size=8)
QUICK = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def opened(path: Path | str, **changes: object) -> Source:
    return sources.open_source(DataSettings(dataset=str(path), **changes))


def rows_of(source: Source, split: str = "train") -> Rows:
    return [(text.decode(), source.classes[n]) for text, n in source.examples(split)]


def refusal(path: Path | str, **changes: object) -> str:
    with pytest.raises(UserError) as caught:
        rows_of(opened(path, **changes))
    message = str(caught.value)
    assert message.isprintable() and len(message) < 1_500
    return message


def remarks(source: Source) -> str:
    return "\n".join(source.remarks)


def csv_of(rows: Rows, header: list[str] | None = None, **options: object) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n", **options)
    writer.writerow(header or ["text", "label"])
    writer.writerows(rows)
    return stream.getvalue()


def lines_of(rows: Rows) -> str:
    return "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)


def both_classes(rows: Rows) -> Rows:
    return [("first of one", "n"), ("first of two", "p"), *rows]


# A small table with all that quotes are for, and what a row looks like within a text.
ROWS = [
    ("a quiet film", "neg"), ("warm, and funny", "pos"), ("not a word of it", "neg"),
    ('she said "go"', "pos"), ("two\nlines, and more", "neg"), ("plain and true", "pos"),
    ("grey on grey", "neg"), ("bright — and größer", "pos"),
]  # fmt: skip
BASES = {
    "label last": (csv_of(ROWS).encode(), r",(neg|pos)[ \t]*(?=[\r\n]|$)"),
    "label first": (
        csv_of([(b, a) for a, b in ROWS], ["label", "text"]).encode(),
        r"(?:^|[\r\n])(neg|pos),[^ ,]",
    ),
}
PIECES = [b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"\xc3", b'""', b'",', b',"', b"\t", b";",
          b"neg", b"pos", b"text,label\n", b" ", b"\xef\xbb\xbf", b"nan", b"{", b"[", b"sep=,\n",
          b"\xe2\x80\x8b", b"\\"]  # fmt: skip


def mutated(chance: random.Random, content: bytes, pieces: list[bytes] = PIECES) -> bytes:
    """Some bytes with one to three changes."""
    made = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        at = chance.randrange(len(made) + 1)
        to = min(len(made), at + chance.choice((1, 1, 2, 5, 30)))
        kind = chance.randrange(6)
        if kind == 0:
            del made[at:to]
        elif kind == 1:
            made[at:at] = chance.choice(pieces)
        elif kind == 2:
            made[at:to] = chance.choice(pieces)
        elif kind == 3 and at < len(made):
            made[at] ^= 1 << chance.randrange(8)
        elif kind == 4:
            made[at:at] = made[at:to]
        else:
            del made[at:]
        if not made:
            break
    return bytes(made)
