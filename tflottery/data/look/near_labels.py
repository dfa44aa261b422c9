"""Labels that may be one class, spelled in two ways."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

# A word of fewer letters is another word by one letter as often as not: ham and spam, act and fact.
_SHORTEST = 5
# The shortest word of which one letter s at the end is a plural: book and books, new and news.
_SHORTEST_SINGULAR = 4
# Labels of one kind that are compared each with each: of more, as of names of products, one letter
# tells two apart more often than a slip does.
_MOST = 300
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
    labels = [_Label.of(place, name) for place, name in enumerate(names)]
    # Near labels begin alike, and have the same letters or the same signs between their words.
    groups: dict[tuple[str, ...], list[_Label]] = {}
    for one in labels:
        groups.setdefault(("letters", one.folded), []).append(one)
        groups.setdefault(("signs", one.plain[:1], one.signs), []).append(one)
    pairs = {
        (one.place, other.place)
        for group in groups.values()
        if len(group) <= _MOST
        for one, other in combinations(group, 2)
        if _are_near(one, other)
    }
    return [(names[one], names[other]) for one, other in sorted(pairs)]


@dataclass(frozen=True)
class _Label:
    """``plain``: in lower case. ``folded``: without what may stand between and after its words.
    ``signs``: with one letter for each word. ``words``: its words."""

    place: int
    plain: str
    folded: str
    signs: str
    words: list[str]

    @classmethod
    def of(cls, place: int, name: str) -> _Label:
        plain = name.casefold()
        folded = _ENDS.sub("", _SPACES.sub("", plain))
        return cls(place, plain, folded, _LETTERS.sub("a", plain), _LETTERS.findall(plain))


def _are_near(one: _Label, other: _Label) -> bool:
    # What differs in case alone was kept apart on purpose (``data.labels``).
    if one.plain == other.plain or one.plain[:1] != other.plain[:1]:
        return False
    if one.folded == other.folded:
        return bool(one.words)
    # What stands between the words has to be the same: numbers, signs.
    if one.signs != other.signs:
        return False
    words = zip(one.words, other.words, strict=True)
    differing = [pair for pair in words if pair[0] != pair[1]]
    return len(differing) == 1 and _is_slip(*sorted(differing[0], key=len))


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
