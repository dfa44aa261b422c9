"""Scripts that put no space between words: how much of a text is in them, and how it is cut."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# Letters by Unicode blocks; Python's re knows no scripts. Han with its iteration marks.
_RANGES = {
    "Han": "\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff",
    "kana": "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f",
    "Thai": "\u0e01-\u0e4e",
    "Lao": "\u0e81-\u0ecd\u0edc-\u0edf",
    "Khmer": "\u1780-\u17d3\u17dd",
    "Burmese": "\u1000-\u103f\u1050-\u109d\ua9e0-\ua9ef\ua9fa-\ua9fe\uaa60-\uaa7f",
}
_JAPANESE, _BRAHMIC = ("Han", "kana"), ("Thai", "Lao", "Khmer", "Burmese")
# Runs of letters that are longer than words of these scripts are: nearly all words of Chinese and
# Japanese have at most 8 letters, of the others at most 16, with their vowel signs. A text that
# was cut into words by a program has hardly a longer one, a clause that was not is mostly longer.
LONGEST_WORD = {"Japanese": 8, "Brahmic": 16}


def _run(scripts: Iterable[str], least: int = 1) -> re.Pattern[str]:
    return re.compile(f"[{''.join(_RANGES[script] for script in scripts)}]{{{least},}}")


_OF_SCRIPT = {script: _run([script]) for script in _RANGES}
_ANY = _run(_RANGES)
_LONG = (
    _run(_JAPANESE, LONGEST_WORD["Japanese"] + 1),
    _run(_BRAHMIC, LONGEST_WORD["Brahmic"] + 1),
)


@dataclass(frozen=True)
class Letters:
    """Running letters: all; ``spaceless``: by script, those of scripts without spaces; ``run_on``:
    those of them in runs that are longer than a word."""

    all: int
    spaceless: dict[str, int]
    run_on: int


def count_letters(words: Iterable[str], counts: Iterable[int]) -> Letters:
    """The letters of running words.

    Args:
        words: distinct normalised words.
        counts: how often each occurs.
    """
    total, run_on = 0, 0
    by_script = dict.fromkeys(_RANGES, 0)
    for word, count in zip(words, counts, strict=True):
        total += len(word) * count
        if word.isascii() or not _ANY.search(word):
            continue
        for script, pattern in _OF_SCRIPT.items():
            by_script[script] += _length(pattern, word) * count
        run_on += sum(_length(pattern, word) for pattern in _LONG) * count
    return Letters(int(total), {name: int(n) for name, n in by_script.items() if n}, int(run_on))


def _length(pattern: re.Pattern[str], word: str) -> int:
    return sum(found.end() - found.start() for found in pattern.finditer(word))
