"""Which words a text is made of where the settings say so, and which of them are read.

The rules are regular expressions that RE2, in a model's graph (``text``), and Python's ``re``
(``duplicates``) both read and understand alike. Whoever changes what they give raises
``corpus.NORMALISATION``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from tflottery.data.words.characters import (
    FLAG_LETTERS,
    JOINER,
    KEYCAP,
    PICTURES,
    SCRIPTS,
    SKIN_TONES,
    TAGS,
    VARIANTS,
    VOICED_MARKS,
    inside,
)

Tokens = Literal["words", "characters", "auto"]
Keep = Literal["head", "tail", "both"]
Rule = tuple[str, str]
T = TypeVar("T")


@dataclass(frozen=True)
class Wording:
    """How a text becomes words, and which of these are read.

    ``tokens``: ``words`` are what stands between spaces and punctuation; ``characters`` makes each
    letter or number, with its marks, a word; ``auto`` does so for ``characters.SCRIPTS`` alone.
    ``symbols``: emoji and emoticons are words. ``keep``: the words of a long text that are read:
    the first (``head``), the last (``tail``), or half of each (``both``).
    """

    tokens: Tokens = "words"
    symbols: bool = False
    keep: Keep = "head"

    @property
    def is_plain(self) -> bool:
        """Whether the words are those of ``text.normalise``."""
        return self.tokens == "words" and not self.symbols

    def splits(self, text: bytes) -> bool:
        """Whether a text may have other words than ``text.normalise`` gives it."""
        return not self.is_plain and not (
            self.tokens == "auto" and not self.symbols and text.isascii()
        )

    def ends(self, length: int) -> tuple[int, int]:
        """How many of the first and of the last words of a text stay where ``length`` words may;
        of an odd number, the first get one more."""
        first = {"head": length, "tail": 0, "both": length - length // 2}[self.keep]
        return first, length - first

    def cut(self, words: Sequence[T], length: int) -> list[T]:
        """At most ``length`` of a text's words, in their order."""
        if len(words) <= length:
            return list(words)
        first, last = self.ends(length)
        return [*words[:first], *words[len(words) - last :]]

    def rules(self) -> tuple[Rule, ...]:
        """Patterns and what each match of theirs becomes (``\\1`` is the group), one after the
        other, on a text in lower case; what comes out has a space at most between two words."""
        rules = [(r"<br[\t\n\f\r ]*/?>|\\n", " "), ("['’]", "")]
        kept = ["[!?]"]
        if self.symbols:
            rules += [(f"[{inside(VARIANTS)}]", ""), _NOSES]
            kept += [_EMOJI, _EMOTICONS]
        if self.tokens != "words":
            # Texts in these scripts have no other exclamation and question marks.
            rules += [("！", "!"), ("？", "?")]
            kept.append(_unit(self.tokens))
        apart = rf"({'|'.join(kept)})|[^\pL\pM\pN]"
        return (*rules, (apart, r" \1 "), (" +", " "))

    def in_words(self, length: int) -> str:
        """Which words of a text are read, for people: ``the first 400``."""
        first, last = self.ends(length)
        parts = [f"the {end} {count}" for end, count in (("first", first), ("last", last)) if count]
        return " and ".join(parts)


PLAIN = Wording()


def _unit(tokens: Tokens) -> str:
    scripts = "".join(map(inside, SCRIPTS.values()))
    letters = scripts if tokens == "auto" else rf"\pL\pN{scripts}"
    return rf"[{letters}][\pM{inside(VOICED_MARKS)}]*"


def _emoji() -> str:
    picture = f"[{inside(PICTURES)}][{inside(SKIN_TONES)}]?[{inside(TAGS)}]*"
    flag = f"[{inside(FLAG_LETTERS)}]{{1,2}}"
    return f"{picture}(?:{JOINER}{picture})*|{flag}|[0-9#*]{KEYCAP}"


_EMOJI = _emoji()
# ``:-)`` is ``:)``.
_NOSES = (r"([:;=])-([)(\]\[|/\\*dpo])", r"\1\2")
# Smiles and frowns stand anywhere; those that are parts of addresses or words too (``http://``,
# ``note:do``) only where no letter or digit is beside them.
_EMOTICONS = "|".join(
    [r"[:;=][)(]", r"\B[:;=][\]\[|/\\*]", r"\B[:;=][dpo]\b", r"</?3\b", r"\^_?\^", "-_-"]
)
