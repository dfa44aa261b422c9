"""Toy reviews from a seeded grammar: for trying things, never for conclusions.

The label is the reviewer's verdict: after negation ("not at all dull"), and from the clause that
wins a contrast ("the score is superb, but the plot is flat"; "the plot is flat, although the score
is superb"). What others say, and who acts where, distracts. Word counts alone do not settle it; a
few words in a row mostly do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from tflottery import seeds
from tflottery.data.reading.source import Example
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError

# Part of the fingerprint: raise it whenever the grammar gives other reviews.
GRAMMAR = 1
SIZES = {"train": 5_000, "test": 2_000}

_GOOD = (
    "superb moving funny clever warm gripping charming honest fresh vivid tender witty bold "
    "elegant subtle radiant sincere thrilling graceful joyous luminous crisp playful stirring "
    "memorable poised generous spirited assured delightful"
).split()
_BAD = (
    "dull clumsy tired bland noisy shallow stale hollow tedious sloppy grim lifeless awkward "
    "muddled smug pompous forced limp drab messy predictable cynical plodding flat wooden "
    "murky grating lazy incoherent dreary"
).split()
_ASPECTS = (
    "plot cast score script camera pacing ending dialogue direction editing premise humour lead "
    "villain opening finale setting costume sound chemistry"
).split()
_NEGATIONS = ("not", "never", "hardly", "not at all", "by no means", "anything but")
_DEGREES = ("", "", "", "", "very", "truly", "rather", "quite")
_CONTRASTS = ("but", "yet", "however")
_CONCESSIONS = ("although", "though", "while")
_HEARSAY = ("{name} says", "they told me", "some claim")
_NEGATED_SHARE, _CONTRAST_SHARE, _HEARSAY_SHARE = 0.3, 0.3, 0.4
# Some reviewers mean the opposite and nothing tells: no model gets beyond 1 minus this.
_IRONIC_SHARE = 0.05
_FILLERS = (
    "i saw it with {name} in {place}",
    "{name} plays {name} of {place}",
    "it was shot near {place} by {name}",
    "the story begins when {name} leaves {place}",
    "we had seats beside {name}",
    "the {aspect} reminded me of {name}",
)
_SYLLABLES = (
    "ba be bi bo da de di do fa fe ga go ka ke ki ko la le li lo ma me mi mo na ne ni no pa pe "
    "ra re ri ro sa se si so ta te ti to va ve vi vo za ze"
).split()


class ToySource:
    """``--dataset toy``: 5,000 training and 2,000 test reviews, the same on every machine."""

    caution: ClassVar[str] = "Toy reviews are generated: fine for trying things, no evidence."
    name = "toy"
    classes = ("negative", "positive")
    splits = ("train", "test")
    texts = sum(SIZES.values())

    def __init__(self, settings: DataSettings) -> None:
        if settings.classes and settings.classes != self.classes:
            raise UserError(f"The classes of toy are {list(self.classes)}, in this order.")

    @classmethod
    def claims(cls, dataset: str) -> bool:
        return dataset == "toy"

    @classmethod
    def named(cls, dataset: str) -> str:
        return "toy"

    @property
    def remarks(self) -> tuple[str, ...]:
        return ()

    def fingerprint(self) -> str:
        return f"toy-grammar-{GRAMMAR}"

    def size(self, split: str) -> int:
        return SIZES[split]

    def examples(self, split: str) -> Iterator[Example]:
        random = seeds.generator("toy", GRAMMAR, split)
        for number in range(SIZES[split]):
            label = number % 2
            ironic = random.random() < _IRONIC_SHARE
            yield _review(random, bool(label) != ironic).encode(), label


def _review(random: np.random.Generator, good: bool) -> str:
    clauses = [_filler(random) for _ in range(random.integers(0, 4))]
    clauses.append(_verdict(random, good))
    clauses += [_filler(random) for _ in range(random.integers(0, 3))]
    if random.random() < _HEARSAY_SHARE:
        source = str(random.choice(_HEARSAY)).format(name=_name(random))
        hearsay = f"{source} {_opinion(random, bool(random.integers(2)))}"
        clauses.insert(int(random.integers(len(clauses) + 1)), hearsay)
    return "".join(
        f"{clause.capitalize()}{random.choice(('. ', '! ', '.<br /><br />'))}" for clause in clauses
    ).strip()


def _verdict(random: np.random.Generator, good: bool) -> str:
    wins, loses = _opinion(random, good), _opinion(random, bool(random.integers(2)))
    kind = random.random()
    if kind < _CONTRAST_SHARE:
        return f"{loses}, {random.choice(_CONTRASTS)} {wins}"
    if kind < 2 * _CONTRAST_SHARE:
        return f"{wins}, {random.choice(_CONCESSIONS)} {loses}"
    return wins


def _opinion(random: np.random.Generator, good: bool) -> str:
    negated = random.random() < _NEGATED_SHARE
    adjective = random.choice(_GOOD if good != negated else _BAD)
    degree = random.choice(_NEGATIONS if negated else _DEGREES)
    return " ".join(f"the {random.choice(_ASPECTS)} is {degree} {adjective}".split())


def _filler(random: np.random.Generator) -> str:
    return str(random.choice(_FILLERS)).format(
        name=_name(random), place=_name(random), aspect=random.choice(_ASPECTS)
    )


def _name(random: np.random.Generator) -> str:
    return "".join(random.choice(_SYLLABLES, size=random.integers(2, 4)))
