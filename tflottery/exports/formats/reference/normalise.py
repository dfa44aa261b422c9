"""From a text to the ids that a model takes: the reference in Python, without any package.

``python normalise.py`` checks it against the texts of ``normalisation.json`` beside it. The file
``normalisation.md`` says in words what is done here.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from pathlib import Path


class Normaliser:
    """What ``normalisation.json`` and ``vocabulary.txt`` in a folder say."""

    def __init__(self, folder: Path) -> None:
        about = json.loads((folder / "normalisation.json").read_text(encoding="utf-8"))
        words = (folder / "vocabulary.txt").read_text(encoding="utf-8").split("\n")[:-1]
        self.about = about
        self.ids = {word: number for number, word in enumerate(words)}
        self.rules = [(_pattern(one["pattern"]), one["becomes"]) for one in about["rules"]]

    def words(self, text: str) -> list[str]:
        text = text.replace("\0", " ").lower()
        for pattern, becomes in self.rules:
            text = pattern.sub(becomes, text)
        return [word for word in text.split(" ") if word]

    def encode(self, text: str) -> list[int]:
        """At least one id, at most ``max_length``, without padding."""
        words, about = self.words(text), self.about
        if len(words) > about["max_length"]:
            words = words[: about["first"]] + words[len(words) - about["last"] :]
        return [self.ids.get(word, about["unknown"]) for word in words] or [about["unknown"]]


def _pattern(pattern: str) -> re.Pattern[str]:
    """A rule's pattern for ``re``, which knows no Unicode categories by name."""
    for letter in "LMN":
        if rf"\p{letter}" in pattern:
            pattern = pattern.replace(rf"\p{letter}", _category(letter))
    return re.compile(pattern, re.ASCII)


def _category(letter: str) -> str:
    found: list[list[int]] = []
    for code in range(128 if letter != "M" else 0, sys.maxunicode + 1):
        if unicodedata.category(chr(code))[0] == letter:
            if found and found[-1][1] == code - 1:
                found[-1][1] = code
            else:
                found.append([code, code])
    of_ascii = {"L": "A-Za-z", "N": "0-9", "M": ""}[letter]
    return of_ascii + "".join(f"{chr(first)}-{chr(last)}" for first, last in found)


def main(folder: Path) -> int:
    normaliser = Normaliser(folder)
    vectors = normaliser.about["vectors"]
    wrong = [one for one in vectors if normaliser.encode(one["text"]) != one["ids"]]
    for one in wrong:
        print(f"{one['text']!r}: {normaliser.encode(one['text'])}, not {one['ids']}")
    print(f"{len(vectors) - len(wrong)} of {len(vectors)} texts have their ids")
    return 1 if wrong or not vectors else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent))
