"""Kinds of characters, as the insides of ``[...]`` in a regular expression.

The tables of scripts and emoji are written out, so that Python and a model's graph agree on them
to the character, whatever version of Unicode each knows. Letters, marks and numbers are Unicode's
categories; the graph has those by name.
"""

from __future__ import annotations

import sys
import unicodedata
from functools import cache

Ranges = tuple[tuple[int, int], ...]

SCRIPTS: dict[str, Ranges] = {
    "Han": (
        # Iteration and closing marks, zero, Hangzhou numerals and the masu mark are used as
        # ideographs are; whole planes are set aside for those to come.
        (0x3005, 0x3007), (0x3021, 0x3029), (0x3038, 0x303C), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
        (0xF900, 0xFAFF), (0x16FE3, 0x16FE3), (0x20000, 0x2FFFD), (0x30000, 0x3FFFD),
    ),
    "Kana": (
        # With the prolonged sound mark, repeat marks, and half-width letters.
        (0x3031, 0x3035), (0x3041, 0x3096), (0x309D, 0x309F), (0x30A1, 0x30FA), (0x30FC, 0x30FF),
        (0x31F0, 0x31FF), (0xFF66, 0xFF9D), (0x1AFF0, 0x1AFFF), (0x1B000, 0x1B16F),
    ),
    "Thai": ((0x0E01, 0x0E30), (0x0E32, 0x0E33), (0x0E40, 0x0E46), (0x0E50, 0x0E59)),
    "Lao": (
        (0x0E81, 0x0EB0), (0x0EB2, 0x0EB3), (0x0EBD, 0x0EBD), (0x0EC0, 0x0EC6), (0x0ED0, 0x0EDF),
    ),
    "Khmer": (
        (0x1780, 0x17B3), (0x17D7, 0x17D7), (0x17DC, 0x17DC), (0x17E0, 0x17E9), (0x17F0, 0x17F9),
    ),
    "Burmese": (
        (0x1000, 0x102A), (0x103F, 0x1049), (0x1050, 0x1055), (0x105A, 0x105D), (0x1061, 0x1061),
        (0x1065, 0x1066), (0x106E, 0x1070), (0x1075, 0x1081), (0x108E, 0x108E), (0x1090, 0x1099),
        (0xA9E0, 0xA9E4), (0xA9E6, 0xA9FE), (0xAA60, 0xAA76), (0xAA7A, 0xAA7A), (0xAA7E, 0xAA7F),
    ),
}  # fmt: skip
"""Letters and numbers of scripts that write no spaces between words, without their marks."""

# Every character of Unicode's Extended_Pictographic (emoji, and places kept for emoji to come) but
# the letter-like (C), (R), TM, (i) and (M), and all of Miscellaneous Symbols and Dingbats, for half
# and outlined stars and ticks stand there; no letters, marks or numbers.
PICTURES: Ranges = (
    (0x203C, 0x203C), (0x2049, 0x2049), (0x2194, 0x2199), (0x21A9, 0x21AA), (0x231A, 0x231B),
    (0x2328, 0x2328), (0x2388, 0x2388), (0x23CF, 0x23CF), (0x23E9, 0x23F3), (0x23F8, 0x23FA),
    (0x25AA, 0x25AB), (0x25B6, 0x25B6), (0x25C0, 0x25C0), (0x25FB, 0x25FE), (0x2600, 0x2767),
    (0x2794, 0x27BF), (0x2934, 0x2935), (0x2B05, 0x2B07), (0x2B1B, 0x2B1C), (0x2B50, 0x2B50),
    (0x2B55, 0x2B55), (0x3030, 0x3030), (0x303D, 0x303D), (0x3297, 0x3297), (0x3299, 0x3299),
    (0x1F000, 0x1F0FF), (0x1F10D, 0x1F1E5), (0x1F200, 0x1F3FA), (0x1F400, 0x1FAFF),
    (0x1FC00, 0x1FFFD),
)  # fmt: skip
SKIN_TONES: Ranges = ((0x1F3FB, 0x1F3FF),)
FLAG_LETTERS: Ranges = ((0x1F1E6, 0x1F1FF),)
# Of the flags of England, Scotland and Wales.
TAGS: Ranges = ((0xE0020, 0xE007F),)
# They choose between a black and a coloured picture.
VARIANTS: Ranges = ((0xFE0E, 0xFE0F),)
JOINER, KEYCAP = "\u200d", "\u20e3"
# Half-width voiced sound marks: letters to Unicode, marks to readers.
VOICED_MARKS: Ranges = ((0xFF9E, 0xFF9F),)


def inside(ranges: Ranges) -> str:
    """Ranges of code points above ASCII, as they stand between brackets."""
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


def in_category(letter: str) -> str:
    """What Python has for ``\\pL``, ``\\pM`` or ``\\pN`` between brackets."""
    return inside(_categories()[letter])


@cache
def _categories() -> dict[str, Ranges]:
    found: dict[str, list[tuple[int, int]]] = {"L": [], "M": [], "N": []}
    for code in range(sys.maxunicode + 1):
        ranges = found.get(unicodedata.category(chr(code))[0])
        if ranges is None:
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return {letter: tuple(ranges) for letter, ranges in found.items()}
