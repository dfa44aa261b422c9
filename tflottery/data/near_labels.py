"""Labels that may be one class, spelled in two ways."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

# A word of fewer letters is another word by one letter as often as not: ham and spam, act and fact.
_SHORTEST = 5
# The shortest word of which one letter s at the end is a plural: book and books, new and news.
_SHORTEST_SINGULAR = 4
_SPACES = re.compile(r"(?<=[^\W\d_])[\s_\-\u2010-\u2015.'\u2019]+(?=[^\W\d_])")
# Punctuation after a word of three letters or more; C and C++ are two languages.
_ENDS = re.compile(r"(?<=[^\W\d_]{3})[.,:;!]+$")
_LETTERS = re.compile(r"[^\W\d_]+")


def near_labels(names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of labels that differ by spaces and hyphens between letters, by a plural, or by one
    typing error in a word of five letters or more.

    A typing error is a letter too many, too few, another one or two that changed places, not at the
    beginning of the word, where it makes another meaning (``moral``, ``amoral``), and not another
    one at its end (``typea``, ``typeb``). Labels that differ in their numbers never are near.

    >>> near_labels(["negative", "positive", "postive"])
    [('positive', 'postive')]
    """
    return [pair for pair in combinations(names, 2) if _are_near(*pair)]


def _are_near(one: str, other: str) -> bool:
    one, other = one.casefold(), other.casefold()
    # What differs in case alone was kept apart on purpose (``data.labels``).
    if one == other or one[:1] != other[:1]:
        return False
    if _folded(one) == _folded(other):
        return bool(_LETTERS.search(one))
    # What stands between the words has to be the same: numbers, signs.
    if _LETTERS.sub("a", one) != _LETTERS.sub("a", other):
        return False
    words = zip(_LETTERS.findall(one), _LETTERS.findall(other), strict=True)
    differing = [pair for pair in words if pair[0] != pair[1]]
    return len(differing) == 1 and _is_slip(*sorted(differing[0], key=len))


def _folded(label: str) -> str:
    return _ENDS.sub("", _SPACES.sub("", label))


def _is_slip(short: str, long: str) -> bool:
    """Whether two words are one, by a plural or a typing error."""
    if long == f"{short}s" or long == f"{short}es":
        return len(short) >= _SHORTEST_SINGULAR
    if len(short) < _SHORTEST or short[0] != long[0]:
        return False
    place = next((n for n, pair in enumerate(zip(short, long, strict=False)) if pair[0] != pair[1]),
                 len(short))  # fmt: skip
    if len(long) == len(short) + 1:
        return short[place:] == long[place + 1 :]
    if len(long) != len(short):
        return False
    swapped = long[:place] + long[place : place + 2][::-1] + long[place + 2 :]
    is_other_letter = short[place + 1 :] == long[place + 1 :] and place + 1 < len(short)
    return short == swapped or is_other_letter
