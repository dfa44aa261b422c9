"""What a device needs beside a model that takes ids: vocabulary, labels, and how a text is read, as
a specification with texts to check a program by, and as programs in three languages."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tflottery import seeds
from tflottery.data.words.joined_words import is_translated
from tflottery.data.words.vocabulary import PADDING, RESERVED, UNKNOWN, Vocabulary
from tflottery.data.words.wording import Wording
from tflottery.errors import TflotteryError
from tflottery.exports.formats.reference.normalise import Normaliser
from tflottery.report import environments
from tflottery.tickets.ticket import Ticket

FOLDER = "device"
VECTORS = 200
_TEMPLATE = "exports/formats/normalisation.md.j2"
REFERENCE = Path(__file__).parent / "reference"
PROGRAMS = ("normalise.py", "normalise.mjs", "Normalise.kt")
_ODD = (
    "",
    " \t\n ",
    "!?",
    "?!?!",
    "…",
    "\0",
    "a\0b",
    "\ufeffIt",
    "it's",
    "IT’S",
    "don't, can't; won't",
    "It wasn’t bad; it's <i>not</i> good.<br /><br />Not at all!",
    "<BR>A<br/>b<br\t/>c<br \n />d",
    'Yelp writes \\n and ""quotes"" like this.\\N',
    "😀 👍🏽 ❤️",
    "so 😀👍🏽👨\u200d👩\u200d👧❤️❤ 🇩🇪 1️⃣ :-) great:( ;D <3 ★★☆",
    "http://a.b/c?d=e note:do :d :D x:p ^_^ -_- </3 =( =) ;-] :/",
    "아주 좋은 영화였다. 다시 보고 싶다!",
    "ÜBERRASCHEND GUT — ein großer Spaß",
    "STRASSE ẞ İstanbul ΟΔΥΣΣΕΥΣ Σ",
    "我喜欢这部电影！12分。すごーい人々 ｶﾞ",
    "ภาษาไทยนี้ดี ລາວ ខ្មែរ မြန်မာ",
    "e\u0301te\u0301 naïve \u0301x",
    "½ ² ٣ Ⅷ 3.5/5 10,000 1st",
    "a_b-c+d=e*f#g@h",
    "\u200bzero\u200dwidth\u00a0no\u2028break\u3000wide",
    "A" * 300,
    "a\rb\x0bc\x0cd\x85e",
)
_BETWEEN = (" ", "  ", ", ", ". ", "! ", " ?", "<br />", "<br/>", "\\n", "\n", " - ", "…", "/", "'")


def write(folder: Path, ticket: Ticket) -> None:
    """Writes the files into an empty folder.

    Raises:
        TflotteryError: the program in Python reads a text in another way than the ticket.
    """
    data, vocabulary = ticket.recipe.data, ticket.vocabulary
    texts = vectors(vocabulary, data.max_length)
    ids = vocabulary.encode(texts, data.max_length, data.wording)
    write_reading(folder, vocabulary, data.wording, data.max_length, texts, ids)
    labels = "".join(f"{' '.join(name.split())}\n" for name in ticket.classes)
    (folder / "labels.txt").write_text(labels, encoding="utf-8", newline="\n")
    rendered = (
        environments.markdown()
        .get_template(_TEMPLATE)
        .render(
            classes=ticket.classes,
            kept=data.wording.in_words(data.max_length),
            max_length=data.max_length,
            rules="\n".join(
                f"{json.dumps(pattern)} becomes {json.dumps(made)}"
                for pattern, made in data.wording.rules()
            ),
            vectors=len(texts),
        )
    )
    (folder / "normalisation.md").write_text(f"{rendered}\n", encoding="utf-8")
    for name in PROGRAMS:
        shutil.copyfile(REFERENCE / name, folder / name)
    normaliser = Normaliser(folder)
    wrong = [
        text for text, right in zip(texts, ids, strict=True) if normaliser.encode(text) != right
    ]
    if wrong:
        raise TflotteryError(f"normalise.py reads {wrong[0][:80]!r} in another way than the ticket")


def write_reading(
    folder: Path,
    vocabulary: Vocabulary,
    wording: Wording,
    max_length: int,
    texts: list[str],
    ids: list[list[int]],
) -> None:
    """Writes ``vocabulary.txt`` and ``normalisation.json``.

    Args:
        folder: where they go.
        vocabulary, wording, max_length: how texts are read.
        texts, ids: texts to check a program by, and their ids.
    """
    (folder / "vocabulary.txt").write_text(vocabulary.to_text(), encoding="utf-8", newline="\n")
    first, last = wording.ends(max_length)
    document = {
        "rules": [{"pattern": pattern, "becomes": made} for pattern, made in wording.rules()],
        "max_length": max_length,
        "first": first,
        "last": last,
        "padding": PADDING,
        "unknown": UNKNOWN,
        "vectors": [{"text": text, "ids": row} for text, row in zip(texts, ids, strict=True)],
    }
    # Texts as escapes, so that no editor and no channel changes them.
    (folder / "normalisation.json").write_text(f"{json.dumps(document)}\n", encoding="ascii")


def vectors(vocabulary: Vocabulary, max_length: int) -> list[str]:
    """Texts to check a program by: odd ones, and words of the vocabulary in random order, in small
    and capital letters, with all kinds of things between them; the same ones each time."""
    random = seeds.generator("texts to check a program by", len(vocabulary), max_length)
    known = [word for word in vocabulary.words[len(RESERVED) :] if all(map(is_translated, word))]
    long = " ".join(_words(random, known, max_length + 3))
    drawn = (_text(random, known) for _ in range(VECTORS))
    texts = [*_ODD, long, *drawn]
    return texts[:VECTORS]


def _text(random: np.random.Generator, known: list[str]) -> str:
    words = list(_words(random, known, int(random.integers(1, 25))))
    between = random.choice(_BETWEEN, len(words), p=[0.5] + [0.5 / 13] * 13)
    return "".join(f"{word}{gap}" for word, gap in zip(words, between, strict=True))


def _words(random: np.random.Generator, known: list[str], count: int) -> Iterator[str]:
    for _ in range(count):
        word = str(random.choice(known)) if known and random.random() < 0.9 else "neverheardof"
        way = random.random()
        yield word.upper() if way < 0.1 else word.capitalize() if way < 0.3 else word
